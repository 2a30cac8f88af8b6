"""Places taken and freed, so that the counts are real (contract.md section 2).

The comparison and the taking of a place happen under the window-date's lock, in one transaction.
"""

from datetime import date

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import NotFound, OutsideAvailability, SlotFull
from slotkeeper.domain.model import Appointment, AppointmentStatus, Status
from slotkeeper.operations.directory import pick
from slotkeeper.operations.ids import new_appointment_id
from slotkeeper.operations.overrides import require_window_date
from slotkeeper.operations.windows import require_window
from slotkeeper.store import appointments as store
from slotkeeper.store import directory
from slotkeeper.store.database import Connection, Database


async def book_appointment(
    db: Database,
    caller: Caller,
    *,
    calendar_id: str,
    on: date,
    wall_time: str,
    service_id: str,
    patient_name: str,
    parent_phone: str,
    now: int,
) -> Appointment:
    """Take a place of a window-date for a service, over the caller's channel.

    Raises NotFound, OutsideAvailability where the record is not OPEN or does not contain the time,
    SlotFull where no place is left.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    org_id = caller.org_id

    async def work(tx: Connection) -> Appointment:
        service = pick(await directory.list_services(tx, org_id), service_id, "service")
        window = await require_window(tx, org_id, calendar_id, lock=True)
        at = await require_window_date(tx, org_id, window, on, now=now)
        serves = service.active and at.service_id in (None, service_id) and at.start_time <= wall_time < at.end_time
        if not serves or capacity.status(at, service_id) is not Status.OPEN:
            raise OutsideAvailability(f"The window is not open for '{service.name}' on {on} at {wall_time}.")
        if not capacity.has_room(at, service_id, caller.channel):
            raise SlotFull(f"No place is left for '{service.name}' on {on} from {at.start_time} to {at.end_time}.")
        appointment = Appointment(
            new_appointment_id(),
            calendar_id,
            on,
            wall_time,
            service_id,
            at.branch_id,
            AppointmentStatus.CONFIRMED,
            caller.channel,
            patient_name,
            parent_phone,
            now,
            now,
        )
        await store.insert_appointments(tx, org_id, [appointment])
        await store.count(tx, org_id, calendar_id, on, by=1)
        return appointment

    return await db.write(work)


async def cancel_appointment(db: Database, caller: Caller, appointment_id: str, *, now: int) -> Appointment:
    """Free an appointment's place at once; cancelling again answers with it as it is. Raises NotFound."""
    caller.require(Scope.APPOINTMENTS_WRITE)
    org_id = caller.org_id

    async def work(tx: Connection) -> Appointment:
        appointment = await store.find_appointment(tx, org_id, appointment_id)
        if appointment is None:
            raise NotFound(f"This organization has no appointment {appointment_id}.")
        if appointment.status is AppointmentStatus.CANCELLED:
            return appointment
        await store.cancel(tx, org_id, appointment_id, now=now)
        await store.count(tx, org_id, appointment.calendar_id, appointment.date, by=-1)
        return appointment._replace(status=AppointmentStatus.CANCELLED, updated_at=now)

    return await db.write(work)
