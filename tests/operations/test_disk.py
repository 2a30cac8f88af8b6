"""A database that cannot be written (contract.md section 3): 503, nothing lost, nothing half done, and on it goes."""

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from slotkeeper.operations import upkeep
from slotkeeper.settings import sqlite_path
from slotkeeper.store.sqlite import WRITE_PATIENCE, SqliteDatabase
from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal
from tests.engines import SQLITE
from tests.operations.caller import HOLDS, Clinic, Crowd, open_clinic
from tests.operations.wire import Ask, Told, Wire
from tests.world import APPOINTMENTS, AVAILABILITY, MONDAY, WINDOWS, Cast, Client, World, good, refused

pytestmark = pytest.mark.engines(SQLITE)
CALLERS = 8
ROOM = 64 * 1024


@pytest.fixture
def clinic(new_world: Callable[[], World], cast: Cast) -> Clinic:
    return open_clinic(new_world(), cast, callers=CALLERS, narrow=20)


@pytest.fixture
def crowd(clinic: Clinic) -> Iterator[Crowd]:
    crowd = Crowd(clinic, CALLERS)
    yield crowd
    crowd.close()


def port_of(ready: dict[str, Any]) -> int:
    return urlsplit(ready["url"]).port or 0


def allow(pid: int, size: int) -> None:
    """Let no file of a process grow beyond a size. Unlike the rights of files, that binds the system's owner too."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def longest_file(clinic: Clinic) -> int:
    """The size of the longest of the database's files."""
    return max(file.stat().st_size for file in sqlite_path(clinic.url).parent.glob(f"{sqlite_path(clinic.url).name}*"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the write lock of a file."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield


def filled(wire: Wire, clinic: Clinic) -> dict[str, int]:
    """The places taken of each session, as availability shows them."""
    answer = wire.send(Ask("GET", f"{AVAILABILITY}?date={clinic.next_week}")).good()
    return {slot["session"]: slot["filled_slots"] for slot in answer["slots"]}


def booking(clinic: Clinic, name: str) -> Ask:
    """Somebody's booking for the evening, whose Idempotency-Key is the name."""
    body = {
        "appointment_type": clinic.service,
        "appointment_date": f"{clinic.next_week}T17:30:00Z",
        "patient_name": name,
        "parent_phone": "+49 30 7654321",
    }
    return Ask("POST", APPOINTMENTS, body, name)


@pytest.mark.slow
@pytest.mark.parametrize("then", ["there is room again", "the server is killed"])
def test_a_full_disk_refuses_what_it_cannot_keep_and_nothing_else(clinic: Clinic, crowd: Crowd, then: str) -> None:
    """Bookings, holds, moves and cancels run into it in mid-load, and are asked again; reading goes on meanwhile."""
    terminal = Terminal(sqlite_path(clinic.url).parent)
    with terminal.serving() as (process, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
        port = port_of(ready)
        crowd.work(port, clinic.next_week, after=100, act=lambda: allow(process.pid, longest_file(clinic) + ROOM))
        for _ in range(3):
            crowd.work(port, clinic.next_week)
        allow(process.pid, 0)
        wire.send(booking(clinic, "Somebody")).require_unavailable()
        assert filled(wire, clinic) == crowd.taken(clinic.next_week)
        if then == "there is room again":
            allow(process.pid, resource.RLIM_INFINITY)
            crowd.make_up(port)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
    with terminal.serving() as (_, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
        assert filled(wire, clinic) == crowd.taken(clinic.next_week)
        crowd.make_up(port_of(ready))
        crowd.require_all_is_stored()
        assert terminal.json("check") == {"differences": []}
        booked = wire.send(booking(clinic, "Somebody"))
        booked.good(201)
        assert not booked.replayed


@pytest.mark.slow
def test_a_server_that_starts_on_a_full_disk_says_so_in_one_line(clinic: Clinic) -> None:
    ended = Terminal(sqlite_path(clinic.url).parent).shell(f"ulimit -f 0; exec {' '.join(SLOTKEEPER)} serve --port 0")
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "The database slotkeeper.db cannot be read or written: look at its disk." in line


@pytest.mark.slow
def test_a_booking_waits_some_seconds_for_another_program_and_is_then_refused(clinic: Clinic) -> None:
    """However many wait, and whenever they came, also for the answer to one Idempotency-Key; reading goes on."""
    terminal = Terminal(sqlite_path(clinic.url).parent)
    people = [*range(CALLERS - 2), 0, 0]  # one of them asks three times

    def book(number: int, delay: float) -> tuple[Told, float]:
        with Wire(port_of(ready), clinic.keys[number]) as wire:
            time.sleep(delay)
            start = time.monotonic()
            return wire.send(booking(clinic, f"Patient {number}")), time.monotonic() - start

    with terminal.serving() as (_, ready), Wire(port_of(ready), clinic.keys[0]) as reader:
        with ThreadPoolExecutor(CALLERS) as pool, locked(sqlite_path(clinic.url)):
            waiting = [pool.submit(book, number, place / 4) for place, number in enumerate(people)]
            start = time.monotonic()
            assert filled(reader, clinic) == {"Morning": 0, "Evening": 0}
            assert time.monotonic() - start < WRITE_PATIENCE / 2
            assert not waiting[0].done()
            refusals = [one.result() for one in waiting]
        for told, _ in refusals:
            told.require_unavailable()
        assert max(seconds for _, seconds in refusals) < WRITE_PATIENCE + 2
        with ThreadPoolExecutor(CALLERS) as pool:
            with locked(sqlite_path(clinic.url)):
                waiting = [pool.submit(book, number, 0) for number in people]
                time.sleep(1)
                assert not any(one.done() for one in waiting)
            answers = [one.result()[0] for one in waiting]
        assert all(told.good(201) for told in answers)
        assert sum(told.replayed for told in answers) == 2
        assert filled(reader, clinic) == {"Morning": 0, "Evening": CALLERS - 2}
    assert terminal.json("check") == {"differences": []}


class Ward:
    """A window with room for everybody, in a world whose database a test can spoil and mend."""

    def __init__(self, world: World, owner: Client) -> None:
        self.world, self.owner = world, owner
        owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=1000)

    def set(self, pragma: str) -> None:
        """Change a setting of the one connection that writes."""
        db = self.world.db
        assert isinstance(db, SqliteDatabase)
        db._writer.submit(lambda: db._write_connection().execute(f"PRAGMA {pragma}").fetchall()).result()

    def book(self, name: str) -> httpx.Response:
        """Somebody's booking, whose Idempotency-Key is the name."""
        ask = {"patient_name": name, "parent_phone": "+49 30 1234567", **self.when}
        return self.owner.request("POST", APPOINTMENTS, json=ask, headers={"idempotency-key": name})

    @property
    def when(self) -> dict[str, str]:
        return {"appointment_type": self.service, "appointment_date": f"{MONDAY}T09:30:00Z"}

    def require_filled(self, many: int) -> None:
        assert self.owner.slots()[0]["filled_slots"] == many
        assert good(self.owner.get(APPOINTMENTS))["pagination"]["total"] == many
        assert self.world.run(upkeep.check(self.world.db)) == []


@pytest.fixture
def ward(world: World, owner: Client) -> Ward:
    return Ward(world, owner)


def unavailable(answer: httpx.Response) -> bool:
    """Whether a request was refused because the database could not do it; it must say when to try again."""
    if answer.status_code != 503:
        return False
    refused(answer, 503, "UNAVAILABLE")
    return int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [("max_page_count = 1", "max_page_count = 1000000"), ("query_only = ON", "query_only = OFF")],
    ids=["full", "read-only"],
)
def test_a_booking_that_the_database_cannot_keep_counts_for_nothing_and_can_be_had_later(
    ward: Ward, spoil: str, mend: str
) -> None:
    good(ward.book("Patient 0"), 201)
    ward.set(spoil)
    names = (f"Patient {number}" for number in range(1, 500))
    booked, refused_name = 1, ""
    for name in names:  # a full file may have room for some more
        answer = ward.book(name)
        if unavailable(answer):
            refused_name = name
            break
        good(answer, 201)
        booked += 1
    assert refused_name
    ward.require_filled(booked)
    assert unavailable(ward.book(refused_name))
    ward.set(mend)
    answer = ward.book(refused_name)
    good(answer, 201)
    assert "idempotent-replay" not in answer.headers
    ward.require_filled(booked + 1)


def test_no_change_of_any_kind_is_answered_by_a_database_that_may_only_be_read(ward: Ward) -> None:
    booked = good(ward.book("Patient 0"), 201)["appointment_id"]
    hold = good(ward.owner.post(HOLDS, ward.when), 201)["data"]["hold_id"]
    changes: list[tuple[str, str, Any]] = [
        ("POST", HOLDS, ward.when),
        ("PATCH", f"{HOLDS}/{hold}", {"ttl_seconds": 600}),
        ("DELETE", f"{HOLDS}/{hold}", None),
        ("POST", APPOINTMENTS, {"hold_id": hold, "patient_name": "Patient 1", "parent_phone": "+49 30 1234567"}),
        ("PATCH", f"{APPOINTMENTS}/{booked}", {"appointment_date": f"{MONDAY}T10:00:00Z"}),
        ("PATCH", f"{APPOINTMENTS}/{booked}", {"status": "cancelled"}),
        ("PATCH", f"{WINDOWS}/days/{ward.window}||{MONDAY}", {"max_slots": 5}),
        ("PATCH", f"{WINDOWS}/tracking/{ward.window}||{MONDAY}||{ward.service}", {"status": "CLOSED"}),
        ("PATCH", f"{WINDOWS}/{ward.window}", {"max_slots": 5}),
        ("POST", f"{WINDOWS}/{ward.window}/disable", None),
        ("POST", "/v1/services", {"name": "Vaccination"}),
    ]
    ward.set("query_only = ON")
    for method, path, body in changes:
        answer = ward.owner.request(method, path, **({} if body is None else {"json": body}))
        assert unavailable(answer), (method, path, answer.text)
    ward.require_filled(1)
    assert ward.owner.slots()[0]["available_slots"] == 1000 - 2
    ward.set("query_only = OFF")
    for method, path, body in changes:
        answer = ward.owner.request(method, path, **({} if body is None else {"json": body}))
        expected = {409} if "hold_id" in str(body) else {200, 201}  # the line above gives that hold back
        assert answer.status_code in expected, (method, path, answer.text)
