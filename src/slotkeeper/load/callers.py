"""Scripted callers on the phone: they ask, have a place held, hesitate, book, hang up, ring again, change their mind.

A script knows no door: ``Call`` is one caller who speaks through one, and notes what was said and how long it took.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from slotkeeper.load.telephone import Reply, Telephone

TRIES = 4
"""How often a caller asks again where the place was gone meanwhile."""


class Clinic(NamedTuple):
    """What callers ask for: a service at a branch, the branch's time zone and its today."""

    service_id: str
    branch_id: str
    timezone: str
    today: date


class Option(NamedTuple):
    """A window-date that was offered: its three-part slot_id, a time in it, and what else a door needs to know."""

    slot_id: str
    time: str
    session: str | None = None
    batch: str | None = None


class Held(NamedTuple):
    """A place that is held: the id, and for how many seconds."""

    hold_id: str
    seconds: float


class Patient(NamedTuple):
    """For whom is booked."""

    name: str
    phone: str


class Door(Protocol):
    """What callers speak through: the requests of one door, and what its answers say."""

    def find(self, *, after: int) -> bytes:
        """Ask what is free, from so many days after today on."""

    def options(self, reply: Reply) -> Sequence[Option]:
        """What was offered."""

    def hold(self, option: Option, once: str) -> bytes:
        """Have a place held."""

    def held(self, reply: Reply) -> Held | None:
        """The hold, None where it was refused."""

    def book(self, option: Option, hold_id: str | None, patient: Patient, once: str) -> bytes:
        """Book, the place held or another."""

    def move(self, appointment_id: str, option: Option, once: str) -> bytes:
        """Move what is booked."""

    def cancel(self, appointment_id: str, once: str) -> bytes:
        """Cancel what is booked."""

    def done(self, reply: Reply) -> str | None:
        """The id of the appointment that an answer tells of, None where it was refused."""

    def reason(self, reply: Reply) -> str:
        """The code of a refusal."""


@dataclass(slots=True)
class Notes:
    """What all callers of a round noted."""

    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    standing: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    last_hold: float = 0.0
    """When the last hold ends at the latest, on the clock of the event loop."""
    lasted: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted

    def percentile(self, share: float) -> float:
        """How many milliseconds a share of the answers took at most."""
        seconds = sorted(self.seconds)
        return seconds[min(len(seconds) - 1, int(len(seconds) * share))] * 1000


class Call:
    """One caller; their number tells their script and their phone. They hesitate for so many seconds at most."""

    def __init__(
        self, number: int, name: str, *, door: Door, telephone: Telephone, notes: Notes, hesitate: float
    ) -> None:
        self.number = number
        self._door, self._telephone, self._notes = door, telephone, notes
        self._random = random.Random(number)  # noqa: S311 - so that every run hesitates alike
        self._name, self._hesitate = name, hesitate
        self._asked = 0

    def patient(self, child: str = "") -> Patient:
        """Whom this caller books for: nobody else has their number."""
        return Patient(f"{self._name}{child}", f"+999{self.number:010}")

    async def hesitate(self) -> None:
        """Think about it."""
        await asyncio.sleep(self._random.uniform(0.2, 1) * self._hesitate)

    async def hang_up(self) -> None:
        """End the call, whatever stands."""
        await self._telephone.hang_up()

    async def find(self) -> Option | None:
        """One of the places that are offered."""
        reply = await self._ask(self._door.find(after=1 + self._random.randrange(7)))
        options = self._door.options(reply)
        return self._random.choice(options) if options else None

    async def hold(self) -> tuple[Option, str | None] | None:
        """A place that is held. Without a hold where the key may keep no more of them; None where there is no room."""
        for _ in range(TRIES):
            option = await self.find()
            if option is None:
                continue
            reply = await self._ask(self._door.hold(option, self._once()))
            held = self._door.held(reply)
            if held is not None:
                ends = asyncio.get_running_loop().time() + held.seconds
                self._notes.last_hold = max(self._notes.last_hold, ends)
                return option, held.hold_id
            if self._refuse(reply) in TOO_MANY_HOLDS:
                return option, None
        return None

    async def book(self, found: tuple[Option, str | None], child: str = "", *, twice: bool = False) -> str | None:
        """The appointment; with ``twice`` the same is sent again, as platforms do that did not hear the answer."""
        request = self._door.book(*found, self.patient(child), self._once())
        reply = await self._ask(request)
        appointment_id = self._door.done(reply)
        if twice:
            again = self._door.done(await self._ask(request))
            if appointment_id is not None and again != appointment_id:
                self._notes.faults.append(f"sent twice, {appointment_id} and {again} were booked")
        if appointment_id is None:
            self._refuse(reply)
        elif appointment_id in self._notes.standing:
            self._notes.faults.append(f"{appointment_id} was given to two callers")
        else:
            self._notes.standing.add(appointment_id)
        return appointment_id

    async def move(self, appointment_id: str) -> bool:
        """Whether it was moved; if not, it stays where it was."""
        option = await self.find()
        if option is None:
            return False
        reply = await self._ask(self._door.move(appointment_id, option, self._once()))
        if self._door.done(reply) is None:
            self._refuse(reply)
            return False
        return True

    async def cancel(self, appointment_id: str) -> bool:
        """Whether it was cancelled."""
        reply = await self._ask(self._door.cancel(appointment_id, self._once()))
        if self._door.done(reply) is None:
            self._refuse(reply)
            return False
        self._notes.standing.discard(appointment_id)
        return True

    async def _ask(self, request: bytes) -> Reply:
        reply = await self._telephone.ask(request)
        self._notes.seconds.append(reply.seconds)
        if reply.status >= 500:
            self._notes.faults.append(f"answered with {reply.status}: {reply.body}")
        return reply

    def _refuse(self, reply: Reply) -> str:
        reason = self._door.reason(reply)
        self._notes.refusals[reason] += 1
        return reason

    def _once(self) -> str:
        self._asked += 1
        return f"{self._name} {self.number} {self._asked}"


