"""What SQLite's one writer keeps apart by itself, kept apart on PostgreSQL by locks: two servers, moment by moment.

Each test lets one server stand still where the other could come in between. Each fails without the lock, or the
second look, that it is about (the closure's is kept by two).
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain import access
from slotkeeper.domain.access import Caller, Once, Scope
from slotkeeper.domain.errors import Conflict
from slotkeeper.domain.model import Channel, Day, Session
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import (
    appointments,
    audit,
    closures,
    directory,
    holds,
    line,
    projection,
    schedule,
    windows,
)
from slotkeeper.operations.access import revoke_key
from slotkeeper.operations.acts import Replayed
from slotkeeper.operations.appointments import NewAppointment
from slotkeeper.operations.closures import NewClosure
from slotkeeper.operations.facts import Knowledge
from slotkeeper.operations.holds import NewHold
from slotkeeper.store import days, requests
from slotkeeper.store import directory as directory_store
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.postgres_session import PostgresConnection
from tests import direct
from tests.engines import POSTGRES
from tests.operations.halting import Halt
from tests.world import MONDAY, TRACKING, WINDOWS, Cast, Client, World, good, millis, plus_days

pytestmark = pytest.mark.engines(POSTGRES)
FAR = plus_days(MONDAY, 7 * 30)


class Servers:
    """Two servers on one database, with a clinic that has one window on Mondays."""

    def __init__(self, world: World, owner: Client, org_id: str) -> None:
        self.world, self.owner, self.org_id = world, owner, org_id
        self.one: Database = world.db
        self.other: Database = open_database(world.url)
        self.branch = owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=5, ai_slots=5)
        self.line, self.other_line = line.new_line(self.one), line.new_line(self.other)
        self.caller = Caller(org_id, "", frozenset(Scope), Channel.STAFF, 0)

    @property
    def now(self) -> int:
        return self.world.clock()

    def keyed(self, key: str) -> Caller:
        """The same caller with an Idempotency-Key."""
        key_id = "77777777-7777-4777-8777-777777777777"
        return self.caller._replace(
            key_id=key_id, once=Once(key, "one request", lambda result: (201, str(result)[:20]))
        )

    def booking(self, name: str, on: str = MONDAY) -> NewAppointment:
        return NewAppointment(self.service, millis(f"{on}T09:30:00Z"), name, "+49 30 1234567")

    async def create_window(self, db: Database, **more: Any) -> Any:
        fields: dict[str, Any] = {
            "branch_id": self.branch, "day": Day.MONDAY, "session": Session.EVENING, "start_time": "17:00",
            "end_time": "19:00", "max_slots": 5, "ai_slots": None, "batch": None, "service": None, "now": self.now,
        }  # fmt: skip
        return await windows.create_window(db, self.caller, **(fields | more))


@pytest.fixture
def servers(world: World, owner: Client, cast: Cast) -> Iterator[Servers]:
    made = Servers(world, owner, cast.owner_org)
    yield made
    world.run(made.other.close())


def no_echo(*_: object) -> None:
    """Nothing was repeated of an answer."""


def test_a_closure_and_a_new_window_at_once_leave_no_open_record_on_a_closed_date(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    halt = Halt(monkeypatch, projection, "list_closures")
    monday = parse_slot_id(f"{servers.window}||{MONDAY}", parts=(2,)).date
    assert monday is not None
    closure = NewClosure(None, monday, monday, "A holiday")
    close = closures.create_closure(servers.other, servers.caller, closure, source="api", now=servers.now)
    done = servers.world.run(halt.between(servers.create_window(servers.one), close))
    assert not any(isinstance(one, Exception) for one in done)
    assert servers.owner.slots() == []
    assert len(servers.owner.slots(plus_days(MONDAY, 7))) == 2


def test_two_changes_of_one_service_at_once_both_last(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = Halt(monkeypatch, directory_store, "list_services")
    rename, end = (
        directory.update_service(db, servers.caller, servers.service, changes=changes, expect=no_echo, now=servers.now)
        for db, changes in (
            (servers.one, directory.ServiceChanges(name="Eye test")),
            (servers.other, directory.ServiceChanges(active=False)),
        )
    )
    servers.world.run(halt.between(rename, end))
    (service,) = good(servers.owner.get("/v1/services"))["data"]
    assert (service["name"], service["active"]) == ("Eye test", False)


def test_a_window_made_while_its_branch_is_rolled_past_midnight_lacks_no_date(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that makes the window has a clock on which the new day has not begun yet."""
    servers.world.clock.set("2026-06-14T23:59:59Z")
    servers.world.roll_forward()
    after_midnight = millis("2026-06-15T00:00:01Z")
    halt = Halt(monkeypatch, directory_store, "get_config_rev", time=2)
    roll = schedule.roll_forward(servers.one, now=after_midnight)
    _, made = servers.world.run(halt.between(roll, servers.create_window(servers.other, day=Day.SUNDAY)))
    servers.world.clock.now = after_midnight
    servers.world.roll_forward()
    records = good(servers.owner.get(TRACKING, date_from="2026-06-15", date_to="2026-09-30"))["data"]
    assert "2026-09-13" in {one["date"] for one in records if one["calendar_id"] == made.calendar_id}


