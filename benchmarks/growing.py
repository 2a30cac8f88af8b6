"""Databases that have grown: one organization whose asked branch stays the same, with more and more around it.

The branch, its windows and one booking are made by the program. The rest are copies of those rows, made inside the
database by statements that both engines understand, with other ids, dates, windows and patients: what the program
would have written. Ids that come by chance in the product lie scattered over their keys here too.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any, ClassVar, NamedTuple, Self
from uuid import uuid4

import asyncpg

from benchmarks.clinic import HOURS, SERVICES, ZONE, new_key, today_in_zone
from benchmarks.engines import Engine
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.operations import Database, access, directory, windows
from slotkeeper.operations.appointments import NewAppointment, book_appointment
from slotkeeper.operations.line import new_line
from slotkeeper.settings import sqlite_path

MOST_PAST = 1_350
"""For how many weeks before the first date records are stored at most: dates begin with the year 2000."""
OWN = 42
"""The windows of the asked branch: six on each weekday."""
HORIZON = 28
PLACES = 10_000


class Size(NamedTuple):
    """How many windows the organization has, for how many weeks their records are stored, and how many appointments."""

    windows: int
    weeks: int
    appointments: int

    @property
    def records(self) -> int:
        return self.windows * self.weeks


class Grown(NamedTuple):
    """An organization, the branch that is asked for, a branch that is not, and a key of the staff's."""

    org_id: str
    key: str
    branch: str
    other: str
    first: date
    own: list[str]


_WINDOWS = """
    INSERT INTO windows
    SELECT org_id, o.calendar_id, o.branch_id, o.weekday, session, 'N' || o.number, start_time, end_time, service_id,
           20, ai_slots, enabled, created_at, updated_at
    FROM windows w CROSS JOIN other_windows o
    WHERE w.calendar_id = {window}
"""

_DAYS = """
    INSERT INTO days
    SELECT w.org_id, d.date, w.calendar_id, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time,
           w.service_id, w.max_slots, w.ai_slots, {true}, {false}, 0, 0, 1, 1
    FROM other_dates d CROSS JOIN windows w
    WHERE w.weekday = d.weekday
    ORDER BY d.date, w.calendar_id
    ON CONFLICT DO NOTHING
"""

# Where the copies stand: on every record but those of the asked branch from the first date to the horizon's end.
_PLACES = """
    INSERT INTO places
    SELECT row_number() OVER (ORDER BY d.date, d.calendar_id) - 1, d.date, d.calendar_id, d.branch_id FROM days d
    WHERE d.date < {first} OR d.date > {last} OR d.branch_id <> {branch}
"""

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID = " || ".join(f"substr('{_LETTERS}', CAST((x / {36**n}) % 36 AS INTEGER) + 1, 1)" for n in (5, 4, 3, 2, 1, 0))
_PHONE = "substr(CAST(100000000 + (i * 48271003) % 100000000 AS TEXT), 2)"
_NUMBERED = """
    WITH RECURSIVE counted(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < {number}),
    numbered AS (SELECT CAST(i AS BIGINT) AS i, CAST(i AS BIGINT) * 2176782336 / {number} AS x FROM counted)
"""

_APPOINTMENTS = (
    "INSERT INTO appointments "
    + _NUMBERED
    + f"""
    SELECT a.org_id, 'appt_' || {_ID} || 'grow', p.date, p.calendar_id, a.service_id, p.branch_id, a.wall_time,
           a.status, a.channel, a.token, 'Patient ' || n.i, '+9197' || {_PHONE}, '9197' || {_PHONE},
           'patient ' || n.i, a.assigned_doctor, a.notes, a.external_reference_id, a.created_at - n.i - 1,
           a.updated_at - n.i - 1
    FROM appointments a CROSS JOIN numbered n
    JOIN places p ON p.number = (n.i * 7919) % {{places}}
    WHERE a.appointment_id = {{one}}
"""
)

_UPCOMING = """
    INSERT INTO upcoming
    SELECT a.org_id, a.phone_key || ' ' || a.name_key, a.service_id, a.updated_at, a.appointment_id
    FROM appointments a WHERE a.appointment_id <> {one} ORDER BY 2
"""

