"""Boards that are open: how often they ask, whom they tell what, and when they end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest

from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role
from slotkeeper.operations import board, users
from slotkeeper.operations.board import Boards, Change, Span, Watcher, read_board
from slotkeeper.operations.sign_ins import SignedIn, sign_out
from slotkeeper.operations.users import UserChanges
from slotkeeper.store import board as store
from slotkeeper.store.database import SQL, Connection, Database, Row, Value, Work
from tests.signing import Entrance
from tests.world import MONDAY, Cast, Client, World

ON = date.fromisoformat(MONDAY)
LOOKS = {store._REVISIONS, store._REVISIONS_OF_ALL}


class Counted:
    """A database that counts the statements that are sent to it by ``read``."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.sent: Counter[SQL] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def read(self, work: Work[Any]) -> Any:
        return await self._db.read(lambda tx: work(CountedConnection(tx, self.sent)))  # type: ignore[arg-type]

    def looks(self) -> int:
        """How often it was asked for revisions."""
        return sum(number for sql, number in self.sent.items() if sql in LOOKS)


class Distributed(Counted):
    """One that says that its organizations are on different nodes."""

    async def is_distributed(self) -> bool:
        return True


class CountedConnection:
    """A connection whose statements are counted."""

    def __init__(self, tx: Connection, sent: Counter[SQL]) -> None:
        self._tx, self._sent = tx, sent

    async def fetch(self, sql: SQL, **values: Value) -> Sequence[Row]:
        self._sent[sql] += 1
        return await self._tx.fetch(sql, **values)

    async def fetch_one(self, sql: SQL, **values: Value) -> Row | None:
        self._sent[sql] += 1
        return await self._tx.fetch_one(sql, **values)


class Place(NamedTuple):
    """A branch with one window on Mondays, and somebody who looks at its board."""

    owner: Client
    window: str
    span: Span
    who: SignedIn


def furnished(entrance: Entrance, owner: Client, name: str = "North") -> Place:
    branch = owner.branch(name)
    window = owner.window(branch_id=branch, max_slots=20)
    owner.regenerate(MONDAY)
    token = entrance.choose(entrance.invite(f"{name}@example.org".lower(), entrance.org_id).secret)
    who = entrance.who(token)
    assert who is not None
    return Place(owner, window, Span(branch, ON, ON + timedelta(days=6)), who)


@pytest.fixture
def place(entrance: Entrance, cast: Cast) -> Place:
    return furnished(entrance, Client(entrance.world, cast.owner))


@contextlib.asynccontextmanager
async def opened(boards: Boards, *places: Place) -> AsyncIterator[list[list[Change | None]]]:
    """Boards that are open and up to date; what each of them has been told, None at its end."""
    heard: list[list[Change | None]] = [[] for _ in places]

    async def watch(place: Place, told: list[Change | None]) -> None:
        seen = await read_board(boards._db, place.who.caller, place.span, now=boards._clock())
        async for change in boards.watch(Watcher(place.who, place.span), seen.revision):
            told.append(change)  # noqa: PERF401 - it is looked at meanwhile
        told.append(None)

    tasks = [asyncio.create_task(watch(*one)) for one in zip(places, heard, strict=True)]
    await until(lambda: sum(len(one) for them in boards._open.values() for one in them.values()) == len(places))
    await until(lambda: bool(boards._tasks))
    try:
        yield heard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - nobody says so
            await asyncio.sleep(0.02)


async def patch(place: Place, **fields: Any) -> None:
    path = f"/v1/appointment-slots/days/{place.window}||{MONDAY}"
    headers = {"authorization": f"Bearer {place.owner.key}"}
    answer = await place.owner.world.http.request("PATCH", path, headers=headers, json=fields)
    assert answer.status_code == 200


def test_all_boards_ask_together_twice_a_second_at_most_and_nobody_asks_when_none_is_open(
    place: Place, entrance: Entrance, cast: Cast
) -> None:
    world = entrance.world
    strangers = Entrance(world, cast.outsider_org)
    other = furnished(strangers, Client(world, cast.outsider), "South")
    second = furnished(entrance, place.owner, "East")
    db = Counted(world.db)
    boards = Boards(db, world.clock)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with opened(boards, place, place, second, other) as heard:
            groups = 2 if await world.db.is_distributed() else 1
            before, since = db.looks(), loop.time()
            await asyncio.sleep(3)
            assert 1 <= db.looks() - before <= groups * (1 + 2 * (loop.time() - since))
            assert len(boards._tasks) == groups
            assert heard == [[], [], [], []]
            await patch(second, max_slots=7)
            await patch(other, max_slots=7)
            await until(lambda: bool(heard[2] and heard[3]))
            assert [len(told) for told in heard] == [0, 0, 1, 1], "each is told of its own branch only"
        db.sent.clear()
        await asyncio.sleep(2)
        assert not db.sent, "with no board open nothing is asked"
        assert not boards._tasks
        assert not boards._last

    world.run(work())


