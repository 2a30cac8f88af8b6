"""Appointments; whoever takes or frees a place changes its window-date's count in the same transaction."""

import re
from collections.abc import Collection, Sequence
from datetime import date
from itertools import zip_longest
from typing import NamedTuple

from slotkeeper.domain.model import Appointment, AppointmentStatus, Channel, fold, phone_digits
from slotkeeper.store.database import SQL, Connection, Row, Value, pack

_INSERT = SQL("""
    INSERT INTO appointments (
        org_id, appointment_id, date, calendar_id, service_id, branch_id, wall_time, status, channel, token,
        patient_name, parent_phone, phone_key, name_key, assigned_doctor, notes, external_reference_id, created_at,
        updated_at
    )
    @values(appointment_id TEXT, date DATE, calendar_id UUID, service_id UUID, branch_id UUID, wall_time TEXT,
            status TEXT, channel TEXT, token INTEGER, patient_name TEXT, parent_phone TEXT, phone_key TEXT,
            name_key TEXT, assigned_doctor TEXT, notes TEXT, external_reference_id TEXT, created_at INSTANT,
            updated_at INSTANT)
""")

_UPDATE = SQL("""
    UPDATE appointments SET
        date = :date, calendar_id = :calendar_id, wall_time = :wall_time, status = :status, channel = :channel,
        token = :token, assigned_doctor = :assigned_doctor, notes = :notes, updated_at = :updated_at
    @each(appointment_id TEXT, date DATE, calendar_id UUID, wall_time TEXT, status TEXT, channel TEXT, token INTEGER,
          assigned_doctor TEXT, notes TEXT, updated_at INSTANT)
    WHERE org_id = :org_id AND appointment_id = :appointment_id
""")

_LOCK = SQL("""
    SELECT a.status
    FROM @rows(:ids, appointment_id TEXT) i CROSS JOIN appointments a
    WHERE a.org_id = :org_id AND a.appointment_id = i.appointment_id
    ORDER BY a.appointment_id
    @lock
""")

_COLUMNS = """
    SELECT a.appointment_id, a.calendar_id, a.date, a.wall_time, a.service_id, a.branch_id, d.session, d.batch,
           a.status, a.channel, a.token, a.patient_name, a.parent_phone, a.assigned_doctor, a.notes,
           a.external_reference_id, a.created_at, a.updated_at
"""

_BY_ID = SQL(
    _COLUMNS
    + """
    FROM @rows(:ids, appointment_id TEXT) i CROSS JOIN appointments a
    JOIN days d ON d.org_id = :org_id AND d.date = a.date AND d.calendar_id = a.calendar_id
    WHERE a.org_id = :org_id AND a.appointment_id = i.appointment_id
"""
)

_COMING = SQL("""
    SELECT a.appointment_id
    FROM @rows(:phones, phone_key TEXT) p CROSS JOIN appointments a @index(appointments_by_patient)
    WHERE a.org_id = :org_id AND a.phone_key = p.phone_key AND a.date >= :date_from
      AND a.status IN ('confirmed', 'rescheduled')
    ORDER BY a.date, a.wall_time, a.appointment_id
    LIMIT :limit
""")

_STANDING = SQL("""
    SELECT a.appointment_id, a.service_id, a.phone_key, a.name_key, a.date, a.wall_time, a.branch_id
    FROM @rows(:patients, phone_key TEXT, name_key TEXT, service_id UUID) p
    CROSS JOIN appointments a @index(appointments_by_patient)
    WHERE a.org_id = :org_id AND a.phone_key = p.phone_key AND a.name_key = p.name_key
      AND a.service_id = p.service_id AND a.status IN ('confirmed', 'rescheduled')
""")

# The row is the lock of one patient and one service, whether or not anything stands.
_CLAIM = SQL("""
    INSERT INTO upcoming (org_id, patient_key, service_id, until, appointment_id)
    @values(patient_key TEXT, service_id UUID, until INSTANT, appointment_id TEXT)
    ON CONFLICT (org_id, patient_key, service_id) DO UPDATE SET
        until = excluded.until, appointment_id = excluded.appointment_id
""")

