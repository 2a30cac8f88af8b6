"""The cards of the board as HTML: made for the page, and again for each that changes while it is open."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup, escape

from slotkeeper.dashboard.texts import Texts
from slotkeeper.operations.board import Card

# Plain texts, filled with what was escaped: Markup.format takes ten times as long, and a week has hundreds of cards.
_CARD = '<li class="card{}" id="{}"><p class="when">{}{}</p>{}{}{}</li>'
_LINK = '<a href="{}">{}</a>'
_BATCH = ' <span class="batch">{}</span>'
_TAG = '<p class="tag">{}</p>'
_PLACES = '<p class="places"><strong>{}</strong></p><p class="hint">{}</p>'
_BAR = (
    '<svg class="fill" viewBox="0 0 {0} 1" preserveAspectRatio="none" aria-hidden="true">'
    '<rect class="filled" width="{1}" height="1"/><rect class="ai" x="{1}" width="{2}" height="1"/></svg>'
)


class Cards:
    """Writes cards for one reader. ``days`` is where the pages of window-dates are, None where there are none."""

    def __init__(self, texts: Texts, services: dict[str, str], days: str | None) -> None:
        self._texts, self._services, self._days = texts, services, days

    def write(self, card: Card) -> str:
        """One card; every value in it is escaped."""
        slot, texts = card.slot, self._texts
        when = f"{texts.wall_time(slot.start_time)}–{texts.wall_time(slot.end_time)}"
        link = when if self._days is None else _LINK.format(f"{self._days}/{slot.calendar_id}/{slot.date}", when)
        return _CARD.format(
            _kind(card),
            id_of(card),
            link,
            _BATCH.format(escape(slot.batch)) if slot.batch else "",
            "" if slot.status == "CLOSED" else _BAR.format(*_lengths(card)),
            _places(texts, _counts(card)).html,
            "".join([_TAG.format(escape(tag)) for tag in self._tags(card)]),
        )

    def write_all(self, cards: Iterable[Card]) -> Markup:
        """Some cards for a page."""
        return Markup("".join([self.write(card) for card in cards]))  # noqa: S704 - every value in them is escaped

    def _tags(self, card: Card) -> list[str]:
        tags = []
        if card.slot.appointment_type is not None:
            tags.append(self._services.get(card.slot.appointment_type, ""))
        if card.is_changed:
            changed = self._texts.gettext("changed for this day")
            tags.append(f"{changed}: {card.reason}" if card.reason else changed)
        closed = [self._services.get(service, "") for service in card.closed_for]
        return tags + [self._texts.gettext("%(service)s is closed", service=name) for name in closed]

    def pack(self, cards: Sequence[Card], counted: Sequence[Card] = ()) -> str:
        """Cards for the script: the id and the HTML of each; of those with other counts only what depends on them."""
        whole = [(id_of(card), self.write(card)) for card in cards]
        parts = []
        for card in counted:
            places = _places(self._texts, _counts(card))
            parts.append((id_of(card), _kind(card), places.left, places.hint, *_lengths(card)))
        return json.dumps([whole, parts], ensure_ascii=False, separators=(",", ":"))


class Places(NamedTuple):
    """What is left, how it comes to be so, and both as HTML."""

    left: str
    hint: str
    html: str


class Counts(NamedTuple):
    """What the words of a card depend on."""

    is_closed: bool
    filled: int
    places: int
    ai: int
    held: int
    left: int


def _counts(card: Card) -> Counts:
    slot = card.slot
    is_closed = slot.status == "CLOSED"
    return Counts(is_closed, slot.filled_slots, slot.max_slots, slot.available_slots, card.holds, card.left)


@lru_cache(maxsize=8192)  # many cards have the same counts
def _places(texts: Texts, counts: Counts) -> Places:
    is_closed, filled, places, ai, held, left = counts
    number = texts.number
    said = [texts.gettext("%(filled)s of %(places)s filled", filled=number(filled), places=number(places))]
    if not is_closed:
        said.append(texts.gettext("%(left)s for AI", left=number(ai)))
        if held:
            said.append(texts.gettext("%(held)s held", held=number(held)))
    if is_closed:
        there = texts.gettext("closed")
    else:
        there = texts.gettext("%(left)s left", left=number(left)) if left else texts.gettext("full")
    hint = " · ".join(said)
    return Places(there, hint, _PLACES.format(escape(there), escape(hint)))


def id_of(card: Card) -> str:
    """The id of a card's element."""
    return f"c-{card.slot.date}-{card.slot.calendar_id}"


def _kind(card: Card) -> str:
    return " closed" if card.slot.status == "CLOSED" else "" if card.left else " full"


def _lengths(card: Card) -> tuple[int, int, int]:
    """Of the whole bar, of what is filled, and of what is left for AI, as the bar and the script take them."""
    filled = card.slot.filled_slots + card.holds
    return max(1, card.slot.max_slots, filled), filled, card.slot.available_slots
