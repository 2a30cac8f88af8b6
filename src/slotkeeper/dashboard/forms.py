"""Forms as they were sent: read field by field, with what is wrong noted beside each.

A reader of a field gives a value of its kind in any case; where what was typed is none, that is noted, and
``require_valid`` raises it all at once before anything is done with the values.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import TypeVar

from slotkeeper.domain.errors import Detail, InvalidInput
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR, parse_date, parse_uuid
from slotkeeper.domain.texts import parse_text, parse_wall_time
from slotkeeper.domain.users import parse_email
from slotkeeper.texts import Texts

Choice = TypeVar("Choice", bound=StrEnum)

TOKEN = "form_token"  # noqa: S105 - the name of a field
ONCE = "once"
SEEN = "seen"
UNSPOKEN = frozenset({TOKEN, ONCE, SEEN})
"""The fields that the page put there, not the person."""


class Form:
    """The fields of a form, the first of each name; ``files`` are what was uploaded."""

    def __init__(
        self,
        given: Sequence[tuple[str, str]] = (),
        files: Mapping[str, bytes] | None = None,
        texts: Texts | None = None,
    ) -> None:
        self.fields: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        for name, text in given:
            self._lists.setdefault(name, []).append(text)
            if name not in UNSPOKEN:
                self.fields.setdefault(name, text)
        self.files = files or {}
        self.token = self._lists.get(TOKEN, [""])[0]
        self.once = self._lists.get(ONCE, [""])[0]
        self.seen = self._lists.get(SEEN, [""])[0]
        self.details: list[Detail] = []
        self._texts = texts

    def value(self, name: str, default: object = "") -> str:
        """What stands in a field when the page is shown: what was typed, or else what is stored."""
        if self._lists:
            return self.fields.get(name, "")
        return "" if default is None else str(default)

    def is_sent(self) -> bool:
        """Whether somebody sent it; an empty one belongs to a page that is shown for the first time."""
        return bool(self._lists)

    def list(self, name: str) -> list[str]:
        """All values of a name."""
        return self._lists.get(name, [])

    def error(self, name: str) -> str | None:
        """What is wrong with a field."""
        return next((detail.message for detail in self.details if detail.field == name), None)

    def note(self, name: str, message: str) -> None:
        """Note that a field is wrong, in the reader's language."""
        self.details.append(Detail(name, message))

    def require_valid(self) -> None:
        """Raise InvalidInput with all that was noted."""
        if self.details:
            raise InvalidInput(self.details)

    def text(self, name: str, *, longest: int, required: bool = True) -> str:
        """One line of text; empty only where it is not required."""
        given = self.fields.get(name, "").strip()
        if not given:
            if required:
                self.note(name, self._say("Fill this in."))
            return ""
        text = parse_text(given, longest=longest)
        if text is None:
            self.note(name, self._say("Write at most %(most)s characters, on one line.", most=longest))
        return text or ""

    def secret(self, name: str) -> str:
        """A password, exactly as it was typed."""
        given = self.fields.get(name, "")
        if not given:
            self.note(name, self._say("Fill this in."))
        return given

    def email(self, name: str) -> str:
        """An e-mail address."""
        email = parse_email(self.fields.get(name, ""))
        if email is None:
            self.note(name, self._say("Write an e-mail address, such as asha@example.org."))
        return email or ""

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """One of some words."""
        given = self.fields.get(name, "")
        if given in list(choices):
            return choices(given)
        self.note(name, self._say("Choose one of these."))
        return next(iter(choices))

    def number(self, name: str, lowest: int, highest: int) -> int:
        """A whole number."""
        number = self.optional_number(name, lowest, highest)
        if number is None and self.error(name) is None:
            self.note(name, self._say("Fill this in."))
        return lowest if number is None else number

    def optional_number(self, name: str, lowest: int, highest: int) -> int | None:
        """A whole number, or None where nothing was typed."""
        given = self.fields.get(name, "").strip()
        if not given:
            return None
        if given.isascii() and given.isdigit() and len(given) < 10 and lowest <= int(given) <= highest:
            return int(given)
        self.note(
            name, self._say("Write a whole number from %(lowest)s to %(highest)s.", lowest=lowest, highest=highest)
        )
        return lowest

    def date(self, name: str) -> date:
        """A date."""
        found = parse_date(self.fields.get(name, ""))
        if found is None:
            self.note(name, self._say("Choose a date from %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR))
        return found or date.min

    def wall_time(self, name: str) -> str:
        """A wall time ``HH:MM``."""
        found = parse_wall_time(self.fields.get(name, ""))
        if found is None:
            self.note(name, self._say("Write a time such as 09:30."))
        return found or "00:00"

    def id(self, name: str) -> str:
        """The id of something that was chosen."""
        found = parse_uuid(self.fields.get(name, ""))
        if found is None:
            self.note(name, self._say("Choose one of these."))
        return found or ""

    def is_checked(self, name: str) -> bool:
        """Whether a box was checked."""
        return name in self.fields

    def _say(self, message: str, **values: object) -> str:
        return message % values if self._texts is None else self._texts.gettext(message, **values)
