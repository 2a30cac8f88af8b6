"""Appointments that there are: found for their patient, moved, cancelled."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from msgspec import Struct

from slotkeeper.domain.errors import NotAllowedByPolicy, NotFound, SlotkeeperError
from slotkeeper.domain.model import Appointment, AppointmentStatus
from slotkeeper.operations import appointments, windows
from slotkeeper.operations.appointments import Changing, Shown
from slotkeeper.operations.availability import Question, get_availability
from slotkeeper.texts import N_
from slotkeeper.tools.answer import Answer, Option
from slotkeeper.tools.arguments import Said
from slotkeeper.tools.booking import AT, SLOT_ID, place_of
from slotkeeper.tools.dates import has_date
from slotkeeper.tools.openings import DATE
from slotkeeper.tools.patients import is_same_name, is_same_phone, list_coming, name_words, read_phone, spellings
from slotkeeper.tools.places import Place, looking, read_place, read_slot_id, refused, what
from slotkeeper.tools.refusals import mend
from slotkeeper.tools.standing import stands
from slotkeeper.tools.turn import Mend, Turn

NAME = "The patient's full name, as the caller said it."
PHONE = "The phone number that the appointment was booked with, in digits."
OWN = "The appointment_id that find_appointment or book_appointment answered; null with patient_name and phone instead."


class FindAppointment(Struct, frozen=True):
    """The arguments of ``find_appointment``."""

    patient_name: Annotated[str, Said(NAME, N_("the patient's name"))]
    phone: Annotated[str, Said(PHONE, N_("the phone number that it was booked with"))]


class RescheduleAppointment(Struct, frozen=True):
    """The arguments of ``reschedule_appointment``."""

    appointment_id: Annotated[str | None, Said(OWN)] = None
    patient_name: Annotated[str | None, Said(NAME)] = None
    phone: Annotated[str | None, Said(PHONE)] = None
    slot_id: Annotated[str | None, Said(SLOT_ID, longest=200)] = None
    time: Annotated[str | None, Said(AT)] = None
    date: Annotated[str | None, Said(f"Without slot_id, the new day: {DATE}")] = None


class CancelAppointment(Struct, frozen=True):
    """The arguments of ``cancel_appointment``."""

    appointment_id: Annotated[str | None, Said(OWN)] = None
    patient_name: Annotated[str | None, Said(NAME)] = None
    phone: Annotated[str | None, Said(PHONE)] = None


async def find_appointment(turn: Turn, said: FindAppointment) -> Answer:
    """The coming appointments of a patient, known by number and name; nothing is said of anybody else."""
    found = await _of_patient(turn, said.patient_name, said.phone)
    options = [_option(turn, shown) for shown in found]
    gettext, patient = turn.texts.gettext, turn.say.name(said.patient_name)

    def speak(options: Sequence[Option]) -> str:
        return gettext(
            "%(patient)s has %(appointments)s.",
            patient=patient,
            appointments=turn.say.all([one.spoken for one in options]),
        )

    return turn.offer(
        "FOUND",
        speak,
        options,
        on=found[0].appointment.date if len(found) == 1 else None,
        timezone=found[0].timezone,
        data={"total": len(found)},
    )


async def reschedule_appointment(turn: Turn, said: RescheduleAppointment) -> Answer:
    """Move an appointment; when the new place is refused, the old one stays."""
    old = await _own(turn, said.appointment_id, said.patient_name, said.phone)
    made = old.appointment
    day = said.date
    if day is None and said.slot_id is None and said.time is not None and not has_date(turn, said.time, old.timezone):
        day = made.date.isoformat()
    if said.slot_id is not None:
        await _require_movable(turn, old, said.slot_id)
    place = await read_place(
        turn, slot_id=said.slot_id, service=made.service_id, branch=made.branch_id, day=day, time=said.time
    )
    calendar_id = place.calendar_id or await _window(turn, made, place)
    change = Changing(made.appointment_id, {"appointment_date": place.instant(turn)}, _expect_anything, calendar_id)

    def moved(shown: Shown) -> Answer:
        spoken = turn.texts.gettext("The appointment is moved: %(what)s.", what=what(turn, place_of(turn, shown)))
        return _changed(turn, shown, "MOVED", spoken)

    try:
        return await turn.write(
            lambda caller: appointments.change_appointment(turn.site.line, caller, change, now=turn.now),
            moved,
            stands=partial(_stands_for, turn, old),
        )
    except SlotkeeperError as error:
        raise _refused(turn, await refused(turn, error, place), error, AppointmentStatus.RESCHEDULED) from None


async def cancel_appointment(turn: Turn, said: CancelAppointment) -> Answer:
    """Cancel an appointment, which frees its place at once; also when it is cancelled already."""
    old = await _own(turn, said.appointment_id, said.patient_name, said.phone)
    changes = appointments.AppointmentChanges(status=AppointmentStatus.CANCELLED)
    change = Changing(old.appointment.appointment_id, changes, _expect_anything)

    def cancelled(shown: Shown) -> Answer:
        spoken = turn.texts.gettext("The appointment is cancelled: %(what)s.", what=what(turn, place_of(turn, shown)))
        return _changed(turn, shown, "CANCELLED", spoken)

    try:
        return await turn.write(
            lambda caller: appointments.change_appointment(turn.site.line, caller, change, now=turn.now),
            cancelled,
            stands=partial(_stands_for, turn, old),
        )
    except SlotkeeperError as error:
        raise _refused(turn, mend(turn, error), error, AppointmentStatus.CANCELLED) from None


async def _stands_for(turn: Turn, meant: Shown, first: Answer) -> bool:
    """Whether what was answered before is so, and was about the appointment that is meant now."""
    return first.data.get("appointment_id") == meant.appointment.appointment_id and await stands(turn, first)


async def _own(turn: Turn, appointment_id: str | None, name: str | None, phone: str | None) -> Shown:
    """The one appointment that is meant, by its id or by who it is for. Raises Mend."""
    gettext = turn.texts.gettext
    if appointment_id is None:
        if name is None or phone is None:
            question = gettext("Please tell me the patient's name and the phone number that it was booked with.")
            raise Mend("PATIENT_NEEDED", question)
        found = await _of_patient(turn, name, phone)
        if len(found) > 1:
            options = [_option(turn, shown) for shown in found][:2]
            named = turn.say.either([one.spoken for one in options])
            raise Mend(
                "APPOINTMENT_AMBIGUOUS", gettext("Which one do you mean: %(options)s?", options=named), options=options
            )
        return found[0]
    try:
        shown = await appointments.get_appointment(turn.site.db, looking(turn.caller), appointment_id)
    except NotFound:
        raise _not_found(turn) from None
    made = shown.appointment
    is_theirs = phone is None or is_same_phone(read_phone(turn, phone), made.parent_phone)
    if not is_theirs or (name is not None and not is_same_name(name, made.patient_name)):
        raise _not_found(turn)
    return shown


async def _of_patient(turn: Turn, name: str, said_phone: str) -> list[Shown]:
    """The coming appointments of one patient. Raises Mend where there is none, or where the name fits several."""
    phone = read_phone(turn, said_phone)
    found = await list_coming(turn, spellings(phone))
    of_name = [shown for shown in found if name_words(shown.appointment.patient_name) == name_words(name)]
    if not of_name:
        of_name = [shown for shown in found if is_same_name(name, shown.appointment.patient_name)]
    if len({name_words(shown.appointment.patient_name) for shown in of_name}) != 1:
        raise _not_found(turn)
    return of_name


def _not_found(turn: Turn) -> Mend:
    """There is none, or it is somebody else's: both sound the same."""
    spoken = turn.texts.gettext("I find no coming appointment under that name and number; could you say both again?")
    return Mend("NOT_FOUND", spoken)


