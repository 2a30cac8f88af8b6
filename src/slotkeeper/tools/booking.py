"""Booking on the phone: a place is kept, given back, or turned into an appointment."""

from functools import partial
from typing import Annotated

from msgspec import Struct

from slotkeeper.domain.booking import STANDING
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.errors import HoldExpired, SlotkeeperError
from slotkeeper.domain.model import Hold, phone_digits
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.operations import appointments, holds
from slotkeeper.operations.appointments import NewAppointment, Shown
from slotkeeper.operations.holds import NewHold
from slotkeeper.texts import N_
from slotkeeper.tools.answer import Answer, Option
from slotkeeper.tools.arguments import Said
from slotkeeper.tools.openings import BRANCH, DATE, SERVICE
from slotkeeper.tools.patients import is_same_name, is_same_phone, list_coming, name_words, read_phone, spellings
from slotkeeper.tools.places import (
    Place,
    find_hold,
    looking,
    place_of_hold,
    read_place,
    refused,
    require_agreement,
    what,
)
from slotkeeper.tools.refusals import ADVICE
from slotkeeper.tools.standing import stands
from slotkeeper.tools.turn import Mend, Turn

SLOT_ID = "The slot_id of the option that the caller chose; null to name service, date and time instead."
AT = "The time of the option that the caller chose, or the time in their own words; null for the start of the slot."


