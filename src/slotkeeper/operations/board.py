"""The board of the front desk: a branch's days at a glance, and who watches them while others book."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import Service, Session, Slot, Status, WindowDate
from slotkeeper.operations.sign_ins import SignedIn, list_ended
from slotkeeper.store import board as store
from slotkeeper.store.board import Span, Stored
from slotkeeper.store.database import Clock, Database

__all__ = ["Boards", "Card", "Filter", "Span", "Watcher", "find_change", "list_cards", "read_board"]

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5
"""How often it is asked whether anything changed on the boards that are open."""
LOOKS_BETWEEN_CHECKS = 4
"""After how many looks it is asked who is still signed in, also where nothing changed."""
SECONDS_OF_SILENCE = 15
"""After how long without a change that is said, so that nobody between us and a browser gives the connection up."""


class Card(NamedTuple):
    """A window-date as the desk sees it: as availability shows it, its live holds, and what staff may still book.

    ``closed_for`` are the services that it could serve, and that are closed on it; ``reason`` is its override's.
    """

    slot: Slot
    holds: int
    left: int
    is_changed: bool
    closed_for: tuple[str, ...]
    reason: str | None


class Filter(NamedTuple):
    """What a board shows; None stands for every session or service."""

    session: Session | None = None
    service_id: str | None = None


async def read_board(db: Database, caller: Caller, span: Span, *, now: int) -> Stored:
    """The stored window-dates of a branch on some dates, by date and time, closed ones included; its closures."""
    caller.require(Scope.SLOTS_READ)
    return await db.read(lambda tx: store.read_span(tx, caller.org_id, span, now=now))


async def find_change(
    db: Database, caller: Caller, span: Span, seen: store.Revision | None, *, now: int
) -> Stored | None:
    """The same, or None where nothing has changed since a revision: for whoever asks again and again."""
    caller.require(Scope.SLOTS_READ)
    found = await db.read(lambda tx: store.list_revisions(tx, caller.org_id, [span], now=now))
    return None if seen is not None and found[span] == seen else await read_board(db, caller, span, now=now)


def list_cards(window_dates: Sequence[WindowDate], services: Sequence[Service], shown: Filter) -> list[Card]:
    """The cards of a board: with a service, of what serves it, with the numbers and the status for it."""
    known = [(service.service_id, service.active) for service in services]
    cards = []
    for at in window_dates:
        if shown.session is not None and at.session != shown.session:
            continue
        served = capacity.served(at, known)
        if shown.service_id is not None:
            if shown.service_id not in served:
                continue
            served = [shown.service_id]
        cards.append(_card(at, served))
    return cards


def _card(at: WindowDate, served: Sequence[str | None]) -> Card:
    slot = capacity.slot(at, served)
    if not at.overrides:
        return Card(slot, at.holds, capacity.left(slot.max_slots, at), False, (), None)
    closed = [one for one in served if one is not None and capacity.status(at, one) is Status.CLOSED]
    is_partly = slot.status == Status.OPEN
    own = at.overrides.get(None)
    left = capacity.left(slot.max_slots, at)
    return Card(slot, at.holds, left, True, tuple(closed) if is_partly else (), None if own is None else own.reason)


class Change(NamedTuple):
    """What became of a span: the window-dates that are different, and all that is stored now.

    ``is_new``: cards came or went, or closures did, so that what stands around the cards is different too.
    ``told`` is room for what is made of it once for all who watch the same.
    """

    window_dates: Sequence[WindowDate]
    stored: Stored
    is_new: bool
    told: dict[Any, bytes]


@dataclass(slots=True, eq=False)
class Watcher:
    """An open board: whose it is, and what it has not been told yet."""

    who: SignedIn
    span: Span
    changes: "asyncio.Queue[Change | None]" = field(default_factory=asyncio.Queue)

    def end(self) -> None:
        """Let it be told nothing more."""
        self.changes.put_nowait(None)


class Boards:
    """The boards that are open in this process.

    As long as there are any, each organization's are asked for with one statement at most twice a second, however
    many they are: every statement names its organization, so that a distributed database sends it to one node only
    (docs/decisions/0014-looks-together.md does the same). Whoever wrote, in whichever process, is seen by that. Only
    what has changed is read, once for all who watch it. With no board open nothing is asked, and nothing runs.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._open: dict[str, set[Watcher]] = {}
        self._last: dict[tuple[str, Span], Stored] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def watch(self, watcher: Watcher, seen: store.Revision | None) -> AsyncIterator[Change | None]:
        """What changes on a span from now on, until its person is signed in no more; None while nothing does.

        Where it is not as it was at the revision ``seen``, all of it comes first.
        """
        span, who = watcher.span, watcher.who
        org_id = who.caller.org_id
        self._open.setdefault(org_id, set()).add(watcher)
        try:
            stored = await read_board(self._db, who.caller, span, now=self._clock())
            self._last.setdefault((org_id, span), stored)
            if org_id not in self._tasks:
                self._tasks[org_id] = asyncio.create_task(self._keep_looking(org_id))
            if stored.revision != seen:
                yield Change(stored.window_dates, stored, False, {})
            while True:
                try:
                    change = await asyncio.wait_for(watcher.changes.get(), SECONDS_OF_SILENCE)
                except TimeoutError:
                    yield None
                    continue
                if change is None:
                    return
                yield change
        finally:
            self._leave(org_id, watcher)

    def _leave(self, org_id: str, watcher: Watcher) -> None:
        watchers = self._open[org_id]
        watchers.discard(watcher)
        if not any(other.span == watcher.span for other in watchers):
            self._last.pop((org_id, watcher.span), None)
        if not watchers:
            del self._open[org_id]
            task = self._tasks.pop(org_id, None)
            if task is not None:
                task.cancel()

    async def _keep_looking(self, org_id: str) -> None:
        looks = 0
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            looks += 1
            try:
                await self._look(org_id, is_check=looks % LOOKS_BETWEEN_CHECKS == 0)
            except SlotkeeperError as error:
                log.warning("the boards could not be kept up to date, trying again soon: %s", error)
            except Exception:
                log.exception("the boards could not be kept up to date, trying again soon")

    async def _look(self, org_id: str, *, is_check: bool) -> None:
        """Ask what changed, and tell those who watch it and are still signed in."""
        now, watchers = self._clock(), list(self._open[org_id])
        spans = sorted({watcher.span for watcher in watchers})
        revisions = await self._db.read(lambda tx: store.list_revisions(tx, org_id, spans, now=now))
        changed = [span for span in spans if self._is_other(org_id, span, revisions[span])]
        if not (changed or is_check):
            return
        ended = await list_ended(self._db, org_id, {watcher.who.token for watcher in watchers}, now=now)
        for watcher in watchers:
            if watcher.who.token in ended:
                watcher.end()
        for span in changed:
            await self._tell(org_id, span, [one for one in watchers if one.who.token not in ended], now=now)

    def _is_other(self, org_id: str, span: Span, revision: store.Revision) -> bool:
        last = self._last.get((org_id, span))
        return last is not None and last.revision != revision

    async def _tell(self, org_id: str, span: Span, watchers: Sequence[Watcher], *, now: int) -> None:
        stored = await self._db.read(lambda tx: store.read_span(tx, org_id, span, now=now))
        last = self._last.get((org_id, span))
        if last is None:
            return  # the last who watched it went away meanwhile
        self._last[org_id, span] = stored
        before = {(at.date, at.calendar_id): at for at in last.window_dates}
        there = {(at.date, at.calendar_id) for at in stored.window_dates}
        changed = [at for at in stored.window_dates if before.get((at.date, at.calendar_id)) != at]
        is_new = there != before.keys() or stored.closures != last.closures or stored.revision[3:] != last.revision[3:]
        if changed or is_new:
            change = Change(changed, stored, is_new, {})
            for watcher in watchers:
                if watcher.span == span:
                    watcher.changes.put_nowait(change)
