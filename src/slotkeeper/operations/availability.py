"""What can be booked: availability for one date, tracking records for a range (contract.md sections 4.1, 4.2)."""

import math
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.model import Service, Session, Slot, Status, TrackingRecord, WindowDate, day_of
from slotkeeper.store import days, directory
from slotkeeper.store.database import Connection, Database, Row

SHORT_RANGE = 7
"""Up to how many dates are read without leaving the event loop."""


Proof = Row
"""The revisions of all that an answer is made of: equal at two moments only if nothing changed in between."""


class Asked(NamedTuple):
    """How a question was put, in which words and with which key, and the database's stamp of a moment after that.

    The stamp is None where the database has none, or where the words are too long to be remembered.
    """

    stamp: int | None
    words: tuple[bytes, bytes]


class Question(NamedTuple):
    """What availability is asked for; None stands for every branch, session or service."""

    on: date
    branch_id: str | None = None
    session: Session | None = None
    service_id: str | None = None


async def get_availability(db: Database, caller: Caller, question: Question, *, now: int) -> list[Slot]:
    """The windows with at least one OPEN record on a date, full ones included, in the order of section 4.1.

    With a service, only those that serve it, with the numbers and the status for it.
    """
    caller.require(Scope.SLOTS_READ)
    return (await db.read(lambda tx: _look(tx, caller.org_id, question, now=now))).slots


class Seen(NamedTuple):
    """The slots of a moment, true from then until a live hold ends, as long as the revisions stay."""

    slots: list[Slot]
    until: int | None


async def _look(tx: Connection, org_id: str, question: Question, *, now: int) -> Seen:
    found = await days.list_on_date(
        tx, org_id, on=question.on, branch_id=question.branch_id, session=question.session, now=now
    )
    slots = []
    for at in found.window_dates:
        served = capacity.served(at, found.services)
        if question.service_id is not None:
            served = [question.service_id] if question.service_id in served else []
        slot = capacity.slot(at, served)
        if slot.status == Status.OPEN:
            slots.append(slot)
    return Seen(slots, found.until)


BESIDES = 600
"""About how many bytes a kept reply takes besides its text."""


class Kept(NamedTuple):
    """A reply with what proves it fresh."""

    proof: Proof
    since: int
    until: int | None
    reply: bytes

    def room(self) -> int:
        """About how many bytes it takes, its place and its proof included."""
        return len(self.reply) + BESIDES

    def is_fresh(self, proof: Proof, now: int) -> bool:
        """Whether the database would say the same now."""
        return self.proof == proof and self.since <= now and (self.until is None or now < self.until)


class Standing(NamedTuple):
    """To whom a reply was given, and until when it stands if nothing at all is written."""

    caller: Caller
    since: int
    until: float
    reply: bytes


MOST_STANDING = 1_000
LONGEST_WORDS = 1_024
"""Up to how many bytes of key and query together are remembered."""


class Replies:
    """Availability as it is written out, kept and proven fresh against the database for every single request.

    The proof is read first and the reply a moment later. Where something changed in between, the proof is too old for
    the reply and fails at the next request; it never proves a reply that is older than itself. The replies kept take
    up to ``room`` bytes; the oldest go first.

    As long as nothing at all is written, the database's stamp proves both the key and the reply, and the same words
    are answered without looking at either.
    """

    def __init__(self, write: Callable[[Question, list[Slot]], bytes], *, room: int = 16 * 1024 * 1024) -> None:
        self._write = write
        self._room = room
        self._kept: dict[tuple[str, Question], Kept] = {}
        self._stamp: int | None = None
        self._standing: dict[tuple[bytes, bytes], Standing] = {}

    def recall(self, asked: Asked, now: int) -> Standing | None:
        """What is answered to the same words now, and to whom; None where that has to be looked up."""
        if asked.stamp != self._stamp:
            self._stamp = asked.stamp
            self._standing.clear()
            return None
        standing = self._standing.get(asked.words)
        return standing if standing is not None and standing.since <= now < standing.until else None

    async def get(
        self, db: Database, caller: Caller, question: Question, proof: Proof, asked: Asked, *, now: int
    ) -> bytes:
        """The reply to a question, as ``get_availability`` answers it; ``proof`` was read for this request."""
        caller.require(Scope.SLOTS_READ)
        place = (caller.org_id, question)
        kept = self._kept.get(place)
        if kept is None or not kept.is_fresh(proof, now):
            seen = await db.read(lambda tx: _look(tx, caller.org_id, question, now=now))
            kept = Kept(proof, now, seen.until, self._write(question, seen.slots))
            self._keep(place, kept)
        if place in self._kept:
            self._stand(asked, caller, kept, now)
        return kept.reply

    def _keep(self, place: tuple[str, Question], kept: Kept) -> None:
        old = self._kept.pop(place, None)
        self._room += (0 if old is None else old.room()) - kept.room()
        self._kept[place] = kept
        while self._room < 0:
            self._standing.clear()  # which would keep what goes away
            self._room += self._kept.pop(next(iter(self._kept))).room()

    def _stand(self, asked: Asked, caller: Caller, kept: Kept, now: int) -> None:
        """Remember what the words were answered, unless something was written since they came."""
        if asked.stamp is None or asked.stamp != self._stamp:
            return
        if len(self._standing) >= MOST_STANDING:
            self._standing.clear()
        until = min((end for end in (kept.until, caller.expires_at) if end is not None), default=math.inf)
        self._standing[asked.words] = Standing(caller, now, until, kept.reply)


async def list_tracking(
    db: Database,
    caller: Caller,
    *,
    date_from: date,
    date_to: date,
    branch_id: str | None,
    service_id: str | None,
    session: Session | None,
    now: int,
) -> list[TrackingRecord]:
    """The stored records from one date to another, both included, one for each service, in the order of section 4.2."""
    caller.require(Scope.SLOTS_READ)
    org_id = caller.org_id

    async def work(tx: Connection) -> list[TrackingRecord]:
        services = await directory.list_services(tx, org_id)
        if service_id is not None:
            services = [service for service in services if service.service_id == service_id]
        found = await days.list_stored(
            tx, org_id, date_from=date_from, date_to=date_to, branch_id=branch_id, session=session, now=now
        )
        return [record(at, service) for at in found for service in services if is_shown(at, service)]

    if (date_to - date_from).days < SHORT_RANGE:
        return await db.read(work)
    return await db.read_aside(work)


def is_shown(at: WindowDate, service: Service) -> bool:
    """Whether a window-date has a record of a service: its own, or every active one where it is unrestricted."""
    return service.active if at.service_id is None else at.service_id == service.service_id


def record(at: WindowDate, service: Service) -> TrackingRecord:
    """The window-date's record of a service that it serves."""
    places = capacity.service_limit(at, service.service_id)
    return TrackingRecord(
        at.calendar_id,
        service.service_id,
        service.name,
        at.date,
        day_of(at.date).value,
        at.session,
        at.batch,
        at.start_time,
        at.end_time,
        places,
        at.filled,
        capacity.left(places, at),
        capacity.status(at, service.service_id).value,
    )
