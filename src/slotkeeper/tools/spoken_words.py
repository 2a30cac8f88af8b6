"""Words as people say them, brought to one form: lower case, numbers in digits, no signs but those inside dates."""

import re
import unicodedata

_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_SHORT = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "weds": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday", "jan": "january",
    "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july", "aug": "august",
    "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
    "tmrw": "tomorrow", "tmr": "tomorrow", "tomorow": "tomorrow", "tommorow": "tomorrow", "tommorrow": "tomorrow",
    "2morrow": "tomorrow", "2day": "today", "wk": "week", "wks": "weeks", "hrs": "hours", "hr": "hour",
    "mins": "minutes", "fourty": "forty",
}  # fmt: skip
_TO = frozenset({"to", "til", "till"})
_SPANS = frozenset({"from", "between", "past", "until", "after", "before"}) | _TO
"""Words after which "five to seven" is a span, and no time on a clock."""
_PHRASES = re.compile(
    r"\b(?:if (?:thats |it is |its )?(?:possible|you can)|let me (?:see|think)"
    r"|(?:could|can) (?:you|we|i) (?:do|have|come)"
    r"|(?:do you have|have you got) (?:anything|something)|(?:to )?come(?: in(?= (?:on|to|next|this|the)))?)\b"
)
_FILLERS = re.compile(
    r"\b(?:on|the|of|for|please|um|uh|er|erm|maybe|perhaps|possibly|like|well|ok|okay|yes|at|some ?time|around|about"
    r"|date|only|just|then|is|it|be|would|i|id|want|need|a|an|earliest is)\b"
)
_MONTHS = frozenset(
    {"january", "february", "march", "april", "may", "june", "july", "august"}
    | {"september", "october", "november", "december"}
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PLURAL = {f"{day}s": day for day in _WEEKDAYS}


def normalize(text: str) -> str:
    """What somebody said, in one form: "Twenty-first of March, 9 a.m." is "21st of march 9 am"."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"[’'`]s\b", "s", plain)
    plain = re.sub(r"[’'`]", "", plain)
    plain = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", plain)
    plain = re.sub(r"(?<=\d)(am|pm|ish|hours?)\b", r" \1", plain)
    plain = re.sub(r"(?<=[a-z])[-–—](?=[a-z])", " ", plain)
    plain = re.sub(r"[–—]", "-", plain)
    plain = re.sub(r"[,;!?\"()]|(?<!\d)\.|\.(?!\d)", " ", plain)
    words = [_PLURAL.get(word, _SHORT.get(word, word)) for word in plain.split()]
    return " ".join(_numbered(words))


def without_fillers(said: str) -> str:
    """A normalized text about a date without what people say around it."""
    hours = re.sub(r"\b(?<!half )an hour\b", "1 hour", said)
    phrases = re.sub(r"\bin (?=(?:today|tomorrow|on)\b)", "", _PHRASES.sub(" ", hours))
    return " ".join(_FILLERS.sub(" ", phrases).split())


def _is_clock(words: list[str], place: int) -> bool:
    """Whether "ten to five" is a time: said in words, and neither a part of another time nor of a span."""
    before = words[place - 1] if place else ""
    to, hour, after = (*words[place + 1 : place + 4], "", "", "")[:3]
    return (
        words[place] in {"five", "ten"}
        and to in _TO
        and 1 <= _UNITS.get(hour, 0) <= 12
        and not (after in _TENS or after in {"oh", "o"} or after in _UNITS)
        and not (before in _SPANS or before in _UNITS or before in _TENS)
        and not (before.isdigit() and words[max(place - 2, 0)] not in _MONTHS)
    )


def _numbered(words: list[str]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(words):
        word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
        if word in _TENS and (0 < _UNITS.get(following, 0) < 10 or 0 < _ORDINALS.get(following, 0) < 10):
            number = _TENS[word] + _UNITS.get(following, 0) + _ORDINALS.get(following, 0)
            found.append(_ordinal(number) if following in _ORDINALS else str(number))
            place += 2
            continue
        if word in _TENS or word in _UNITS:
            found.append(str(_TENS.get(word, _UNITS.get(word))))
            if _is_clock(words, place):
                found.append("minutes")
        elif word in _ORDINALS:
            found.append(_ordinal(_ORDINALS[word]))
        elif word in {"oh", "o"} and following in _UNITS:  # "nine oh five"
            found.append(f"0{_UNITS[following]}")
            place += 1
        else:
            found.append(word)
        place += 1
    return found


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
