"""The place that a caller chose, by the id of a hold or a slot, or in their own words."""

from datetime import date
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import Reason, Rules
from slotkeeper.domain.calendar import instant_of
from slotkeeper.domain.errors import (
    InvalidInput,
    NotAllowedByPolicy,
    NotFound,
    OutsideAvailability,
    SlotFull,
    SlotkeeperError,
)
from slotkeeper.domain.model import Branch, Hold, Service
from slotkeeper.domain.slot_ids import SlotId, parse_slot_id
from slotkeeper.operations import windows
from slotkeeper.operations.holds import get_hold
from slotkeeper.operations.window_dates import get_window_date
from slotkeeper.tools.dates import first_to_come, has_date, read_when
from slotkeeper.tools.directory import choose_branch, choose_service
from slotkeeper.tools.openings import Wanted, but, instead, why
from slotkeeper.tools.refusals import mend
from slotkeeper.tools.spoken_meanings import When
from slotkeeper.tools.spoken_times import Times
from slotkeeper.tools.turn import Mend, Turn


class Place(NamedTuple):
    """A service at a branch on a date at a wall time; ``calendar_id`` where one window is meant."""

    service: Service
    branch: Branch
    on: date
    wall_time: str
    calendar_id: str | None = None

    def instant(self, turn: Turn) -> int:
        """When it is, in milliseconds UTC."""
        return instant_of(self.on, self.wall_time, turn.known.zones[self.branch.branch_id])


async def read_place(
    turn: Turn, *, slot_id: str | None, service: str | None, branch: str | None, day: str | None, time: str | None
) -> Place:
    """The place that is meant. Raises Mend with the question to ask back."""
    if slot_id is not None:
        place = await _of_slot(turn, read_slot_id(turn, slot_id), service, time)
        require_agreement(turn, place, service=service, branch=branch, day=day)
        return place
    where = choose_branch(turn, branch)
    what = choose_service(turn, service)
    on, wall_time = read_moment(turn, day, time, turn.zone(where))
    return Place(what, where, on, wall_time)


def read_moment(turn: Turn, day: str | None, time: str | None, timezone: str) -> tuple[date, str]:
    """The one date and time that are meant. Raises Mend."""
    gettext = turn.texts.gettext
    if day is None and time is not None and has_date(turn, time, timezone):
        day, time = time, None
    if day is None:
        raise Mend("DATE_NEEDED", gettext("Which day would you like?"))
    when = read_when(turn, day, time, timezone)
    said = turn.say.day(when.first, turn.today(timezone))
    if not when.is_one:
        raise Mend("DATE_AMBIGUOUS", gettext("Which day exactly, from %(day)s on?", day=said))
    if when.times.exact is None:
        raise Mend("TIME_NEEDED", gettext("At what time on %(day)s?", day=said), on=when.first)
    return when.first, when.times.exact


def looking(caller: Caller) -> Caller:
    """The caller, as one who may look up what a tool has to know and does not tell."""
    return caller._replace(scopes=caller.scopes | {Scope.SLOTS_READ, Scope.APPOINTMENTS_READ})


async def find_hold(turn: Turn, hold_id: str) -> Hold | None:
    """A live hold; None for one that is gone, of which the booking says more."""
    try:
        return await get_hold(turn.site.db, turn.caller, hold_id, now=turn.now)
    except NotFound:
        return None


def place_of_hold(turn: Turn, hold: Hold) -> Place:
    """What is held; at the time that it was taken for, else at the first of its window that is still to come."""
    branch = next(one for one in turn.known.branches if one.branch_id == hold.branch_id)
    service = next(one for one in turn.known.services if one.service_id == hold.service_id)
    wall_time = hold.wall_time or _first(turn, branch, hold.date, hold.start_time, hold.end_time)
    return Place(service, branch, hold.date, wall_time, hold.calendar_id)


def what(turn: Turn, place: Place) -> str:
    """A place as it is read back: what, where and when."""
    say, gettext = turn.say, turn.texts.gettext
    moment = say.moment(place.on, place.wall_time, turn.today(turn.zone(place.branch)))
    names = {"service": say.name(place.service.name), "branch": say.name(place.branch.name), "moment": moment}
    if len(turn.known.branches) == 1:
        return gettext("%(service)s on %(moment)s", **names)
    return gettext("%(service)s at %(branch)s on %(moment)s", **names)


