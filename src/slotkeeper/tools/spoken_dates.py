"""Dates as people say them on the phone: a date or a range with a part of the day, or a question to ask back.

Pure: what was said, today's date and the time now go in, a value comes out. Only what is understood as a whole is
taken; what two people could take for two dates is asked about, because a wrong date costs a patient's journey.
"""

import re
from collections.abc import Callable
from datetime import date, datetime

from slotkeeper.domain.calendar import local, parse_instant
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR, parse_date
from slotkeeper.tools.spoken_days import LOOKED_THROUGH, Reader
from slotkeeper.tools.spoken_meanings import DAY, MONTHS, WEEK, WEEKDAYS, Ask, Question, When, Why
from slotkeeper.tools.spoken_times import Times, find_times
from slotkeeper.tools.spoken_words import normalize, without_fillers


def resolve(text: str, *, zone: str, now: int) -> When | Question:
    """What is meant by what was said at an instant, on the calendar of a zone. Never a date that is over."""
    at = local(now, zone)
    try:
        on = parse_date(text)
        if on is not None:
            return _not_past(When(on, on), at.date())
        exact = _instant(text, zone)
        if exact is not None:
            return _not_past(exact, at.date())
        times, rest = find_times(normalize(text))
        when = _read(Reader(at.date(), at), rest, times)
        return _not_past(when, at.date())
    except Ask as ask:
        return ask.question
    except (ValueError, OverflowError):
        return Question(Why.UNCLEAR)


def _instant(text: str, zone: str) -> When | None:
    """A date with a time as programs write it, with or without an offset."""
    said = text.strip().upper()
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?", said):
        return None
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is not None:
        moment = local(parse_instant(said), zone)
    return When(moment.date(), moment.date(), Times(f"{moment:%H:%M}"))


def _not_past(when: When, today: date) -> When:
    if not FIRST_YEAR <= when.first.year <= when.last.year <= LAST_YEAR:
        raise Ask(Why.PAST if when.first < today else Why.UNCLEAR)
    if when.last < today:
        raise Ask(Why.PAST, when.last)
    return when._replace(first=max(when.first, today))


def _read(reader: Reader, said: str, times: Times) -> When:
    """Raises Ask for what has to be asked back, ValueError for what is not understood."""
    clean = without_fillers(said)
    if not clean:
        raise Ask(Why.NEEDED)
    found = _read_form(reader, clean)
    if found is not None:
        return When(*found, times)
    return _read_hours(reader, clean, times) or _read_several(reader, clean, times)


def _read_form(reader: Reader, clean: str) -> tuple[date, date] | None:
    for pattern, build in _COMPILED:
        found = pattern.fullmatch(clean)
        if found is not None:
            made = build(reader, found)
            return made if isinstance(made, tuple) else (made, made)
    return None


def _read_hours(reader: Reader, clean: str, times: Times) -> When | None:
    """Of "in two hours": that moment."""
    found = re.fullmatch(r"in (?P<n>\d{1,3}|half) (?P<unit>hours?|minutes?)(?: (?:from )?(?:now|time))?", clean)
    if found is None:
        return None
    number = 30 if found["n"] == "half" else int(found["n"])
    minutes = number if found["unit"].startswith("minute") or found["n"] == "half" else number * 60
    then = local(int(reader.at.timestamp() * 1000) + minutes * 60_000, str(reader.at.tzinfo))
    return When(then.date(), then.date(), Times(f"{then:%H:%M}") if times.is_any else times)


def _read_several(reader: Reader, clean: str, times: Times) -> When:
    """Of "Monday or Tuesday", "after the 15th", "by Friday": those days. Two that are apart are asked about."""
    several = re.fullmatch(r"(?:either )?(.+) or (.+)", clean)
    if several is not None:
        (first, _), (_, last) = sorted([_days(reader, several[1]), _days(reader, several[2])])
        if last - first <= DAY:
            return When(first, last, times)
        raise Ask(Why.AMBIGUOUS, first, last)
    bound = re.fullmatch(r"(?:any ?(?:time|day) )?(after|from|by|before) (.+?)(?: onwards?)?", clean)
    if bound is None:
        raise ValueError(clean)
    first, last = _days(reader, bound[2])
    if bound[1] in {"after", "from"}:
        first = last + DAY if bound[1] == "after" else first
        return When(first, first + LOOKED_THROUGH * DAY, times)
    last = last if bound[1] == "by" else first - DAY
    if last < reader.today:
        raise Ask(Why.PAST, last)
    return When(reader.today, last, times)


def _days(reader: Reader, said: str) -> tuple[date, date]:
    found = _read_form(reader, said)
    if found is None:
        raise ValueError(said)
    return found


_WD = rf"(?P<wd>{'|'.join(WEEKDAYS)})"
_MO = rf"(?P<mo>{'|'.join(MONTHS)})"
_DN = r"(?P<dn>\d{1,2})(?:st|nd|rd|th)?"
_YR = r"(?P<yr>(?:20|19)\d{2})"
_N = r"(?P<n>\d{1,3}|couple)"
_UNIT = r"(?P<unit>days?|weeks?|fortnights?|months?|years?)"

