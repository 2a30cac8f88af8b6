"""Schedule tracking records: regenerated on demand, rolled forward by the day (contract.md sections 4.2, 4.4)."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import SlotkeeperError, Unavailable
from slotkeeper.domain.model import Change, Regenerated
from slotkeeper.operations.acts import Act
from slotkeeper.operations.projection import Projected, Slice, list_slices, project, reach
from slotkeeper.store import directory
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.directory import Horizon
from slotkeeper.store.projection import Planned

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

_REASONS = {
    "make": "The window covers this date, and no record is stored.",
    "remove": "No enabled window covers this date, and no appointment, hold or override stands on it.",
    "close": "No enabled window covers this date, but an appointment, hold or override stands on it.",
}


async def regenerate(
    db: Database,
    caller: Caller,
    *,
    date_from: date,
    date_to: date,
    dry_run: bool,
    now: int,
    progress: Progress | None = None,
) -> Regenerated:
    """Bring all records from one date to another, both included, in line with the windows.

    Works in slices, each a transaction of its own, so that bookings go on beside it. A window-date that
    cannot be written counts as an error and the others still are. Raises Unavailable where the database
    takes no write at all. ``progress`` is told how many window-dates of how many are done.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id = caller.org_id
    act = Act(caller, "schedule.regenerate", f"{date_from}/{date_to}", now)
    await act.require_new(db)
    parts = await db.read_aside(lambda tx: list_slices(tx, org_id, branch_id=None, first=date_from, last=date_to))
    if dry_run:
        return await db.read_aside(lambda tx: _preview(tx, org_id, parts, now=now))
    total = sum(part.size for part in parts)
    result = Regenerated(0, 0, 0)
    for part in parts:
        result = _add(result, await _regenerate(db, act, part, first=result.processed == 0))
        if progress is not None:
            progress(result.processed, total)
    return result if caller.once is None else await act.write(db, lambda tx: _answer(tx, result))


async def _answer(_: Connection, result: Regenerated) -> Regenerated:
    """What is left to be done when all slices are: nothing but to keep the answer."""
    return result


async def _preview(tx: Connection, org_id: str, parts: Sequence[Slice], *, now: int) -> Regenerated:
    result = Regenerated(0, 0, 0)
    for part in parts:
        projected = await project(tx, org_id, part, now=now, dry_run=True)
        changes = tuple(_change(item) for item in projected.planned if item.change != "keep")
        result = _add(result, _result(projected)._replace(changes=changes))
    return result._replace(changes=tuple(sorted(result.changes, key=lambda change: (change.date, change.calendar_id))))


async def _regenerate(db: Database, act: Act, part: Slice, *, first: bool) -> Regenerated:
    """One slice; a row that the database refuses is found by halving, so that it stands alone."""
    try:
        return _result(await db.write(lambda tx: _project(tx, act, part)))
    except Unavailable:
        if first:
            raise
        return Regenerated(0, await _count(db, act, part), 0)
    except SlotkeeperError as error:
        halves = _halve(part)
        if not halves:
            log.error("the record of %s on %s could not be written: %s", part.calendar_ids[0], part.first, error)  # noqa: TRY400 (the reason is enough)
            return Regenerated(0, 1, 0)
    result = Regenerated(0, 0, 0)
    for half in halves:
        result = _add(result, await _regenerate(db, act, half, first=False))
    return result


async def _project(tx: Connection, act: Act, part: Slice) -> Projected:
    """One slice with its entry in the audit trail, if it changes anything."""
    await directory.lock_organization(tx, act.caller.org_id)
    projected = await project(tx, act.caller.org_id, part, now=act.now)
    counts = Counter(item.change for item in projected.planned if item.change != "keep")
    if counts:
        await act.note(tx, None, {"windows": len(part.calendar_ids), **counts})
    return projected


async def _count(db: Database, act: Act, part: Slice) -> int:
    """How many window-dates a slice has that could not be written."""
    org_id, now = act.caller.org_id, act.now
    return _result(await db.read_aside(lambda tx: project(tx, org_id, part, now=now, dry_run=True))).processed


def _halve(part: Slice) -> list[Slice]:
    """Two slices that make up a larger one; none where it is a single window-date."""
    ids, days = part.calendar_ids, (part.last - part.first).days
    if len(ids) > 1:
        middle = len(ids) // 2
        return [part._replace(calendar_ids=ids[:middle]), part._replace(calendar_ids=ids[middle:])]
    if days > 0:
        split = part.first + timedelta(days=days // 2)
        return [part._replace(last=split), part._replace(first=split + timedelta(days=1))]
    return []


def _result(projected: Projected) -> Regenerated:
    """The counters: all wanted ones are right now, unwanted ones are gone (upserted too) or kept (skipped)."""
    changes = [item.change for item in projected.planned]
    return Regenerated(
        skipped=changes.count("close") + changes.count("keep"),
        errors=0,
        upserted=projected.wanted + changes.count("remove"),
    )


def _change(item: Planned) -> Change:
    reason = _REASONS.get(item.change)
    if reason is None:
        names = item.differs.rstrip(",").replace(",", ", ")
        reason = (
            f"The record differs from its window in {names}."
            if names
            else "The record's counts or status differ from what its appointments and the calendar say."
        )
    return Change(item.calendar_id, item.date, item.change, reason)


def _add(one: Regenerated, other: Regenerated) -> Regenerated:
    return Regenerated(
        one.skipped + other.skipped,
        one.errors + other.errors,
        one.upserted + other.upserted,
        one.changes + other.changes,
    )


async def roll_forward(db: Database, *, now: int) -> int:
    """Make the records that the horizon of every branch asks for by now; how many were made.

    Cheap where nothing is to be done, so that it can be asked every few seconds. A branch whose records cannot
    be made is logged, and the others still get theirs.
    """
    made = 0
    for horizon in await db.read(directory.list_horizons):
        last = reach(horizon, now=now)
        if last <= horizon.projected_to <= last + timedelta(days=1):  # a day more: another server is past midnight
            continue
        try:
            made += await roll_branch(db, horizon, now=now)
        except Exception:
            log.exception("the records of branch %s could not be rolled forward", horizon.branch_id)
    return made


async def _roll(tx: Connection, *, org_id: str, part: Slice, now: int) -> Projected:
    await directory.lock_organization(tx, org_id)
    return await project(tx, org_id, part, now=now)


async def roll_branch(db: Database, horizon: Horizon, *, now: int) -> int:
    """Make the records of one branch up to its horizon, in slices; how many were made."""
    org_id, branch_id = horizon.org_id, horizon.branch_id
    on, last = today(now, horizon.timezone), reach(horizon, now=now)
    # Records that reach too far say that a clock was wrong; what they say of the dates up to there is not trusted.
    first = on if horizon.projected_to > last else max(horizon.projected_to + timedelta(days=1), on)
    rev = await db.read(lambda tx: directory.get_config_rev(tx, org_id))
    parts = await db.read(lambda tx: list_slices(tx, org_id, branch_id=branch_id, first=first, last=last))
    made = 0
    for part in parts:
        projected = await db.write(partial(_roll, org_id=org_id, part=part, now=now))
        made += sum(item.change == "make" for item in projected.planned)

    async def finish(tx: Connection) -> None:
        # A window that came or changed meanwhile may lack the new dates; then the next round does them. One that is
        # being changed is waited for: it, too, goes by how far the branch is rolled.
        await directory.lock_organization(tx, org_id)
        if await directory.get_config_rev(tx, org_id) == rev:
            await directory.set_projected(tx, org_id, branch_id, last)

    await db.write(finish)
    return made
