"""Bookings: over HTTP against the composed limit, the group commit against single ones, next-available."""

import asyncio
import itertools
import json
import os
import secrets
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from benchmarks.load import Load, post, put_load
from benchmarks.serving import CONSTANT, serving
from slotkeeper.domain.access import Caller, Scope, operator
from slotkeeper.domain.calendar import instant_of, today
from slotkeeper.domain.model import DAYS, Channel, Session
from slotkeeper.operations import access, appointments, directory, openings, windows
from slotkeeper.operations.appointments import NewAppointment
from slotkeeper.operations.availability import Question, get_availability
from slotkeeper.operations.line import new_line
from slotkeeper.operations.openings import Asking
from slotkeeper.store.sqlite import SqliteDatabase

BATCHES = 30  # windows a weekday; 210 in all
SPREAD_DATES = 56
ROWS = 6_000  # of one round of the bare loop
NOBODY = "00000000-0000-0000-0000-000000000000"


class Clinic(NamedTuple):
    """Two branches: one of 210 windows, 30 a weekday, and one with a single window a weekday; 10,000 places each."""

    org_id: str
    key: str
    many: str
    single: str
    service: str
    today: date


async def fill(db: SqliteDatabase, *, places: int = 10_000) -> Clinic:
    """Make the clinic in an empty database."""
    await db.migrate()
    now = time.time_ns() // 10**6
    organization = await directory.create_organization(db, name="Bench", timezone="UTC", now=now)
    me = operator(organization.org_id)
    many, single = [
        (await directory.create_branch(db, me, name=name, timezone=None, now=now)).branch_id for name in "AB"
    ]
    service = await directory.create_service(db, me, name="Checkup", now=now)
    for day in DAYS:
        for branch_id, batch in [*((many, f"B{number}") for number in range(BATCHES)), (single, "B0")]:
            await windows.create_window(
                db,
                me,
                branch_id=branch_id,
                day=day,
                session=Session.MORNING,
                start_time="09:00",
                end_time="11:00",
                max_slots=places,
                ai_slots=None,
                batch=batch,
                service=None,
                now=now,
            )
    _, key = await access.create_key(
        db,
        organization.org_id,
        label="bench",
        scopes=list(Scope),
        channel=Channel.AI,
        rate_limit=0,
        expires_at=None,
        now=now,
    )
    return Clinic(organization.org_id, key, many, single, service.service_id, today(now, "UTC"))


def make(path: Path, *, places: int = 10_000) -> Clinic:
    """The same for a program without an event loop."""

    async def work() -> Clinic:
        db = SqliteDatabase(path)
        try:
            return await fill(db, places=places)
        finally:
            await db.close()

    return asyncio.run(work())


def _wishes(clinic: Clinic, *, hot: bool, number: int) -> Iterator[tuple[str, str, date]]:
    """Branch, batch and date of one booking after the other; a hot round has a date of its own."""
    for turn in itertools.count():
        if hot:
            yield clinic.single, "B0", clinic.today + timedelta(days=7 + number)
        else:
            yield clinic.many, f"B{turn * 7 % BATCHES}", clinic.today + timedelta(days=7 + turn * 11 % SPREAD_DATES)


def _requests(clinic: Clinic, path: str, *, hot: bool, number: int) -> Iterator[bytes]:
    """POSTs that each book for another patient, with an Idempotency-Key of their own."""
    mark = secrets.token_hex(4)
    for turn, (branch, batch, on) in enumerate(_wishes(clinic, hot=hot, number=number)):
        body = {
            "appointment_type": clinic.service,
            "appointment_date": f"{on}T09:30:00Z",
            "patient_name": f"Patient {mark} {turn}",
            "parent_phone": f"+49 151 {turn:07d}",
            "branch_id": branch,
            "session": "Morning",
            "batch": batch,
        }
        yield post(path, json.dumps(body), clinic.key, f"{mark}-{turn}")


class Round(NamedTuple):
    """One round: bookings and the constant over HTTP, the bare loop's rows a second, and the size of the groups."""

    booked: Load
    constant: Load
    bare: float
    group: float

    @property
    def limit(self) -> float:
        """H: as fast as the constant reply and the bare loop one after the other."""
        return 1 / (1 / self.constant.rate + 1 / self.bare)

    @property
    def share(self) -> float:
        """What share of the limit the bookings came at."""
        return self.booked.rate / self.limit


