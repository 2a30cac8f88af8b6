"""Who an appointment is for, as a caller says it: a name, and a phone number in digits or in words."""

import re
import unicodedata
from collections.abc import Collection

from slotkeeper.domain.model import fold, phone_digits
from slotkeeper.domain.texts import parse_phone
from slotkeeper.operations import appointments
from slotkeeper.operations.appointments import Shown
from slotkeeper.tools.places import looking
from slotkeeper.tools.spoken_words import normalize
from slotkeeper.tools.turn import Mend, Turn

FEWEST_DIGITS = 8
"""How many digits two numbers must share at their end to be the same, one of them without its country code."""

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "herr", "frau"})
_PARTICLES = frozenset(
    {"al", "ap", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "el"}
    | {"ibn", "la", "le", "of", "ten", "ter", "van", "von", "y", "zu"}
)
"""Small words that many names have: to know one of them is to know nothing."""

_TWO = (20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84, 86)
_THREE = (21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 85, 88, 96, 97, 99)
_COUNTRIES = frozenset(
    str(code) for code in (1, 7, *_TWO, *range(90, 96), 98, *(10 * two + one for two in _THREE for one in range(10)))
)
"""The country codes of the world's numbering plan."""
_ZEROS = ("", "0")
"""What stands before a number that is dialled at home, and is often left there behind a country code."""
MOST_DIGITS = 15
MOST_FOUND = 50
"""How many coming appointments under one number are looked at."""


def read_phone(turn: Turn, said: str) -> str:
    """The number that was said. Raises Mend."""
    phone = parse_phone(said)
    if phone is None:
        words = re.sub(r"\b(double|triple) (\d)\b", _repeated, normalize(said))
        digits = re.sub(r"[^0-9]", "", words)
        phone = parse_phone(f"+{digits}" if said.strip().startswith(("+", "plus")) else digits)
    if phone is None:
        question = turn.texts.gettext("Which phone number is it, digit by digit?")
        raise Mend("PHONE_NOT_UNDERSTOOD", question, data={"advice": "'phone' must have 6 to 15 digits."})
    return phone


def _repeated(found: "re.Match[str]") -> str:
    return found[2] * {"double": 2, "triple": 3}[found[1]]


def is_same_phone(said: str, stored: str) -> bool:
    """Whether two numbers are one, perhaps one of them as it is dialled at home."""
    return phone_digits(stored) in spellings(said)


def spellings(phone: str) -> frozenset[str]:
    """The digits under which a number may be stored: with a country code, and as it is dialled at home."""
    digits = phone_digits(phone)
    own = digits.lstrip("0")
    if len(own) < FEWEST_DIGITS:
        return frozenset({digits})
    found = {digits, *(code + zero + own for code in _COUNTRIES for zero in _ZEROS)}
    for code in ("", *_codes_of(own)):
        home = own[len(code) :].lstrip("0")
        if len(home) >= FEWEST_DIGITS:
            found |= {start + zero + home for start in ("", code) for zero in _ZEROS}
    return frozenset(one for one in found if len(one) <= MOST_DIGITS)


async def list_coming(turn: Turn, phone_keys: Collection[str]) -> list[Shown]:
    """The appointments to come under any of some phone digits."""
    first = min(turn.today(zone) for zone in {turn.zone(), *turn.known.zones.values()})
    found = await appointments.list_coming(
        turn.site.db, looking(turn.caller), phone_keys, date_from=first, limit=MOST_FOUND
    )
    return [shown for shown in found if shown.instant >= turn.now]


def _codes_of(digits: str) -> list[str]:
    """The country codes with which some digits may begin."""
    return [digits[:length] for length in (1, 2, 3) if digits[:length] in _COUNTRIES]


def name_words(name: str) -> frozenset[str]:
    """The words by which two names compare: in any order, without titles, marks and signs."""
    return frozenset(_words(name))


def is_same_name(said: str, stored: str) -> bool:
    """Whether a name that was heard is the patient's.

    The order of its parts, marks and a title are nothing, and one word may be missing or be too many, where the first
    or the last name and another part agree. One text is one name: nobody tries a dozen with it.
    """
    words, own = _words(said), _words(stored)
    heard, meant = frozenset(words), frozenset(own)
    if heard == meant or len(heard ^ meant) != 1:
        return bool(heard) and heard == meant
    if len(meant) == 1:
        return meant < heard
    agreeing = heard & meant
    return len(agreeing - _PARTICLES) >= 2 and bool(agreeing & {own[0], own[-1]})


def _words(name: str) -> list[str]:
    plain = "".join(one for one in unicodedata.normalize("NFD", fold(name)) if not unicodedata.combining(one))
    words = re.findall(r"\w+", plain)
    return [word for word in words if word not in _TITLES] or words
