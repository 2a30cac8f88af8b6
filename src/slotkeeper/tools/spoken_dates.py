"""Dates as people say them on the phone: a date or a range with a part of the day, or a question to ask back.

Pure: what was said, today's date and the time now go in, a value comes out. Only what is understood as a whole is
taken; what two people could take for two dates is asked about, because a wrong date costs a patient's journey.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from slotkeeper.domain.calendar import local, parse_instant
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR, parse_date
from slotkeeper.tools.spoken_meanings import (
    DAY,
    MONTHS,
    WEEK,
    WEEKDAYS,
    Ask,
    Question,
    When,
    Why,
    end_of,
    later,
    month_after,
    real,
)
from slotkeeper.tools.spoken_times import Times, find_times
from slotkeeper.tools.spoken_words import normalize

LOOKED_THROUGH = 30
"""How many days "any day" stands for."""
SMALL_HOURS = 4
"""Until what hour of the night a person may still call the day that began at midnight tomorrow."""
RECENTLY = timedelta(days=60)
"""A date without a year that has passed since is more likely a mistake than meant for the next year."""


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
        when = _Reader(at.date(), at).read(rest, times)
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


_FILLERS = re.compile(
    r"\b(?:on|the|of|for|please|um|uh|er|erm|maybe|perhaps|possibly|like|well|ok|okay|yes|at|some ?time|around|about"
    r"|date|only|just|then|is|it|be|would|i|id|want|need|a|an|earliest is)\b"
)
_WD = rf"(?P<wd>{'|'.join(WEEKDAYS)})"
_MO = rf"(?P<mo>{'|'.join(MONTHS)})"
_DN = r"(?P<dn>\d{1,2})(?:st|nd|rd|th)?"
_YR = r"(?P<yr>(?:20|19)\d{2})"
_N = r"(?P<n>\d{1,3}|couple)"
_UNIT = r"(?P<unit>days?|weeks?|fortnights?|months?|years?)"


class _Reader:
    """Reads what was said about a date on one day."""

    def __init__(self, today: date, at: datetime) -> None:
        self.today = today
        self.at = at

    def read(self, said: str, times: Times) -> When:
        """Raises Ask for what has to be asked back, ValueError for what is not understood."""
        clean = " ".join(_FILLERS.sub(" ", said.replace("tonight", "today")).split())
        if "tonight" in said and times.is_any:
            times = Times(start="17:00")
        if not clean:
            raise Ask(Why.NEEDED)
        if clean == "this" and times.session is not None:  # "this morning"
            clean = "today"
        for pattern, build in _COMPILED:
            found = pattern.fullmatch(clean)
            if found is not None:
                made = build(self, found)
                first, last = made if isinstance(made, tuple) else (made, made)
                return When(first, last, times)
        return self._read_hours(clean, times)

    def _read_hours(self, clean: str, times: Times) -> When:
        found = re.fullmatch(r"in (?P<n>\d{1,3}|half) (?P<unit>hours?|minutes?)", clean)
        if found is None:
            raise ValueError(clean)
        number = 30 if found["n"] == "half" else int(found["n"])
        minutes = number if found["unit"].startswith("minute") or found["n"] == "half" else number * 60
        then = local(int(self.at.timestamp() * 1000) + minutes * 60_000, str(self.at.tzinfo))
        return When(then.date(), then.date(), Times(f"{then:%H:%M}") if times.is_any else times)

    def tomorrow(self, _: "re.Match[str]") -> date:
        """The day after today; in the small hours somebody who is still awake may mean today."""
        if self.at.hour < SMALL_HOURS:
            raise Ask(Why.AMBIGUOUS, self.today, self.today + DAY)
        return self.today + DAY

    def past(self, found: "re.Match[str]") -> date:
        """A day that is over."""
        day = found.groupdict().get("wd")
        if day is None and not found[0].endswith("yesterday"):
            raise Ask(Why.PAST)
        back = (self.today.weekday() - WEEKDAYS.index(day) - 1) % 7 + 1 if day else 1
        raise Ask(Why.PAST, self.today - back * DAY)

    def coming(self, day: str, *, after: date | None = None) -> date:
        """The first such weekday after a date, today's if none is given."""
        start = after or self.today
        return start + ((WEEKDAYS.index(day) - start.weekday() - 1) % 7 + 1) * DAY

    def monday(self, weeks: int) -> date:
        """The Monday of this week or of one to come."""
        return self.today - self.today.weekday() * DAY + weeks * WEEK

    def weeks_after(self, day: str, weeks: int) -> date:
        """Of "Monday week": the coming Monday and a week. On a Monday that may be counted from today."""
        coming = self.coming(day)
        if coming - self.today == WEEK:
            raise Ask(Why.AMBIGUOUS, self.today + weeks * WEEK, coming + weeks * WEEK)
        return coming + weeks * WEEK

    def weekday(self, found: "re.Match[str]") -> date:
        """Of "Monday": the coming one; on a Monday it may be today or in a week."""
        coming = self.coming(found["wd"])
        if coming - self.today == WEEK:
            raise Ask(Why.AMBIGUOUS, self.today, coming)
        return coming

    def this_weekday(self, found: "re.Match[str]") -> date:
        """Of "this Friday": today if it is one, else the coming one."""
        coming = self.coming(found["wd"])
        return self.today if coming - self.today == WEEK else coming

    def next_weekday(self, found: "re.Match[str]") -> date:
        """Of "next Friday": the coming one and that of next week, asked about where they are two."""
        coming = self.coming(found["wd"])
        of_next_week = self.monday(1) + WEEKDAYS.index(found["wd"]) * DAY
        if coming == self.today + DAY:  # which would have been called tomorrow
            of_next_week = coming + WEEK
        if coming != of_next_week:
            raise Ask(Why.AMBIGUOUS, coming, of_next_week)
        return coming

    def weekday_of_week(self, weeks: int, day: str) -> date:
        """A weekday of this week or of one to come. Next week's, said on a Sunday, may be that of the week after."""
        return self.monday(weeks) + WEEKDAYS.index(day) * DAY

    def in_span(self, found: "re.Match[str]") -> date:
        """So many days, weeks, months or years from a day on."""
        said = found.groupdict().get("n") or "1"
        number = 2 if said == "couple" else int(said)
        start = self.today
        base = found.groupdict().get("base")
        if base == "tomorrow":
            start = self.today + DAY
        elif base in WEEKDAYS:
            start = self.coming(base)
        unit = found["unit"].rstrip("s")
        if unit in {"month", "year"}:
            return later(start, number * (12 if unit == "year" else 1))
        return start + number * {"day": 1, "week": 7, "fortnight": 14}[unit] * DAY

    def day_of_month(self, found: "re.Match[str]") -> date:
        """Of "the 15th": that of this month or the next; asked about where that month is too short for it."""
        number = int(found["dn"])
        start = self.today.replace(day=1)
        if number >= self.today.day:
            on = real(start.year, start.month, number)
            if on is None:
                if not 1 <= number <= 31:
                    raise Ask(Why.NOT_REAL)
                following = real(*month_after(start), number)
                raise Ask(Why.NOT_REAL, end_of(start), *([following] if following else []))
        else:
            on = real(*month_after(start), number)
            if on is None:
                raise Ask(Why.NOT_REAL, end_of(date(*month_after(start), 1)))
        return self._agreeing(on, found)

    def day_of_next_month(self, found: "re.Match[str]") -> date:
        """Of "the 5th of next month": that date."""
        on = real(*month_after(self.today.replace(day=1)), int(found["dn"]))
        if on is None:
            raise Ask(Why.NOT_REAL)
        return self._agreeing(on, found)

    def date_of_year(self, found: "re.Match[str]") -> date:
        """A day and a month, perhaps with a year; without one the next such day."""
        month, number = MONTHS.index(found["mo"]) + 1, int(found["dn"])
        return self._agreeing(self._dated(found.groupdict().get("yr"), month, number), found)

    def _dated(self, year: str | None, month: int, number: int) -> date:
        if year is not None:
            on = real(int(year) if len(year) == 4 else 2000 + int(year), month, number)
            if on is None:
                raise Ask(Why.NOT_REAL)
            return on
        on = real(self.today.year, month, number)
        if on is not None and self.today - RECENTLY <= on < self.today:
            again = real(self.today.year + 1, month, number)
            raise Ask(Why.PAST, *([again] if again else []))
        if on is None and (month, number) >= (self.today.month, self.today.day):
            raise Ask(Why.NOT_REAL)
        if on is None or on < self.today:
            on = real(self.today.year + 1, month, number)
        if on is None:
            raise Ask(Why.NOT_REAL)
        return on

    def _agreeing(self, on: date, found: "re.Match[str]") -> date:
        """A date whose weekday was said too: it must be that one, else the nearest of them are asked about."""
        day = found.groupdict().get("wd")
        if day is None or WEEKDAYS.index(day) == on.weekday() or on < self.today:
            return on
        near = on + ((WEEKDAYS.index(day) - on.weekday() + 3) % 7 - 3) * DAY
        raise Ask(Why.OTHER_WEEKDAY, *sorted({on, near if near >= self.today else near + WEEK}))

    def numeric(self, found: "re.Match[str]") -> date:
        """Of "3/4": the third of April or the fourth of March."""
        first, second, year = int(found["a"]), int(found["b"]), found["yr"]
        as_written = []
        for month, number in ((second, first), (first, second)):
            if 1 <= month <= 12:
                try:
                    as_written.append(self._dated(year, month, number))
                except Ask as ask:
                    if ask.question.why is Why.PAST and not as_written:
                        raise
        found_dates = sorted(set(as_written))
        if not found_dates:
            raise Ask(Why.NOT_REAL)
        ahead = [on for on in found_dates if on >= self.today]
        if not ahead:
            raise Ask(Why.PAST, found_dates[-1])
        if len(found_dates) > 1:
            raise Ask(Why.AMBIGUOUS, *ahead)
        return found_dates[0]

    def iso(self, found: "re.Match[str]") -> date:
        """Of "2026-06-15": that date."""
        on = real(int(found["yr"]), int(found["m"]), int(found["dn"]))
        if on is None:
            raise Ask(Why.NOT_REAL)
        return self._agreeing(on, found)

    def week(self, weeks: int) -> tuple[date, date]:
        """A week from Monday to Sunday."""
        return self.monday(weeks), self.monday(weeks) + 6 * DAY

    def weekend(self, found: "re.Match[str]") -> tuple[date, date]:
        """Saturday and Sunday. The next one is asked about, where it is not this one."""
        this = self.monday(0) + 5 * DAY
        if (found["which"] or "").strip() == "next":
            if self.today < this:
                raise Ask(Why.AMBIGUOUS, this, this + WEEK)
            this += WEEK
        return this, this + DAY

    def week_of(self, found: "re.Match[str]") -> tuple[date, date]:
        """Of "the week of the 15th": that week."""
        on = self.day_of_month(found) if found["mo"] is None else self.date_of_year(found)
        return on - on.weekday() * DAY, on + (6 - on.weekday()) * DAY

    def month(self, found: "re.Match[str]") -> tuple[date, date]:
        """A month or a part of it: "June", "the end of next month"."""
        first = self._first_of(found["which"])
        last = end_of(first)
        part = (found["part"] or "").strip()
        if part in {"start", "beginning", "early", "1st week"}:
            last = first + 9 * DAY if part != "1st week" else first + 6 * DAY
        elif part in {"middle", "mid"}:
            first, last = first + 10 * DAY, first + 19 * DAY
        elif part in {"end", "late", "last week"}:
            first = last - 6 * DAY
        return first, last

    def nth_weekday(self, found: "re.Match[str]") -> date:
        """Of "the first Monday of July", "the last Friday of the month": that date."""
        first = self._first_of(found["which"])
        if found["nth"] == "last":
            last = end_of(first)
            return last - ((last.weekday() - WEEKDAYS.index(found["wd"])) % 7) * DAY
        on = self.coming(found["wd"], after=first - DAY) + (int(found["nth"][0]) - 1) * WEEK
        if on.month != first.month:
            raise Ask(Why.NOT_REAL)
        return on

    def _first_of(self, which: str) -> date:
        """The first day of the month that is meant."""
        this = self.today.replace(day=1)
        name = which.split()
        if "next" in name and "month" in name:
            return date(*month_after(this), 1)
        if "month" in name:
            return this
        month = MONTHS.index(next(word for word in name if word in MONTHS)) + 1
        year = next((int(word) for word in name if word.isdigit()), None)
        if year is None:
            year = self.today.year + (1 if month < self.today.month or ("next" in name) else 0)
        return date(year, month, 1)


