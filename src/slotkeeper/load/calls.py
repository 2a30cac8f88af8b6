"""Many callers at once, and what stands in the books afterwards."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from slotkeeper.domain.errors import Conflict
from slotkeeper.load.asking import Asker
from slotkeeper.load.callers import CHILDREN, Call, Clinic, Door, Notes, ring
from slotkeeper.load.telephone import Telephone

AHEAD = 75
"""How many dates are looked at: what callers are offered lies within them."""
PAGE = 200
Progress = Callable[[int, int], None] | None


class Slot(NamedTuple):
    """The numbers of a window-date."""

    ai_slots: int
    filled: int
    available: int


class Round(NamedTuple):
    """The callers of one door: what they noted, and what was wrong in the books afterwards."""

    door: str
    notes: Notes
    oversold: list[str]
    broken: list[str]


class Calls:
    """Callers against a running server, with a key for each of ``askers``; they share them in turn."""

    def __init__(self, askers: Sequence[Asker], clinic: Clinic, *, callers: int, hesitate: float) -> None:
        self._askers, self._clinic, self._callers, self._hesitate = askers, clinic, callers, hesitate
        self.name = f"Simulated {secrets.token_hex(4)}"
        self._names: list[str] = []
        self._last_hold = 0.0

    def ring(self, door: str, doors: Sequence[Door], progress: Progress) -> Round:
        """Let all callers ring at once, through one of the doors for each key, and look into the books.

        Raises Unavailable, Conflict. Whatever happens, ``take_back`` comes after it.
        """
        name = f"{self.name} {len(self._names)}"
        names = [name, *(f"{name}{child}" for child in CHILDREN)]
        self._names += names
        before, notes = self._slots(), Notes()
        started = time.monotonic()
        with self._askers[0].explained():
            asyncio.run(self._ring_all(doors, notes, name, progress))
        notes.lasted = time.monotonic() - started
        self._last_hold = max(self._last_hold, notes.last_hold)
        return Round(door, notes, self._oversold(before), [*notes.faults, *self._broken(notes, names)])

    async def _ring_all(self, doors: Sequence[Door], notes: Notes, name: str, progress: Progress) -> None:
        done = 0

        async def one(number: int) -> None:
            nonlocal done
            place = number % len(doors)
            telephone = Telephone(self._askers[place].target)
            call = Call(number, name, door=doors[place], telephone=telephone, notes=notes, hesitate=self._hesitate)
            notes.outcomes[await ring(call)] += 1
            done += 1
            if progress is not None:
                progress(done, self._callers)

        await asyncio.gather(*(one(number) for number in range(self._callers)))

    def _oversold(self, before: Mapping[str, Slot]) -> list[str]:
        """Where more is filled than the tools may fill, and more than there was before."""
        nothing = Slot(0, 0, 0)
        return [
            f"{slot_id}: {slot.filled} filled, {slot.ai_slots} places for AI"
            for slot_id, slot in self._slots().items()
            if slot.filled > max(slot.ai_slots, before.get(slot_id, nothing).filled)
        ]

    def _broken(self, notes: Notes, names: Sequence[str]) -> list[str]:
        """What stands otherwise than a caller was told."""
        booked = [one for name in names for one in self._appointments(name)]
        standing = {one["appointment_id"] for one in booked if one["status"] != "cancelled"}
        return [
            *(f"{one} was promised, and does not stand" for one in sorted(notes.standing - standing)),
            *(f"{one} stands, and nobody was told of it" for one in sorted(standing - notes.standing)),
        ]

    def find_dangling(self, progress: Progress) -> list[str]:
        """Wait until the last hold has run out: what is neither filled nor free then. Raises Unavailable, Conflict."""
        started, total = time.monotonic(), self._last_hold + 1 - time.monotonic()
        while (left := self._last_hold + 1 - time.monotonic()) > 0:
            if progress is not None:
                progress(int(time.monotonic() - started), int(total))
            time.sleep(min(left, 1))
        return [
            f"{slot_id}: {slot.filled} filled and {slot.available} free of {slot.ai_slots}"
            for slot_id, slot in self._slots().items()
            if slot.available != max(0, slot.ai_slots - slot.filled)
        ]

    def _slots(self) -> dict[str, Slot]:
        """The window-dates of the branch that callers may be offered."""
        found = {}
        for day in range(AHEAD):
            on = self._clinic.today + timedelta(days=day)
            path = f"/v1/appointment-slots/availability?date={on}&branch_id={self._clinic.branch_id}"
            for slot in self._askers[0].get(path)["slots"]:
                found[slot["slot_id"]] = Slot(slot["ai_slots"], slot["filled_slots"], slot["available_slots"])
        return found

    def _appointments(self, name: str, status: str = "") -> list[dict[str, Any]]:
        """All appointments of patients of a name."""
        found: list[dict[str, Any]] = []
        page = 1
        while len(found) == (page - 1) * PAGE:
            path = f"/v1/appointments?patient_name={quote(name)}&status={status}&limit={PAGE}&page={page}"
            found += self._askers[0].get(path)["data"]
            page += 1
        return found

    def take_back(self) -> int:
        """Cancel what the callers booked; how many. Raises Unavailable, Conflict."""
        asker = self._askers[0]
        ids = [
            one["appointment_id"]
            for name in self._names
            for status in ("confirmed", "rescheduled")
            for one in self._appointments(name, status)
        ]
        for one in ids:
            asker.ask(asker.target.send("PATCH", f"/v1/appointments/{one}", {"status": "cancelled"}, asker.key))
        return len(ids)


def find_clinic(asker: Asker, *, service: str | None, branch: str | None, today: date) -> Clinic:
    """What callers ask for: by default a service and a branch with much room. Raises Unavailable, Conflict for none."""
    config = asker.get("/v1/appointment-config")["data"]
    if not config["allow_cancellation"]:
        raise Conflict("This organization allows no cancellation, so what is booked here could not be taken back.")
    where = f"{f'&branch_id={branch}' if branch else ''}{f'&appointment_type={service}' if service else ''}"
    found = asker.get(f"/v1/appointment-slots/next-available?days=30&limit=50{where}")["data"]
    if not found:
        raise Conflict("Nothing is free in the next 30 days that callers could ask for: name another --service.")
    first = max(found, key=lambda one: int(one["available_slots"]))
    branches = asker.get("/v1/branches")["data"]
    zone = next(one["timezone"] for one in branches if one["branch_id"] == first["branch_id"]) or config["timezone"]
    return Clinic(first["appointment_type"], first["branch_id"], zone, today)
