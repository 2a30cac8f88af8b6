"""One of several processes that book at once, started by test_races.py: reads its task, prints what became of it.

Every process opens the same database and has its own line, as several server processes do; and its own clock, which may
be ahead of the others' or behind, and may run faster than time does.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from slotkeeper.domain import access, capacity
from slotkeeper.domain.access import Caller, Once
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import AppointmentStatus, Channel, Session
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import appointments, closures, holds, line, overrides, schedule, windows
from slotkeeper.operations.acts import Replayed
from slotkeeper.operations.appointments import Changing, NewAppointment
from slotkeeper.operations.closures import NewClosure
from slotkeeper.operations.holds import NewHold
from slotkeeper.operations.ids import new_id
from slotkeeper.store.postgres_session import PostgresConnection
from tests.engines import open_url


def no_echo(*_: object) -> None:
    """Nothing was repeated of an answer."""


class Booker:
    """Books, moves and cancels with a seed of its own."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.db = open_url(task["url"])
        self.line = line.new_line(self.db)
        self.caller = Caller(task["org_id"], "", access.operator(task["org_id"]).scopes, Channel.STAFF, 0)
        self.random = random.Random(task["seed"])
        self.codes: Counter[str] = Counter()
        self.began = time.monotonic()

    def now(self) -> int:
        """This process's own clock."""
        passed = (time.monotonic() - self.began) * 1000 * self.task["speed"]
        return int(self.task["now"] + self.task["ahead"] + passed)

    async def try_to(self, act: Awaitable[Any], done: str) -> Any:
        """What comes of something that may be refused, None where it was; either is counted."""
        try:
            result = await act
        except SlotkeeperError as refusal:
            self.codes[refusal.code] += 1
            return None
        self.codes[done] += 1
        return result

    async def book(self, person: str, window: str, **more: Any) -> str | None:
        """The id of the appointment, None where it was refused."""
        new = NewAppointment(
            self.task["service"], self.task["instants"][window], person, self.task["phone"], calendar_id=window
        )._replace(**more)
        shown = await self.try_to(appointments.book_appointment(self.line, self.caller, new, now=self.now()), "BOOKED")
        return None if shown is None else str(shown.appointment.appointment_id)

    async def change(self, appointment_id: str, **changes: Any) -> None:
        change = Changing(appointment_id, changes, no_echo)  # type: ignore[arg-type]
        await self.try_to(appointments.change_appointment(self.line, self.caller, change, now=self.now()), "CHANGED")

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

    async def holder(self, number: int) -> None:
        """One person who holds a place, again and again: confirms it, gives it back, or lets it run out."""
        window = self.task["windows"][0]
        caller = self.caller._replace(key_id=new_id())  # a key keeps 20 holds at most
        slot_id = parse_slot_id(f"{window}||{self.task['on']}||{self.task['service']}", parts=(3,))
        for turn in range(self.task["rounds"]):
            new = NewHold(self.random.choice((30, 60, 90)), slot_id)
            hold = await self.try_to(holds.take_hold(self.line, caller, new, now=self.now()), "HELD")
            await asyncio.sleep(self.random.random() / 10)  # some of them run out meanwhile
            if hold is None:
                continue
            fate = self.random.random()
            if fate < 0.4:
                person = f"{self.task['mark']} holds {number} {turn}"
                booked = await self.book(person, window, hold_id=hold.hold_id, calendar_id=None)
                if booked is not None and self.random.random() < 0.8:
                    await self.change(booked, status=AppointmentStatus.CANCELLED)
            elif fate < 0.7:
                release = holds.release_hold(self.db, self.caller, hold.hold_id, now=self.now())
                await self.try_to(release, "RELEASED")
            elif fate < 0.8:
                extend = holds.extend_hold(self.db, self.caller, hold.hold_id, ttl=60, expect=no_echo, now=self.now())
                await self.try_to(extend, "EXTENDED")

    async def manager(self, _: int) -> None:
        """Somebody who changes the schedule all the time, never above ``places`` for the first window."""
        for _ in range(self.task["rounds"]):
            act: Callable[[], Awaitable[Any]] = self.random.choice(
                (self.set_places, self.close, self.change_window, self.disable_and_enable, self.regenerate)
            )
            await self.try_to(act(), "MANAGED")

    async def tune(self, _: int) -> None:
        """Somebody who sets the places of the first window, never above ``places``."""
        for _ in range(self.task["rounds"]):
            await self.set_places()

    async def set_places(self) -> None:
        places = self.random.randrange(self.task["places"] + 1)
        await self.override(overrides.DayChanges(max_slots=self.random.choice((places, None))))

    async def override(self, changes: overrides.DayChanges) -> None:
        slot_id = parse_slot_id(f"{self.task['windows'][0]}||{self.task['on']}", parts=(2,))
        await overrides.update_day(
            self.db, self.caller, slot_id, changes=changes, expect=no_echo, whole=False, now=self.now()
        )

    async def close(self) -> None:
        new = NewClosure(None, self.on, self.on, "A race")
        closed = await closures.create_closure(self.db, self.caller, new, source="api", now=self.now())
        await closures.delete_closure(self.db, self.caller, closed.closure_id, now=self.now())

    async def change_window(self) -> None:
        places = self.random.randrange(1, self.task["places"] + 1)
        await windows.update_window(
            self.db,
            self.caller,
            self.task["windows"][0],
            changes={"max_slots": self.random.choice((places, self.task["places"])), "ai_slots": 0},
            expect=no_echo,
            whole=False,
            now=self.now(),
        )

    async def disable_and_enable(self) -> None:
        for enabled in (False, True):
            await windows.set_enabled(self.db, self.caller, self.task["windows"][0], enabled=enabled, now=self.now())

    async def regenerate(self) -> None:
        await schedule.regenerate(
            self.db, self.caller, date_from=self.on, date_to=self.on, dry_run=False, now=self.now()
        )

    @property
    def on(self) -> date:
        return date.fromisoformat(self.task["on"])

    async def twin(self, number: int) -> None:
        """The same person in every process, each asking for a window of its own."""
        await self.book(f"Twin {number}", self.task["windows"][self.task["seed"] % 2])

    async def keyed(self, number: int) -> None:
        """A request that every process is sent at once, with one Idempotency-Key; notes what each answered."""
        once = Once(f"key {number}", "the same request", lambda shown: (201, str(shown.appointment.appointment_id)))
        caller = self.caller._replace(key_id="77777777-7777-4777-8777-777777777777", once=once)
        window = self.task["windows"][0]
        new = NewAppointment(self.task["service"], self.task["instants"][window], f"Twin {number}", self.task["phone"])
        try:
            shown = await appointments.book_appointment(self.line, caller, new, now=self.now())
            self.codes["BOOKED"] += 1
            answer = str(shown.appointment.appointment_id)
        except Replayed as replayed:
            self.codes["REPLAYED"] += 1
            answer = replayed.answer
        self.codes[f"{number} {answer}"] += 1

    async def run(self) -> Counter[str]:
        try:
            for kinds in self.task["people"]:
                await asyncio.gather(*(getattr(self, kind)(n) for kind, many in kinds.items() for n in range(many)))
        finally:
            await self.db.close()
        return self.codes


async def unlocked(*_: object, **__: object) -> None:
    """Keep nobody waiting."""


def main() -> None:
    task = json.loads(sys.argv[1])
    if task.get("unguarded") == "room":
        capacity.has_room = lambda *_: True
    elif task.get("unguarded") == "holds":
        guarded = capacity.has_room
        capacity.has_room = lambda at, *more: guarded(at._replace(holds=0), *more)
    elif task.get("unguarded") == "lock":
        PostgresConnection.lock = unlocked  # type: ignore[method-assign]
    booker = Booker(task)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all start at once
    sys.stdout.write(json.dumps(asyncio.run(booker.run())))


if __name__ == "__main__":
    main()