_Build = Callable[[_Reader, "re.Match[str]"], date | tuple[date, date]]
_WHICH_MONTH = rf"(?:in )?(?P<which>(?:this |next )?month|(?:this |next )?(?:{'|'.join(MONTHS)})(?: (?:20)\d{{2}})?)"

_PART = r"(?:start|beginning|early|middle|mid|end|late|1st week|last week) "
_ANY_DAY = (
    r"any ?day|any|any ?time|asap|as soon as (?:possible|you can)|soonest|soon|earliest(?: possible)?"
    r"|(?:next|1st) (?:available|possible|free)(?: day)?|whenever"
)
_FROM = rf"(?: (?:from|after))?(?: (?P<base>now|today|tomorrow|{'|'.join(WEEKDAYS)}|time|later|hence))?"

_FORMS: tuple[tuple[str, _Build], ...] = (
    (rf"(?:{_WD} )?{_YR}[-/.](?P<m>\d{{1,2}})[-/.]{_DN}", _Reader.iso),
    (r"(?:later |earlier )?(?:today|right now|now)", lambda r, _: r.today),
    (r"tomorrow", _Reader.tomorrow),
    (r"day after tomorrow|overmorrow", lambda r, _: r.today + 2 * DAY),
    (r"yesterday|day before yesterday|last (?:night|week|month|year)", _Reader.past),
    (rf"(?:last|past|previous) {_WD}", _Reader.past),
    (rf"{_WD} (?:just gone|last week)", _Reader.past),
    (_ANY_DAY, lambda r, _: (r.today, r.today + LOOKED_THROUGH * DAY)),
    (_WD, _Reader.weekday),
    (rf"(?:this coming|this|coming|upcoming|following) {_WD}", _Reader.this_weekday),
    (rf"{_WD} (?:in )?this week", lambda r, m: r.weekday_of_week(0, m["wd"])),
    (rf"this week {_WD}", lambda r, m: r.weekday_of_week(0, m["wd"])),
    (rf"next {_WD}", _Reader.next_weekday),
    (rf"next week {_WD}", lambda r, m: r.weekday_of_week(1, m["wd"])),
    (rf"{_WD} (?:in )?next week", lambda r, m: r.weekday_of_week(1, m["wd"])),
    (rf"{_WD} (?:in )?week after next", lambda r, m: r.weekday_of_week(2, m["wd"])),
    (rf"{_WD} after next", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"{_WD} (?:1 )?week", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"(?:1 )?week (?:from |after |next )?{_WD}", lambda r, m: r.weeks_after(m["wd"], 1)),
    (rf"{_WD} (?:in )?fortnight", lambda r, m: r.weeks_after(m["wd"], 2)),
    (rf"(?:{_WD} )?{_DN}(?: this month)?", _Reader.day_of_month),
    (rf"(?:{_WD} )?{_DN} next month", _Reader.day_of_next_month),
    (rf"(?:{_WD} )?{_DN} {_MO}(?: {_YR})?", _Reader.date_of_year),
    (rf"(?:{_WD} )?{_MO} {_DN}(?: {_YR})?", _Reader.date_of_year),
    (rf"{_DN} {_MO}(?: {_YR})? {_WD}", _Reader.date_of_year),
    (r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})(?:[-/.](?P<yr>(?:20)?\d{2}))?\.?", _Reader.numeric),
    (rf"(?:in|after) (?:{_N} )?{_UNIT}{_FROM}", _Reader.in_span),
    (rf"{_N} {_UNIT}{_FROM}", _Reader.in_span),
    (rf"{_UNIT} (?:from|after) (?P<base>now|today|tomorrow|{'|'.join(WEEKDAYS)})", _Reader.in_span),
    (r"(?:(?:later |rest )?this week)|rest week", lambda r, _: r.week(0)),
    (r"next week", lambda r, _: r.week(1)),
    (r"week after next|week after", lambda r, _: r.week(2)),
    (r"(?P<which>this |coming |next )?weekend", _Reader.weekend),
    (r"(?:in |within )?next (?:few|couple) days", lambda r, _: (r.today, r.today + 3 * DAY)),
    (r"(?:in |within )?next (?P<n>\d{1,2}) days", lambda r, m: (r.today, r.today + int(m["n"]) * DAY)),
    (r"(?:in |within )?next (?P<n>\d{1,2}) weeks", lambda r, m: (r.today, r.today + int(m["n"]) * WEEK)),
    (r"end (?:this )?week", lambda r, _: (r.monday(0) + 3 * DAY, r.monday(0) + 5 * DAY)),
    (rf"(?P<part>{_PART})?(?:in )?{_WHICH_MONTH}", _Reader.month),
    (rf"(?P<nth>1st|2nd|3rd|4th|5th|last) {_WD} (?:in )?{_WHICH_MONTH}", _Reader.nth_weekday),
    (rf"week {_DN}(?: {_MO})?", _Reader.week_of),
)

_COMPILED = tuple((re.compile(pattern), build) for pattern, build in _FORMS)