_AUDIT = """
    INSERT INTO audit
    SELECT u.org_id, {audit_id}, a.updated_at, u.action, a.appointment_id, u.key_id, u.user_id, u.channel, u.request_id,
           u.outcome, u.before, u.after
    FROM audit u CROSS JOIN appointments a WHERE u.subject = {one} AND a.appointment_id <> {one}
    ORDER BY 3
"""

_FILLED = """
    UPDATE days SET filled = counted.many, rev = rev + 1
    FROM (SELECT date, calendar_id, count(*) AS many FROM appointments GROUP BY date, calendar_id) counted
    WHERE days.date = counted.date AND days.calendar_id = counted.calendar_id
"""

_INDEXES = {
    "days_by_window": "days (org_id, calendar_id, date, weekday)",
    "appointments_by_day": "appointments (org_id, date, calendar_id, status)",
    "appointments_by_patient": "appointments (org_id, phone_key, name_key)",
    "appointments_by_update": "appointments (org_id, updated_at)",
    "audit_by_subject": "audit (org_id, subject, at)",
}


async def grow(engine: Engine, size: Size) -> Grown:
    """Fill an empty database."""
    db = open_database(engine.url)
    grown, booked = await _found(db)
    await db.close()
    raw = _File(engine.url) if engine.pid is None else await _Server.open(engine.url)
    await _add(raw, grown, booked, size)
    await raw.close()
    await engine.settle()
    return grown


async def _found(db: Database) -> tuple[Grown, str]:
    """The organization with the asked branch as the program makes it, and one booking to be copied."""
    now = system_clock()
    await db.migrate()
    organization = await directory.create_organization(db, name="Grown", timezone=ZONE.key, now=now)
    me = operator(organization.org_id)
    await directory.update_configuration(db, me, changes={"horizon_days": HORIZON}, now=now)
    for name in SERVICES:
        await directory.create_service(db, me, name=name, now=now)
    branch, other = [
        (await directory.create_branch(db, me, name=name, timezone=None, now=now)).branch_id
        for name in ("Asked", "Other")
    ]
    own = [await _open(db, organization.org_id, branch, number, now=now) for number in range(OWN)]
    first = today_in_zone(now) + timedelta(days=1)
    key = await new_key(db, organization.org_id, now=now)
    grown = Grown(organization.org_id, key, branch, other, first, own)
    caller = await access.authenticate(db, key, now=now)
    booked = await book_appointment(new_line(db), caller, next(bookings(grown, "Template")), now=now)
    return grown, booked.appointment.appointment_id