_Build = Callable[[Reader, "re.Match[str]"], date | tuple[date, date]]
_WHICH_MONTH = rf"(?:in )?(?P<which>(?:this |next )?month|(?:this |next )?(?:{'|'.join(MONTHS)})(?: (?:20)\d{{2}})?)"

_PART = r"(?:start|beginning|early|middle|mid|end|late|1st week|last week) "
_ANY_DAY = (
    r"any ?day|any|any ?time|asap|as soon as (?:possible|you can)|soonest|soon|earliest(?: possible)?"
    r"|(?:next|1st) (?:available|possible|free)(?: day)?|whenever"
)
_FROM = rf"(?: (?:from|after))?(?: (?P<base>now|today|tomorrow|{'|'.join(WEEKDAYS)}|time|later|hence))?"

_FORMS: tuple[tuple[str, _Build], ...] = (
    (r"(?P<yr>20\d{2})(?P<m>\d{2})(?P<dn>\d{2})", Reader.iso),
    (rf"(?:{_WD} )?{_YR}[-/.](?P<m>\d{{1,2}})[-/.]{_DN}", Reader.iso),
    (r"(?:later |earlier )?(?:today|right now|now)", lambda r, _: r.today),
    (r"tomorrow", Reader.tomorrow),
    (r"day after tomorrow|overmorrow", lambda r, _: r.today + 2 * DAY),
    (r"yesterday|day before yesterday|last (?:night|week|month|year)", Reader.past),
    (rf"(?:last|past|previous) {_WD}", Reader.past),
    (rf"{_WD} (?:just gone|last week)", Reader.past),
    (_ANY_DAY, lambda r, _: (r.today, r.today + LOOKED_THROUGH * DAY)),
    (_WD, Reader.weekday),
    (rf"(?:this coming|this|coming|upcoming|following) {_WD}", Reader.this_weekday),
    (rf"{_WD} (?:in )?this week", lambda r, m: r.weekday_of_week(0, m["wd"])),
    (rf"this week {_WD}", lambda r, m: r.weekday_of_week(0, m["wd"])),
    (rf"next {_WD}", Reader.next_weekday),
    (rf"next week {_WD}", lambda r, m: r.weekday_of_week(1, m["wd"])),
    (rf"{_WD} (?:in )?next week", lambda r, m: r.weekday_of_week(1, m["wd"])),
    (rf"{_WD} (?:in )?week after next", lambda r, m: r.weekday_of_week(2, m["wd"])),
    (rf"{_WD} after next", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"{_WD} (?:1 )?week", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"(?:1 )?week (?:from |after |next )?{_WD}", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"{_WD} (?:in )?fortnight", lambda r, m: r.weeks_after(m["wd"], 2)),
    (rf"(?:{_WD} )?{_DN}(?: (?:this )?month)?", Reader.day_of_month),
    (rf"(?:{_WD} )?{_DN} next month", Reader.day_of_next_month),
    (rf"(?:{_WD} )?{_DN} {_MO}(?: {_YR})?", Reader.date_of_year),
    (rf"(?:{_WD} )?{_MO} {_DN}(?: {_YR})?", Reader.date_of_year),
    (rf"{_DN} {_MO}(?: {_YR})? {_WD}", Reader.date_of_year),
    (r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})(?:[-/.](?P<yr>(?:20)?\d{2}))?\.?", Reader.numeric),
    (rf"(?:in|after) (?:{_N} )?{_UNIT}{_FROM}", Reader.in_span),
    (rf"{_N} {_UNIT}{_FROM}", Reader.in_span),
    (r"(?P<unit>week|fortnight) (?P<base>today|tomorrow)", Reader.in_span),
    (r"(?P<base>today|tomorrow) (?P<unit>week|fortnight)", Reader.in_span),
    (rf"{_UNIT} (?:from|after) (?P<base>now|today|tomorrow|{'|'.join(WEEKDAYS)})", Reader.in_span),
    (r"(?:(?:later |rest )?this week)|rest week", lambda r, _: r.week(0)),
    (r"next week", lambda r, _: r.week(1)),
    (r"week after next|week after", lambda r, _: r.week(2)),
    (r"(?P<which>this |coming |next )?weekend", Reader.weekend),
    (r"(?:in |within )?next (?:few|couple) days", lambda r, _: (r.today, r.today + 3 * DAY)),
    (r"(?:in |within )?next (?P<n>\d{1,2}) days", lambda r, m: (r.today, r.today + int(m["n"]) * DAY)),
    (r"(?:in |within )?next (?P<n>\d{1,2}) weeks", lambda r, m: (r.today, r.today + int(m["n"]) * WEEK)),
    (r"(?P<part>start|beginning|early|earlier|middle|mid|end|late|later) (?:in )?(?P<which>this |next )?week",
     Reader.part_of_week),
    (rf"last day {_WHICH_MONTH}", Reader.last_day),
    (rf"(?P<part>{_PART})?(?:in )?{_WHICH_MONTH}", Reader.month),
    (rf"(?P<nth>1st|2nd|3rd|4th|5th|last) {_WD} (?:in )?{_WHICH_MONTH}", Reader.nth_weekday),
    (rf"week {_DN}(?: {_MO})?", Reader.week_of),
)  # fmt: skip

_COMPILED = tuple((re.compile(pattern), build) for pattern, build in _FORMS)
