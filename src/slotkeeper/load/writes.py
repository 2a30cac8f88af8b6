"""What is written on a running server and taken back: booked, moved and cancelled, held and confirmed.

Everything that is booked carries one reference, by which it is found again and cancelled at the end, also where the
answer to a booking never came.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from itertools import count, islice, repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from slotkeeper.domain.errors import Conflict
from slotkeeper.load.asking import PLAIN, Asker
from slotkeeper.load.figures import Block, Row
from slotkeeper.load.generator import Load, Pair, Request, put_load
from slotkeeper.load.reads import NOTE, SLOTS, Plan, beside_plain

APPOINTMENTS, HOLDS = "/v1/appointments", "/v1/holds"
MOST = 2_000
"""How many places are taken at once at most."""
MOST_HOLDS = 16
"""How many holds there are at once: a key may keep 20."""
SHORTEST_HOLD = 30
PAGE = 200
LONGEST = 600.0
"""For how many seconds it is tried to cancel what was booked."""
BOOKED, MOVED, CANCELLED, HELD = "booking", "move within the window", "cancel", "hold + confirm (two requests)"


class Place(NamedTuple):
    """The window-date that is booked into: its free places, and its instants."""

    slot_id: str
    on: date
    branch_id: str
    session: str
    batch: str | None
    service_id: str
    free: int
    instants: Sequence[str]


def find_place(asker: Asker, slot_id: str) -> Place:
    """The window-date of a two-part ``slot_id``. Raises Conflict where nothing can be booked and cancelled there."""
    calendar_id, _, day = slot_id.partition("||")
    config = asker.get("/v1/appointment-config")["data"]
    if not config["allow_cancellation"]:
        raise Conflict("This organization allows no cancellation, so what is booked here could not be taken back.")
    slots = asker.get(f"{SLOTS}/availability?date={day}")["slots"]
    slot = next((one for one in slots if one["slot_id"] == slot_id), None)
    if slot is None or not slot["available_slots"]:
        raise Conflict(f"'{slot_id}' is not open or has no free place: name one that availability lists with some.")
    records = asker.get(f"{SLOTS}/schedule-tracking?date_from={day}&branch_id={slot['branch_id']}")["data"]
    service = next((one for one in records if one["calendar_id"] == calendar_id and one["status"] == "OPEN"), None)
    if service is None:
        raise Conflict(f"'{slot_id}' has no open record of a service: regenerate the date, or name another.")
    branches = asker.get("/v1/branches")["data"]
    zone = next(one["timezone"] for one in branches if one["branch_id"] == slot["branch_id"]) or config["timezone"]
    on = date.fromisoformat(day)
    return Place(
        slot_id,
        on,
        slot["branch_id"],
        slot["session"],
        slot["batch"],
        service["appointment_type_id"],
        slot["available_slots"],
        _instants(on, slot["start_time"], slot["end_time"], zone),
    )


def _instants(on: date, start: str, end: str, zone: str) -> list[str]:
    """Every minute of a window."""
    first = datetime.combine(on, wall_time.fromisoformat(start), ZoneInfo(zone))
    last = datetime.combine(on, wall_time.fromisoformat(end), ZoneInfo(zone))
    minutes = max(1, int((last - first).total_seconds()) // 60)
    return [(first + timedelta(minutes=number)).isoformat() for number in range(minutes)]


class Booking:
    """Books into one window-date, and takes all of it back."""

    def __init__(self, asker: Asker, place: Place, plan: Plan) -> None:
        self._asker, self._place, self._plan = asker, place, plan
        self.reference = f"slotkeeper-bench-{secrets.token_hex(6)}"
        self._most = min(place.free, MOST)
        self._connections = max(1, min(plan.connections, self._most))
        self._numbers = count()
        self._phone = secrets.randbelow(10**5)
        self._held: dict[str, None] = {}

    def measure(self, progress: Callable[[int, int], None] | None) -> Block:
        """The rows. Raises Unavailable, Conflict; whatever happens, ``take_back`` comes after it."""
        self._try_once()
        found: dict[str, tuple[list[Load], list[Load]]] = {name: ([], []) for name in (BOOKED, MOVED, CANCELLED, HELD)}
        for number in range(self._plan.rounds):
            for name, load in self._round():
                found[name][0].append(load)
                found[name][1].append(self._plain())
            if progress is not None:
                progress(number + 1, self._plan.rounds)
        rows = [Row(name, loads, [beside_plain(loads, plain)]) for name, (loads, plain) in found.items()]
        title = f"{self._asker.url}, {self._connections} connections, places of {self._place.slot_id}"
        return Block(title, rows, [NOTE, f"up to {self._most} places are taken at once, and freed again"])

    def _try_once(self) -> None:
        """Book and cancel one, so that nothing is booked which this key may not cancel. Raises Conflict."""
        (new,) = self._bookings(1)
        body = self._asker.ask(self._send("POST", APPOINTMENTS, new))
        appointment_id = json.loads(body)["appointment_id"]
        try:
            self._asker.ask(self._cancel(appointment_id))
        except Conflict as refusal:
            raise Conflict(
                f"The appointment {appointment_id} was booked, and this key may not cancel it: {refusal.message} "
                "Nothing else was booked; cancel that one with a key of the channel staff."
            ) from None

    def _round(self) -> Iterator[tuple[str, Load]]:
        booked = self._put([self._send("POST", APPOINTMENTS, new) for new in self._bookings(self._most)])
        yield BOOKED, booked
        ids = _ids(booked)
        moves = [
            self._send("PATCH", f"{APPOINTMENTS}/{one}", {"appointment_date": self._instant(place)})
            for place, one in enumerate(ids)
        ]
        yield MOVED, self._put(moves)
        cancelled = self._put([self._cancel(one) for one in ids])
        yield CANCELLED, cancelled
        self._cancel_all(ids[len(cancelled.latencies) :])
        pairs = [self._hold_and_confirm(new) for new in self._bookings(self._most)]
        held = self._put(pairs, connections=min(self._connections, MOST_HOLDS))
        yield HELD, held
        self._cancel_all(_ids(held))

    def _put(
        self, requests: Sequence[Request], *, seconds: float | None = None, connections: int | None = None
    ) -> Load:
        """Ask all of it, or what can be asked in the seconds of a round."""
        with self._asker.explained():
            return put_load(
                self._asker.target,
                requests,
                seconds=seconds or self._plan.seconds,
                connections=connections or self._connections,
                with_bodies=True,
            )

    def _plain(self) -> Load:
        with self._asker.explained():
            request = self._asker.target.get(PLAIN)
            return put_load(
                self._asker.target, repeat(request), seconds=self._plan.seconds, connections=self._connections
            )

    def _instant(self, number: int) -> str:
        return self._place.instants[(number * 7 + 1) % len(self._place.instants)]

    def _bookings(self, number: int) -> list[dict[str, Any]]:
        """Each for a patient of its own."""
        place = self._place
        where = {"branch_id": place.branch_id, "session": place.session}
        if place.batch is not None:
            where["batch"] = place.batch
        return [
            {
                **where,
                "appointment_type": place.service_id,
                "appointment_date": place.instants[one % len(place.instants)],
                "patient_name": f"Slotkeeper bench {one}",
                "parent_phone": f"+999{self._phone:05}{one % 10**7:07}",
                "external_reference_id": self.reference,
            }
            for one in islice(self._numbers, number)
        ]

    def _send(self, method: str, path: str, body: dict[str, Any]) -> bytes:
        once = secrets.token_hex(16) if method == "POST" else None
        return self._asker.target.send(method, path, body, self._asker.key, idempotency_key=once)

    def _cancel(self, appointment_id: str) -> bytes:
        return self._send("PATCH", f"{APPOINTMENTS}/{appointment_id}", {"status": "cancelled"})

    def _cancel_all(self, ids: Sequence[str]) -> None:
        self._put([self._cancel(one) for one in ids], seconds=LONGEST)

    def _hold_and_confirm(self, new: dict[str, Any]) -> Pair:
        taken = {"slot_id": f"{self._place.slot_id}||{self._place.service_id}", "ttl_seconds": SHORTEST_HOLD}
        confirmed = {name: new[name] for name in ("appointment_date", "patient_name", "parent_phone")}

        def confirm(answer: bytes) -> bytes:
            hold_id = json.loads(answer)["data"]["hold_id"]
            self._held[hold_id] = None
            body = {**confirmed, "hold_id": hold_id, "external_reference_id": self.reference}
            return self._send("POST", APPOINTMENTS, body)

        return Pair(self._send("POST", HOLDS, taken), confirm)

    def take_back(self) -> int:
        """Cancel everything that is still booked under the reference; how many. Raises Unavailable, Conflict.

        The last holds are released; one whose answer never came ends by itself after 30 seconds.
        """
        cancelled = 0
        for hold_id in list(self._held)[-MOST_HOLDS:]:
            self._asker.ask(self._send("DELETE", f"{HOLDS}/{hold_id}", {}))
        while ids := self._standing():
            self._cancel_all(ids)
            cancelled += len(ids)
        return cancelled

    def _standing(self) -> list[str]:
        """Some of what is booked under the reference and not cancelled."""
        time.sleep(0.2)  # what was sent just before an interruption may be committed yet
        path = f"{APPOINTMENTS}?date={self._place.on}&external_reference_id={self.reference}&limit={PAGE}"
        found = [self._asker.get(f"{path}&status={status}")["data"] for status in ("confirmed", "rescheduled")]
        return [one["appointment_id"] for page in found for one in page]


def _ids(load: Load) -> list[str]:
    return [json.loads(body)["appointment_id"] for body in load.bodies or []]
