"""The board: a week of one branch, live while others book, and a month of it as a heat map."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from slotkeeper.dashboard.board_cards import Cards
from slotkeeper.dashboard.visit import PREFIX, Answer, Page, Visit
from slotkeeper.domain.calendar import dates_between, today
from slotkeeper.domain.model import Session, WindowDate
from slotkeeper.domain.slot_ids import parse_date, parse_uuid
from slotkeeper.operations.board import Card, Filter, Span, Watcher, find_change, list_cards, read_board

ON_STOP = "slotkeeper.on_stop"
"""Where the server looks for what ends an answer that goes on for as long as it does (see ``api/server.py``)."""
EVENTS = {"cache-control": "no-store", "x-accel-buffering": "no"}
WEEK = timedelta(days=7)
LEVELS = 5


class Day(NamedTuple):
    """One day of the board: the cards of each session as HTML, and why it is closed."""

    date: date
    sessions: list[tuple[Session, Markup]]
    closures: list[str]


async def show_board(visit: Visit) -> Answer:
    """The week of a date, by default the branch's today."""
    on_today = today(visit.now, visit.zone)
    span, shown = _asked(visit)
    stored = await read_board(visit.db, visit.caller, span, now=visit.now)
    cards = _list(visit, stored.window_dates, shown)
    sessions = [one for one in Session if any(card.slot.session == one for card in cards)]
    by_day = {on: list(found) for on, found in groupby(cards, key=lambda card: card.slot.date)}
    writer = _writer(visit)
    days = [
        Day(
            on,
            [
                (one, writer.write_all(card for card in by_day.get(on, ()) if card.slot.session == one))
                for one in sessions
            ],
            [reason for first, last, reason in stored.closures if first <= on <= last],
        )
        for on in dates_between(span.date_from, span.date_to)
    ]
    values = {
        "days": days,
        "monday": span.date_from,
        "today": on_today,
        "shown": shown,
        "before": _address(visit, shown, span.date_from - WEEK),
        "after": _address(visit, shown, span.date_from + WEEK),
        "now": _address(visit, shown, on_today),
        "month": _month(visit, span.date_from),
        "sessions": list(Session),
        "services": [] if visit.known is None else [one for one in visit.known.services if one.active],
        "live": urlencode({"branch": span.branch_id, "date": span.date_from.isoformat(), **_filters(shown)}),
        "seen": _text(stored.revision),
        "beyond": _beyond(visit, span.date_to, on_today),
    }
    return Page("board.html", values)


async def stream_board(visit: Visit) -> Answer:
    """What changes on a week from now on, as server-sent events, until the person is signed in no more."""
    span, shown = _asked(visit)
    watcher = Watcher(visit.signed_in, span)
    visit.request.scope[ON_STOP] = watcher.end
    return StreamingResponse(_events(visit, watcher, shown), 200, EVENTS, "text/event-stream")


async def _events(visit: Visit, watcher: Watcher, shown: Filter) -> AsyncIterator[bytes]:
    seen = _revision(visit.request.headers.get("last-event-id") or visit.query("seen"))
    place = (visit.texts.tag, shown)
    yield b"retry: 1000\n\n"
    async for change in visit.site.boards.watch(watcher, seen):
        if change is None:
            yield b": nothing new\n\n"
            continue
        if place not in change.told:  # written once for all who read it in the same words
            cards = _list(visit, change.window_dates, shown)
            counted = _list(visit, change.counted, shown)
            name = "page" if change.is_new else "cards"
            data = "[]" if change.is_new else _writer(visit).pack(cards, counted)
            change.told[place] = f"id: {_text(change.stored.revision)}\nevent: {name}\ndata: {data}\n\n".encode()
        yield change.told[place]
    yield b"event: end\ndata: []\n\n"


async def poll_board(visit: Visit) -> Answer:
    """The cards of a week where something changed since it was seen, for a browser that gets no events."""
    span, shown = _asked(visit)
    stored = await find_change(visit.db, visit.caller, span, _revision(visit.query("seen")), now=visit.now)
    if stored is None:
        return Response(status_code=204)
    cards = _writer(visit).pack(_list(visit, stored.window_dates, shown))
    return Response(f'{{"seen": "{_text(stored.revision)}", "news": {cards}}}', media_type="application/json")


