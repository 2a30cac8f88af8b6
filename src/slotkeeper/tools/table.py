"""All tools on one page: name, scope, what a model is told, the arguments, the function that runs it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from slotkeeper.domain.access import Scope
from slotkeeper.tools import appointments, booking, directory, openings, schedule
from slotkeeper.tools.answer import Answer
from slotkeeper.tools.arguments import schema_of
from slotkeeper.tools.turn import Turn


class Tool(NamedTuple):
    """One tool. ``description`` is written for a language model: when to call it, what to say, what to do next.

    ``is_read_only``, ``is_destructive`` and ``is_idempotent`` mean what MCP's hints mean.
    """

    name: str
    title: str
    scope: Scope
    arguments: type[msgspec.Struct]
    run: Callable[[Turn, Any], Awaitable[Answer]]
    description: str
    is_read_only: bool = True
    is_destructive: bool = False
    is_idempotent: bool = True

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments, as strict function calling wants it."""
        return schema_of(self.arguments)


TOOLS: tuple[Tool, ...] = (
    Tool(
        "check_availability",
        "Check availability",
        Scope.SLOTS_READ,
        openings.CheckAvailability,
        openings.check_availability,
        "Call this as soon as the caller names a day. Pass the day and the time in the caller's own words; never work "
        "out a date yourself. Say `spoken`. Where `options` are given, let the caller choose one, then call hold_slot "
        "with its slot_id and time. Where `ok` is false, `spoken` says why and what to ask or offer.",
    ),
    Tool(
        "find_next_available",
        "Find the next free place",
        Scope.SLOTS_READ,
        openings.FindNextAvailable,
        openings.find_next_available,
        "Call this when the caller wants the earliest place, or has no day in mind. Say `spoken`, let the caller "
        "choose one of `options`, then call hold_slot with its slot_id and time.",
    ),
    Tool(
        "explain_unavailable",
        "Explain why not",
        Scope.SLOTS_READ,
        openings.ExplainUnavailable,
        openings.explain_unavailable,
        "Call this when the caller asks why a day or a time cannot be booked. Say `spoken`.",
    ),
    Tool(
        "hold_slot",
        "Keep a place",
        Scope.APPOINTMENTS_WRITE,
        booking.HoldSlot,
        booking.hold_slot,
        "Call this as soon as the caller has chosen a time, before you ask for name and phone number: the place is "
        "kept for some minutes. Pass slot_id and time of the chosen option. Say `spoken`, then call book_appointment "
        "with the hold_id; for two patients hold and book the first, then the second. If the caller wants another time "
        "or hangs up, call release_hold.",
        is_read_only=False,
        is_idempotent=False,
    ),
    Tool(
        "release_hold",
        "Give a kept place back",
        Scope.APPOINTMENTS_WRITE,
        booking.ReleaseHold,
        booking.release_hold,
        "Call this when the caller does not want the place that hold_slot kept. It is no harm when it is gone already.",
        is_read_only=False,
    ),
    Tool(
        "book_appointment",
        "Book an appointment",
        Scope.APPOINTMENTS_WRITE,
        booking.BookAppointment,
        booking.book_appointment,
        "Call this once the caller has given the patient's name and a phone number and has agreed to the time. Pass "
        "the hold_id of hold_slot. For two patients call it once for each. Say `spoken` as it is: it reads back what "
        "was booked. Never say that something is booked unless `ok` is true.",
        is_read_only=False,
        is_idempotent=False,
    ),
    Tool(
        "find_appointment",
        "Find an appointment",
        Scope.APPOINTMENTS_READ,
        appointments.FindAppointment,
        appointments.find_appointment,
        "Call this when the caller asks about an appointment that they have. Ask for the patient's name and the phone "
        "number first: both are needed. Say `spoken`. Where there are several `options`, ask which one is meant, and "
        "pass its appointment_id on.",
    ),
    Tool(
        "reschedule_appointment",
        "Move an appointment",
        Scope.APPOINTMENTS_WRITE,
        appointments.RescheduleAppointment,
        appointments.reschedule_appointment,
        "Call this when the caller wants another time for an appointment that they have, after check_availability has "
        "shown a free one and the caller has agreed to it. Pass the appointment_id, and slot_id and time of the chosen "
        "option. The old time is kept where the new one is refused. Say `spoken`.",
        is_read_only=False,
        is_destructive=True,
    ),
    Tool(
        "cancel_appointment",
        "Cancel an appointment",
        Scope.APPOINTMENTS_WRITE,
        appointments.CancelAppointment,
        appointments.cancel_appointment,
        "Call this only after you have read the appointment back and the caller has said yes to cancelling it: the "
        "place is given to others at once. Pass the appointment_id. Say `spoken`.",
        is_read_only=False,
        is_destructive=True,
    ),
    Tool(
        "list_services",
        "List the services",
        Scope.APPOINTMENTS_READ,
        directory.ListServices,
        directory.list_services,
        "Call this when the caller asks what can be booked, or is unsure what it is called. Say `spoken`.",
    ),
    Tool(
        "list_branches",
        "List the branches",
        Scope.APPOINTMENTS_READ,
        directory.ListBranches,
        directory.list_branches,
        "Call this when the caller asks where the clinic is, or which branches there are. Say `spoken`.",
    ),
    Tool(
        "close_day",
        "Close a day",
        Scope.SLOTS_WRITE,
        schedule.CloseDay,
        schedule.close_day,
        "For people of the clinic only. Call this when one of them wants a day, or a part of it, closed for new "
        "bookings. Read day and branch back first. Bookings that stand are kept. Say `spoken`.",
        is_read_only=False,
        is_destructive=True,
    ),
    Tool(
        "set_places",
        "Set the places of a day",
        Scope.SLOTS_WRITE,
        schedule.SetPlaces,
        schedule.set_places,
        "For people of the clinic only. Call this when one of them wants more or fewer places at a time on one day. "
        "Say `spoken`.",
        is_read_only=False,
        is_destructive=True,
    ),
)
