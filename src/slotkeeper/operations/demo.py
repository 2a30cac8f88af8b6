"""A believable clinic in an empty database, for a first look and for trying things out (contract.md section 7).

The same instant always gives the same clinic: what looks like chance comes from a fixed seed.
"""

import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from slotkeeper.domain.access import Scope, operator
from slotkeeper.domain.calendar import dates_between, instant_of, today, wanted_dates
from slotkeeper.domain.errors import Conflict
from slotkeeper.domain.model import (
    DAYS,
    Appointment,
    AppointmentStatus,
    Channel,
    Day,
    Organization,
    Override,
    Session,
    Status,
    Window,
)
from slotkeeper.operations import demo_clinic as clinic
from slotkeeper.operations import users
from slotkeeper.operations.access import create_key
from slotkeeper.operations.directory import list_organizations
from slotkeeper.operations.passwords import hash_password
from slotkeeper.operations.projection import Slice, project, reach
from slotkeeper.store import appointments, days, directory, windows
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.directory import Horizon
from slotkeeper.store.users import set_password

BOOKED_DAYS = 14
"""How many days back and ahead of today the clinic's diary is filled."""

_DAY = 24 * 60 * 60 * 1000
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SPOKEN = "abcdefghkmnpqrstuvwxyz23456789"
_STEP = 10  # minutes between two appointments' times


class Demo(NamedTuple):
    """What a visitor needs: keys (shown here only) and a date that is worth a look.

    ``key`` has every scope and books over the ``ai`` channel, ``staff_key`` over ``staff``; neither has a rate limit.
    ``password`` is that of all people of the clinic, ``emails`` of whom the first is the admin.
    """

    organization: Organization
    key: str
    staff_key: str
    monday: date
    emails: tuple[str, ...]
    password: str


class Booked(NamedTuple):
    """One window-date of the diary: how many places are taken."""

    window: Window
    on: date
    places: int


async def fill_demo(db: Database, *, now: int) -> Demo:
    """Fill an empty database with the clinic; where it is there already, only make new keys and a new password.

    Raises Conflict where the database belongs to somebody else.
    """
    known = [organization.org_id for organization in await list_organizations(db)]
    if not known:
        await db.write(lambda tx: _fill(tx, now=now))
    elif known != [clinic.ORGANIZATION.org_id]:
        raise Conflict(
            "This database holds organizations of your own already, and the demo fills an empty one only: "
            "name another file, for instance --database sqlite:///demo.db."
        )
    on = today(now, clinic.ORGANIZATION.configuration.timezone)
    return Demo(
        clinic.ORGANIZATION,
        await _make_key(db, "demo", Channel.AI, now=now),
        await _make_key(db, "demo, for staff", Channel.STAFF, now=now),
        next_day(on, Day.MONDAY),
        tuple(email for email, _, _ in clinic.PEOPLE),
        await _let_people_in(db, now=now),
    )


def next_day(after: date, day: Day) -> date:
    """The first date after a date that has a weekday."""
    return after + timedelta(days=(DAYS.index(day) - after.weekday() - 1) % 7 + 1)


async def _make_key(db: Database, label: str, channel: Channel, *, now: int) -> str:
    _, text = await create_key(
        db,
        clinic.ORGANIZATION.org_id,
        label=label,
        scopes=list(Scope),
        channel=channel,
        rate_limit=0,
        expires_at=None,
        now=now,
    )
    return text


async def _let_people_in(db: Database, *, now: int) -> str:
    """Make the people of the clinic, where they are missing, and give all of them a new password: its text."""
    caller = operator(clinic.ORGANIZATION.org_id)
    known = {user.email: user.user_id for user in await users.list_users(db, caller)}
    password = "-".join("".join(secrets.choice(_SPOKEN) for _ in range(4)) for _ in range(4))
    password_hash = await hash_password(password)
    for email, name, role in clinic.PEOPLE:
        if email not in known:
            made = await users.create_user(db, caller, email=email, name=name, role=role, now=now)
            known[email] = made.user.user_id
        await db.write(partial(set_password, org_id=caller.org_id, user_id=known[email], password_hash=password_hash))
    return password


