"""What a caller says of a day and a time, as a tool takes it: resolved in the branch's zone, or asked back."""

from datetime import date, timedelta

from slotkeeper.domain.calendar import local
from slotkeeper.domain.model import Session
from slotkeeper.tools.answer import MOST_OPTIONS, Option
from slotkeeper.tools.spoken_dates import resolve
from slotkeeper.tools.spoken_meanings import Question, When, Why
from slotkeeper.tools.spoken_times import ANY, END, START, Times, both, middle_of, read_times
from slotkeeper.tools.turn import Mend, Turn

NO_DATE = frozenset({Why.NEEDED, Why.UNCLEAR})
"""Why nothing was said of a date at all."""
ROUND = 5
"""A window that is under way is offered from the next five minutes on."""


def read_when(turn: Turn, said: str, time: str | None, timezone: str) -> When:
    """The dates and times that are meant. Raises Mend with the question to ask back."""
    found = resolve(said, zone=timezone, now=turn.now)
    if isinstance(found, Question):
        raise ask(turn, found, timezone)
    if time is None:
        return found
    on = found.first if found.is_one else None
    times = read_times(time, found.times.session)
    if times is None:
        return _with_its_date(turn, found, time, timezone)
    if found.times.exact == START:  # a program's way to write a date
        found = found._replace(times=ANY)
    if found.times.exact is not None and times.session is not None:  # "at seven", "in the evening"
        together = resolve(f"{said} {time}", zone=timezone, now=turn.now)
        found = together if isinstance(together, When) and together[:2] == found[:2] else found
    both_said = both(found.times, times)
    if both_said is None:
        question = turn.texts.gettext("Do you mean %(times)s?", times=turn.say.either(_said(turn, found.times, times)))
        raise Mend("TIME_NEEDED", question, on=on)
    return found._replace(times=both_said)


def _with_its_date(turn: Turn, found: When, time: str, timezone: str) -> When:
    """Of a time that tells its date too, such as an option's own: that time, if it is on the dates that are meant."""
    on = found.first if found.is_one else None
    whole = resolve(time, zone=timezone, now=turn.now)
    if isinstance(whole, Question) and whole.why not in NO_DATE:
        raise ask(turn, whole, timezone)
    if isinstance(whole, Question) or whole.times.is_any:
        raise Mend("TIME_NOT_UNDERSTOOD", turn.texts.gettext("What time would suit you?"), on=on)
    if not found.first <= whole.first <= whole.last <= found.last:
        question = turn.texts.gettext("Which of the two days do you mean?")
        raise Mend("DATE_AMBIGUOUS", question, on=on, data={"advice": "'time' must be on the date beside it."})
    return whole


def has_date(turn: Turn, time: str, timezone: str) -> bool:
    """Whether what is given as a time tells its date too, as an option's own ``time`` does; "Ten" does not."""
    if read_times(time) is not None:
        return False
    whole = resolve(time, zone=timezone, now=turn.now)
    return isinstance(whole, When) or whole.why not in NO_DATE


def say_times(turn: Turn, times: Times) -> str:
    """Times of a day as one says them of what is or is not then: "after four in the afternoon"."""
    gettext, say = turn.texts.gettext, turn.say
    if times.exact is not None:
        return gettext("at %(time)s", time=say.time(times.exact))
    about = middle_of(times)
    if about is not None:
        return gettext("around %(time)s", time=say.time(about))
    if times.start != START and times.end != END:
        return say.span(times.start, times.end)
    if times.start != START:
        return gettext("after %(time)s", time=say.time(times.start))
    if times.end != END:
        return gettext("before %(time)s", time=say.time(times.end))
    parts = {
        Session.MORNING: gettext("in the morning"),
        Session.AFTERNOON: gettext("in the afternoon"),
        Session.EVENING: gettext("in the evening"),
    }
    return parts[times.session] if times.session in parts else gettext("at any time")


def _said(turn: Turn, *several: Times) -> list[str]:
    return [say_times(turn, times) for times in several]


def first_to_come(turn: Turn, timezone: str, on: date, start_time: str) -> str:
    """The start of a window on a date; of one under way the next five minutes, ``24:00`` where there are none."""
    moment = local(turn.now, timezone)
    if on != moment.date() or start_time >= f"{moment:%H:%M}":
        return start_time
    soon = moment + timedelta(minutes=ROUND - moment.minute % ROUND)
    return f"{soon:%H:%M}" if soon.date() == on else END


def ask(turn: Turn, question: Question, timezone: str) -> Mend:
    """The question to ask back about a date."""
    gettext, say, today = turn.texts.gettext, turn.say, turn.today(timezone)
    days = [say.day(on, today) for on in question.dates[:MOST_OPTIONS]]
    today_said = say.day(today, today)
    options = [Option(said, date=on.isoformat()) for said, on in zip(days, question.dates, strict=False)]
    if question.why is Why.PAST:
        return Mend(
            question.why, _past(turn, question.dates, today), options=[one for one in options if _ahead(one, today)]
        )
    sentences = {
        Why.NEEDED: gettext("Which day would you like?"),
        Why.UNCLEAR: gettext("Which day do you mean? Today is %(today)s.", today=today_said),
        Why.AMBIGUOUS: gettext("Do you mean %(days)s?", days=say.either(days)),
        Why.OTHER_WEEKDAY: gettext(
            "That date is another day of the week; do you mean %(days)s?", days=say.either(days)
        ),
        Why.NOT_REAL: gettext("There is no such date; do you mean %(days)s?", days=say.either(days))
        if days
        else gettext("There is no such date; which day do you mean?"),
    }
    return Mend(question.why, sentences[question.why], options=options)


def _past(turn: Turn, dates: tuple[date, ...], today: date) -> str:
    """That a date is over, and what is today."""
    gettext, said = turn.texts.gettext, turn.say.day(today, today)
    said = f"{said} {today.year}"
    on = next(iter(dates), None)
    if on is None:
        return gettext("That day is over; today is %(today)s.", today=said)
    if on > today:
        return gettext(
            "That day is over this year; do you mean %(day)s? Today is %(today)s.",
            day=turn.say.day(on, today),
            today=said,
        )
    if on.year == today.year - 1:
        return gettext("That was last year; today is %(today)s.", today=said)
    return gettext("%(day)s is over; today is %(today)s.", day=turn.say.day(on, today), today=said)


def _ahead(option: Option, today: date) -> bool:
    return option.date is not None and option.date >= today.isoformat()