def test_servers_that_roll_forward_at_once_make_each_record_once(servers: Servers) -> None:
    servers.world.clock.advance(days=30)

    async def both() -> list[int]:
        return list(
            await asyncio.gather(*(schedule.roll_forward(db, now=servers.now) for db in (servers.one, servers.other)))
        )

    mondays = ["2026-08-31", "2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28"]
    assert sum(servers.world.run(both())) == len(mondays)
    assert servers.owner.regenerate(plus_days(MONDAY, 7), "2026-09-28")["errors"] == 0


def test_an_answer_of_today_is_not_forgotten_with_the_old_one_whose_key_it_took_over(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = servers.keyed("again")
    booked = appointments.book_appointment(servers.line, caller, servers.booking("Ada", FAR), now=servers.now)
    servers.world.run(booked)
    servers.world.clock.advance(hours=25)
    halt = Halt(monkeypatch, requests, "keep_answers")
    book = appointments.book_appointment(servers.line, caller, servers.booking("Grace", FAR), now=servers.now)
    first, second = servers.world.run(halt.between(book, audit.forget_old(servers.other, now=servers.now)))
    assert not isinstance(first, Exception)
    assert not isinstance(second, Exception)
    again = appointments.book_appointment(servers.other_line, caller, servers.booking("Grace", FAR), now=servers.now)
    with pytest.raises(Replayed):
        servers.world.run(again)


def test_a_record_that_went_away_after_the_revision_was_read_is_made_again(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the horizon records are made on the spot; a window that is off for a moment takes them away."""
    slot_id = parse_slot_id(f"{servers.window}||{FAR}||{servers.service}", parts=(3,))
    caller = servers.caller._replace(key_id="77777777-7777-4777-8777-777777777777")
    for _ in range(2):  # the second one finds the record, and from then on the server counts on it
        hold = servers.world.run(holds.take_hold(servers.line, caller, NewHold(300, slot_id), now=servers.now))
        servers.world.run(holds.release_hold(servers.one, caller, hold.hold_id, now=servers.now))
    halt = Halt(monkeypatch, directory_store, "get_config_rev")

    async def switch() -> None:
        for enabled in (False, True):
            await windows.set_enabled(servers.other, caller, servers.window, enabled=enabled, now=servers.now)

    held, switched = servers.world.run(
        halt.between(holds.take_hold(servers.line, caller, NewHold(300, slot_id), now=servers.now), switch())
    )
    assert switched is None
    assert not isinstance(held, Exception), held
    assert servers.owner.records(FAR)[0]["available_slots"] == 4


def test_a_record_that_is_made_between_the_lock_and_the_look_is_locked_too(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that was there when the lock was asked for is gone; another one is there when it is looked at."""
    monday = parse_slot_id(f"{servers.window}||{MONDAY}", parts=(2,)).date
    assert monday is not None
    row = direct.rows(servers.world.url, "SELECT * FROM days WHERE date = ?", MONDAY)[0]
    direct.change(servers.world.url, "DELETE FROM days WHERE date = ?", MONDAY)
    locked = PostgresConnection.lock

    async def lock_and_let_another_come(tx: PostgresConnection, *given: Any, **named: Any) -> int | None:
        number = await locked(tx, *given, **named)
        marks = ", ".join("?" * len(row))
        if not direct.rows(servers.world.url, "SELECT 1 FROM days WHERE date = ?", MONDAY):
            direct.change(servers.world.url, f"INSERT INTO days VALUES ({marks})", *row)
        return number

    monkeypatch.setattr(PostgresConnection, "lock", lock_and_let_another_come)

    async def work(tx: Connection) -> bool:
        found = await days.lock_places(tx, servers.org_id, [(monday, servers.window)], now=servers.now)
        assert len(found) == 1
        free = "SELECT 1 FROM days WHERE date = ? FOR NO KEY UPDATE SKIP LOCKED"
        return direct.rows(servers.world.url, free, MONDAY) == []

    assert servers.world.run(servers.one.write(work))


def test_what_is_known_of_an_organization_is_of_one_revision(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = Halt(monkeypatch, directory_store, "list_branches")

    async def read(tx: Connection) -> tuple[int, list[str], int | None]:
        known = await Knowledge().get(tx, servers.org_id)
        revision = await directory_store.get_config_rev(tx, servers.org_id)
        return known.revision, [branch.name for branch in known.branches], revision

    create = directory.create_branch(servers.other, servers.caller, name="Harbour", timezone=None, now=servers.now)
    (revision, branches, current), _ = servers.world.run(halt.between(servers.one.write(read), create))
    assert revision == current
    assert branches == ["Harbour", "Main Street"]


def test_two_organizations_of_one_name_at_once_are_one(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = Halt(monkeypatch, directory_store, "list_organizations")
    first, second = (
        directory.create_organization(db, name="Twin", timezone="UTC", now=servers.now)
        for db in (servers.one, servers.other)
    )
    done = servers.world.run(halt.between(first, second))
    assert [isinstance(one, Conflict) for one in done] == [False, True]


def test_a_group_of_one_organization_never_waits_for_another_organization(
    servers: Servers, outsider: Client, cast: Cast
) -> None:
    outsider.branch("Elsewhere")
    service = outsider.service("Checkup")
    outsider.window(max_slots=5)
    theirs = Caller(cast.outsider_org, "", access.operator(cast.outsider_org).scopes, Channel.STAFF, 0)
    new = NewAppointment(service, millis(f"{MONDAY}T09:30:00Z"), "Ada", "+49 30 1234567")

    async def both(tx: Connection) -> None:
        """While our window-date is locked, their booking goes through the same line, and ours waits."""
        await tx.execute(days._OVERRIDDEN, org_id=servers.org_id, date=MONDAY, calendar_id=servers.window)
        ours = appointments.book_appointment(servers.line, servers.caller, servers.booking("Ada"), now=servers.now)
        waiting.append(asyncio.ensure_future(ours))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(4):
            await appointments.book_appointment(servers.line, theirs, new, now=servers.now)
        assert not waiting[0].done()

    waiting: list[asyncio.Future[Any]] = []
    servers.world.run(servers.other.write(both))

    async def end() -> Any:
        return await waiting[0]

    assert servers.world.run(end()).appointment.calendar_id == servers.window


def test_a_key_that_one_server_revokes_is_refused_by_the_other_at_once(world: World, cast: Cast) -> None:
    client = world.key(cast.owner_org)
    beside = World(world.url)
    beside.clock.now = world.clock()
    same = Client(beside, client.key)
    assert client.record is not None
    try:
        for _ in range(3):
            assert same.get(f"{WINDOWS}/availability", date=MONDAY).status_code == 200
        world.run(revoke_key(world.db, cast.owner_org, client.record.key_id, now=world.clock()))
        assert same.get(f"{WINDOWS}/availability", date=MONDAY).status_code == 401
    finally:
        beside.close()
