"""The clinic's own tools: a day closed, the places of a window on a date set (contract.md section 4.5)."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated

from msgspec import Struct

from slotkeeper.domain.access import Caller
from slotkeeper.domain.model import MOST_SLOTS, Branch, Slot, Status, Window
from slotkeeper.domain.slot_ids import SlotId, parse_slot_id
from slotkeeper.operations import windows
from slotkeeper.operations.availability import Question, get_availability
from slotkeeper.operations.overrides import DayChanges, update_day
from slotkeeper.texts import N_
from slotkeeper.tools.answer import Answer, Option
from slotkeeper.tools.arguments import Said
from slotkeeper.tools.dates import read_when
from slotkeeper.tools.directory import choose_branch
from slotkeeper.tools.openings import BRANCH, DATE, TIME
from slotkeeper.tools.places import looking
from slotkeeper.tools.spoken_meanings import When
from slotkeeper.tools.turn import Mend, Turn

WINDOW = "The slot_id of one window on the date; null to name the day instead."


class CloseDay(Struct, frozen=True):
    """The arguments of ``close_day``."""

    date: Annotated[str | None, Said(DATE)] = None
    time: Annotated[str | None, Said("Which part of the day to close, in the caller's words; null for all of it.")] = (
        None
    )
    branch: Annotated[str | None, Said(BRANCH)] = None
    slot_id: Annotated[str | None, Said(WINDOW, longest=200)] = None
    reason: Annotated[str | None, Said("Why, for the people at the desk; null if not said.", longest=200)] = None


class SetPlaces(Struct, frozen=True):
    """The arguments of ``set_places``."""

    places: Annotated[int, Said("How many places there are then in all.", N_("how many places there are"))]
    ai_places: Annotated[int | None, Said("How many of them an AI may take; null leaves that as it is.")] = None
    date: Annotated[str | None, Said(DATE)] = None
    time: Annotated[str | None, Said(TIME)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None
    slot_id: Annotated[str | None, Said(WINDOW, longest=200)] = None


async def close_day(turn: Turn, said: CloseDay) -> Answer:
    """Close all windows of a day, or those that are meant, for new bookings; those that stand are kept."""
    branch, on, found = await _windows(turn, said.slot_id, said.branch, said.date, said.time)
    changes = DayChanges(status=Status.CLOSED)
    if said.reason is not None:
        changes["reason"] = said.reason
    filled = sum(slot.filled_slots for slot in found)

    def closed(_: list[Slot]) -> Answer:
        gettext = turn.texts.gettext
        values = {"branch": turn.say.name(branch.name), "times": _times(turn, branch, on, found)}
        if filled == 0:
            spoken = gettext("Closed at %(branch)s: %(times)s; nobody was booked.", **values)
        elif filled == 1:
            spoken = gettext("Closed at %(branch)s: %(times)s; the one booking that stands is kept.", **values)
        else:
            number = turn.say.number(filled)
            spoken = gettext(
                "Closed at %(branch)s: %(times)s; the %(number)s bookings that stand are kept.", **values, number=number
            )
        data = {"closed": len(found), "bookings_kept": filled, "branch": turn.say.name(branch.name)}
        return turn.answer("CLOSED", spoken, on=on, timezone=turn.zone(branch), data=data)

    async def close(caller: Caller) -> list[Slot]:
        for slot in found[:-1]:
            await _update(turn, caller._replace(once=None), slot, changes)
        return [await _update(turn, caller, found[-1], changes)]  # after which it is answered

    async def is_closed(_: Answer) -> bool:
        return False  # what is to be closed is open, whoever opened it since

    return await turn.write(close, closed, stands=is_closed)


async def set_places(turn: Turn, said: SetPlaces) -> Answer:
    """Set the places of one window on one date."""
    for number in (said.places, said.ai_places):
        if number is not None and not 0 <= number <= MOST_SLOTS:
            question = turn.texts.gettext("How many places, from none to %(most)s?", most=MOST_SLOTS)
            raise Mend("BAD_ARGUMENTS", question, data={"wrong": {"places": f"must be from 0 to {MOST_SLOTS}"}})
    branch, on, found = await _windows(turn, said.slot_id, said.branch, said.date, said.time)
    if len(found) > 1:
        options = [_option(turn, slot) for slot in found]
        named = turn.say.either([one.spoken for one in options[:3]])
        question = turn.texts.gettext("For which time: %(times)s?", times=named)
        raise Mend("TIME_NEEDED", question, options=options, on=on)
    changes = DayChanges(max_slots=said.places)
    if said.ai_places is not None:
        changes["ai_slots"] = said.ai_places

    def done(slot: Slot) -> Answer:
        spoken = turn.texts.gettext(
            "Set at %(branch)s, %(times)s: %(places)s places, of which an AI may take %(ai)s; %(left)s.",
            branch=turn.say.name(branch.name),
            times=_times(turn, branch, on, [slot]),
            places=turn.say.number(slot.max_slots),
            ai=turn.say.number(slot.ai_slots),
            left=turn.say.places(slot.available_slots),
        )
        return turn.answer("SET", spoken, on=on, timezone=turn.zone(branch), data=_places(slot))

    async def is_set(first: Answer) -> bool:
        return first.data == _places(found[0])

    return await turn.write(partial(_set, turn, found[0], changes), done, stands=is_set)


def _places(slot: Slot) -> dict[str, object]:
    slot_id = f"{slot.calendar_id}||{slot.date}"
    return {"slot_id": slot_id, "places": slot.max_slots, "ai_places": slot.ai_slots}


async def _set(turn: Turn, slot: Slot, changes: DayChanges, caller: Caller) -> Slot:
    return await _update(turn, caller, slot, changes)


async def _update(turn: Turn, caller: Caller, slot: Slot, changes: DayChanges) -> Slot:
    slot_id = SlotId(slot.calendar_id, slot.date)
    return await update_day(
        turn.site.db, caller, slot_id, changes=changes, expect=lambda _: None, whole=False, now=turn.now
    )


async def _windows(
    turn: Turn, slot_id: str | None, branch: str | None, day: str | None, time: str | None
) -> tuple[Branch, date, list[Slot]]:
    """The open windows that are meant on one date. Raises Mend where there is none."""
    gettext, calendar_id = turn.texts.gettext, None
    if slot_id is not None:
        parts = parse_slot_id(slot_id, parts=(2, 3))
        window = await windows.get_window(turn.site.db, looking(turn.caller), parts.calendar_id)
        _require_agreement(turn, window, parts, branch=branch, day=day, time=time)
        calendar_id, branch, day = window.calendar_id, window.branch_id, str(parts.date)
        time = None
    where = choose_branch(turn, branch)
    if day is None:
        raise Mend("DATE_NEEDED", gettext("Which day would you like?"))
    when = read_when(turn, day, time, turn.zone(where))
    if not when.is_one:
        raise Mend("DATE_AMBIGUOUS", gettext("Which day exactly?"))
    asked = Question(when.first, where.branch_id, when.times.session)
    found = await get_availability(turn.site.db, looking(turn.caller), asked, now=turn.now)
    meant = [slot for slot in found if _is_meant(slot, when) and calendar_id in (None, slot.calendar_id)]
    if not meant:
        said = turn.say.day(when.first, turn.today(turn.zone(where)))
        raise Mend("NO_WINDOW", gettext("Nothing is open then on %(day)s.", day=said), on=when.first)
    return where, when.first, meant


def _require_agreement(
    turn: Turn, window: Window, slot_id: SlotId, *, branch: str | None, day: str | None, time: str | None
) -> None:
    """Refuse what is said beside the id of a window, where it says another than that. Raises Mend."""
    where, wrong = choose_branch(turn, window.branch_id), ""
    on = slot_id.date
    if on is None:
        raise ValueError("the slot_id of a window-date has a date")
    if time is not None:
        time = time.removeprefix(f"{on}T")  # as an option has it
    when = read_when(turn, day or on.isoformat(), time, turn.zone(where))
    if branch is not None and choose_branch(turn, branch) != where:
        wrong = "branch"
    elif not when.first <= on <= when.last:
        wrong = "date"
    elif not _is_meant(window, when) or when.times.session not in {None, window.session}:
        wrong = "time"
    if wrong:
        spoken = turn.texts.gettext(
            "That would be at %(branch)s, %(times)s; is that right?",
            branch=turn.say.name(where.name),
            times=_times(turn, where, on, [window]),
        )
        advice = f"'{wrong}' says another window than the id beside it: leave one of them out."
        raise Mend("PLACES_DIFFER", spoken, on=on, data={"advice": advice})


def _is_meant(slot: Slot | Window, when: When) -> bool:
    if when.times.exact is not None:
        return slot.start_time <= when.times.exact < slot.end_time
    return max(slot.start_time, when.times.start) < min(slot.end_time, when.times.end)


def _times(turn: Turn, branch: Branch, on: date, found: Sequence[Slot | Window]) -> str:
    spans = turn.say.all([turn.say.span(slot.start_time, slot.end_time) for slot in found[:3]])
    day = turn.say.day(on, turn.today(turn.zone(branch)))
    return turn.texts.gettext("%(day)s %(times)s", day=day, times=spans)


def _option(turn: Turn, slot: Slot) -> Option:
    span = turn.say.span(slot.start_time, slot.end_time)
    return Option(span, slot_id=f"{slot.calendar_id}||{slot.date}", time=f"{slot.date}T{slot.start_time}")
