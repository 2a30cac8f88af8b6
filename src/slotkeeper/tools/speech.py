"""How times, dates, places and lists are said on the phone, in the language of the caller.

English stands here; a translation is one of ``locale/``. Everything said is plain text: nothing in it is markup.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from babel import dates

from slotkeeper.texts import N_, Texts
from slotkeeper.tools.answer import LONGEST_NAME, shortened

HOURS = (
    N_("twelve"), N_("one"), N_("two"), N_("three"), N_("four"), N_("five"), N_("six"), N_("seven"), N_("eight"),
    N_("nine"), N_("ten"), N_("eleven"),
)  # fmt: skip
"""The hours of a clock with a dial, from twelve on."""

MINUTES = {
    0: N_("%(hour)s"),
    5: N_("five past %(hour)s"),
    10: N_("ten past %(hour)s"),
    15: N_("quarter past %(hour)s"),
    20: N_("twenty past %(hour)s"),
    25: N_("twenty-five past %(hour)s"),
    30: N_("half past %(hour)s"),
    35: N_("twenty-five to %(next)s"),
    40: N_("twenty to %(next)s"),
    45: N_("quarter to %(next)s"),
    50: N_("ten to %(next)s"),
    55: N_("five to %(next)s"),
}

ORDINALS = (
    N_("1st"), N_("2nd"), N_("3rd"), N_("4th"), N_("5th"), N_("6th"), N_("7th"), N_("8th"), N_("9th"), N_("10th"),
    N_("11th"), N_("12th"), N_("13th"), N_("14th"), N_("15th"), N_("16th"), N_("17th"), N_("18th"), N_("19th"),
    N_("20th"), N_("21st"), N_("22nd"), N_("23rd"), N_("24th"), N_("25th"), N_("26th"), N_("27th"), N_("28th"),
    N_("29th"), N_("30th"), N_("31st"),
)  # fmt: skip

NUMBERS = (
    N_("no"), N_("one"), N_("two"), N_("three"), N_("four"), N_("five"), N_("six"), N_("seven"), N_("eight"),
    N_("nine"), N_("ten"), N_("eleven"), N_("twelve"),
)  # fmt: skip

PARTS = (
    ("12:00", N_("%(time)s in the morning")),
    ("18:00", N_("%(time)s in the afternoon")),
    ("22:00", N_("%(time)s in the evening")),
    ("24:00", N_("%(time)s at night")),
)
"""Until when each part of the day goes, and a time in it."""

JOINERS = "\u200c\u200d"
"""What Indian and Persian scripts are joined by."""
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})
"""The categories of signs that nobody sees, and that turn what is around them."""
_MARKUP = re.compile(r"[<>&*_#`~\[\]{}|\\^=\"]+")


class Speech(NamedTuple):
    """One language, spoken."""

    texts: Texts

    def name(self, name: str) -> str:
        """A name as data of a sentence: without what could be markup, and not longer than can be listened to."""
        return _name(name)

    def number(self, number: int) -> str:
        """A number; small ones in words."""
        return self.texts.gettext(NUMBERS[number]) if number < len(NUMBERS) else self.texts.number(number)

    def day(self, on: date, today: date) -> str:
        """A date as people say it: "Monday the 8th of June", with its year where that is another one."""
        return _day(self.texts, on, on.year != today.year)

    def clock(self, wall_time: str) -> str:
        """A wall time on a clock with a dial: "half past nine"; noon and midnight by their names."""
        return _clock(self.texts, wall_time)

    def time(self, wall_time: str) -> str:
        """A wall time with its part of the day: "half past nine in the morning"."""
        return _time(self.texts, wall_time)

    def span(self, start: str, end: str) -> str:
        """A window's times: "from nine to eleven in the morning"."""
        return _span(self.texts, start, end)

    def moment(self, on: date, wall_time: str, today: date) -> str:
        """A date and a time: "Monday the 8th of June at half past nine in the morning"."""
        return self.texts.gettext("%(day)s at %(time)s", day=self.day(on, today), time=self.time(wall_time))

    def places(self, left: int) -> str:
        """How many places there are: "two places left"."""
        if left == 1:
            return self.texts.gettext("one place left")
        return self.texts.gettext("%(number)s places left", number=self.number(left))

    def either(self, items: Sequence[str]) -> str:
        """Some things to choose from: "a, b or c"."""
        return self._joined(items, self.texts.gettext("%(first)s or %(last)s"))

    def all(self, items: Sequence[str]) -> str:
        """Some things together: "a, b and c"."""
        return self._joined(items, self.texts.gettext("%(first)s and %(last)s"))

    @staticmethod
    def _joined(items: Sequence[str], pattern: str) -> str:
        if len(items) < 2:
            return "".join(items)
        return pattern % {"first": ", ".join(items[:-1]), "last": items[-1]}


# The same dates and times are said all day, and to look up their words takes longer than to find a place.
@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    seen = "".join(one for one in name if one in JOINERS or unicodedata.category(one) not in UNSEEN)
    plain = " ".join(_MARKUP.sub(" ", seen.replace("&", " + ")).split())
    return shortened(plain or "-", LONGEST_NAME)


@lru_cache(maxsize=4096)
def _day(texts: Texts, on: date, with_year: bool) -> str:
    values = {
        "weekday": dates.format_date(on, "EEEE", locale=texts.locale),
        "day": texts.gettext(ORDINALS[on.day - 1]),
        "month": dates.format_date(on, "LLLL", locale=texts.locale),
    }
    if not with_year:
        return texts.gettext("%(weekday)s the %(day)s of %(month)s", **values)
    return texts.gettext("%(weekday)s the %(day)s of %(month)s %(year)s", year=on.year, **values)


def _clock(texts: Texts, wall_time: str) -> str:
    gettext = texts.gettext
    hour, minute = int(wall_time[:2]), int(wall_time[3:5])
    if minute == 0 and hour in (0, 12, 24):
        return gettext("noon") if hour == 12 else gettext("midnight")
    if minute not in MINUTES:
        return f"{(hour - 1) % 12 + 1}:{minute:02d}"
    return gettext(MINUTES[minute], hour=gettext(HOURS[hour % 12]), next=gettext(HOURS[(hour + 1) % 12]))


@lru_cache(maxsize=4096)
def _time(texts: Texts, wall_time: str) -> str:
    clock = _clock(texts, wall_time)
    if wall_time[:5] in ("12:00", "00:00", "24:00"):
        return clock
    return texts.gettext(_part(wall_time)[1], time=clock)


@lru_cache(maxsize=4096)
def _span(texts: Texts, start: str, end: str) -> str:
    is_short = _part(start) is _part(end) and start != "00:00"
    first = _clock(texts, start) if is_short else _time(texts, start)
    if int(start[3:5]) > 30 or int(end[3:5]) > 30:  # "five to eleven" has a "to" of its own
        return texts.gettext("from %(start)s until %(end)s", start=first, end=_time(texts, end))
    return texts.gettext("from %(start)s to %(end)s", start=first, end=_time(texts, end))


def _part(wall_time: str) -> tuple[str, str]:
    return next((part for part in PARTS if wall_time[:5] < part[0]), PARTS[-1])
