"""The cards of the board as HTML: made for the page, and again for each that changes while it is open."""

import json
from collections.abc import Sequence
from functools import lru_cache

from markupsafe import Markup, escape

from slotkeeper.operations.board import Card
from slotkeeper.texts import Texts

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
                " closed" if is_closed else " full" if not card.left else "",
                id_of(card),
                link,
                _BATCH.format(escape(slot.batch)) if slot.batch else "",
                "" if is_closed else _bar(card),
                self._places(card, is_closed=is_closed),
                "".join(_TAG.format(escape(tag)) for tag in self._tags(card)),
            )
        )

    def _places(self, card: Card, *, is_closed: bool) -> str:
        slot, texts = card.slot, self._texts
        filled = texts.gettext(
            "%(filled)s of %(places)s filled",
            filled=_number(texts, slot.filled_slots),
            places=_number(texts, slot.max_slots),
        )
        if is_closed:
            return _PLACES.format(escape(texts.gettext("closed")), escape(filled))
        said = [filled, texts.gettext("%(left)s for AI", left=_number(texts, slot.available_slots))]
        if card.holds:
            said.append(texts.gettext("%(held)s held", held=_number(texts, card.holds)))
        left = texts.gettext("%(left)s left", left=_number(texts, card.left)) if card.left else texts.gettext("full")
        return _PLACES.format(escape(left), escape(" · ".join(said)))

    def _tags(self, card: Card) -> list[str]:
        tags = []
        if card.slot.appointment_type is not None:
            tags.append(self._services.get(card.slot.appointment_type, ""))
        if card.is_changed:
            changed = self._texts.gettext("changed for this day")
            tags.append(f"{changed}: {card.reason}" if card.reason else changed)
        closed = [self._services.get(service, "") for service in card.closed_for]
        return tags + [self._texts.gettext("%(service)s is closed", service=name) for name in closed]

    def pack(self, cards: Sequence[Card]) -> str:
        """Cards for the script: the id and the HTML of each."""
        return json.dumps([(id_of(card), self.write(card)) for card in cards], ensure_ascii=False)


@lru_cache(maxsize=4096)
def _number(texts: Texts, number: int) -> str:
    return texts.number(number)


def id_of(card: Card) -> str:
    """The id of a card's element."""
    return f"c-{card.slot.date}-{card.slot.calendar_id}"


def _bar(card: Card) -> str:
    filled, ai = card.slot.filled_slots + card.holds, card.slot.available_slots
    return _BAR.format(max(1, card.slot.max_slots, filled), filled, filled, ai)
