"""The board of the front desk: a branch's days at a glance, and who watches them while others book."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import Service, Session, Slot, Status, WindowDate
from slotkeeper.operations.sign_ins import SignedIn, list_ended
from slotkeeper.store import board as store
from slotkeeper.store.board import Place, Span, Stored
from slotkeeper.store.database import Clock, Database

__all__ = ["Boards", "Card", "Filter", "Span", "Watcher", "find_change", "list_cards", "read_board"]

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5
"""How often it is asked whether anything changed on the boards that are open."""
LOOKS_BETWEEN_CHECKS = 4
"""After how many looks it is asked who is still signed in, also where nothing changed."""
MOST_UNHEARD = 20
"""How many changes may wait for somebody who does not take them."""
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
    place = (caller.org_id, span)
    found = await db.read(lambda tx: store.list_revisions(tx, [place], now=now))
    return None if seen is not None and found[place] == seen else await read_board(db, caller, span, now=now)


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

    Of ``counted`` only the appointments and holds are others. ``is_new``: cards came or went, or closures did, so that
    what stands around the cards is different too. ``told`` is room for what is made of it once for all who watch the
    same.
    """

    window_dates: Sequence[WindowDate]
    counted: Sequence[WindowDate]
    stored: Stored
    is_new: bool
    told: dict[Any, bytes]


@dataclass(slots=True, eq=False)
class Watcher:
    """An open board: whose it is, and what it has not been told yet."""

    who: SignedIn
    span: Span
    changes: "asyncio.Queue[Change | None]" = field(default_factory=asyncio.Queue)
    told_at: float = field(default_factory=time.monotonic)
    is_over: bool = False

    @property
    def place(self) -> Place:
        """Where it looks."""
        return self.who.caller.org_id, self.span

    def tell(self, change: Change | None) -> None:
        """Let it be told a change, or that there is none; one that does not listen any more has to come again."""
        self.changes.put_nowait(change)
        self.told_at = time.monotonic()
        if self.changes.qsize() > MOST_UNHEARD:
            self.end()

    def end(self) -> None:
        """Let it be told nothing more."""
        self.is_over = True
        self.changes.put_nowait(None)


class Boards:
    """The boards that are open in this process.

    As long as there are any, all of them are asked for together with one statement at most twice a second, however
    many they are and whosever; on a distributed database, where each organization is on one node, with one for each
    organization (docs/decisions/0029-open-boards.md). Whoever wrote, in whichever process, is seen by that. Only what
    has changed is read, once for all who watch it. With no board open nothing is asked, and nothing runs.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._is_distributed: bool | None = None  # not known yet
        self._open: dict[str, dict[Place, set[Watcher]]] = {}  # by group: the places that are asked for together
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._last: dict[Place, Stored] = {}

    async def watch(self, watcher: Watcher, seen: store.Revision | None) -> AsyncIterator[Change | None]:
        """What changes on a span from now on, until its person is signed in no more; None while nothing does.

        Where it is not as it was at the revision ``seen``, all of it comes first.
        """
        group, place = await self._group_of(watcher), watcher.place
        self._open.setdefault(group, {}).setdefault(place, set()).add(watcher)
        try:
            stored = await self._begin(watcher)
            if group not in self._tasks:
                self._tasks[group] = asyncio.create_task(self._keep_looking(group))
            if stored.revision != seen:
                yield Change(stored.window_dates, (), stored, False, {})
            while True:
                change = await watcher.changes.get()
                if watcher.is_over:
                    return
                yield change
        finally:
            self._leave(group, watcher)

    async def _begin(self, watcher: Watcher) -> Stored:
        """What is stored where it looks; not older than what later changes are told from."""
        is_first = watcher.place not in self._last
        stored = await read_board(self._db, watcher.who.caller, watcher.span, now=self._clock())
        if self._last.setdefault(watcher.place, stored) is not stored and is_first:  # another began meanwhile
            stored = await read_board(self._db, watcher.who.caller, watcher.span, now=self._clock())
        return stored

    async def _group_of(self, watcher: Watcher) -> str:
        if self._is_distributed is None:
            self._is_distributed = await self._db.is_distributed()
        return watcher.who.caller.org_id if self._is_distributed else ""

    def _leave(self, group: str, watcher: Watcher) -> None:
        places, place = self._open[group], watcher.place
        places[place].discard(watcher)
        if not places[place]:
            del places[place]
            self._last.pop(place, None)
        if not places:
            del self._open[group]
            task = self._tasks.pop(group, None)
            if task is not None:
                task.cancel()

    async def _keep_looking(self, group: str) -> None:
        looks = 0
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            looks += 1
            try:
                await self._look(group, is_check=looks % LOOKS_BETWEEN_CHECKS == 0)
            except SlotkeeperError as error:
                log.warning("the boards could not be kept up to date, trying again soon: %s", error)
            except Exception:
                log.exception("the boards could not be kept up to date, trying again soon")

    async def _look(self, group: str, *, is_check: bool) -> None:
        """Ask what changed, and tell those who watch it and are still signed in."""
        now, places = self._clock(), list(self._open[group])
        revisions = await self._db.read(lambda tx: store.list_revisions(tx, places, now=now))
        changed = [place for place in places if self._is_other(place, revisions[place])]
        for org_id in {org_id for org_id, _ in (places if is_check else changed)}:
            await self._let_go(
                org_id, self._watchers(group, {place for place in places if place[0] == org_id}), now=now
            )
        for place in changed:
            await self._tell(group, place, now=now)
        if is_check:
            silent_since = time.monotonic() - SECONDS_OF_SILENCE
            for watcher in self._watchers(group, set(places)):
                if watcher.told_at < silent_since:
                    watcher.tell(None)

    def _watchers(self, group: str, places: Collection[Place]) -> list[Watcher]:
        """Those who look at some places at this moment."""
        found = [watchers for place, watchers in self._open.get(group, {}).items() if place in places]
        return [watcher for watchers in found for watcher in watchers if not watcher.is_over]

    async def _let_go(self, org_id: str, watchers: Sequence[Watcher], *, now: int) -> None:
        """End the boards of those who are not signed in any more."""
        ended = await list_ended(self._db, org_id, [watcher.who for watcher in watchers], now=now)
        for watcher in watchers:
            if watcher.who.token in ended:
                watcher.end()

    def _is_other(self, place: Place, revision: store.Revision) -> bool:
        last = self._last.get(place)
        return last is not None and last.revision != revision

    async def _tell(self, group: str, place: Place, *, now: int) -> None:
        stored = await self._db.read(lambda tx: store.read_span(tx, *place, now=now))
        last = self._last.get(place)
        if last is None:
            return  # the last who watched it went away meanwhile
        self._last[place] = stored
        change = _change(last, stored)
        if change.is_new or change.window_dates or change.counted:
            for watcher in self._watchers(group, {place}):  # those too who came meanwhile, and may have read before
                watcher.tell(change)


def _change(last: Stored, stored: Stored) -> Change:
    """What is different."""
    before = {(at.date, at.calendar_id): at for at in last.window_dates}
    there = {(at.date, at.calendar_id) for at in stored.window_dates}
    other: list[WindowDate] = []
    counted: list[WindowDate] = []
    for at in stored.window_dates:
        old = before.get((at.date, at.calendar_id))
        if old != at:
            is_counted = old is not None and old._replace(filled=at.filled, holds=at.holds) == at
            (counted if is_counted else other).append(at)
    is_new = there != before.keys() or stored.closures != last.closures or stored.revision[3:] != last.revision[3:]
    return Change(other, counted, stored, is_new, {})
