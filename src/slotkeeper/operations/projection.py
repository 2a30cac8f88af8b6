"""Bringing the stored records in line with the windows: one way for all who need it.

Regenerate, the daily roll forward, a changed window and a booking far ahead differ only in which
windows and dates they ask for.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain.calendar import count_weekday, covers, today, wanted_dates, wants
from slotkeeper.domain.model import Window
from slotkeeper.domain.slot_ids import LAST_YEAR
from slotkeeper.store import directory, projection, windows
from slotkeeper.store.closures import list_closures
from slotkeeper.store.database import Connection
from slotkeeper.store.directory import Horizon
from slotkeeper.store.projection import Planned, Wanted

SLICE = 250
"""How many window-dates one transaction touches at most: on SQLite all other writes wait for some milliseconds then."""

LAST_DATE = date(LAST_YEAR, 12, 31)


class Slice(NamedTuple):
    """Some windows over some dates, ``size`` window-dates in all, wanted or stored."""

    calendar_ids: tuple[str, ...]
    first: date
    last: date
    size: int


class Projected(NamedTuple):
    """What a projection did, or would do: every difference, and how many window-dates are wanted."""

    planned: list[Planned]
    wanted: int


async def project(
    tx: Connection, org_id: str, part: Slice, *, now: int, beyond: date | None = None, dry_run: bool = False
) -> Projected:
    """Make the stored records of some windows and dates what the windows say (contract.md section 4.4).

    Records already stored after the last date are brought in line too, up to ``beyond``.
    """
    found = await windows.get_windows(tx, org_id, part.calendar_ids, lock=not dry_run)
    dates = [(window, on) for window in found for on in wanted_dates(window, part.first, part.last)]
    if beyond is not None:
        by_id = {window.calendar_id: window for window in found}
        stored = await projection.list_dates_after(tx, org_id, part.calendar_ids, part.last, last=beyond)
        dates += [(by_id[calendar_id], on) for calendar_id, on in stored if wants(by_id[calendar_id], on)]
    last = max(part.last, beyond or part.last)
    wanted = await _wanted(tx, org_id, dates, first=part.first, last=last)
    planned = await projection.plan(
        tx,
        org_id,
        calendar_ids=part.calendar_ids,
        wanted=wanted,
        date_from=part.first,
        date_to=last,
        now=now,
        lock=not dry_run,
    )
    if not dry_run:
        await projection.apply(tx, org_id, planned, now=now)
        if any(item.change == "remove" for item in planned):
            await directory.touch(tx, org_id)  # its revision is gone from the sum that proves a kept reply fresh
    return Projected(planned, len(wanted))


async def _wanted(
    tx: Connection, org_id: str, dates: Sequence[tuple[Window, date]], *, first: date, last: date
) -> list[Wanted]:
    closures = await list_closures(tx, org_id, date_from=first, date_to=last)
    zones = await directory.list_zones(tx, org_id)
    return [
        Wanted(window.calendar_id, on, covers(window, on, closures=closures, timezone=zones[window.branch_id]))
        for window, on in dates
    ]


async def reproject(tx: Connection, org_id: str, calendar_ids: Sequence[str], branch_id: str, *, now: int) -> None:
    """Bring the records of some windows of a branch in line from its today on, in this transaction.

    The records reach as far as the branch's horizon asks for, or a day further where another server, whose
    clock is ahead, has rolled the branch past midnight.
    """
    horizon = await directory.get_horizon(tx, org_id, branch_id)
    first = today(now, horizon.timezone)
    asked = reach(horizon, now=now)
    last = max(asked, min(horizon.projected_to, asked + timedelta(days=1)))
    await project(tx, org_id, Slice(tuple(calendar_ids), first, last, 0), now=now, beyond=LAST_DATE)


async def project_date(tx: Connection, org_id: str, calendar_id: str, on: date, *, now: int) -> None:
    """Make the record of a window on one date on the spot, where the window wants it."""
    await project(tx, org_id, Slice((calendar_id,), on, on, 1), now=now)


def reach(horizon: Horizon, *, now: int) -> date:
    """The last date that a branch's horizon asks records for."""
    return min(today(now, horizon.timezone) + timedelta(days=horizon.horizon_days), LAST_DATE)


async def list_slices(
    tx: Connection, org_id: str, *, branch_id: str | None, first: date, last: date, beyond: bool = False
) -> list[Slice]:
    """The windows of an organization or a branch over some dates, in slices of at most SLICE window-dates.

    Windows with no date there are left out, unless records beyond the last date count too.
    """
    sizes = await windows.list_sizes(tx, org_id, branch_id=branch_id, date_from=first, date_to=last)
    counted = [
        (calendar_id, leftover + (count_weekday(weekday, first, last) if enabled else 0))
        for calendar_id, weekday, enabled, leftover in sizes
    ]
    return list(_slices([(calendar_id, size) for calendar_id, size in counted if size or beyond], first, last))


def _slices(sizes: Iterable[tuple[str, int]], first: date, last: date) -> Iterator[Slice]:
    calendar_ids: list[str] = []
    total = 0
    for calendar_id, size in sizes:
        if calendar_ids and total + size > SLICE:
            yield Slice(tuple(calendar_ids), first, last, total)
            calendar_ids, total = [], 0
        calendar_ids.append(calendar_id)
        total += size
    if calendar_ids:
        yield Slice(tuple(calendar_ids), first, last, total)