async def _require_movable(turn: Turn, old: Shown, said: str) -> None:
    """Refuse a place at another branch or for another service, to which nothing is moved. Raises Mend."""
    gettext, slot_id, made = turn.texts.gettext, read_slot_id(turn, said), old.appointment
    window = await windows.get_window(turn.site.db, looking(turn.caller), slot_id.calendar_id)
    own = place_of(turn, old)
    advice = {"advice": "Call hold_slot and book_appointment for the new place, then cancel_appointment for this one."}
    if window.branch_id != made.branch_id:
        spoken = gettext(
            "This appointment can only be moved at %(branch)s; shall I book anew at the other branch, and cancel it?",
            branch=turn.say.name(own.branch.name),
        )
        raise Mend("PLACES_DIFFER", spoken, on=made.date, data=advice)
    if slot_id.service_id not in (None, made.service_id):
        spoken = gettext(
            "This appointment is for %(service)s; shall I book anew for the other, and cancel it?",
            service=turn.say.name(own.service.name),
        )
        raise Mend("PLACES_DIFFER", spoken, on=made.date, data=advice)


async def _window(turn: Turn, made: Appointment, place: Place) -> str | None:
    """The window at the new time, with room if there is one; None where it may be the appointment's own."""
    if place.on == made.date:
        window = await windows.get_window(turn.site.db, looking(turn.caller), made.calendar_id)
        if window.start_time <= place.wall_time < window.end_time:
            return None
    asked = Question(place.on, made.branch_id, None, made.service_id)
    slots = await get_availability(turn.site.db, looking(turn.caller), asked, now=turn.now)
    fitting = [slot for slot in slots if slot.start_time <= place.wall_time < slot.end_time]
    free = [slot.calendar_id for slot in fitting if slot.available_slots]
    if made.calendar_id in free:
        return made.calendar_id
    return next(iter([*free, *(slot.calendar_id for slot in fitting)]), None)


def _expect_anything(_: Appointment, __: str) -> None:
    """However it stands: the operation judges."""


def _option(turn: Turn, shown: Shown) -> Option:
    made = shown.appointment
    return Option(
        what(turn, place_of(turn, shown)), appointment_id=made.appointment_id, time=f"{made.date}T{made.wall_time[:5]}"
    )


def _changed(turn: Turn, shown: Shown, code: str, spoken: str) -> Answer:
    made = shown.appointment
    place = place_of(turn, shown)
    return turn.answer(
        code,
        spoken,
        on=made.date,
        timezone=shown.timezone,
        data={
            "appointment_id": made.appointment_id,
            "service": turn.say.name(place.service.name),
            "branch": turn.say.name(place.branch.name),
            "time": f"{made.date}T{made.wall_time[:5]}",
            "token": made.token,
        },
    )


def _refused(turn: Turn, found: Mend, error: SlotkeeperError, wanted: AppointmentStatus) -> Mend:
    """A refusal of a change, which names the rule of the clinic where it is one."""
    gettext, configuration = turn.texts.gettext, turn.known.configuration
    if not isinstance(error, NotAllowedByPolicy) or found.reason_code != error.code:
        return found
    if wanted is AppointmentStatus.RESCHEDULED:
        spoken = gettext("Appointments are not moved here; our staff can help you.")
    elif not configuration.allow_cancellation:
        spoken = gettext("Appointments are not cancelled here; our staff can help you.")
    else:
        hours = configuration.cancellation_notice_hours
        spoken = gettext("Cancelling needs %(hours)s hours of notice; our staff can help you.", hours=hours)
    return Mend(found.reason_code, spoken, on=found.on, data=found.data)
