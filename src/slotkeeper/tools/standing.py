"""Whether what a call was answered before still stands, so that a repeat of it may be told the same."""

from collections.abc import Collection

from slotkeeper.domain.booking import STANDING
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import AppointmentStatus
from slotkeeper.operations import appointments
from slotkeeper.tools.answer import Answer
from slotkeeper.tools.places import find_hold, looking
from slotkeeper.tools.turn import Turn

_STATUSES = {"BOOKED": STANDING, "MOVED": STANDING, "CANCELLED": (AppointmentStatus.CANCELLED,)}
_UNTOLD = frozenset({"SET"})
"""What the tool itself has to look at: where it cannot, nobody knows."""


async def stands(turn: Turn, first: Answer) -> bool:
    """Whether an appointment, or a hold, still is as it was answered."""
    statuses = _STATUSES.get(first.reason_code)
    if statuses is not None:
        return await _is_as_answered(turn, first, statuses)
    if first.reason_code == "HELD":
        return await find_hold(turn, str(first.data.get("hold_id"))) is not None
    return first.reason_code not in _UNTOLD


async def _is_as_answered(turn: Turn, first: Answer, statuses: Collection[AppointmentStatus]) -> bool:
    try:
        appointment_id = str(first.data.get("appointment_id"))
        shown = await appointments.get_appointment(turn.site.db, looking(turn.caller), appointment_id)
    except NotFound:
        return False
    made = shown.appointment
    return made.status in statuses and f"{made.date}T{made.wall_time[:5]}" == first.data.get("time")
