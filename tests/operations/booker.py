"""One of several processes that book at once, started by test_races.py: reads its task, prints what became of it.

Every process opens the same file and has its own line, as several server processes do.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from typing import Any

from slotkeeper.domain import access, capacity
from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import AppointmentStatus, Channel, Session
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import appointments, line, overrides
from slotkeeper.operations.appointments import Changing, NewAppointment
from slotkeeper.store.sqlite import SqliteDatabase


def no_echo(*_: object) -> None:
    """Nothing was repeated of an answer."""


class Booker:
    """Books, moves and cancels with a seed of its own."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.db = SqliteDatabase(task["path"])
        self.line = line.new_line(self.db)
        self.caller = Caller(task["org_id"], "", access.operator(task["org_id"]).scopes, Channel.STAFF, 0)
        self.random = random.Random(task["seed"])
        self.codes: Counter[str] = Counter()

    async def book(self, person: str, window: str) -> str | None:
        """The id of the appointment, None where it was refused."""
        new = NewAppointment(
            self.task["service"], self.task["instants"][window], person, self.task["phone"], calendar_id=window
        )
        try:
            shown = await appointments.book_appointment(self.line, self.caller, new, now=self.task["now"])
        except SlotkeeperError as refusal:
            self.codes[refusal.code] += 1
            return None
        self.codes["BOOKED"] += 1
        return shown.appointment.appointment_id

    async def change(self, appointment_id: str, **changes: Any) -> bool:
        change = Changing(appointment_id, changes, no_echo)  # type: ignore[arg-type]
        try:
            await appointments.change_appointment(self.line, self.caller, change, now=self.task["now"])
        except SlotkeeperError as refusal:
            self.codes[refusal.code] += 1
            return False
        return True

    async def once(self, number: int) -> None:
        """One person who asks once."""
        await self.book(f"{self.task['mark']} {number}", self.task["windows"][0])

    async def restless(self, number: int) -> None:
        """One person who books, moves to the other window and back, cancels, and asks again."""
        person = f"{self.task['mark']} {number}"
        first, second = self.task["windows"]
        for _ in range(self.task["rounds"]):
            booked = await self.book(person, self.random.choice((first, second)))
            if booked is None:
                continue
            for _ in range(self.random.randrange(3)):
                session, window = self.random.choice([(Session.MORNING, first), (Session.EVENING, second)])
                await self.change(booked, appointment_date=self.task["instants"][window], session=session)
            if self.random.random() < 0.7:
                await self.change(booked, status=AppointmentStatus.CANCELLED)
            if self.random.random() < 0.3:
                await self.change(booked, status=AppointmentStatus.CONFIRMED)

    async def tune(self, _: int) -> None:
        """Somebody who sets the places of the first window, never above ``places``."""
        slot_id = parse_slot_id(f"{self.task['windows'][0]}||{self.task['on']}", parts=(2,))
        for _ in range(self.task["rounds"]):
            places = self.random.randrange(self.task["places"] + 1)
            changes = overrides.DayChanges(max_slots=self.random.choice((places, None)))
            await overrides.update_day(
                self.db, self.caller, slot_id, changes=changes, expect=no_echo, whole=False, now=self.task["now"]
            )

    async def twin(self, number: int) -> None:
        """The same person in every process, each asking for a window of its own."""
        await self.book(f"Twin {number}", self.task["windows"][self.task["seed"] % 2])

    async def run(self) -> Counter[str]:
        try:
            for kinds in self.task["people"]:
                await asyncio.gather(*(getattr(self, kind)(n) for kind, many in kinds.items() for n in range(many)))
        finally:
            await self.db.close()
        return self.codes


def main() -> None:
    task = json.loads(sys.argv[1])
    if task.get("unguarded"):
        capacity.has_room = lambda *_: True
    booker = Booker(task)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all start at once
    sys.stdout.write(json.dumps(asyncio.run(booker.run())))


if __name__ == "__main__":
    main()