def test_where_organizations_are_on_different_nodes_each_is_asked_for_by_itself(
    place: Place, entrance: Entrance, cast: Cast
) -> None:
    world = entrance.world
    other = furnished(Entrance(world, cast.outsider_org), Client(world, cast.outsider), "South")
    db = Distributed(world.db)
    boards = Boards(db, world.clock)

    async def work() -> None:
        async with opened(boards, place, other) as heard:
            await until(lambda: len(boards._tasks) == 2)
            assert boards._tasks.keys() == {cast.owner_org, cast.outsider_org}
            await patch(other, max_slots=7)
            await until(lambda: bool(heard[1]))
        assert db.sent[store._REVISIONS]
        assert not db.sent[store._REVISIONS_OF_ALL]
        assert not boards._tasks

    world.run(work())


def test_revisions_are_the_same_whoever_is_asked_for_beside(place: Place, entrance: Entrance, cast: Cast) -> None:
    world, now = entrance.world, entrance.world.clock()
    other = furnished(Entrance(world, cast.outsider_org), Client(world, cast.outsider), "South")
    empty = Span(place.span.branch_id, ON + timedelta(days=700), ON + timedelta(days=706))
    foreign = (cast.outsider_org, place.span)
    places = [(cast.owner_org, place.span), (cast.outsider_org, other.span), (cast.owner_org, empty), foreign]
    together = world.run(world.db.read(lambda tx: store.list_revisions(tx, places, now=now)))
    for org_id, span in places:
        one = (org_id, span)
        alone = world.run(world.db.read(partial(store.list_revisions, places=[one], now=now)))
        whole = world.run(read_board(world.db, operator(org_id), span, now=now))
        assert together[one] == alone[one] == whole.revision
    assert [bool(together[one]) for one in places] == [True, True, False, False]


def test_a_booking_changes_counts_and_an_override_the_card(place: Place, entrance: Entrance) -> None:
    world = entrance.world
    service = place.owner.service("Checkup")
    boards = Boards(world.db, world.clock)
    body = {
        "appointment_type": service,
        "appointment_date": f"{MONDAY}T09:00:00Z",
        "patient_name": "Asha Rao",
        "parent_phone": "+919876543210",
        "branch_id": place.span.branch_id,
    }

    async def work() -> list[Change | None]:
        async with opened(boards, place) as (heard,):
            headers = {"authorization": f"Bearer {place.owner.key}"}
            answer = await world.http.request("POST", "/v1/appointments", headers=headers, json=body)
            assert answer.status_code == 201, answer.text
            await until(lambda: len(heard) == 1)
            await patch(place, max_slots=7)
            await until(lambda: len(heard) == 2)
            return heard[:2]

    booked, overridden = world.run(work())
    assert booked is not None
    assert overridden is not None
    assert (len(booked.window_dates), [at.filled for at in booked.counted], booked.is_new) == (0, [1], False)
    assert ([at.filled for at in overridden.window_dates], overridden.counted) == ([1], [])


def leave(world: World, place: Place) -> Coroutine[Any, Any, Any]:
    return sign_out(world.db, place.who, now=world.clock())


def disable(world: World, place: Place) -> Coroutine[Any, Any, Any]:
    boss = operator(place.who.caller.org_id)
    return users.disable_user(world.db, boss, place.who.user.user_id, now=world.clock())


def promote(world: World, place: Place) -> Coroutine[Any, Any, Any]:
    boss, changes = operator(place.who.caller.org_id), UserChanges(role=Role.MANAGER)
    return users.update_user(world.db, boss, place.who.user.user_id, changes=changes, now=world.clock())


async def wait_too_long(world: World, place: Place) -> None:
    assert place
    world.clock.advance(days=40)


@pytest.mark.parametrize("end", [leave, disable, promote, wait_too_long])
def test_a_board_ends_with_what_its_person_was_let_in_by(
    place: Place, entrance: Entrance, end: Callable[[World, Place], Coroutine[Any, Any, Any]]
) -> None:
    world = entrance.world
    other = furnished(entrance, place.owner, "East")
    boards = Boards(world.db, world.clock)

    async def work() -> list[list[Change | None]]:
        async with opened(boards, place, other) as heard:
            await end(world, place)
            await until(lambda: heard[0] == [None])
            return [list(told) for told in heard]

    assert world.run(work())[0] == [None]


def test_silence_is_said_and_whoever_does_not_listen_has_to_come_again(
    place: Place, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "SECONDS_OF_SILENCE", 0.5)
    world = entrance.world
    boards = Boards(world.db, world.clock)

    async def work() -> None:
        async with opened(boards, place) as (heard,):
            await until(lambda: len(heard) == 2)
            assert heard == [None, None]
            assert boards._open, "it goes on"

    world.run(work())
    deaf = Watcher(place.who, place.span)
    for _ in range(board.MOST_UNHEARD):
        deaf.tell(None)
    assert not deaf.is_over
    deaf.tell(None)
    assert deaf.is_over
