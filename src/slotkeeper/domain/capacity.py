"""The only capacity arithmetic anywhere: nested limits against one count (contract.md section 2).

There is one count for a window-date, ``filled``. Every limit is a threshold on it. An override
replaces the number it overrides; it may be lower or higher.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from slotkeeper.domain.model import NO_OVERRIDE, Channel, Slot, Status, WindowDate, day_of

Services = Sequence[tuple[str, bool]]
"""All services of an organization: each one's id and whether it is active."""


class Filled(NamedTuple):
    """Places of some window-dates, and how many of them are filled."""

    places: int
    filled: int

    @property
    def share(self) -> float | None:
        """How full they are, None where there are no places."""
        return self.filled / self.places if self.places else None


def served(at: WindowDate, services: Services) -> list[str | None]:
    """The active services that a window-date serves; None alone where the organization has no service at all."""
    if at.service_id is not None:
        return [at.service_id] if any(service == at.service_id and active for service, active in services) else []
    return [service for service, active in services if active] if services else [None]


def base(at: WindowDate) -> int:
    """The window-date's places before any service's own limit."""
    override = at.overrides.get(None, NO_OVERRIDE).max_slots
    return at.max_slots if override is None else override


def service_limit(at: WindowDate, service_id: str | None) -> int:
    """``L(s)``: the override on the record of the service, else the base."""
    if service_id is not None:
        override = at.overrides.get(service_id, NO_OVERRIDE).max_slots
        if override is not None:
            return override
    return base(at)


def ai_limit(at: WindowDate, places: int) -> int:
    """What of ``places`` the ``ai`` channel may fill: ``min(ai, places)``."""
    override = at.overrides.get(None, NO_OVERRIDE).ai_slots
    ai = at.ai_slots if override is None else override
    return places if ai is None else min(ai, places)


def limit(at: WindowDate, service_id: str | None, channel: Channel) -> int:
    """``limit(s, c)``: up to which count this channel may fill the window-date for this service."""
    places = service_limit(at, service_id)
    return ai_limit(at, places) if channel is Channel.AI else places


def status(at: WindowDate, service_id: str | None) -> Status:
    """The record's status: the first of coverage, its own override, the window-date's, OPEN."""
    if not at.covered:
        return Status.CLOSED
    if service_id is not None:
        own = at.overrides.get(service_id, NO_OVERRIDE).status
        if own is not None:
            return own
    day = at.overrides.get(None, NO_OVERRIDE).status
    return Status.OPEN if day is None else day


def has_room(at: WindowDate, service_id: str | None, channel: Channel) -> bool:
    """Whether one more place may be taken. Only true under the window-date's lock."""
    return status(at, service_id) is Status.OPEN and at.filled + at.holds < limit(at, service_id, channel)


def left(places: int, at: WindowDate) -> int:
    """How many of ``places`` are still to be had; never below 0."""
    return max(0, places - at.filled - at.holds)


def slot(at: WindowDate, services: Collection[str | None]) -> Slot:
    """The window-date as availability shows it, for the active services that it serves.

    ``services`` has None alone where the organization has no service at all, and is empty where
    all that the window could serve are inactive. ``max_slots`` is the largest limit among those
    whose record is OPEN; where none is, the status is CLOSED and it is the largest of them all.
    """
    if at.overrides:
        open_services = [service for service in services if status(at, service) is Status.OPEN]
        counted = open_services or services
        places = max((service_limit(at, service) for service in counted), default=base(at))
        is_open = bool(open_services)
    else:
        places = at.max_slots
        is_open = at.covered and bool(services)
    ai_places = ai_limit(at, places)
    return Slot(
        at.date,
        at.calendar_id,
        at.branch_id,
        day_of(at.date).value,
        at.session,
        at.batch,
        at.start_time,
        at.end_time,
        at.service_id,
        places,
        ai_places,
        at.filled,
        left(ai_places, at),
        "OPEN" if is_open else "CLOSED",
        at.created_at,
        at.updated_at,
    )
