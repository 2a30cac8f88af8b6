"""What can be booked: availability for one date, tracking records for a range (contract.md sections 4.1, 4.2)."""

from datetime import date

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.model import Service, Session, Slot, Status, TrackingRecord, WindowDate, day_of
from slotkeeper.store import days, directory
from slotkeeper.store.database import Connection, Database

SHORT_RANGE = 7
"""Up to how many dates are read without leaving the event loop."""


async def get_availability(
    db: Database,
    caller: Caller,
    *,
    on: date,
    branch_id: str | None,
    session: Session | None,
    service_id: str | None,
    now: int,
) -> list[Slot]:
    """The windows with at least one OPEN record on a date, full ones included, in the order of section 4.1.

    With ``service_id``, only those that serve it, with the numbers and the status for it.
    """
    caller.require(Scope.SLOTS_READ)
    org_id = caller.org_id
    found, services = await db.read(
        lambda tx: days.list_on_date(tx, org_id, on=on, branch_id=branch_id, session=session, now=now)
    )
    slots = []
    for at in found:
        served = capacity.served(at, services)
        if service_id is not None:
            served = [service_id] if service_id in served else []
        slot = capacity.slot(at, served)
        if slot.status == Status.OPEN:
            slots.append(slot)
    return slots


async def list_tracking(
    db: Database,
    caller: Caller,
    *,
    date_from: date,
    date_to: date,
    branch_id: str | None,
    service_id: str | None,
    session: Session | None,
    now: int,
) -> list[TrackingRecord]:
    """The stored records from one date to another, both included, one for each service, in the order of section 4.2."""
    caller.require(Scope.SLOTS_READ)
    org_id = caller.org_id

    async def work(tx: Connection) -> list[TrackingRecord]:
        services = await directory.list_services(tx, org_id)
        if service_id is not None:
            services = [service for service in services if service.service_id == service_id]
        found = await days.list_stored(
            tx, org_id, date_from=date_from, date_to=date_to, branch_id=branch_id, session=session, now=now
        )
        return [record(at, service) for at in found for service in services if is_shown(at, service)]

    if (date_to - date_from).days < SHORT_RANGE:
        return await db.read(work)
    return await db.read_aside(work)


def is_shown(at: WindowDate, service: Service) -> bool:
    """Whether a window-date has a record of a service: its own, or every active one where it is unrestricted."""
    return service.active if at.service_id is None else at.service_id == service.service_id


def record(at: WindowDate, service: Service) -> TrackingRecord:
    """The window-date's record of a service that it serves."""
    places = capacity.service_limit(at, service.service_id)
    return TrackingRecord(
        at.calendar_id,
        service.service_id,
        service.name,
        at.date,
        day_of(at.date).value,
        at.session,
        at.batch,
        at.start_time,
        at.end_time,
        places,
        at.filled,
        capacity.left(places, at),
        capacity.status(at, service.service_id).value,
    )
