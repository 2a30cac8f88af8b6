"""The cards of the board as HTML: made for the page, and again for each that changes while it is open."""

import json
from collections.abc import Sequence
from functools import lru_cache

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
    '<svg class="fill" viewBox="0 0 {} 1" preserveAspectRatio="none" aria-hidden="true">'
    '<rect class="filled" width="{}" height="1"/><rect class="ai" x="{}" width="{}" height="1"/></svg>'
)


class Cards:
    """Writes cards for one reader. ``days`` is where the pages of window-dates are, None where there are none."""

    def __init__(self, texts: Texts, services: dict[str, str], days: str | None) -> None:
        self._texts, self._services, self._days = texts, services, days

    def write(self, card: Card) -> Markup:
        """One card."""
        slot, texts = card.slot, self._texts
        is_closed = slot.status == "CLOSED"
        when = f"{texts.wall_time(slot.start_time)}–{texts.wall_time(slot.end_time)}"
        link = when if self._days is None else _LINK.format(f"{self._days}/{slot.calendar_id}/{slot.date}", when)
        return Markup(  # noqa: S704 - every value in it is escaped
            _CARD.format(
                _kind(card),
                id_of(card),
                link,
                _BATCH.format(escape(slot.batch)) if slot.batch else "",
                "" if is_closed else _bar(card),
                _PLACES.format(*map(escape, self._places(card))),
                "".join(_TAG.format(escape(tag)) for tag in self._tags(card)),
            )
        )

    def _places(self, card: Card) -> tuple[str, str]:
        """What is left, and how it comes to be so."""
        slot, texts = card.slot, self._texts
        filled = texts.gettext(
            "%(filled)s of %(places)s filled",
            filled=_number(texts, slot.filled_slots),
            places=_number(texts, slot.max_slots),
        )
        if slot.status == "CLOSED":
            return texts.gettext("closed"), filled
        said = [filled, texts.gettext("%(left)s for AI", left=_number(texts, slot.available_slots))]
        if card.holds:
            said.append(texts.gettext("%(held)s held", held=_number(texts, card.holds)))
        left = texts.gettext("%(left)s left", left=_number(texts, card.left)) if card.left else texts.gettext("full")
        return left, " · ".join(said)

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
        parts = [(id_of(card), _kind(card), *self._places(card), *_lengths(card)) for card in counted]
        return json.dumps([whole, parts], ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _number(texts: Texts, number: int) -> str:
    return texts.number(number)


def id_of(card: Card) -> str:
    """The id of a card's element."""
    return f"c-{card.slot.date}-{card.slot.calendar_id}"


def _kind(card: Card) -> str:
    return " closed" if card.slot.status == "CLOSED" else "" if card.left else " full"


def _lengths(card: Card) -> tuple[int, int, int]:
    """Of the whole bar, of what is filled, and of what is left for AI."""
    filled = card.slot.filled_slots + card.holds
    return max(1, card.slot.max_slots, filled), filled, card.slot.available_slots


def _bar(card: Card) -> str:
    whole, filled, ai = _lengths(card)
    return _BAR.format(whole, filled, filled, ai)