def measure(folder: Path, *, rounds: int, seconds: float) -> dict[str, list[Round]]:
    """Bookings spread over many windows and dates, and on one hot window-date, interleaved with their limits."""
    path = folder / "booking.db"
    clinic = make(path)
    with serving(path, constant_size=560) as (port, _):
        for hot in (False, True):
            put_load(port, _requests(clinic, "/v1/appointments", hot=hot, number=40), seconds=0.3)  # warm
        found: dict[str, list[Round]] = {"spread": [], "hot": []}
        for number, (name, done) in itertools.product(range(rounds), found.items()):
            hot = name == "hot"
            before = _groups(path)
            booked = put_load(port, _requests(clinic, "/v1/appointments", hot=hot, number=number), seconds=seconds)
            group = len(booked.latencies) / (_groups(path) - before)
            constant = put_load(port, _requests(clinic, CONSTANT, hot=hot, number=number), seconds=seconds)
            done.append(Round(booked, constant, bare_loop(folder, group=max(1, round(group)), hot=hot), group))
    return found


def _groups(path: Path) -> int:
    """How many groups were committed: the members of one have one clock value in the audit trail."""
    with closing(sqlite3.connect(path)) as raw:
        sql = "SELECT count(DISTINCT at) FROM audit WHERE action = 'appointments.create'"
        number: int = raw.execute(sql).fetchone()[0]
        return number


_INSERTS = {
    "appointments": "org_id, appointment_id, date, calendar_id, service_id, branch_id, wall_time, status, channel,"
    " token, patient_name, parent_phone, phone_key, name_key, assigned_doctor, notes, external_reference_id,"
    " created_at, updated_at",
    "upcoming": "org_id, patient_key, service_id, until, appointment_id",
    "audit": "org_id, audit_id, at, action, subject, key_id, user_id, channel, request_id, outcome, before, after",
    "requests": "org_id, key_id, idempotency_key, fingerprint, status, answer, created_at",
}


def bare_loop(folder: Path, *, group: int, hot: bool) -> float:
    """Rows of bookings a second, written by nothing but prepared statements, in groups, as durably."""
    path = folder / f"bare-{uuid4()}.db"
    clinic = make(path)
    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=64)) as raw:
        for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "secure_delete = ON", "foreign_keys = ON"):
            raw.execute(f"PRAGMA {pragma}")
        branch = clinic.single if hot else clinic.many
        sql = "SELECT date, calendar_id FROM days WHERE branch_id = ? AND date > ? ORDER BY date, calendar_id"
        places = raw.execute(sql, (branch, str(clinic.today + timedelta(days=6)))).fetchall()
        rows = [_rows(clinic, branch, places[0] if hot else places[n * 37 % len(places)]) for n in range(ROWS)]
        inserts = [
            f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"
            for table, columns in _INSERTS.items()
        ]
        update = "UPDATE days SET filled = filled + ?, rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?"
        start = time.perf_counter()
        for first in range(0, ROWS, group):
            part = rows[first : first + group]
            raw.execute("BEGIN IMMEDIATE")
            for number, insert in enumerate(inserts):
                raw.executemany(insert, [row[number] for row in part])
            taken = Counter(row[0][2:4] for row in part)
            raw.executemany(update, [(many, clinic.org_id, *place) for place, many in taken.items()])
            raw.execute("COMMIT")
        rate = ROWS / (time.perf_counter() - start)
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
    return rate