_RELEASE = SQL("""
    DELETE FROM upcoming
    WHERE org_id = :org_id AND (patient_key, service_id) IN (
        SELECT p.phone_key || ' ' || p.name_key, p.service_id
        FROM @rows(:patients, phone_key TEXT, name_key TEXT, service_id UUID) AS p
    )
""")

_SEARCH = """
    FROM appointments a
    JOIN days d ON d.org_id = :org_id AND d.date = a.date AND d.calendar_id = a.calendar_id
    WHERE a.org_id = :org_id AND a.date BETWEEN :date_from AND :date_to
      AND (@absent(:status TEXT) OR a.status = :status)
      AND (@absent(:service_id UUID) OR a.service_id = :service_id)
      AND (@absent(:branch_id UUID) OR a.branch_id = :branch_id)
      AND (@absent(:session TEXT) OR d.session = :session)
      AND (@absent(:batch TEXT) OR d.batch = :batch)
      AND (@absent(:phone_key TEXT) OR a.phone_key = :phone_key)
      AND (@absent(:name_key TEXT) OR a.name_key = :name_key)
      AND (@absent(:phone_part TEXT) OR a.phone_key LIKE '%' || :phone_part || '%')
      AND (@absent(:name_part TEXT) OR a.name_key LIKE '%' || :name_part || '%' ESCAPE '!')
      AND (@absent(:name_too TEXT) OR a.name_key LIKE '%' || :name_too || '%' ESCAPE '!')
      AND (@absent(:name_third TEXT) OR a.name_key LIKE '%' || :name_third || '%' ESCAPE '!')
      AND (@absent(:external_reference_id TEXT) OR a.external_reference_id = :external_reference_id)
      AND (@absent(:updated_since INSTANT) OR a.updated_at >= :updated_since)
"""

_PAGE = SQL(
    _COLUMNS
    + _SEARCH
    + """
    ORDER BY CASE WHEN @absent(:updated_since INSTANT) THEN 0 ELSE a.updated_at END,
             a.date, a.wall_time, a.appointment_id
    LIMIT :limit OFFSET :skip
"""
)

_ON_DATE = SQL(
    _COLUMNS
    + """
    FROM appointments a
    JOIN days d ON d.org_id = :org_id AND d.date = a.date AND d.calendar_id = a.calendar_id
    WHERE a.org_id = :org_id AND a.date = :date AND a.branch_id = :branch_id
      AND (@absent(:calendar_id UUID) OR a.calendar_id = :calendar_id)
    ORDER BY a.wall_time, a.created_at, a.appointment_id
"""
)

_TOTAL = SQL("SELECT count(*)" + _SEARCH)

_DIFFERENCES = SQL("""
    SELECT calendar_id, date, what, stored, counted FROM (
        SELECT d.calendar_id AS calendar_id, d.date AS date, 'filled' AS what, d.filled AS stored, (
                   SELECT count(*) FROM appointments a
                   WHERE a.org_id = :org_id AND a.date = d.date AND a.calendar_id = d.calendar_id
                     AND a.status <> 'cancelled'
               ) AS counted
        FROM days d
        WHERE d.org_id = :org_id
        UNION ALL
        SELECT d.calendar_id, d.date, 'held', d.held, (
                   SELECT count(*) FROM holds h
                   WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
               )
        FROM days d
        WHERE d.org_id = :org_id
    ) AS recounted
    WHERE stored <> counted
    ORDER BY date, calendar_id, what
""")

_ERASE = SQL("""
    UPDATE appointments SET
        patient_name = :erased, parent_phone = '', phone_key = '', name_key = appointment_id,
        notes = CASE WHEN notes IS NULL THEN NULL ELSE :erased END, updated_at = :now
    WHERE org_id = :org_id AND appointment_id IN (
        SELECT appointment_id FROM @rows(:appointments, appointment_id TEXT) AS e
    )
""")

_DROP_CLAIMS = SQL("""
    DELETE FROM upcoming
    WHERE org_id = :org_id AND patient_key IN (
        SELECT a.phone_key || ' ' || a.name_key
        FROM @rows(:appointments, appointment_id TEXT) e CROSS JOIN appointments a
        WHERE a.org_id = :org_id AND a.appointment_id = e.appointment_id
    )
""")

_OF_PHONE = SQL("""
    SELECT appointment_id, patient_name FROM appointments @index(appointments_by_patient)
    WHERE org_id = :org_id AND phone_key = :phone_key
    ORDER BY appointment_id
""")