async def _fill(tx: Connection, *, now: int) -> None:
    org_id, configuration = clinic.ORGANIZATION.org_id, clinic.ORGANIZATION.configuration
    on = today(now, configuration.timezone)
    horizon = Horizon(org_id, clinic.MAIN_STREET, configuration.timezone, on, configuration.horizon_days)
    last = reach(horizon, now=now)
    await directory.insert_organization(tx, clinic.ORGANIZATION)
    for branch in clinic.BRANCHES:
        await directory.insert_branch(tx, org_id, branch, projected_to=last)
    for service in clinic.SERVICES:
        await directory.insert_service(tx, org_id, service)
    weekly = clinic.list_windows()
    for window in weekly:
        await windows.insert_window(tx, org_id, window)
    diary = Slice(tuple(window.calendar_id for window in weekly), on - timedelta(days=BOOKED_DAYS), last, 0)
    await project(tx, org_id, diary, now=now)
    holiday, busy_day = next_day(on + timedelta(days=2), Day.WEDNESDAY), next_day(on, Day.SATURDAY)
    await _override(tx, weekly, holiday, Override(status=Status.CLOSED, reason="Public holiday"), now=now)
    mornings = [window for window in weekly if window.session is Session.MORNING]
    await _override(tx, mornings, busy_day, Override(max_slots=30, ai_slots=20, reason="Vaccination day"), now=now)
    booked = list(_diary(weekly, on, holiday))
    await appointments.insert_appointments(
        tx, org_id, [(one, appointments.patient_of(one)) for one in _appointments(booked, on, now=now)]
    )
    await project(tx, org_id, diary, now=now)  # recounts


async def _override(tx: Connection, weekly: list[Window], on: date, override: Override, *, now: int) -> None:
    """Let an override stand on all of some windows that cover a date."""
    for window in weekly:
        if wanted_dates(window, on, on):
            await days.set_override(
                tx,
                clinic.ORGANIZATION.org_id,
                calendar_id=window.calendar_id,
                on=on,
                service_id=None,
                override=override,
                now=now,
            )


def _diary(weekly: list[Window], today_: date, holiday: date) -> Iterator[Booked]:
    """How full each window-date is: past days nearly full, coming ones the emptier the further ahead."""
    chance = Random(20260601)  # noqa: S311 - it draws a picture, not a secret
    for on in dates_between(today_ - timedelta(days=BOOKED_DAYS), today_ + timedelta(days=BOOKED_DAYS)):
        ahead = (on - today_).days
        for window in weekly:
            share = chance.uniform(0.55, 1.0) if ahead <= 0 else chance.uniform(0.2, 0.9) * (1 - ahead / 20)
            if on != holiday and wanted_dates(window, on, on):
                places = round(window.max_slots * share)
                if window.calendar_id == clinic.EXAMPLE_WINDOW and ahead > 0:
                    places = 6 if ahead <= 7 else 3  # the second Monday ahead shows the page's own numbers
                yield Booked(window, on, places)


def _appointments(diary: list[Booked], today_: date, *, now: int) -> Iterator[Appointment]:
    """The diary's appointments, and some cancelled ones beside them; every one is another patient."""
    chance = Random(20260615)  # noqa: S311 - it draws a picture, not a secret
    patient = 0
    for window, on, places in diary:
        cancelled = chance.choice((0, 0, 1, 2))
        for place in range(places + cancelled):
            patient += 1
            created_at, updated_at = _history(chance, on, now=now)
            yield Appointment(
                "appt_" + "".join(chance.choices(_LETTERS, k=10)),
                window.calendar_id,
                on,
                _wall_time(chance, window),
                window.service_id or chance.choice(clinic.SERVICES).service_id,
                window.branch_id,
                window.session,
                window.batch,
                _status(chance, on, today_) if place < places else AppointmentStatus.CANCELLED,
                _channel(chance, window, place),
                None,
                f"{chance.choice(clinic.FIRST_NAMES)} {chance.choice(clinic.LAST_NAMES)}",
                f"+91 55501 {patient:05d}",
                None,
                None,
                None,
                created_at,
                updated_at,
            )


def _wall_time(chance: Random, window: Window) -> str:
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start_time, window.end_time))
    hour, minute = divmod(chance.randrange(first, last, _STEP), 60)
    return f"{hour:02d}:{minute:02d}"


def _status(chance: Random, on: date, today_: date) -> AppointmentStatus:
    if on < today_:
        return AppointmentStatus.COMPLETED
    return AppointmentStatus.RESCHEDULED if chance.random() < 0.1 else AppointmentStatus.CONFIRMED


def _channel(chance: Random, window: Window, place: int) -> Channel:
    """Who took a place: beyond ``ai_slots`` only staff could."""
    if window.ai_slots is not None and place >= window.ai_slots:
        return Channel.STAFF
    return chance.choice((Channel.AI, Channel.AI, Channel.STAFF))


def _history(chance: Random, on: date, *, now: int) -> tuple[int, int]:
    """When an appointment was made and last changed: some days before its date, and never in the future."""
    noon = instant_of(on, "12:00", clinic.ORGANIZATION.configuration.timezone)
    latest = min(now, noon - _DAY)
    created_at = latest - chance.randrange(1, 9 * _DAY)
    return created_at, chance.randrange(created_at, latest)