def _rows(clinic: Clinic, branch: str, place: tuple[str, str]) -> tuple[tuple[object, ...], ...]:
    """The rows of one booking, each table's, of the size that the product writes."""
    on, window = place
    appointment, mark = f"appt_{secrets.token_hex(5)}", secrets.token_hex(6)
    phone, name = f"49151{secrets.randbelow(10**7):07d}", f"patient {mark}"
    after = {"appointment_id": appointment, "calendar_id": window, "date": on, "wall_time": "09:30"}
    after |= {"service_id": clinic.service, "branch_id": branch, "session": "Morning", "batch": "B0"}
    after |= {"status": "confirmed", "channel": "ai"}
    booked = (clinic.org_id, appointment, on, window, clinic.service, branch, "09:30", "confirmed", "ai", None)
    patient = (name, phone, phone, name, None, None, None, 1, 1)
    done = (clinic.org_id, str(uuid4()), 1, "appointments.create", appointment, NOBODY, None, "ai", f"req_{mark}")
    return (
        (*booked, *patient),
        (clinic.org_id, f"{phone} {name}", clinic.service, 1, appointment),
        (*done, "done", None, json.dumps(after)),
        (clinic.org_id, NOBODY, f"{mark}-1", mark * 5, 201, "x" * 560, 1),
    )


class Commits(NamedTuple):
    """Bookings a second at the operation: 32 waiting together, and one transaction each."""

    together: float
    alone: float


def measure_commits(folder: Path, *, rounds: int, hot: bool) -> list[Commits]:
    """Group commit against one transaction each, at the operation without HTTP."""
    path = folder / f"commits-{hot}.db"
    clinic = make(path)

    async def work() -> list[Commits]:
        db = SqliteDatabase(path)
        line = new_line(db)
        caller = Caller(clinic.org_id, NOBODY, frozenset(Scope), Channel.AI, 0)

        async def book(many: int, waiting: int, number: int) -> float:
            wishes = _wishes(clinic, hot=hot, number=number)
            mark = secrets.token_hex(4)
            turns = itertools.count()

            async def client(bookings: int) -> None:
                for _ in range(bookings):
                    branch, batch, on = next(wishes)
                    turn = next(turns)
                    new = NewAppointment(
                        clinic.service,
                        instant_of(on, "09:30", "UTC"),
                        f"Patient {mark} {turn}",
                        f"+49 151 {turn:07d}",
                        branch,
                        Session.MORNING,
                        batch,
                    )
                    await appointments.book_appointment(line, caller, new, now=time.time_ns() // 10**6)

            start = time.perf_counter()
            await asyncio.gather(*(client(many // waiting) for _ in range(waiting)))
            return many / (time.perf_counter() - start)

        try:
            await book(320, 32, 50)  # warm
            return [Commits(await book(2_560, 32, number), await book(640, 1, number)) for number in range(rounds)]
        finally:
            await db.close()

    return asyncio.run(work())


class Openings(NamedTuple):
    """Seconds of one availability of a date, and of next-available over 90 days: room at once, room at the end only."""

    availability: float
    easy: float
    hard: float


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that some work takes, the median of several times."""
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure_openings(folder: Path, *, rounds: int) -> list[Openings]:
    """Next-available over 90 days and 210 windows against one availability, at the operation."""
    path = folder / "openings.db"
    clinic = make(path, places=1)
    me = operator(clinic.org_id)
    now = time.time_ns() // 10**6
    first = clinic.today + timedelta(days=1)

    async def work() -> list[Openings]:
        db = SqliteDatabase(path)
        asking = Asking(clinic.service, clinic.many, None, first, 90, 10)
        question = Question(first, clinic.many)
        look = lambda: get_availability(db, me, question, now=now)  # noqa: E731
        seek = lambda: openings.list_openings(db, me, asking, now=now)  # noqa: E731
        try:
            easy = [(await _timed(look), await _timed(seek)) for _ in range(rounds)]
            with closing(sqlite3.connect(path)) as raw:  # all places are taken but those of the last days
                raw.execute("UPDATE days SET filled = 1 WHERE date < ?", (str(first + timedelta(days=84)),))
                raw.commit()
            hard = [await _timed(seek) for _ in range(rounds)]
            return [Openings(one, soon, late) for (one, soon), late in zip(easy, hard, strict=True)]
        finally:
            await db.close()

    return asyncio.run(work())


def sync_time(folder: Path) -> float:
    """Seconds that the disk takes to make 8 KiB durable, the median of many."""
    taken = []
    handle = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY)
    try:
        for number in range(100):
            os.pwrite(handle, b"x" * 8192, number * 8192)
            start = time.perf_counter()
            os.fdatasync(handle)
            taken.append(time.perf_counter() - start)
    finally:
        os.close(handle)
    return statistics.median(taken)
