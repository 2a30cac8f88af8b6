"""The kinds of arguments; what does not fit is wrong usage (exit code 2), and the message says what would fit."""

import difflib
from datetime import date

import click

from slotkeeper.domain.access import Scope
from slotkeeper.domain.calendar import zone_names
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR, parse_date, parse_slot_id, parse_uuid
from slotkeeper.domain.texts import NAME_LENGTH, parse_text
from slotkeeper.domain.users import parse_email, parse_language
from slotkeeper.load.target import target_of
from slotkeeper.settings import check_database

LONGEST_SHOWN, SHOWN = 36, 16


class Name(click.ParamType[str]):
    """A name for a person to read, white space at its ends taken off."""

    name = "NAME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, without white space at its ends."""
        text = parse_text(str(value), longest=NAME_LENGTH)
        if text is None:
            self.fail(f"a name has 1–{NAME_LENGTH} printable characters.", param, ctx)
        return text


class Zone(click.ParamType[str]):
    """An IANA time zone."""

    name = "ZONE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The zone's name as it is known."""
        name = str(value)
        if name not in zone_names():
            near = difflib.get_close_matches(name, zone_names(), n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]}?" if near else "Europe/Berlin and Asia/Kolkata are some."
            self.fail(f"'{name}' is no IANA time zone. {hint}", param, ctx)
        return name


class Email(click.ParamType[str]):
    """An e-mail address."""

    name = "EMAIL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address, without white space at its ends."""
        email = parse_email(str(value))
        if email is None:
            self.fail(f"'{value}' is no e-mail address.", param, ctx)
        return email


class Language(click.ParamType[str]):
    """A language tag."""

    name = "LANGUAGE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The tag as it is."""
        language = parse_language(str(value))
        if language is None:
            self.fail(f"'{value}' is no language tag: en and en-GB are some.", param, ctx)
        return language


class Date(click.ParamType[date]):
    """A date."""

    name = "DATE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date of a strict, real ``YYYY-MM-DD``."""
        if isinstance(value, date):
            return value
        found = parse_date(str(value))
        if found is None:
            self.fail(f"'{value}' is no date: give YYYY-MM-DD, from {FIRST_YEAR} to {LAST_YEAR}.", param, ctx)
        return found


class Id(click.ParamType[str]):
    """A UUID."""

    name = "ID"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The UUID in lower case."""
        found = parse_uuid(str(value))
        if found is None:
            self.fail(
                f"'{_shortened(str(value))}' is no id: an id is a UUID, and the 'list' command shows it.", param, ctx
            )
        return found


class Scopes(click.ParamType[list[Scope]]):
    """Scopes with commas between them."""

    name = "SCOPE,SCOPE,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[Scope]:
        """The scopes, none of them twice."""
        if isinstance(value, list):
            return value
        names = [name.strip() for name in str(value).split(",")]
        unknown = [name for name in names if name not in list(Scope)]
        if unknown:
            self.fail(f"'{unknown[0]}' is no scope: choose from {', '.join(Scope)}.", param, ctx)
        return [Scope(name) for name in dict.fromkeys(names)]


class DatabaseUrl(click.ParamType[str]):
    """The URL of a database."""

    name = "URL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URL of a database that Slotkeeper knows."""
        url = str(value).strip()
        try:
            check_database(url)
        except InvalidInput as error:
            self.fail(error.message, param, ctx)
        return url


class DayId(click.ParamType[str]):
    """A window on a date."""

    name = "SLOT_ID"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The two-part slot_id, its UUID in lower case."""
        try:
            found = parse_slot_id(str(value), parts=(2,))
        except InvalidInput as error:
            self.fail(error.message, param, ctx)
        return f"{found.calendar_id}||{found.date}"


class ServerUrl(click.ParamType[str]):
    """The address of a Slotkeeper server."""

    name = "URL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URL, without a slash at its end."""
        url = str(value).strip().rstrip("/")
        try:
            target_of(url)
        except ValueError:
            self.fail("give the address of a server, such as http://127.0.0.1:8000 or https://host.", param, ctx)
        return url


def _shortened(text: str) -> str:
    """A text that is too long for an id, cut off: it may be a whole API key, which is a secret."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:SHOWN]}…"