TOO_MANY_HOLDS = {"TOO_MANY_HOLDS", "RATE_LIMIT_EXCEEDED"}
NO_ROOM = "found no room"


async def _asks(call: Call) -> str:
    await call.find()
    await call.hesitate()
    await call.find()
    return "asked, and hung up"


async def _books(call: Call) -> str:
    found = await call.hold()
    if found is None:
        return NO_ROOM
    await call.hesitate()
    return "booked" if await call.book(found) else NO_ROOM


async def _hangs_up(call: Call) -> str:
    if await call.hold() is None:
        return NO_ROOM
    await call.hesitate()
    return "hung up with a place held"


async def _rings_again(call: Call) -> str:
    await call.hold()
    await call.hang_up()
    await call.hesitate()
    return "rang again and " + await _books(call)


async def _stutters(call: Call) -> str:
    found = await call.hold()
    if found is None:
        return NO_ROOM
    return "booked, sent twice" if await call.book(found, twice=True) else NO_ROOM


async def _books_two(call: Call) -> str:
    booked = 0
    for child in CHILDREN:
        found = await call.hold()
        if found is not None and await call.book(found, child):
            booked += 1
        await call.hesitate()
    return ("found no room for either child", "booked one of two children", "booked two children")[booked]


async def _moves(call: Call) -> str:
    found = await call.hold()
    appointment_id = found and await call.book(found)
    if not appointment_id:
        return NO_ROOM
    await call.hesitate()
    return "booked, and moved it" if await call.move(appointment_id) else "booked, and could not move it"


async def _cancels(call: Call) -> str:
    found = await call.hold()
    appointment_id = found and await call.book(found)
    if not appointment_id:
        return NO_ROOM
    await call.hang_up()
    await call.hesitate()
    return "rang again and cancelled" if await call.cancel(appointment_id) else "could not cancel"


CHILDREN = (" Elder", " Younger")
SCRIPTS: tuple[Callable[[Call], Awaitable[str]], ...] = (
    _books, _asks, _hangs_up, _books, _moves, _rings_again, _stutters, _books_two, _cancels, _books,
)  # fmt: skip
"""Whom the callers follow, in turn."""


async def ring(call: Call) -> str:
    """Let a caller follow their script: how it ended, in words."""
    try:
        await call.hesitate()
        return await SCRIPTS[call.number % len(SCRIPTS)](call)
    finally:
        await call.hang_up()