class HoldSlot(Struct, frozen=True):
    """The arguments of ``hold_slot``."""

    slot_id: Annotated[str | None, Said(SLOT_ID, longest=200)] = None
    time: Annotated[str | None, Said(AT)] = None
    date: Annotated[str | None, Said(f"Without slot_id: {DATE}")] = None
    service: Annotated[str | None, Said(SERVICE)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None


class ReleaseHold(Struct, frozen=True):
    """The arguments of ``release_hold``."""

    hold_id: Annotated[str, Said("The hold_id that hold_slot answered.", N_("which place I keep for you"))]


class BookAppointment(Struct, frozen=True):
    """The arguments of ``book_appointment``."""

    patient_name: Annotated[str, Said("The patient's full name, as the caller said it.", N_("the patient's name"))]
    phone: Annotated[str, Said("The phone number to reach them, in digits.", N_("a phone number"))]
    hold_id: Annotated[str | None, Said("The hold_id that hold_slot answered; null to book without a hold.")] = None
    slot_id: Annotated[str | None, Said(SLOT_ID, longest=200)] = None
    time: Annotated[str | None, Said(AT)] = None
    date: Annotated[str | None, Said(f"Without hold_id and slot_id: {DATE}")] = None
    service: Annotated[str | None, Said(SERVICE)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None
    notes: Annotated[str | None, Said("What the clinic should know; null if nothing.", longest=500)] = None


async def hold_slot(turn: Turn, said: HoldSlot) -> Answer:
    """Keep a place for some minutes, while the caller is asked for the rest."""
    place = await read_place(
        turn, slot_id=said.slot_id, service=said.service, branch=said.branch, day=said.date, time=said.time
    )
    new = NewHold(
        turn.site.hold_seconds,
        service=place.service.service_id,
        instant=place.instant(turn),
        branch_id=place.branch.branch_id,
        calendar_id=place.calendar_id,
    )

    def held(hold: Hold) -> Answer:
        gettext, said = turn.texts.gettext, what(turn, place)
        spoken = gettext("I keep %(what)s for you; whose name and which phone number may I book it for?", what=said)
        return turn.answer(
            "HELD",
            spoken,
            on=place.on,
            timezone=turn.zone(place.branch),
            data={"hold_id": hold.hold_id, "expires_at": iso_instant(hold.expires_at), **_data(turn, place)},
        )

    try:
        return await turn.write(
            lambda caller: holds.take_hold(turn.site.line, caller, new, now=turn.now),
            held,
            stands=partial(stands, turn),
        )
    except SlotkeeperError as error:
        raise await refused(turn, error, place) from None


async def release_hold(turn: Turn, said: ReleaseHold) -> Answer:
    """Give a kept place back; also when it is gone already."""
    hold_id = read_hold_id(turn, said.hold_id)
    if await find_hold(turn, hold_id) is None:
        await _require_unbooked(turn, hold_id)

    def released(_: None) -> Answer:
        return turn.answer(
            "RELEASED", turn.texts.gettext("I do not keep that place any longer."), data={"hold_id": hold_id}
        )

    return await turn.write(lambda caller: holds.release_hold(turn.site.db, caller, hold_id, now=turn.now), released)


async def book_appointment(turn: Turn, said: BookAppointment) -> Answer:
    """Turn a hold into an appointment, or book a place at once."""
    phone = read_phone(turn, said.phone)
    hold_id = None if said.hold_id is None else read_hold_id(turn, said.hold_id)
    place = await _place(turn, said, hold_id)
    if place is not None:
        await _require_first(turn, said.patient_name, phone, place)
    new = NewAppointment(
        None if place is None else place.service.service_id,
        None if place is None else place.instant(turn),
        said.patient_name,
        phone,
        None if place is None else place.branch.branch_id,
        notes=said.notes,
        hold_id=hold_id,
        calendar_id=None if place is None else place.calendar_id,
    )

    def booked(shown: Shown) -> Answer:
        return _booked(turn, shown)

    try:
        return await turn.write(
            lambda caller: appointments.book_appointment(turn.site.line, caller, new, now=turn.now),
            booked,
            stands=partial(stands, turn),
        )
    except SlotkeeperError as error:
        if hold_id is not None and isinstance(error, HoldExpired):
            again = await _booked_already(turn, hold_id, said.patient_name, phone)
            if again is not None:
                return again
        if place is None:
            raise
        raise await refused(turn, error, place) from None


async def _require_first(turn: Turn, name: str, phone: str, place: Place) -> None:
    """Ask back where the patient has the same already, under another spelling of the number. Raises Mend.

    The rule against duplicates compares digits as they are, and is the engine's; on the phone one caller says a number
    with the country code and the next without.
    """
    if turn.known.configuration.allow_duplicate_booking:
        return
    for shown in await list_coming(turn, spellings(phone) - {phone_digits(phone)}):
        made = shown.appointment
        if made.service_id != place.service.service_id or name_words(made.patient_name) != name_words(name):
            continue
        said = what(turn, place_of(turn, shown))
        spoken = turn.texts.gettext("That is booked already: %(what)s; shall I move it, or cancel it?", what=said)
        options = [Option(said, appointment_id=made.appointment_id, time=f"{made.date}T{made.wall_time[:5]}")]
        advice = {"advice": ADVICE["DUPLICATE_BOOKING"]}
        raise Mend("DUPLICATE_BOOKING", spoken, on=made.date, options=options, data=advice)


async def _booked_already(turn: Turn, hold_id: str, name: str, phone: str) -> Answer | None:
    """What a hold was booked as, for whoever booked it; None where it was not, or was cancelled. Raises Mend."""
    shown = await _booking_of(turn, hold_id)
    if shown is None:
        return None
    made, gettext = shown.appointment, turn.texts.gettext
    if not (is_same_phone(phone, made.parent_phone) and is_same_name(name, made.patient_name)):
        spoken = gettext("That place is booked already; shall I look for another one?")
        raise Mend("HOLD_EXPIRED", spoken, data={"advice": "One hold is one booking: take another for the next."})
    place = place_of(turn, shown)
    spoken = gettext("That is booked already: %(what)s.", what=what(turn, place))
    data = {"appointment_id": made.appointment_id, "patient_name": turn.say.name(name), "token": made.token}
    return turn.answer("BOOKED", spoken, on=made.date, timezone=shown.timezone, data=data | _data(turn, place))


async def _require_unbooked(turn: Turn, hold_id: str) -> None:
    """Refuse to release what never was kept, or is booked. Raises Mend."""
    shown = await _booking_of(turn, hold_id)
    if shown is not None:
        spoken = turn.texts.gettext("That place is booked; shall I cancel the appointment?")
        raise Mend(
            "CONFLICT",
            spoken,
            data={
                "appointment_id": shown.appointment.appointment_id,
                "advice": "After a yes call cancel_appointment with this appointment_id.",
            },
        )


async def _booking_of(turn: Turn, hold_id: str) -> Shown | None:
    """The appointment that a hold became, if that stands. Raises Mend for a hold that never was."""
    caller = looking(turn.caller)
    fate = await holds.get_fate(turn.site.db, caller, hold_id)
    if not fate.was_there:
        raise _no_hold(turn)
    if fate.appointment_id is None:
        return None
    shown = await appointments.get_appointment(turn.site.db, caller, fate.appointment_id)
    return shown if shown.appointment.status in STANDING else None


def read_hold_id(turn: Turn, said: str) -> str:
    """The id of a hold. Raises Mend."""
    hold_id = parse_uuid(said)
    if hold_id is None:
        raise _no_hold(turn)
    return hold_id


def _no_hold(turn: Turn) -> Mend:
    question = turn.texts.gettext("I do not find the place that I kept; shall I look again?")
    return Mend("NOT_FOUND", question, data={"advice": "'hold_id' must be the one that hold_slot answered."})


async def _place(turn: Turn, said: BookAppointment, hold_id: str | None) -> Place | None:
    """What is to be booked; None for a hold that is gone, of which the booking says why."""
    if hold_id is None:
        return await read_place(
            turn, slot_id=said.slot_id, service=said.service, branch=said.branch, day=said.date, time=said.time
        )
    hold = await find_hold(turn, hold_id)
    if hold is None:
        return None
    kept = place_of_hold(turn, hold)
    require_agreement(turn, kept, service=said.service, branch=said.branch, day=said.date, slot_id=said.slot_id)
    if said.time is None:
        return kept._replace(calendar_id=None)
    slot_id = f"{hold.calendar_id}||{hold.date}||{hold.service_id}"
    chosen = await read_place(turn, slot_id=slot_id, service=None, branch=None, day=None, time=said.time)
    return chosen._replace(calendar_id=None)


def _booked(turn: Turn, shown: Shown) -> Answer:
    made = shown.appointment
    place = place_of(turn, shown)
    gettext, patient = turn.texts.gettext, turn.say.name(made.patient_name)
    spoken = gettext("Booked for %(patient)s: %(what)s.", patient=patient, what=what(turn, place))
    if made.token is not None:
        spoken = gettext(
            "Booked for %(patient)s: %(what)s, with token number %(token)s.",
            patient=patient,
            what=what(turn, place),
            token=made.token,
        )
    return turn.answer(
        "BOOKED",
        spoken,
        on=made.date,
        timezone=shown.timezone,
        data={
            "appointment_id": made.appointment_id,
            "patient_name": patient,
            "token": made.token,
            **_data(turn, place),
        },
    )


def place_of(turn: Turn, shown: Shown) -> Place:
    """The place of an appointment."""
    made = shown.appointment
    branch = next(one for one in turn.known.branches if one.branch_id == made.branch_id)
    service = next(one for one in turn.known.services if one.service_id == made.service_id)
    return Place(service, branch, made.date, made.wall_time[:5], made.calendar_id)


def _data(turn: Turn, place: Place) -> dict[str, object]:
    return {
        "service": turn.say.name(place.service.name),
        "branch": turn.say.name(place.branch.name),
        "time": f"{place.on}T{place.wall_time[:5]}",
    }