_SIGNS = re.compile("[!%_]")
"""What LIKE would take for something else."""
_NAME_PARTS = ("name_part", "name_too", "name_third")
NAME_PARTS = len(_NAME_PARTS)
"""For how many parts of a name is looked at once."""


class Difference(NamedTuple):
    """A count that is not what its rows say; there must never be one. ``what`` is ``filled`` or ``held``."""

    org_id: str
    calendar_id: str
    date: date
    what: str
    stored: int
    counted: int


class Patient(NamedTuple):
    """Whom the duplicate rule compares, for one service: phone digits and folded name."""

    phone_key: str
    name_key: str
    service_id: str


def patient_of(appointment: Appointment) -> Patient:
    """The patient of an appointment, as the duplicate rule compares them."""
    phone = phone_digits(appointment.parent_phone)
    # Of those who were erased nobody knows whether they were one person: each is somebody else.
    name = fold(appointment.patient_name) if phone else appointment.appointment_id
    return Patient(phone, name, appointment.service_id)


class Standing(NamedTuple):
    """An appointment that is confirmed or rescheduled; whether it is past follows from its branch's zone."""

    appointment_id: str
    patient: Patient
    date: date
    wall_time: str
    branch_id: str


class Search(NamedTuple):
    """What appointments are looked for by; None stands for all. ``updated_since`` is an instant.

    ``phone_part`` is found anywhere in a phone number's digits, and each of ``name_parts``, NAME_PARTS at most,
    anywhere in a folded name.
    """

    date_from: date
    date_to: date
    status: AppointmentStatus | None = None
    service_id: str | None = None
    branch_id: str | None = None
    session: str | None = None
    batch: str | None = None
    phone_key: str | None = None
    name_key: str | None = None
    external_reference_id: str | None = None
    updated_since: int | None = None
    phone_part: str | None = None
    name_parts: Sequence[str] = ()


async def insert_appointments(tx: Connection, org_id: str, made: Sequence[tuple[Appointment, Patient]]) -> None:
    """Store new appointments and whom each is for; whoever calls changes the counts in the same transaction."""
    rows = [
        (
            item.appointment_id,
            item.date.isoformat(),
            item.calendar_id,
            item.service_id,
            item.branch_id,
            item.wall_time,
            item.status,
            item.channel,
            item.token,
            item.patient_name,
            item.parent_phone,
            patient.phone_key,
            patient.name_key,
            item.assigned_doctor,
            item.notes,
            item.external_reference_id,
            item.created_at,
            item.updated_at,
        )
        for item, patient in made
    ]
    await tx.insert(_INSERT, org_id, rows)


async def update_appointments(tx: Connection, org_id: str, appointments: Sequence[Appointment]) -> None:
    """Store changed appointments; whoever calls changes the counts in the same transaction."""
    rows: list[dict[str, Value]] = [
        {
            "org_id": org_id,
            "appointment_id": item.appointment_id,
            "date": item.date.isoformat(),
            "calendar_id": item.calendar_id,
            "wall_time": item.wall_time,
            "status": item.status,
            "channel": item.channel,
            "token": item.token,
            "assigned_doctor": item.assigned_doctor,
            "notes": item.notes,
            "updated_at": item.updated_at,
        }
        for item in appointments
    ]
    await tx.execute_each(_UPDATE, rows)


async def get_appointments(
    tx: Connection, org_id: str, appointment_ids: Collection[str], *, lock: bool
) -> dict[str, Appointment]:
    """Those of some appointments that exist, by id; with ``lock`` they stay so until the transaction ends."""
    ids = pack([(appointment_id,) for appointment_id in sorted(appointment_ids)])
    if lock:
        await tx.lock(_LOCK, org_id=org_id, ids=ids)
    return {row[0]: _appointment(row) for row in await tx.fetch(_BY_ID, org_id=org_id, ids=ids)}


