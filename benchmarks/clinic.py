"""The clinic of the booking benchmarks: 30 windows a weekday, a hall with very many places, and whom they are for."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from slotkeeper.domain.access import Scope, operator
from slotkeeper.domain.model import DAYS, Channel, Session
from slotkeeper.operations import Database, access, directory, schedule, windows
from slotkeeper.operations.appointments import NewAppointment

ZONE = ZoneInfo("Asia/Kolkata")
SERVICES = ("General Checkup", "Vaccination", "Dental", "Eyes")
HOURS = dict(zip(Session, (9, 13, 17), strict=True))
BATCHES = ("A", "B")
HALL_DAY = 0  # Monday
DATES = 60
MOST_PLACES = 10_000


class Clinic(NamedTuple):
    """Five branches with six windows on each weekday, and a hall with one window on Mondays."""

    org_id: str
    key: str
    first: date
    branches: list[str]
    hall: str


async def fill(db: Database, *, now: int) -> Clinic:
    """Make the clinic in an organization of its own, with a key that books for the staff."""
    await db.migrate()
    organization = await directory.create_organization(db, name="Bench", timezone=ZONE.key, now=now)
    me = operator(organization.org_id)
    for name in SERVICES:
        await directory.create_service(db, me, name=name, now=now)
    *branches, hall = [
        (await directory.create_branch(db, me, name=name, timezone=None, now=now)).branch_id
        for name in ("North", "East", "South", "West", "Centre", "Hall")
    ]
    places = [
        (branch, day, session, batch, 500)
        for branch in branches
        for day in DAYS
        for session in Session
        for batch in BATCHES
    ]
    for branch, day, session, batch, most in [*places, (hall, DAYS[HALL_DAY], Session.MORNING, None, MOST_PLACES)]:
        await windows.create_window(
            db,
            me,
            branch_id=branch,
            day=day,
            session=session,
            start_time=f"{HOURS[session]:02d}:00",
            end_time=f"{HOURS[session] + 3:02d}:00",
            max_slots=most,
            ai_slots=None,
            batch=batch,
            service=None,
            now=now,
        )
    first = today_in_zone(now) + timedelta(days=1)
    return Clinic(organization.org_id, await new_key(db, organization.org_id, now=now), first, branches, hall)


def today_in_zone(now: int) -> date:
    """The date where the clinic is."""
    return datetime.fromtimestamp(now / 1000, ZONE).date()


async def new_key(db: Database, org_id: str, *, now: int) -> str:
    """A key that books for the staff and regenerates, without a rate limit."""
    _, key = await access.create_key(
        db,
        org_id,
        label="bench",
        scopes=[Scope.SLOTS_READ, Scope.SLOTS_WRITE, Scope.APPOINTMENTS_WRITE],
        channel=Channel.STAFF,
        rate_limit=0,
        expires_at=None,
        now=now,
    )
    return key


async def store_year(db: Database, clinic: Clinic, *, now: int) -> None:
    """Make the records of a year, so that no booking and no question has to."""
    last = clinic.first + timedelta(days=365)
    result = await schedule.regenerate(
        db, operator(clinic.org_id), date_from=clinic.first, date_to=last, dry_run=False, now=now
    )
    assert (result.skipped, result.errors) == (0, 0), result


class Patients:
    """Bookings of a clinic, each for a patient of its own."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        self._random = random.Random(1)
        self._numbers = count()
        self._mondays = count((HALL_DAY - clinic.first.weekday()) % 7, 7)

    def spread(self, number: int) -> list[NewAppointment]:
        """Bookings over all windows and 60 dates; each names its window by branch, session and batch."""
        return [next(self._anywhere()) for _ in range(number)]

    def hot(self, number: int) -> list[NewAppointment]:
        """Bookings of one and the same window-date, another one each time that they are asked for."""
        on = self._clinic.first + timedelta(days=next(self._mondays))
        return [self._book(on, 9, self._clinic.hall) for _ in range(number)]

    def _anywhere(self) -> Iterator[NewAppointment]:
        choose = self._random.choice
        while True:
            session = choose(list(Session))
            on = self._clinic.first + timedelta(days=self._random.randrange(DATES))
            booking = self._book(on, HOURS[session], choose(self._clinic.branches))
            yield booking._replace(session=session, batch=choose(BATCHES))

    def _book(self, on: date, hour: int, branch: str) -> NewAppointment:
        number = next(self._numbers)
        at = datetime.combine(on, time(hour + number % 3, number % 60), ZONE)
        phone = number * 48_271_003 % 10**8  # scattered, and nobody's twice
        return NewAppointment(
            SERVICES[number % len(SERVICES)],
            int(at.timestamp() * 1000),
            f"Patient {number:07d}",
            f"+9198{phone:08d}",
            branch,
        )


def body_of(new: NewAppointment) -> dict[str, Any]:
    """A booking as it is sent over HTTP."""
    at = datetime.fromtimestamp((new.instant or 0) / 1000, ZONE)
    body = {
        "appointment_type": new.service,
        "appointment_date": at.isoformat(),
        "patient_name": new.patient_name,
        "parent_phone": new.parent_phone,
        "branch_id": new.branch_id,
    }
    if new.session is not None:
        body |= {"session": new.session, "batch": new.batch}
    return body
