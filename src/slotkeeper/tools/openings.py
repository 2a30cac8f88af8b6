"""What can be booked: on a day, next, and why not."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, NamedTuple, TypedDict

from msgspec import Struct

from slotkeeper.domain.access import Scope
from slotkeeper.domain.booking import NEAREST, Reason
from slotkeeper.domain.model import Branch, Service
from slotkeeper.operations import explain as explaining
from slotkeeper.operations.explain import Asked
from slotkeeper.operations.openings import SHORT_RANGE, Asking, Opening, list_openings
from slotkeeper.texts import N_
from slotkeeper.tools.answer import MOST_OPTIONS, Answer, Option
from slotkeeper.tools.arguments import Said
from slotkeeper.tools.dates import first_to_come, has_date, read_when, say_times
from slotkeeper.tools.directory import choose_branch, choose_service, find_branch
from slotkeeper.tools.spoken_meanings import DAY, When
from slotkeeper.tools.spoken_times import ANY, Times
from slotkeeper.tools.turn import Mend, Turn

MOST_LOOKED_AT = 50
"""How many openings of some dates are looked at for those at the time that is meant."""
ENOUGH = 6
"""How many are looked at where any time will do: several may be at the same time, which is said once."""
AHEAD = 60
"""How many dates are looked through for another one."""

DATE = (
    "The day in the caller's own words, such as 'tomorrow morning' or 'next Monday', or YYYY-MM-DD. Do not work it out."
)
TIME = "The time in the caller's own words, such as 'half past nine' or 'after 4', or HH:MM; null if any will do."
SERVICE = "The service as the caller calls it, or its service_id; null if there is only one."
BRANCH = "The branch as the caller calls it, or its branch_id; null if there is only one or any will do."


class CheckAvailability(Struct, frozen=True):
    """The arguments of ``check_availability``."""

    date: Annotated[str, Said(DATE, N_("the day"))]
    time: Annotated[str | None, Said(TIME)] = None
    service: Annotated[str | None, Said(SERVICE)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None


class FindNextAvailable(Struct, frozen=True):
    """The arguments of ``find_next_available``."""

    service: Annotated[str | None, Said(SERVICE)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None
    date: Annotated[str | None, Said("The first day to look at, in the caller's words; null for today.")] = None
    time: Annotated[str | None, Said(TIME)] = None


class ExplainUnavailable(Struct, frozen=True):
    """The arguments of ``explain_unavailable``."""

    date: Annotated[str, Said(DATE, N_("the day"))]
    time: Annotated[str | None, Said(TIME)] = None
    service: Annotated[str | None, Said(SERVICE)] = None
    branch: Annotated[str | None, Said(BRANCH)] = None


class Wanted(NamedTuple):
    """A service, perhaps at one branch, at some dates and times."""

    service: Service
    branch: Branch | None
    when: When
    timezone: str


class Found(NamedTuple):
    """An opening, and the first time of it that is meant and still to come."""

    opening: Opening
    time: str


async def check_availability(turn: Turn, given: CheckAvailability) -> Answer:
    """Whether there is room at some dates and times, and where; else why not and what there is instead."""
    wanted = _wanted(turn, given.date, given.time, given.service, given.branch)
    found = await _look(turn, wanted)
    if not found:
        return await _nothing(turn, wanted)
    gettext, day = turn.texts.gettext, _day(turn, wanted)

    def speak(options: Sequence[Option]) -> str:
        if not wanted.when.is_one:
            return gettext("There is room on %(options)s.", options=said(turn, options))
        times = [one.spoken.removeprefix(day).strip() for one in options]
        return gettext("On %(day)s there is room %(times)s.", day=day, times=turn.say.either(times))

    return _offer(turn, wanted, Reason.OPEN, speak, offer(turn, found, wanted))


async def find_next_available(turn: Turn, given: FindNextAvailable) -> Answer:
    """The first places from a day on."""
    wanted = _wanted(turn, given.date, given.time, given.service, given.branch)
    span = wanted._replace(when=wanted.when._replace(last=wanted.when.first + timedelta(days=AHEAD)))
    found = await _look(turn, span)
    options = offer(turn, found, span)
    gettext = turn.texts.gettext
    service = turn.say.name(wanted.service.name)
    if not options:
        times = wanted.when.times
        if times.is_any:
            spoken = gettext("Nothing is free for %(service)s in the next %(days)s days.", service=service, days=AHEAD)
            return _answer(turn, span, "NOTHING_FREE", spoken, ok=False)
        spoken = gettext(
            "Nothing is free for %(service)s %(times)s in the next %(days)s days.",
            service=service,
            times=say_times(turn, times),
            days=AHEAD,
        )
        return await _nothing_but(turn, span, "NOTHING_FREE", spoken)
    return _offer(
        turn,
        span,
        Reason.OPEN,
        lambda named: gettext("The next free is %(options)s.", options=said(turn, named)),
        options,
    )


async def explain_unavailable(turn: Turn, given: ExplainUnavailable) -> Answer:
    """Why a day or a time can or cannot be booked."""
    wanted = _wanted(turn, given.date, given.time, given.service, given.branch)
    wanted = wanted._replace(branch=wanted.branch or choose_branch(turn, None))
    if not wanted.when.is_one:
        raise Mend("DATE_AMBIGUOUS", turn.texts.gettext("Which day exactly?"))
    reason, gettext = await _reason(turn, wanted), turn.texts.gettext
    if reason is not Reason.OPEN:
        return _answer(turn, wanted, reason, why(turn, wanted, reason))
    if wanted.when.times.is_any:
        return _answer(turn, wanted, reason, gettext("It can be booked: %(day)s is open.", day=_day(turn, wanted)))
    options = offer(turn, await _look(turn, wanted), wanted)
    if not options:  # the day is open, and not at the times that are meant
        return _answer(turn, wanted, "NOTHING_FREE", why(turn, wanted, reason))
    return _offer(
        turn,
        wanted,
        reason,
        lambda named: gettext("It can be booked: there is room on %(options)s.", options=said(turn, named)),
        options,
    )


def _wanted(turn: Turn, date_: str | None, time: str | None, service: str | None, branch: str | None) -> Wanted:
    where = find_branch(turn, branch)
    timezone = turn.zone(where)
    if date_ is None and time is not None and has_date(turn, time, timezone):
        date_, time = time, None
    when = read_when(turn, date_ or "today", time, timezone)
    return Wanted(choose_service(turn, service), where, when, timezone)


async def _look(turn: Turn, wanted: Wanted) -> list[Found]:
    """The first openings at the times that are meant, by date and time.

    Where a time is meant, dates are looked through until there is one: the first that are free may all be at others.
    A month is looked at before what comes after it, because nearly always something is free in it: so short a look
    needs no thread of its own, in which it would wait for the others.
    """
    when = wanted.when
    limit = ENOUGH if when.times.is_any else MOST_LOOKED_AT
    meant: list[Found] = []
    first = when.first
    while first <= when.last:
        end = min(first + timedelta(days=SHORT_RANGE - 1), when.last)
        asking = Asking(
            wanted.service.service_id,
            None if wanted.branch is None else wanted.branch.branch_id,
            when.times.session,
            first,
            (end - first).days + 1,
            limit,
        )
        db, knowledge = turn.site.db, turn.site.knowledge
        found = (await list_openings(db, turn.caller, asking, now=turn.now, knowledge=knowledge)).found
        times = [(opening, _time_of(turn, opening, when.times)) for opening in found]
        meant += [Found(opening, time) for opening, time in times if time is not None]
        if len(meant) >= MOST_OPTIONS or (meant and len(found) == limit):
            break
        last = found[-1].at.date if len(found) == limit else end + DAY  # of a date there may be more
        first = last if last > first else last + DAY
    return meant


def _time_of(turn: Turn, opening: Opening, times: Times) -> str | None:
    """The first time of an opening that is meant and still to come; None where there is none."""
    at = opening.at
    earliest = first_to_come(turn, turn.known.zones[at.branch_id], at.date, at.start_time)
    if times.exact is not None:
        return times.exact if at.start_time <= times.exact < at.end_time and times.exact >= earliest else None
    first = max(earliest, times.start)
    return first if first < min(at.end_time, times.end) else None


def offer(turn: Turn, found: Iterable[Found], wanted: Wanted) -> list[Option]:
    """At most three openings as options, each time once."""
    options: list[Option] = []
    for one in found:
        option = _option(turn, one, wanted)
        if option.spoken not in [other.spoken for other in options]:
            options.append(option)
        if len(options) == MOST_OPTIONS:
            break
    return options


def _option(turn: Turn, found: Found, wanted: Wanted) -> Option:
    at, time = found.opening.at, found.time
    say, gettext = turn.say, turn.texts.gettext
    if wanted.when.times.exact is not None:
        spoken = say.moment(at.date, time, turn.today(wanted.timezone))
    else:
        day = say.day(at.date, turn.today(wanted.timezone))
        spoken = gettext("%(day)s %(times)s", day=day, times=say.span(time, at.end_time))
    if wanted.branch is None and len(turn.known.branches) > 1:
        name = next(one.name for one in turn.known.branches if one.branch_id == at.branch_id)
        spoken = gettext("%(time)s at %(branch)s", time=spoken, branch=say.name(name))
    slot_id = f"{at.calendar_id}||{at.date}||{found.opening.service_id}"
    return Option(spoken, slot_id=slot_id, time=f"{at.date}T{time}")


async def instead(turn: Turn, wanted: Wanted) -> list[Option]:
    """What could be booked instead, from the first date that was meant on; nothing for a key that may not look."""
    if Scope.SLOTS_READ not in turn.caller.scopes:
        return []
    first = wanted.when.first
    later = wanted._replace(when=When(first, first + timedelta(days=AHEAD), ANY))
    return offer(turn, await _look(turn, later), later)


async def _nothing(turn: Turn, wanted: Wanted) -> Answer:
    reason = Reason.FULL if not wanted.when.is_one else await _reason(turn, wanted)
    code = "NOTHING_FREE" if not wanted.when.is_one or reason is Reason.OPEN else reason.value
    return await _nothing_but(turn, wanted, code, why(turn, wanted, reason))


async def _nothing_but(turn: Turn, wanted: Wanted, code: str, because: str) -> Answer:
    """That there is nothing at the times that are meant, and what there is instead."""
    options = await instead(turn, wanted)
    if not options:
        return _answer(turn, wanted, code, because, ok=False)
    return _offer(turn, wanted, code, lambda named: but(turn, because, named), options, ok=False)


def but(turn: Turn, because: str, options: Sequence[Option]) -> str:
    """Why something cannot be had, and what can."""
    gettext = turn.texts.gettext
    return gettext("%(why)s; the next free is %(options)s.", why=because.rstrip("."), options=said(turn, options))


def said(turn: Turn, options: Sequence[Option]) -> str:
    """Options on several days: the first two of them, which is as much as one remembers of dates; a day once."""
    spoken = [one.spoken for one in options[:2]]
    days = [turn.say.day(date.fromisoformat(one.time[:10]), turn.today(turn.zone())) for one in options if one.time]
    if len(spoken) == 2 and days[:1] == days[1:2]:
        spoken[1] = spoken[1].removeprefix(days[0]).strip()
    return turn.say.either(spoken)


async def _reason(turn: Turn, wanted: Wanted) -> Reason:
    """Why a date cannot be booked: of several branches, the reason that is nearest to a booking."""
    times, on = wanted.when.times, wanted.when.first
    branches = [wanted.branch] if wanted.branch is not None else list(turn.known.branches)[:MOST_OPTIONS]
    found = []
    for branch in branches:
        asked = Asked(on, branch.branch_id, wanted.service.service_id, times.exact, times.session)
        if times.exact is not None:
            asked = asked._replace(session=None)
        found.append((await explaining.explain(turn.site.db, turn.caller, asked, now=turn.now)).reason)
    return min(found, key=NEAREST.index)


def why(turn: Turn, wanted: Wanted, reason: Reason) -> str:
    """A reason as a sentence."""
    gettext, day, times = turn.texts.gettext, _day(turn, wanted), say_times(turn, wanted.when.times)
    configuration = turn.known.configuration
    if wanted.when.is_one and wanted.when.times.is_any:
        whole = {
            Reason.IN_THE_PAST: gettext("Our hours are over for today."),
            Reason.CLOSED_ON_DATE: gettext("We are closed on %(day)s.", day=day),
            Reason.WINDOW_DISABLED: gettext("There are no hours on %(day)s.", day=day),
            Reason.NO_WINDOW: gettext("We have no hours on %(day)s.", day=day),
        }
        if reason in whole:
            return whole[reason]
    sentences = {
        Reason.OPEN: gettext("Nothing is free %(times)s on %(day)s.", times=times, day=day),
        Reason.AI_LIMIT_REACHED: gettext("I have no more places on %(day)s, but our staff may.", day=day),
        Reason.FULL: gettext("Everything is taken on %(day)s.", day=day),
        Reason.TOO_SOON: gettext(
            "That is too soon: a booking needs %(hours)s hours of notice.", hours=configuration.min_notice_hours
        ),
        Reason.TOO_FAR_AHEAD: gettext(
            "That is too far ahead: bookings reach %(days)s days ahead.", days=configuration.max_advance_days
        ),
        Reason.IN_THE_PAST: gettext("That time is over."),
        Reason.CLOSED_ON_DATE: gettext("We are closed %(times)s on %(day)s.", times=times, day=day),
        Reason.CLOSURE: gettext("We are closed on %(day)s.", day=day),
        Reason.WINDOW_DISABLED: gettext("There are no hours %(times)s on %(day)s.", times=times, day=day),
        Reason.SERVICE_NOT_OFFERED: gettext(
            "%(service)s is not offered then on %(day)s.", service=turn.say.name(wanted.service.name), day=day
        ),
        Reason.NO_WINDOW: gettext("We have no hours %(times)s on %(day)s.", times=times, day=day),
    }
    if not wanted.when.is_one and wanted.when.times.is_any:
        return gettext("Nothing is free in those days.")
    if not wanted.when.is_one:
        return gettext("Nothing is free %(times)s in those days.", times=times)
    return sentences[reason]


def _day(turn: Turn, wanted: Wanted) -> str:
    return turn.say.day(wanted.when.first, turn.today(wanted.timezone))


def _answer(turn: Turn, wanted: Wanted, reason_code: str, spoken: str, *, ok: bool = True) -> Answer:
    return turn.answer(str(reason_code), spoken, ok=ok, **_about(turn, wanted))


def _offer(
    turn: Turn,
    wanted: Wanted,
    reason_code: str,
    speak: Callable[[Sequence[Option]], str],
    options: Sequence[Option],
    *,
    ok: bool = True,
) -> Answer:
    return turn.offer(str(reason_code), speak, options, ok=ok, **_about(turn, wanted))


class _About(TypedDict):
    on: date | None
    timezone: str
    data: Mapping[str, object]


def _about(turn: Turn, wanted: Wanted) -> _About:
    """What an answer says of what was asked for."""
    return {
        "on": wanted.when.first if wanted.when.is_one else None,
        "timezone": wanted.timezone,
        "data": {"service": turn.say.name(wanted.service.name)},
    }
