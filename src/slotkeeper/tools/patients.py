"""Who an appointment is for, as a caller says it: a name, and a phone number in digits or in words."""

import re
import unicodedata

from slotkeeper.domain.model import fold, phone_digits
from slotkeeper.domain.texts import parse_phone
from slotkeeper.tools.spoken_words import normalize
from slotkeeper.tools.turn import Mend, Turn

FEWEST_DIGITS = 7
"""How many digits two numbers must share at their end to be the same, one of them without its country code."""

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "herr", "frau"})


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
    one, other = phone_digits(said), phone_digits(stored)
    if one == other:
        return True
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    return len(short) >= FEWEST_DIGITS and long.endswith(short)


def name_words(name: str) -> frozenset[str]:
    """The words by which two names compare: in any order, without titles, marks and signs."""
    plain = "".join(one for one in unicodedata.normalize("NFD", fold(name)) if not unicodedata.combining(one))
    words = re.findall(r"\w+", plain)
    return frozenset(word for word in words if word not in _TITLES) or frozenset(words)