async def show_month(visit: Visit) -> Answer:
    """A month of the branch as a heat map: how full each day is."""
    on_today = today(visit.now, visit.zone)
    first = parse_date(f"{visit.query('month')}-01") or on_today.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    span = Span(visit.place.branch_id, _monday(first), _monday(after - timedelta(days=1)) + timedelta(days=6))
    stored = await read_board(visit.db, visit.caller, span, now=visit.now)
    cards = _list(visit, stored.window_dates, Filter())
    by_day = {on: _heat(list(found)) for on, found in groupby(cards, key=lambda card: card.slot.date)}
    dates = list(dates_between(span.date_from, span.date_to))
    closures = {on: [reason for start, end, reason in stored.closures if start <= on <= end] for on in dates}
    values = {
        "first": first,
        "weeks": [dates[number : number + 7] for number in range(0, len(dates), 7)],
        "heat": by_day,
        "closures": closures,
        "today": on_today,
        "before": _month(visit, first - timedelta(days=1)),
        "after": _month(visit, after),
        "beyond": _beyond(visit, after - timedelta(days=1), on_today),
    }
    return Page("month.html", values)


class Heat(NamedTuple):
    """How full a day is: the share filled, a level from 0 to 4, and the places left; None where all is closed."""

    share: float
    level: int
    left: int | None


def _heat(cards: Sequence[Card]) -> Heat:
    opened = [card for card in cards if card.slot.status == "OPEN"]
    places = sum(card.slot.max_slots for card in opened)
    left = sum(card.left for card in opened)
    share = 1 - left / places if places else 1.0
    return Heat(share, min(LEVELS - 1, int(share * LEVELS)), left if opened else None)


def _asked(visit: Visit) -> tuple[Span, Filter]:
    """The week and the filters that the address names."""
    monday = _monday(parse_date(visit.query("date") or "") or today(visit.now, visit.zone))
    session = visit.query("session")
    services = {service.service_id for service in visit.known.services} if visit.known is not None else set()
    service_id = parse_uuid(visit.query("service") or "")
    shown = Filter(
        Session(session) if session in list(Session) else None, service_id if service_id in services else None
    )
    return Span(visit.place.branch_id, monday, monday + timedelta(days=6)), shown


def _list(visit: Visit, window_dates: Sequence[WindowDate], shown: Filter) -> list[Card]:
    return list_cards(window_dates, () if visit.known is None else visit.known.services, shown)


def _writer(visit: Visit) -> Cards:
    services = {} if visit.known is None else {one.service_id: one.name for one in visit.known.services}
    return Cards(visit.texts, services, f"{PREFIX}/day" if _has_days() else None)


@cache
def _has_days() -> bool:
    """Whether there are pages of window-dates; the table names this module, so it is looked at late."""
    routes = import_module("slotkeeper.dashboard.routes").ROUTES
    return any(route.path.startswith("/day/{") and route.path.count("/") == 3 for route in routes)


def _filters(shown: Filter) -> dict[str, str]:
    given = {"session": shown.session, "service": shown.service_id}
    return {name: str(value) for name, value in given.items() if value is not None}


def _address(visit: Visit, shown: Filter, on: date) -> str:
    """The address of a week; of this branch, whichever another tab of the browser is at meanwhile."""
    return f"/board?{urlencode({'branch': visit.place.branch_id, 'date': on.isoformat(), **_filters(shown)})}"


def _beyond(visit: Visit, last: date, on_today: date) -> date | None:
    """The last date of which the board has everything, where it shows later ones too; those have windows as well."""
    if visit.known is None:
        return None
    reach = on_today + timedelta(days=visit.known.configuration.horizon_days)
    return reach if last > reach else None


def _month(visit: Visit, on: date) -> str:
    return f"/board/month?{urlencode({'branch': visit.place.branch_id, 'month': f'{on:%Y-%m}'})}"


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


def _text(revision: tuple[int, ...]) -> str:
    return "-".join(map(str, revision))


def _revision(text: str | None) -> tuple[int, ...] | None:
    parts = (text or "").split("-")
    return (
        tuple(int(one) for one in parts)
        if all(one.isascii() and one.isdigit() and len(one) < 19 for one in parts)
        else None
    )