async def refused(turn: Turn, error: SlotkeeperError, place: Place) -> Mend:
    """The refusal of a place, with what could be had instead."""
    found = mend(turn, error)
    timezone = turn.known.zones[place.branch.branch_id]
    rules = Rules(turn.known.configuration, turn.caller.channel, turn.now, timezone)
    wanted = Wanted(place.service, place.branch, When(place.on, place.on, Times(place.wall_time)), timezone)
    code, spoken = found.reason_code, found.spoken
    reason = rules.judge_instant(place.instant(turn), place.on)
    if isinstance(error, OutsideAvailability | NotAllowedByPolicy) and reason is not Reason.OPEN:
        code, spoken = reason.value, why(turn, wanted, reason)
    elif isinstance(error, OutsideAvailability):  # with the time, in which a caller hears what was misunderstood
        spoken = why(turn, wanted, Reason.NO_WINDOW)
    options = []
    if isinstance(error, SlotFull | OutsideAvailability | NotAllowedByPolicy):
        today = turn.today(timezone)
        first = today if reason is Reason.TOO_FAR_AHEAD else max(place.on, today)
        options = (await instead(turn, wanted._replace(when=When(first, first))))[:2]
    if options:
        spoken = but(turn, spoken, options)
    return Mend(code, spoken, options=options, on=place.on, data=found.data)


def read_slot_id(turn: Turn, said: str) -> SlotId:
    """The id of a place. Raises Mend."""
    try:
        return parse_slot_id(said, parts=(2, 3))
    except InvalidInput as error:
        raise mend(turn, error) from None


async def _of_slot(turn: Turn, slot_id: SlotId, service: str | None, time: str | None) -> Place:
    window = await windows.get_window(turn.site.db, looking(turn.caller), slot_id.calendar_id)
    branch = next(one for one in turn.known.branches if one.branch_id == window.branch_id)
    what = choose_service(turn, slot_id.service_id or service or window.service_id)
    if slot_id.date is None:
        raise ValueError("the slot_id of a window-date has a date")
    if time is not None:
        day = None if has_date(turn, time, turn.zone(branch)) else slot_id.date.isoformat()
        on, wall_time = read_moment(turn, day, time, turn.zone(branch))
        if on != slot_id.date:
            question = turn.texts.gettext("Which of the two days do you mean?")
            raise Mend(
                "DATE_AMBIGUOUS", question, on=slot_id.date, data={"advice": "'time' must be on the date of 'slot_id'."}
            )
        return Place(what, branch, on, wall_time, slot_id.calendar_id)
    seen = await get_window_date(turn.site.db, looking(turn.caller), slot_id.calendar_id, slot_id.date, now=turn.now)
    wall_time = _first(turn, branch, slot_id.date, seen.at.start_time, seen.at.end_time)
    return Place(what, branch, slot_id.date, wall_time, slot_id.calendar_id)


def _first(turn: Turn, branch: Branch, on: date, start_time: str, end_time: str) -> str:
    """The first time of a window that is still to come; its start where it is over, which the rules refuse."""
    first = first_to_come(turn, turn.known.zones[branch.branch_id], on, start_time)
    return first if first < end_time else start_time


def require_agreement(
    turn: Turn, place: Place, *, service: str | None, branch: str | None, day: str | None, slot_id: str | None = None
) -> None:
    """Refuse what is said besides the id of a hold or a slot, where it says another place than that. Raises Mend."""
    timezone, wrong = turn.zone(place.branch), ""
    if service is not None and choose_service(turn, service) != place.service:
        wrong = "service"
    elif branch is not None and choose_branch(turn, branch) != place.branch:
        wrong = "branch"
    elif day is not None and not _covers(read_when(turn, day, None, timezone), place.on):
        wrong = "date"
    elif slot_id is not None and not _is_at(read_slot_id(turn, slot_id), place):
        wrong = "slot_id"
    if wrong:
        spoken = turn.texts.gettext("That would be %(what)s; is that right?", what=what(turn, place))
        advice = f"'{wrong}' says another place than the id beside it: leave one of them out."
        raise Mend("PLACES_DIFFER", spoken, on=place.on, data={"advice": advice})


def _is_at(slot_id: SlotId, place: Place) -> bool:
    return (slot_id.calendar_id, slot_id.date) == (place.calendar_id, place.on) and (
        slot_id.service_id in (None, place.service.service_id)
    )


def _covers(when: When, on: date) -> bool:
    return when.first <= on <= when.last