async def _open(db: Database, org_id: str, branch: str, number: int, *, now: int) -> str:
    session = list(Session)[number // 7 % 3]
    window = await windows.create_window(
        db,
        operator(org_id),
        branch_id=branch,
        day=DAYS[number % 7],
        session=session,
        start_time=f"{HOURS[session]:02d}:00",
        end_time=f"{HOURS[session] + 3:02d}:00",
        max_slots=PLACES,
        ai_slots=None,
        batch="AB"[number // 21],
        service=None,
        now=now,
    )
    return window.calendar_id


def bookings(
    grown: Grown, name: str, *, days: Sequence[int] = range(HORIZON), branch: str = ""
) -> Iterator[NewAppointment]:
    """Bookings over the windows of a branch and some days from the first on, each for a patient of its own."""
    for number in count():
        session = list(Session)[number % 3]
        on = datetime.combine(grown.first, time(HOURS[session] + number % 2, number % 60), ZONE)
        instant = on + timedelta(days=days[number // 6 % len(days)])
        yield NewAppointment(
            SERVICES[number % len(SERVICES)],
            int(instant.timestamp() * 1000),
            f"{name} {number:07d}",
            f"+9198{number * 48_271_003 % 10**8:08d}",
            branch or grown.branch,
            session,
        )


class _File:
    """A SQLite file, filled past the program."""

    words: ClassVar[dict[str, str]] = {
        "true": "1",
        "false": "0",
        "audit_id": "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) "
        "|| '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
    }
    types: ClassVar[dict[str, str]] = {"id": "TEXT", "date": "TEXT"}

    def __init__(self, url: str) -> None:
        self._raw = sqlite3.connect(sqlite_path(url), isolation_level=None, check_same_thread=False)
        for pragma in ("synchronous = OFF", "cache_size = -500000", "temp_store = FILE", "journal_mode = OFF"):
            self._raw.execute(f"PRAGMA {pragma}").fetchall()

    async def run(self, sql: str) -> None:
        await asyncio.to_thread(self._raw.execute, sql)

    async def add(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self._raw.execute("BEGIN")
        self._raw.executemany(f"{sql} VALUES ({marks})", rows)
        self._raw.execute("COMMIT")

    async def number(self, sql: str) -> int:
        return int(self._raw.execute(sql).fetchone()[0])

    async def close(self) -> None:
        self._raw.execute("PRAGMA journal_mode = WAL").fetchall()
        self._raw.close()


class _Server:
    """A database of a PostgreSQL server, filled past the program."""

    words: ClassVar[dict[str, str]] = {"true": "true", "false": "false", "audit_id": "gen_random_uuid()"}
    types: ClassVar[dict[str, str]] = {"id": "uuid", "date": "date"}

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @classmethod
    async def open(cls, url: str) -> Self:
        raw = await asyncpg.connect(url)
        for name in ("uuid", "date"):
            await raw.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
        # What is added here refers to what is added here.
        await raw.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
        await raw.execute("SET work_mem = '512MB'; SET synchronous_commit = off")
        return cls(raw)

    async def run(self, sql: str) -> None:
        await self._raw.execute(sql, timeout=3_600)

    async def add(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join(f"${number + 1}" for number in range(len(rows[0])))
        await self._raw.executemany(f"{sql} VALUES ({marks})", rows)

    async def number(self, sql: str) -> int:
        return int(await self._raw.fetchval(sql))

    async def close(self) -> None:
        await self._raw.close()


async def _add(raw: _File | _Server, grown: Grown, booked: str, size: Size) -> None:
    """Add what is missing to a size. The indexes are made anew at the end, which is quicker than one row at a time."""
    words = raw.words | {
        "one": f"'{booked}'",
        "window": f"'{grown.own[0]}'",
        "branch": f"'{grown.branch}'",
        "first": f"'{grown.first}'",
        "last": f"'{grown.first + timedelta(days=HORIZON)}'",
        "number": str(size.appointments),
    }
    for name in _INDEXES:
        await raw.run(f"DROP INDEX {name}")
    kinds = raw.types
    await raw.run(
        f"CREATE TEMP TABLE other_windows (calendar_id {kinds['id']}, branch_id {kinds['id']}, weekday INTEGER, "
        "number INTEGER)"
    )
    await raw.run(f"CREATE TEMP TABLE other_dates (date {kinds['date']}, weekday INTEGER)")
    others = [(str(uuid4()), grown.other, number % 7, number) for number in range(OWN, size.windows)]
    await raw.add("INSERT INTO other_windows", others)
    past = min(MOST_PAST, size.weeks // 4)
    dates = [grown.first + timedelta(days=day - 7 * past) for day in range(7 * size.weeks)]
    await raw.add("INSERT INTO other_dates", [(on.isoformat(), on.weekday()) for on in dates])
    for statement in (_WINDOWS, _DAYS):
        await raw.run(statement.format(**words))
    if size.appointments:
        await raw.run(
            f"CREATE TEMP TABLE places (number BIGINT PRIMARY KEY, date {kinds['date']}, calendar_id {kinds['id']}, "
            f"branch_id {kinds['id']})"
        )
        await raw.run(_PLACES.format(**words))
        words["places"] = str(await raw.number("SELECT count(*) FROM places"))
        for statement in (_APPOINTMENTS, _UPCOMING, _AUDIT, _FILLED):
            await raw.run(statement.format(**words))
    for name, columns in _INDEXES.items():
        await raw.run(f"CREATE INDEX {name} ON {columns}")
