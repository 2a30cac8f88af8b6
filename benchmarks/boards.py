"""The board of a week of 210 windows: beside availability of a day, over the wire, and 200 of them beside bookings."""

import asyncio
import html
import re
import time
import urllib.request
from datetime import date, timedelta
from itertools import cycle
from typing import NamedTuple

from benchmarks.browser import Visits, visit
from benchmarks.clinic import HOURS, Clinic, Patients, body_of, new_key, today_in_zone
from benchmarks.engines import Engine
from benchmarks.serving import Served, seconds_of_family, serving
from benchmarks.watching import watching
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.domain.users import Role
from slotkeeper.load.generator import put_load
from slotkeeper.operations import Database, directory, schedule, sign_ins, users, windows
from slotkeeper.operations.appointments import NewAppointment

BATCHES = "ABCDEFGHIJ"
OPEN = 200
SECONDS_TO_COME = 1.0
"""After how long those who have just come are being told what changes."""
PASSWORD = "correct horse battery"
SECONDS = 1.0  # short, so that what else the machine does meets what is compared alike
MOST = 6_000
"""More bookings than can be made in so many seconds."""


class Place(NamedTuple):
    """A clinic with one branch of 210 windows, and somebody who is signed in there."""

    clinic: Clinic
    token: str


class Booked(NamedTuple):
    """Bookings a second, and the processor time of server and database for one in microseconds."""

    rate: float
    processor: float


class Asked(NamedTuple):
    """How long an answer takes where one is asked for at a time, and what of processors it needs, the database's too.

    Both in milliseconds; the first with the load generator's own share.
    """

    elapsed: float
    processor: float


class Round(NamedTuple):
    """The board of a week, availability of a day, and bookings beside no open board and beside many."""

    board: Asked
    availability: Asked
    alone: Booked
    beside: Booked


class Measured(NamedTuple):
    """Rounds, and what browsers say of the board; None where there is no browser."""

    rounds: list[Round]
    visits: Visits | None


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


def _anywhere(new: NewAppointment) -> NewAppointment:
    """A booking, over all of the windows of its session."""
    return new._replace(batch=BATCHES[int(new.parent_phone[-5:]) % len(BATCHES)])


def _page(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nSec-Fetch-Mode: cors\r\n"
        f"Cookie: slotkeeper_session={token}\r\n\r\n"
    ).encode()


class _Bench(NamedTuple):
    """What the rounds are measured on."""

    engine: Engine
    served: Served
    place: Place
    monday: date
    patients: Patients

    def seconds_of_processor(self) -> float:
        """What the server and the database have used of the processors so far."""
        return seconds_of_family(self.served.pid) + self.engine.seconds_of_processor()

    def ask(self, request: bytes) -> Asked:
        """The same request again and again."""
        before = self.seconds_of_processor()
        load = put_load(self.served.target, cycle([request]), seconds=SECONDS, connections=1)
        used = self.seconds_of_processor() - before
        return Asked(1000 / load.rate, 1000 * used / len(load.latencies))

    def book(self) -> Booked:
        """Bookings over all windows of two months, by 32 who wait for each answer."""
        target, key = self.served.target, self.place.clinic.key
        new = [_anywhere(one) for one in self.patients.spread(MOST)]
        asked = [target.send("POST", "/v1/appointments", body_of(one), key) for one in new]
        before = self.seconds_of_processor()
        load = put_load(target, asked, seconds=SECONDS)
        used = self.seconds_of_processor() - before
        return Booked(load.rate, 1e6 * used / len(load.latencies))

    def _live(self) -> str:
        """Where the page listens, as its script would say it."""
        url = f"http://127.0.0.1:{self.served.port}/app/board?date={self.monday}"
        headers = {"Cookie": f"slotkeeper_session={self.place.token}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            page = answer.read().decode()
        live, seen = (re.search(f'data-{name}="([^"]+)"', page) for name in ("live", "seen"))
        if live is None or seen is None:
            raise RuntimeError("the page does not say where it listens")
        return f"{html.unescape(live[1])}&seen={seen[1]}"

    def book_beside(self) -> Booked:
        """The same beside open boards. Raises RuntimeError where these were not told what changed."""
        with watching(self.served.port, _page(self._live(), self.place.token), OPEN) as boards:
            time.sleep(SECONDS_TO_COME)
            booked = self.book()
        if boards.seen.events < OPEN * SECONDS:  # at least one a second for each of them
            raise RuntimeError(f"the open boards were told only {boards.seen.events} changes")
        return booked

    def round(self, number: int) -> Round:
        """All of it once; bookings without and with open boards in turn, every other time the other way round."""
        clinic, token = self.place.clinic, self.place.token
        board = self.ask(_page(f"/app/board?date={self.monday}", token))
        path = f"/v1/appointment-slots/availability?date={self.monday}"
        availability = self.ask(self.served.target.get(path, clinic.key))
        if number % 2:
            beside, alone = self.book_beside(), self.book()
        else:
            alone, beside = self.book(), self.book_beside()
        return Round(board, availability, alone, beside)


def measure(engine: Engine, *, rounds: int) -> Measured:
    """On one server process that keeps no reply, so that availability is looked up each time."""
    place = asyncio.run(_prepare(engine))
    first = place.clinic.first
    monday = first + timedelta(days=7 - first.weekday())
    with serving(engine.url, keep=False) as served:
        cookie = ("slotkeeper_session", place.token)
        visits = visit(f"http://127.0.0.1:{served.port}/app/board?date={monday}", cookie=cookie, number=rounds)
        bench = _Bench(engine, served, place, monday, Patients(place.clinic))
        return Measured([bench.round(number) for number in range(rounds)], visits)


async def _prepare(engine: Engine) -> Place:
    db = open_database(engine.url)
    place = await _fill(db, now=system_clock())
    await db.close()
    await engine.settle()
    return place
