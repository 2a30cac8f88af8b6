"""What a caller says of a day and a time, as a tool takes it: resolved in the branch's zone, or asked back."""

from datetime import date, timedelta

from slotkeeper.domain.calendar import local
from slotkeeper.tools.answer import MOST_OPTIONS, Option
from slotkeeper.tools.spoken_dates import resolve
from slotkeeper.tools.spoken_meanings import Question, When, Why
from slotkeeper.tools.spoken_times import END, read_times
from slotkeeper.tools.turn import Mend, Turn

ROUND = 5
"""A window that is under way is offered from the next five minutes on."""


def read_when(turn: Turn, said: str, time: str | None, timezone: str) -> When:
    """The dates and times that are meant. Raises Mend with the question to ask back."""
    found = resolve(said, zone=timezone, now=turn.now)
    if isinstance(found, Question):
        raise ask(turn, found, timezone)
    if time is None:
        return found
    times = read_times(time)
    if times is None:
        question = turn.texts.gettext("What time would suit you?")
        raise Mend("TIME_NOT_UNDERSTOOD", question, on=found.first if found.is_one else None)
    return found._replace(times=times)


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
