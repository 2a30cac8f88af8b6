"""Reports: how full it was and will be, who booked, who found no room; as plots, and as tables beside them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from slotkeeper.dashboard.plots import COLOURS, SOFT, Bars, answer_plot
from slotkeeper.dashboard.visit import Answer, Page, Visit
from slotkeeper.domain.calendar import today
from slotkeeper.domain.capacity import Filled
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import Session
from slotkeeper.domain.slot_ids import parse_date, parse_uuid
from slotkeeper.operations import reports
from slotkeeper.operations.reports import Booked, Utilisation
from slotkeeper.texts import N_

USUAL = 28
"""How many days up to today are looked at, unless somebody says otherwise."""
MOST_DAYS = 366
WEEKS_AHEAD = 8
SESSIONS = {Session.MORNING: N_("Morning"), Session.AFTERNOON: N_("Afternoon"), Session.EVENING: N_("Evening")}
A_MONDAY = date(2026, 6, 1)


class Range(NamedTuple):
    """The dates that are looked at, both included."""

    first: date
    last: date


class BranchTable(NamedTuple):
    """How full one branch is: the address of its plot, and the shares by session, a row of weekdays and their sum."""

    name: str
    plot: str
    rows: list[tuple[str, list[Filled | None], Filled]]


async def show_reports(visit: Visit) -> Answer:
    """All reports over the range of the address, by default the last four weeks."""
    at = _range(visit)
    full = await reports.get_utilisation(visit.db, visit.caller, first=at.first, last=at.last)
    shares = await _shares(visit, at)
    no_room = await _no_room(visit, at)
    values = {
        "at": at,
        "weekdays": _weekdays(visit),
        "branches": [_table(visit, at, full, branch.branch_id, branch.name) for branch in visit.branches],
        "shares": shares,
        "shared": Booked(sum(week.ai for week in shares.values()), sum(week.staff for week in shares.values())),
        "outlook": await _outlook(visit),
        "no_room": {on: count for on, count in no_room.items() if count},
        "refused": sum(no_room.values()),
        "most": MOST_DAYS,
        "query": "?" + urlencode(_asked(at)),
    }
    return Page("reports.html", values)


async def plot_utilisation(visit: Visit) -> Response:
    """How full a branch is, by weekday and session. Raises NotFound where it had no places."""
    at, branch_id = _range(visit), parse_uuid(visit.query("of") or "") or ""
    full = await reports.get_utilisation(visit.db, visit.caller, first=at.first, last=at.last)
    series = {
        visit.texts.gettext(words): [_share(full.get((branch_id, session, day))) for day in range(7)]
        for session, words in SESSIONS.items()
        if any((branch_id, session, day) in full for day in range(7))
    }
    if not series:
        raise NotFound(visit.texts.gettext("There are no places in this time."))
    return await answer_plot(visit, Bars(_weekdays(visit), series, are_shares=True))


async def plot_shares(visit: Visit) -> Response:
    """How many appointments programs and the staff booked, by week."""
    found = await _shares(visit, _range(visit))
    labels = [visit.texts.date(monday, "MMMd") for monday in found]
    series = {visit.texts.gettext("AI"): [week.ai for week in found.values()]}
    series |= {visit.texts.gettext("Desk"): [week.staff for week in found.values()]}
    return await answer_plot(visit, Bars(labels, series, is_stacked=True))


async def plot_outlook(visit: Visit) -> Response:
    """How many places of the next weeks are taken and left."""
    found = await _outlook(visit)
    labels = [visit.texts.date(monday, "MMMd") for monday in found]
    series = {
        visit.texts.gettext("Taken"): [week.filled for week in found.values()],
        visit.texts.gettext("Left"): [week.places - week.filled for week in found.values()],
    }
    return await answer_plot(visit, Bars(labels, series, is_stacked=True, colours=(COLOURS[0], SOFT)))


async def plot_no_room(visit: Visit) -> Response:
    """How many requests found no room, by day."""
    found = await _no_room(visit, _range(visit))
    labels = [visit.texts.date(on, "MMMd") for on in found]
    return await answer_plot(visit, Bars(labels, {visit.texts.gettext("No room"): list(found.values())}))


async def _shares(visit: Visit, at: Range) -> Mapping[date, Booked]:
    return await reports.get_shares(visit.db, visit.caller, first=at.first, last=at.last)


async def _outlook(visit: Visit) -> Mapping[date, Filled]:
    first = today(visit.now, visit.home_zone)
    return await reports.get_outlook(visit.db, visit.caller, first=first, weeks=WEEKS_AHEAD)


async def _no_room(visit: Visit, at: Range) -> Mapping[date, int]:
    return await reports.get_no_room(visit.db, visit.caller, first=at.first, last=at.last, timezone=visit.home_zone)


def _range(visit: Visit) -> Range:
    """The range of the address, put into order, and cut to what is not too long."""
    last = parse_date(visit.query("to") or "") or today(visit.now, visit.home_zone)
    first = parse_date(visit.query("from") or "") or last - timedelta(days=USUAL - 1)
    first, last = min(first, last), max(first, last)
    return Range(max(first, last - timedelta(days=MOST_DAYS - 1)), last)


def _asked(at: Range) -> dict[str, str]:
    return {"from": str(at.first), "to": str(at.last)}


def _table(visit: Visit, at: Range, full: Utilisation, branch_id: str, name: str) -> BranchTable:
    rows = []
    for session, words in SESSIONS.items():
        cells = [full.get((branch_id, session, day)) for day in range(7)]
        there = [cell for cell in cells if cell is not None]
        if there:
            whole = Filled(sum(cell.places for cell in there), sum(cell.filled for cell in there))
            rows.append((visit.texts.gettext(words), cells, whole))
    return BranchTable(name, "/reports/utilisation.svg?" + urlencode({**_asked(at), "of": branch_id}), rows)


def _share(cell: Filled | None) -> float | None:
    return None if cell is None else cell.share


def _weekdays(visit: Visit) -> list[str]:
    return [visit.texts.date(A_MONDAY + timedelta(days=day), "E") for day in range(7)]