async def claim(tx: Connection, org_id: str, claims: Sequence[tuple[Patient, int, str]]) -> list[Standing]:
    """Lock some patients, each until an instant for an appointment; what stands for them already."""
    ordered = sorted(claims)
    rows = [
        (f"{patient.phone_key} {patient.name_key}", patient.service_id, until, appointment_id)
        for patient, until, appointment_id in ordered
    ]
    await tx.insert(_CLAIM, org_id, rows)
    patients = pack([patient for patient, _, _ in ordered])
    return [
        Standing(appointment_id, Patient(phone_key, name_key, service_id), date.fromisoformat(on), wall_time, branch_id)
        for appointment_id, service_id, phone_key, name_key, on, wall_time, branch_id in await tx.fetch(
            _STANDING, org_id=org_id, patients=patients
        )
    ]


async def release(tx: Connection, org_id: str, patients: Collection[Patient]) -> None:
    """Forget claims that came to nothing; the locks last until the transaction ends all the same."""
    await tx.execute(_RELEASE, org_id=org_id, patients=pack(sorted(tuple(patient) for patient in patients)))


async def search(
    tx: Connection, org_id: str, wanted: Search, *, limit: int, skip: int
) -> tuple[list[Appointment], int]:
    """One page of the appointments looked for, by time or by last change, and how many there are in all."""
    fields = wanted._asdict()
    parts = [_SIGNS.sub(r"!\g<0>", part) for part in fields.pop("name_parts")]
    values: dict[str, Value] = {
        **fields,
        "date_from": wanted.date_from.isoformat(),
        "date_to": wanted.date_to.isoformat(),
        **dict(zip_longest(_NAME_PARTS, parts)),
    }
    total = await tx.fetch_one(_TOTAL, org_id=org_id, **values)
    rows = await tx.fetch(_PAGE, org_id=org_id, limit=limit, skip=skip, **values)
    return [_appointment(row) for row in rows], 0 if total is None else total[0]


async def list_coming(
    tx: Connection, org_id: str, phone_keys: Collection[str], *, date_from: date, limit: int
) -> list[Appointment]:
    """The appointments that stand from a date on under any of some phone digits, by time; by the index alone."""
    phones = pack([(phone_key,) for phone_key in sorted(phone_keys)])
    rows = await tx.fetch(_COMING, org_id=org_id, phones=phones, date_from=date_from.isoformat(), limit=limit)
    found = await get_appointments(tx, org_id, [row[0] for row in rows], lock=False) if rows else {}
    return [found[row[0]] for row in rows]


async def list_on_date(
    tx: Connection, org_id: str, *, on: date, branch_id: str, calendar_id: str | None
) -> list[Appointment]:
    """The appointments of a branch on a date, or of one window on it, whatever their status, by time."""
    rows = await tx.fetch(_ON_DATE, org_id=org_id, date=on.isoformat(), branch_id=branch_id, calendar_id=calendar_id)
    return [_appointment(row) for row in rows]


async def list_differences(tx: Connection, org_id: str) -> list[Difference]:
    """Every count of an organization that is not what its rows say, in one statement."""
    return [
        Difference(org_id, calendar_id, date.fromisoformat(on), what, stored, counted)
        for calendar_id, on, what, stored, counted in await tx.fetch(_DIFFERENCES, org_id=org_id)
    ]


async def list_of_phone(tx: Connection, org_id: str, phone: str) -> list[tuple[str, str]]:
    """The ids and patient names of all appointments under a phone number, whatever their status."""
    rows = await tx.fetch(_OF_PHONE, org_id=org_id, phone_key=phone_digits(phone))
    return [(appointment_id, name) for appointment_id, name in rows]


async def erase(tx: Connection, org_id: str, appointment_ids: Sequence[str], *, erased: str, now: int) -> None:
    """Replace the name, phone and notes of some appointments; their places and counts stay."""
    appointments = pack([(appointment_id,) for appointment_id in appointment_ids])
    await tx.execute(_DROP_CLAIMS, org_id=org_id, appointments=appointments)
    await tx.execute(_ERASE, org_id=org_id, appointments=appointments, erased=erased, now=now)


def _appointment(row: Row) -> Appointment:
    appointment_id, calendar_id, on, wall_time, service_id, branch_id, session, batch, status, channel, *rest = row
    return Appointment(
        appointment_id,
        calendar_id,
        date.fromisoformat(on),
        wall_time,
        service_id,
        branch_id,
        session,
        batch or None,
        AppointmentStatus(status),
        Channel(channel),
        *rest,
    )
