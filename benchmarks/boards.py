"""The board of a week of 210 windows: beside availability of a day, over the wire, and 200 of them beside bookings."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from benchmarks.clinic import HOURS, Clinic, Patients, body_of, new_key, today_in_zone
from benchmarks.engines import sqlite
from benchmarks.serving import Served, serving
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.domain.users import Role
from slotkeeper.load.generator import put_load
from slotkeeper.operations import Database, directory, schedule, sign_ins, users, windows

BATCHES = "ABCDEFGHIJ"
OPEN = 200
PASSWORD = "correct horse battery"
SECONDS = 2.0


class Place(NamedTuple):
    """A clinic with one branch of 210 windows, and somebody who is signed in there."""

    clinic: Clinic
    token: str


class Round(NamedTuple):
    """Milliseconds for an answer, bytes, and bookings a second."""

    board: float
    availability: float
    page_bytes: int
    alone: float
    beside: float


async def _fill(db: Database, *, now: int) -> Place:
    await db.migrate()
    organization = await directory.create_organization(db, name="Board", timezone="Asia/Kolkata", now=now)
    me = operator(organization.org_id)
    for name in ("General Checkup", "Vaccination", "Dental", "Eyes"):
        await directory.create_service(db, me, name=name, now=now)
    branch = (await directory.create_branch(db, me, name="North", timezone=None, now=now)).branch_id
    for day, session, batch in [(day, session, batch) for day in DAYS for session in Session for batch in BATCHES]:
        await windows.create_window(
            db,
            me,
            branch_id=branch,
            day=day,
            session=session,
            start_time=f"{HOURS[session]:02d}:00",
            end_time=f"{HOURS[session] + 3:02d}:00",
            max_slots=500,
            ai_slots=200,
            batch=batch,
            service=None,
            now=now,
        )
    first = today_in_zone(now) + timedelta(days=1)
    await schedule.regenerate(db, me, date_from=first, date_to=first + timedelta(days=90), dry_run=False, now=now)
    made = await users.create_user(db, me, email="desk@example.org", name="Desk", role=Role.DESK, now=now)
    token = await sign_ins.use_link(db, made.secret, password=PASSWORD, now=now)
    clinic = Clinic(organization.org_id, await new_key(db, organization.org_id, now=now), first, [branch], branch)
    return Place(clinic, token)


def _page(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nSec-Fetch-Mode: cors\r\n"
        f"Cookie: slotkeeper_session={token}\r\n\r\n"
    ).encode()


@contextlib.contextmanager
def _open_boards(served: Served, place: Place, on: date) -> Iterator[None]:
    """So many boards open on one week, read to nowhere, in a thread of their own."""
    loop = asyncio.new_event_loop()

    async def read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(_page(f"/app/board/live?date={on}", place.token))
        while await reader.read(65536):
            pass

    async def all_of_them() -> None:
        await asyncio.gather(*[read() for _ in range(OPEN)])

    task = loop.create_task(all_of_them())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(8)  # until each has had the whole week, which it did not say it had seen
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _milliseconds(served: Served, request: bytes) -> float:
    """How long one answer takes where only one is asked for at a time, the load generator's own share included."""
    return 1000 / put_load(served.target, cycle([request]), seconds=SECONDS, connections=1).rate


def _size(served: Served, request: bytes) -> int:
    """The bytes of one answer, its head included."""

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length")
        )
        writer.close()
        return len(head) + length

    return asyncio.run(ask())


def measure(folder: Path, *, rounds: int) -> list[Round]:
    """On SQLite, one server process that keeps no reply, so that availability is looked up each time."""
    with sqlite(folder) as engine:
        db = open_database(engine.url)
        place = asyncio.run(_fill(db, now=system_clock()))
        clinic = place.clinic
        monday = clinic.first + timedelta(days=7 - clinic.first.weekday())
        patients = Patients(clinic)
        with serving(engine.url, keep=False) as served:
            board = _page(f"/app/board?date={monday}", place.token)
            day = served.target.get(f"/v1/appointment-slots/availability?date={monday}", clinic.key)

            def book() -> float:
                asked = (
                    served.target.send("POST", "/v1/appointments", body_of(new), clinic.key)
                    for new in patients.spread(500)
                )
                return put_load(served.target, asked, seconds=SECONDS).rate

            found = []
            for _ in range(rounds):
                alone = book()
                with _open_boards(served, place, monday):
                    beside = book()
                times = _milliseconds(served, board), _milliseconds(served, day)
                found.append(Round(*times, _size(served, board), alone, beside))
            return found
