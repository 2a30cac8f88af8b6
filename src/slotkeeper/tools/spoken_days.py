"""What is meant by each form of a date that was said, counted from today; Ask where that has to be asked back."""

import re
from datetime import date, datetime, timedelta

from slotkeeper.tools.spoken_meanings import DAY, MONTHS, WEEK, WEEKDAYS, Ask, Why, end_of, later, month_after, real

LOOKED_THROUGH = 30
"""How many days "any day" stands for."""
SMALL_HOURS = 4
"""Until what hour of the night a person may still call the day that began at midnight tomorrow."""
RECENTLY = timedelta(days=60)
"""A date without a year that has passed since is more likely a mistake than meant for the next year."""


class Reader:
    """Tells what is meant by what was said about a date, on one day."""

    def __init__(self, today: date, at: datetime) -> None:
        self.today = today
        self.at = at

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
        back = 2 if "before" in found[0] else 1
        if day is not None:
            back = (self.today.weekday() - WEEKDAYS.index(day) - 1) % 7 + 1
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
        if number < self.today.day and found[0].endswith("this month"):
            raise Ask(Why.PAST, *filter(None, [real(start.year, start.month, number)]))
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

    def part_of_week(self, found: "re.Match[str]") -> tuple[date, date]:
        """The beginning, the middle or the end of this or the next week."""
        monday = self.monday(1 if found["which"] == "next " else 0)
        first, last = {"mid": (1, 3), "middle": (1, 3), "end": (3, 5), "late": (3, 5), "later": (3, 5)}.get(
            found["part"], (0, 1)
        )
        return monday + first * DAY, monday + last * DAY

    def last_day(self, found: "re.Match[str]") -> date:
        """Of "the last day of the month": that date."""
        return end_of(self._first_of(found["which"]))

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
