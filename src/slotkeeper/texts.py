"""The reader's language: texts from the catalogues, and dates and times as people there write them.

English stands in the code and the templates. A translation is one file ``locale/<language>.po``, made from
``locale/messages.pot``, and read when it is first needed.
"""

import io
import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from babel import Locale, UnknownLocaleError, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import escape

from slotkeeper.domain.calendar import local
from slotkeeper.domain.errors import SlotkeeperError

DEFAULT = "en-GB"
"""The language of whoever asks for none that there is: English, with days before months."""
SOURCE = "en"
OFFERED = ("en-GB", "en-US", "en-IN")
"""The kinds of English that people choose from; each file in ``locale`` adds a language."""

REFUSALS: dict[str, str] = {}
"""What a translation says of refusals, by their code; in English they speak for themselves."""

_FOR_PROGRAMS = re.compile(r"[;.] '(?:GET|POST) /v1/[^.]*\.")
"""What of a refusal names an address of the API: the end of a sentence, or one of its own."""

_LOCALE = resources.files("slotkeeper").joinpath("locale")


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text that is translated where it is shown."""
    return message


class Texts:
    """One language, with the dates, times and numbers of its place."""

    def __init__(self, tag: str, translations: NullTranslations) -> None:
        self.tag = tag
        self.locale = Locale.parse(tag, sep="-")
        self._translations = translations
        self.date: Callable[..., str] = lru_cache(maxsize=4096)(self._date)
        self.wall_time: Callable[[str], str] = lru_cache(maxsize=2048)(self._wall_time)

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)

    def gettext(self, message: str, **values: object) -> str:
        """A text of the catalogue with its values."""
        text = str(self._translations.gettext(message))
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """The text that fits a number, which stands in it as ``%(num)s``."""
        text = str(self._translations.ngettext(one, many, number))
        return text % {"num": self.number(number), **values}

    def say(self, message: str, **values: object) -> str:
        """The same as ``gettext``, for templates: what is in the values is never taken for HTML."""
        text = str(self._translations.gettext(message))
        return escape(text) % values if values else text

    def say_many(self, one: str, many: str, number: int, **values: object) -> str:
        """The same as ``ngettext``, for templates."""
        text = str(self._translations.ngettext(one, many, number))
        return escape(text) % {"num": self.number(number), **values}

    def refusal(self, error: SlotkeeperError) -> str:
        """Why something was refused. The engine's own sentence where the reader reads English."""
        if self.locale.language == SOURCE or error.code not in REFUSALS:
            return for_people(error.message)
        return self.gettext(REFUSALS[error.code])

    def _date(self, on: date, form: str = "full") -> str:
        """A date as people there write it: ``full``, ``long``, ``medium``, ``short``, or of parts such as ``MMMEd``."""
        if form in {"full", "long", "medium", "short"}:
            return str(dates.format_date(on, form, locale=self.locale))
        return str(dates.format_skeleton(form, on, locale=self.locale))

    def _wall_time(self, wall_time: str) -> str:
        """A wall time ``HH:MM`` as people there write it."""
        return str(dates.format_time(time.fromisoformat(wall_time), "short", locale=self.locale))

    def moment(self, instant: int, timezone: str, *, seconds: bool = False) -> str:
        """An instant (milliseconds UTC) on the clock of a zone, to the minute or to the second."""
        at: datetime = local(instant, timezone).replace(tzinfo=None)
        if seconds:
            return str(dates.format_datetime(at, "medium", locale=self.locale))
        form = str(dates.get_datetime_format("medium", locale=self.locale)).replace("'", "")
        clock = str(dates.format_time(at, "short", locale=self.locale))
        return form.replace("{0}", clock).replace("{1}", str(dates.format_date(at, "medium", locale=self.locale)))

    def number(self, number: float) -> str:
        """A number with the marks of the place."""
        return str(numbers.format_decimal(number, locale=self.locale))

    def percent(self, share: float) -> str:
        """A share of 1 as whole percents."""
        return str(numbers.format_percent(share, locale=self.locale))


def for_people(message: str) -> str:
    """A sentence of the engine's without what it tells programs to ask for next."""
    return _FOR_PROGRAMS.sub(".", message)


def languages() -> dict[str, str]:
    """The languages to choose from, each by its own name."""
    return {tag: str(Locale.parse(tag, sep="-").get_display_name() or tag) for tag in (*OFFERED, *catalogues())}


@cache
def catalogues() -> dict[str, Traversable]:
    """The file of each language that there is a translation into."""
    return {file.name[:-3]: file for file in _LOCALE.iterdir() if file.name.endswith(".po")}


def texts_for(chosen: str | None, accepted: str) -> Texts:
    """The texts for somebody's chosen language, or else for what the browser accepts."""
    for tag in ([] if chosen is None else [chosen]) + _accepted(accepted):
        known = _known(tag)
        if known is not None:
            return known
    return texts_of(DEFAULT)


@lru_cache(maxsize=256)
def _known(tag: str) -> Texts | None:
    """The texts of a language tag, where its language is the source or has a catalogue."""
    try:
        language = Locale.parse(tag, sep="-").language
    except (ValueError, UnknownLocaleError):
        return None
    if tag == SOURCE:
        return texts_of(DEFAULT)
    return texts_of(tag) if language == SOURCE or language in catalogues() or tag in catalogues() else None


@lru_cache(maxsize=64)
def texts_of(tag: str) -> Texts:
    """The texts of a language tag that is known."""
    known = catalogues()
    file = known.get(tag) or known.get(tag.partition("-")[0])
    return Texts(tag, NullTranslations() if file is None else _translations(file))


def _translations(file: Traversable) -> Translations:
    compiled = io.BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=file.name[:-3].replace("-", "_")))
    compiled.seek(0)
    return Translations(compiled)


def _accepted(header: str) -> list[str]:
    """The language tags of an Accept-Language header, the most welcome first."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, tag.strip()))
        except ValueError:
            continue
    return [tag for weight, _, tag in sorted(weighed) if weight and tag != "*"]
