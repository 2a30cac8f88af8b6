"""Appointments and the one count that follows them."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.model import Appointment, AppointmentStatus, Channel, fold, phone_digits
from slotkeeper.store.database import SQL, Connection, pack

_INSERT = SQL("""
    INSERT INTO appointments (
        org_id, appointment_id, date, calendar_id, service_id, branch_id, wall_time, status, channel, patient_name,
        parent_phone, phone_key, name_key, created_at, updated_at
    )
    SELECT :org_id, a.appointment_id, a.date, a.calendar_id, a.service_id, a.branch_id, a.wall_time, a.status,
           a.channel, a.patient_name, a.parent_phone, a.phone_key, a.name_key, a.created_at, a.updated_at
    FROM @rows(:appointments, appointment_id TEXT, date DATE, calendar_id UUID, service_id UUID, branch_id UUID,
               wall_time TEXT, status TEXT, channel TEXT, patient_name TEXT, parent_phone TEXT, phone_key TEXT,
               name_key TEXT, created_at INSTANT, updated_at INSTANT) a
""")

_FIND = SQL("""
    SELECT appointment_id, calendar_id, date, wall_time, service_id, branch_id, status, channel, patient_name,
           parent_phone, created_at, updated_at
    FROM appointments
    WHERE org_id = :org_id AND appointment_id = :appointment_id
    @lock
""")

_CANCEL = SQL("""
    UPDATE appointments SET status = 'cancelled', updated_at = :now
    WHERE org_id = :org_id AND appointment_id = :appointment_id
""")

_COUNT = SQL("""
    UPDATE days SET filled = filled + :by, rev = rev + 1
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id
""")

# For every organization at once: whoever checks a database checks all of it.
_DIFFERENCES = SQL("""
    SELECT org_id, calendar_id, date, what, stored, counted FROM (
        SELECT d.org_id AS org_id, d.calendar_id AS calendar_id, d.date AS date, 'filled' AS what,
               d.filled AS stored, (
                   SELECT count(*) FROM appointments a
                   WHERE a.org_id = d.org_id AND a.date = d.date AND a.calendar_id = d.calendar_id
                     AND a.status <> 'cancelled'
               ) AS counted
        FROM days d
        UNION ALL
        SELECT d.org_id, d.calendar_id, d.date, 'held', d.held, (
                   SELECT count(*) FROM holds h
                   WHERE h.org_id = d.org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
               )
        FROM days d
    ) AS recounted
    WHERE stored <> counted
    ORDER BY org_id, date, calendar_id, what
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
    WHERE org_id = :org_id AND appointment_id IN (
        SELECT appointment_id FROM @rows(:appointments, appointment_id TEXT) AS e
    )
""")

_OF_PHONE = SQL("""
    SELECT appointment_id, patient_name FROM appointments
    WHERE org_id = :org_id AND phone_key = :phone_key
    ORDER BY appointment_id
""")


class Difference(NamedTuple):
    """A count that is not what its rows say; there must never be one. ``what`` is ``filled`` or ``held``."""

    org_id: str
    calendar_id: str
    date: date
    what: str
    stored: int
    counted: int


async def insert_appointments(tx: Connection, org_id: str, appointments: Sequence[Appointment]) -> None:
    """Store new appointments; whoever calls changes the counts in the same transaction."""
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
            item.patient_name,
            item.parent_phone,
            phone_digits(item.parent_phone),
            fold(item.patient_name),
            item.created_at,
            item.updated_at,
        )
        for item in appointments
    ]
    await tx.execute(_INSERT, org_id=org_id, appointments=pack(rows))


async def find_appointment(tx: Connection, org_id: str, appointment_id: str) -> Appointment | None:
    """The appointment of an id, kept from changing until the transaction ends."""
    row = await tx.fetch_one(_FIND, org_id=org_id, appointment_id=appointment_id)
    if row is None:
        return None
    found_id, calendar_id, on, wall_time, service_id, branch_id, status, channel, *rest = row
    return Appointment(
        found_id,
        calendar_id,
        date.fromisoformat(on),
        wall_time,
        service_id,
        branch_id,
        AppointmentStatus(status),
        Channel(channel),
        *rest,
    )


async def cancel(tx: Connection, org_id: str, appointment_id: str, *, now: int) -> None:
    """Mark an appointment as cancelled; whoever calls changes the count in the same transaction."""
    await tx.execute(_CANCEL, org_id=org_id, appointment_id=appointment_id, now=now)


async def count(tx: Connection, org_id: str, calendar_id: str, on: date, *, by: int) -> None:
    """Change a window-date's ``filled`` by a number."""
    await tx.execute(_COUNT, org_id=org_id, calendar_id=calendar_id, date=on.isoformat(), by=by)


async def list_differences(tx: Connection) -> list[Difference]:
    """Every count of the database that is not what its rows say, in one statement."""
    return [
        Difference(org_id, calendar_id, date.fromisoformat(on), what, stored, counted)
        for org_id, calendar_id, on, what, stored, counted in await tx.fetch(_DIFFERENCES)
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
