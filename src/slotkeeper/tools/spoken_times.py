"""Times of the day as people say them: "half past nine", "after 4", "10ish", "first thing in the morning"."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from slotkeeper.domain.model import Session
from slotkeeper.tools.spoken_words import normalize

START, END = "00:00", "24:00"
NOON = 12


class Times(NamedTuple):
    """What of a day is meant: ``exact`` a wall time, else ``start`` to before ``end``; ``session`` a part of it."""

    exact: str | None = None
    start: str = START
    end: str = END
    session: Session | None = None

    @property
    def is_any(self) -> bool:
        """Whether any time of the day will do."""
        return self == ANY


ANY = Times()
_EVENING = Times(session=Session.EVENING)
_TONIGHT = Times(None, "17:00", END)

_LIKELY = {
    Session.MORNING: (START, "13:00"),
    Session.AFTERNOON: ("12:00", "19:00"),
    Session.EVENING: ("16:00", END),
}
"""Between which times each part of the day may be meant."""

_PARTS: tuple[tuple[str, Times], ...] = (
    (r"(?:at )?(?:first thing|1st thing)(?: (?:in the )?morning)?", Times(None, START, "12:00", Session.MORNING)),
    (r"early(?: in the)? morning", Times(None, START, "10:00", Session.MORNING)),
    (r"mid ?morning", Times(None, "09:30", "11:30", Session.MORNING)),
    (r"late(?:r)?(?: in the)? morning", Times(None, "10:30", "12:00", Session.MORNING)),
    (r"early(?: in the)? afternoon", Times(None, "12:00", "15:00", Session.AFTERNOON)),
    (r"mid ?afternoon", Times(None, "14:00", "16:00", Session.AFTERNOON)),
    (r"late(?:r)?(?: in the)? afternoon", Times(None, "15:00", "18:00", Session.AFTERNOON)),
    (r"early(?: in the)? evening", Times(None, "17:00", "19:00", Session.EVENING)),
    (r"late(?:r)?(?: in the)? evening", Times(None, "19:00", END, Session.EVENING)),
    (r"(?:at |around |over )?lunch ?time", Times(None, "12:00", "14:00")),
    (r"after lunch", Times(None, "13:00", END)),
    (r"before lunch", Times(None, START, "13:00")),
    (r"after (?:work|school)", Times(None, "16:00", END)),
    (r"(?:at )?(?:the )?end of (?:the )?day", Times(None, "16:00", END)),
    (r"(?:(?:in|during) (?:the )?)?mornings?", Times(session=Session.MORNING)),
    (r"(?:(?:in|during) (?:the )?)?afternoons?", Times(session=Session.AFTERNOON)),
    (r"(?:(?:in|during) (?:the )?)?evenings?", Times(session=Session.EVENING)),
    (r"(?:at |during (?:the )?)?nights?", Times(session=Session.EVENING)),
    (r"(?:at )?(?:any ?time|whenever)(?: of (?:the )?day)?", ANY),
)
_HAS_PART = re.compile("thing|morning|noon|evening|night|lunch|work|school|end|time|whenever")
"""A word of each of these: most of what is said has none."""
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_CLOCK = (
    r"(?:(?:half|(?:a )?quarter|\d{1,2} minutes?) (?:past|to|til|till) \d{1,2}|\d{1,2} past \d{1,2}"
    r"|half \d{1,2}|\d{1,2}:\d{2}(?::\d{2})?|\d{1,2}\.\d{2}|\d{1,2} [0-5]\d|[01]?\d[0-5]\d|2[0-3][0-5]\d|\d{1,2}"
    r"|noon|midday|midnight)(?: oclock)?(?: (?:am|pm|hours))?"
)
_ENDS = rf"(?![\w:./-])(?! (?:{_MONTHS}|days?|weeks?|months?|years?|hours?|minutes?)\b)"
_C = rf"(?<![\w:./-])({_CLOCK}){_ENDS}"


def middle_of(times: Times) -> str | None:
    """The time of which half an hour to each side is meant; None where none is."""
    start, end = _minutes(times.start), _minutes(times.end)
    return _wall(start + 30) if end - start == 61 else None


def _around(at: str) -> Times:
    """Half an hour to each side."""
    minutes = _minutes(at)
    return Times(None, _wall(max(minutes - 30, 0)), _wall(min(minutes + 31, 24 * 60)))


def _span(first: str, last: str) -> Times:
    return Times(None, first, last)


_RANGES: tuple[tuple[str, Callable[[str, str], Times]], ...] = (
    (rf"(?:between|from) {_C} (?:and|to|until|till|-) {_C}", _span),
    (rf"{_C} (?:to|until|till) {_C}", _span),
    (rf"{_C} ?- ?(?<=[ -])({_CLOCK}){_ENDS}", _span),
)
_BOUNDS: tuple[tuple[str, Callable[[str], Times]], ...] = (
    (rf"(?:any ?time )?(?:after|from|later than|not before|no earlier than) {_C}(?: onwards?| on)?",
     lambda at: Times(None, at, END)),
    (rf"(?:at )?{_C} (?:or later|onwards?|or after)", lambda at: Times(None, at, END)),
    (rf"(?:any ?time )?(?:before|by|until|till|not after|no later than|earlier than) {_C}",
     lambda at: Times(None, START, at if at != START else END)),
    (rf"(?:at )?{_C} (?:or earlier|or before|at the latest)", lambda at: Times(None, START, at)),
    (rf"(?:at )?(?:around|about|approximately|roughly|near|towards) {_C}(?: ish)?", _around),
    (rf"(?:at )?{_C} ?(?:ish|or so|or thereabouts)", _around),
    (rf"(?:at|@) (?:exactly )?{_C}(?: (?:exactly|sharp))?", Times),
)  # fmt: skip
_PLAIN = (
    r"(?<![\w:./-])((?:half|(?:a )?quarter)(?: minutes?)? (?:past|to|til|till) \d{1,2}(?: oclock)?(?: (?:am|pm))?"
    r"|\d{1,2}(?: minutes?)? past \d{1,2}(?: (?:am|pm))?|\d{1,2} minutes? (?:to|til|till) \d{1,2}(?: (?:am|pm))?"
    r"|half \d{1,2}(?: (?:am|pm))?|\d{1,2}:\d{2}(?::\d{2})?(?: (?:am|pm|hours))?|\d{1,2}(?:\.\d{2}| \d{2})? (?:am|pm)"
    r"|\d{1,2}(?: \d{2})? oclock(?: (?:am|pm))?|\d{4} hours|noon|midday|midnight)"
)
"""Times that are told from a date by themselves."""
_BESIDE_A_DAY = (rf"(?:(?<=today )|(?<=tomorrow )){_C}$", rf"^{_C}(?= (?:today|tomorrow)\b)")
"""Bare hours beside a day that has no number: "tomorrow 9"; "Monday 9" is a date."""
_PART_FIRST = re.compile(
    r"(?:morning|noon|evening|night)s?\b.*\b(?:after|from|than|before|by|until|till|around|about)\b"
)
"""In "in the morning after 9" it is a part of the day, in "after 9 in the morning" a part of the time."""
_TO_THE_HOUR = re.compile(
    r"(?<!from )(?<!between )(?<!past )(?<![\w:./-])(?<! \d )(?<! \d\d )(at )?"
    r"(5|10|20|25)(?= (?:to|til|till) (\d{1,2})(?![\d:.]))"
)


@lru_cache(maxsize=1024)
def find_times(text: str) -> tuple[Times, str]:
    """The time in a normalized text that is about a date, and the text without it. Raises ValueError for no time."""
    said = re.sub(r"\b(early |mid |late |later |)this (morning|afternoon|evening)\b", r"today \1\2", _clear(text))
    times, rest = _find(said.replace("tonight", "today evening"))
    return (_TONIGHT if times == _EVENING and "tonight" in said else times), rest


def _clear(text: str) -> str:
    """A text in which the minutes of "20 to 5", "at 10 to 12" are called so: "5 to 7" is a span; and military hours."""

    def told(found: "re.Match[str]") -> str:
        minutes, hour = int(found[2]), int(found[3])
        is_clock = found[1] or minutes >= 20 or hour == minutes or hour < minutes == 5
        return f"{found[0]} minutes" if is_clock else found[0]

    text = re.sub(rf"\b((?:{_MONTHS}) \d{{1,2}}) (?=\d{{1,2}}(?: minutes)? (?:to|til|till) )", r"\1th ", text)
    text = re.sub(r"\b(\d{1,2}) hundred(?: hours)?\b", lambda found: f"{int(found[1]):02d}00 hours", text)
    return _TO_THE_HOUR.sub(told, text)


def _find(text: str, session: Session | None = None) -> tuple[Times, str]:
    part, rest = _take_part(text)
    also, less = _take_part(rest)
    if not part.is_any and also.session is part.session:  # "first thing tomorrow morning"
        rest = less
    for pattern, build in _RANGES:
        found = re.search(pattern, rest)
        if found is not None:
            _require_no_month(rest[: found.start()])
            return _spanned(found, part.session or session, build), _without(rest, found)
    for pattern, make in _BOUNDS:
        found = re.search(pattern, rest)
        if found is not None:
            times = make(_clock(found[1], part.session or session))
            is_part = times.exact is None and _PART_FIRST.search(text) is not None
            return times._replace(session=part.session if is_part else None), _without(rest, found)
    for pattern in (rf"{_PLAIN}{_ENDS}", *_BESIDE_A_DAY):
        found = re.search(pattern, rest)
        if found is not None:
            if " to " in found[1]:
                _require_no_month(rest[: found.start()])
            return Times(_clock(found[1], part.session or session)), _without(rest, found)
    if part.session is not None and re.fullmatch(_C, rest):  # "ten in the morning"
        return Times(_clock(rest, part.session)), ""
    return part, rest


def _require_no_month(before: str) -> None:
    """Raise ValueError for "June 5 to 7", which are dates."""
    if re.search(rf"(?<!\d )(?<!\dst )(?<!\dnd )(?<!\drd )(?<!\dth )(?:{_MONTHS}) $", before.replace(" of ", " ")):
        raise ValueError("it may be dates")


def read_times(text: str, session: Session | None = None) -> Times | None:
    """A text that is about a time and nothing else; None where it is none, or not understood.

    ``session``: the part of the day that was said before, of "tomorrow evening", "at 7".
    """
    said = re.sub(r"^(?:on|please|maybe|say) | (?:please|sharp|exactly)$", "", normalize(text)).strip()
    said = _clear(re.sub(r"^(\d{1,2}(?::\d\d)?(?: [ap]m)?) ?- ?(?=\d{1,2}(?::\d\d)?(?: [ap]m)?$)", r"\1 until ", said))
    try:
        if re.fullmatch(_C, said):
            return Times(_clock(said, session))
        times, rest = _find(said, session)
    except ValueError:
        return None
    is_whole = not re.sub(r"\b(?:in|the|at|this|please|any|time|is|fine)\b", "", rest).strip()
    return times if is_whole and said else None


def _take_part(text: str) -> tuple[Times, str]:
    if not _HAS_PART.search(text):
        return ANY, text
    for pattern, times in _PARTS:
        found = re.search(rf"\b(?:{pattern})\b", text)
        if found is not None:
            return times, _without(text, found)
    return ANY, text


def both(before: Times, after: Times) -> Times | None:
    """What is meant by a time that was said beside another: "tomorrow evening", "at 7". None where they differ."""
    exact = after.exact or before.exact
    session = before.session or after.session
    start, end = max(before.start, after.start), min(before.end, after.end)
    if None not in (before.session, after.session) and before.session is not after.session:
        return None
    if exact is None:
        return Times(None, start, end, session) if start < end else None
    first, last = _LIKELY[session] if session is not None else (START, END)
    is_one = before.exact in (None, exact) and first <= exact < last and start <= exact <= end
    return Times(exact) if is_one else None


def _spanned(found: "re.Match[str]", session: Session | None, build: Callable[[str, str], Times]) -> Times:
    """A span of two times: what is said of the second goes for the first, "from 2 to 4 pm"."""
    first, last = found[1], found[2]
    half = re.search(r"(?:am|pm)$", last)
    end = _clock(last, session)
    start = _clock(first, session)
    if half is not None and not re.search(r"(?:am|pm)$", first):
        start = _clock(f"{first} {half[0]}", None)
        if start >= end:
            start = _clock(first, session)
    elif half is None and session is not Session.MORNING and "01:00" <= end <= start:
        later = _wall(_minutes(end) + NOON * 60)  # "5 to 7" ends in the evening
        end = later if end < "12:00" and not re.match("0", last) else end
    elif half is None and last == "midnight":
        end = END
    if start >= end and session is Session.AFTERNOON:  # "from 11 to 1 in the afternoon"
        start = _clock(first, None)
    if start >= end:
        raise ValueError(f"{first} is not before {last}")
    return build(start, end)


def _clock(said: str, session: Session | None) -> str:
    """The wall time of a time on a clock. Raises ValueError for none.

    Without a word for it, an hour from one to six is in the afternoon, one from seven to twelve in the morning or at
    noon: those are the hours at which people go to a clinic.
    """
    text = re.sub(r" (?:oclock|hours)", "", said).strip()
    half = re.search(r" (am|pm)$", text)
    text = re.sub(r" (?:am|pm)$", "", text)
    if text in {"noon", "midday", "midnight"}:
        return "00:00" if text == "midnight" else "12:00"
    hour, minute, is_24 = _dial(text)
    if hour > 23 or minute > 59:
        raise ValueError(f"{said} is no time")
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError(f"{said} is no time")
        hour = hour % 12 + (12 if half[1] == "pm" else 0)
    elif not is_24:
        hour = _of_the_day(hour, session)
    return f"{hour:02d}:{minute:02d}"


def _dial(text: str) -> tuple[int, int, bool]:
    """Hour and minute as they were said, and whether they are of a clock with 24 hours."""
    to_or_past = re.fullmatch(r"(half|(?:a )?quarter|\d{1,2})(?: minutes?)? (past|to|til|till) (\d{1,2})", text)
    if to_or_past is not None:
        words, sense, said = to_or_past.groups()
        minutes = {"half": 30, "quarter": 15, "a quarter": 15}.get(words) or int(words)
        hour = int(said)
        if sense == "past":
            return hour, minutes, hour > 12
        return (hour - 1) % 24 if hour > 1 else 12, 60 - minutes, hour > 12
    if text.startswith("half "):
        return int(text[5:]), 30, int(text[5:]) > 12
    parts = [int(part) for part in re.findall(r"\d+", text)]
    if len(parts) == 1 and len(text) > 2:
        parts = [int(text[:-2]), int(text[-2:])]
    hour, minute = parts[0], parts[1] if len(parts) > 1 else 0
    return hour, minute, hour > 12 or hour == 0 or bool(re.match(r"0\d", text))


def _of_the_day(hour: int, session: Session | None) -> int:
    """The hour of 24 that is meant by one of 12 in a part of the day."""
    if session is Session.MORNING:
        return hour
    if session is Session.EVENING and hour in (NOON, 1, 2):
        raise ValueError(f"{hour} at night is of the day after")
    if session in (Session.AFTERNOON, Session.EVENING):
        return hour if hour == NOON else hour + 12
    return hour + 12 if 1 <= hour <= 6 else hour


def _minutes(wall_time: str) -> int:
    return int(wall_time[:2]) * 60 + int(wall_time[3:5])


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _without(text: str, found: "re.Match[str]") -> str:
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())
