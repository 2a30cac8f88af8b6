"""Closures: dates on which a branch, or every branch, takes no bookings (contract.md sections 2 and 8).

Making or removing one brings the stored records of its dates in line, in the same transaction. Of a closure and
a booking that race, one comes first: the booking stays and is among those affected, or it is refused.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import instant_of, today
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import Branch, Closure
from slotkeeper.domain.ranges import require_order
from slotkeeper.domain.slot_ids import FIRST_YEAR
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.directory import pick
from slotkeeper.operations.ids import new_id
from slotkeeper.operations.projection import LAST_DATE, list_slices, project, reach
from slotkeeper.store import closures as store
from slotkeeper.store import directory
from slotkeeper.store.database import Connection, Database

EVERY = 10**9
"""More closures than anybody has."""


class NewClosure(NamedTuple):
    """A closure to be made, from one date to another, both included; ``branch_id`` None closes every branch."""

    branch_id: str | None
    date_from: date
    date_to: date
    reason: str


class Closed(NamedTuple):
    """What closing did or would do: closures made, how many were there already, and the appointments in the way."""

    made: list[Closure]
    unchanged: int
    affected: list[str]


async def create_closure(db: Database, caller: Caller, new: NewClosure, *, source: str, now: int) -> Closure:
    """Close some dates; ``source`` says who asked.

    Raises InvalidInput for an end before the beginning, NotFound for an unknown branch.
    """
    caller.require(Scope.SLOTS_WRITE)
    act = Act(caller, "closures.create", None, now, {"date": new.date_from})

    async def work(tx: Connection) -> Closure:
        (closure,) = await _close(tx, act, [new], source=source)
        return closure

    return await act.write(db, work, alone=True)


async def preview_closure(db: Database, caller: Caller, new: NewClosure, *, now: int) -> list[str]:
    """The appointments still to come that a closure would leave on closed dates. Raises as ``create_closure``."""
    caller.require(Scope.SLOTS_WRITE)

    async def work(tx: Connection) -> list[str]:
        _check(new, await directory.list_branches(tx, caller.org_id))
        return await _affected(tx, caller.org_id, [new], now=now)

    return await db.read_aside(work)


async def import_closures(
    db: Database, caller: Caller, wanted: Sequence[NewClosure], *, source: str, dry_run: bool, now: int
) -> Closed:
    """Make those of some closures that are not there yet: with the same branch, dates and reason. All or none."""
    caller.require(Scope.SLOTS_WRITE)
    act = Act(caller, "closures.create", None, now)

    async def look(tx: Connection) -> tuple[list[NewClosure], list[str]]:
        known, _ = await store.search_closures(
            tx,
            caller.org_id,
            branch_id=None,
            date_from=date(FIRST_YEAR, 1, 1),
            date_to=LAST_DATE,
            limit=EVERY,
            skip=0,
        )
        there = {NewClosure(*one[1:5]) for one in known}
        missing = [one for one in dict.fromkeys(wanted) if one not in there]
        return missing, await _affected(tx, caller.org_id, missing, now=now)

    async def work(tx: Connection) -> Closed:
        missing, affected = await look(tx)
        made = await _close(tx, act, missing, source=source)
        return Closed(made, len(wanted) - len(made), affected)

    if not dry_run:
        return await act.write(db, work, alone=True)
    missing, affected = await db.read_aside(look)
    would = [Closure("", *one, source, now) for one in missing]
    return Closed(would, len(wanted) - len(would), affected)


async def list_closures(
    db: Database,
    caller: Caller,
    *,
    branch_id: str | None,
    date_from: date | None,
    date_to: date | None,
    page: int,
    limit: int,
) -> tuple[list[Closure], int]:
    """One page (from 1) of the closures that touch some dates, the earliest first, and how many there are in all.

    With a branch, those that close it: its own, and those for every branch.
    """
    caller.require(Scope.SLOTS_READ)
    return await db.read(
        lambda tx: store.search_closures(
            tx,
            caller.org_id,
            branch_id=branch_id,
            date_from=date_from or date(FIRST_YEAR, 1, 1),
            date_to=date_to or LAST_DATE,
            limit=limit,
            skip=(page - 1) * limit,
        )
    )


async def get_closure(db: Database, caller: Caller, closure_id: str) -> Closure:
    """The closure of an id. Raises NotFound."""
    caller.require(Scope.SLOTS_READ)
    return await db.read(lambda tx: _require(tx, caller.org_id, closure_id))


async def delete_closure(db: Database, caller: Caller, closure_id: str, *, now: int) -> None:
    """Open its dates again, as far as nothing else closes them. Raises NotFound."""
    caller.require(Scope.SLOTS_WRITE)
    act = Act(caller, "closures.delete", closure_id, now)

    async def work(tx: Connection) -> None:
        closure = await _require(tx, caller.org_id, closure_id)
        await store.delete_closure(tx, caller.org_id, closure_id)
        await act.note(tx, *changed(closure, None))
        await _reproject(tx, caller.org_id, closure.branch_id, closure.date_from, closure.date_to, now=now)

    await act.write(db, work, alone=True)


async def _require(tx: Connection, org_id: str, closure_id: str) -> Closure:
    closure = await store.find_closure(tx, org_id, closure_id)
    if closure is None:
        raise NotFound(
            f"This organization has no closure with the id {closure_id}; 'GET /v1/closures' lists those that it has."
        )
    return closure


async def _close(tx: Connection, act: Act, new: Iterable[NewClosure], *, source: str) -> list[Closure]:
    """Make some closures, each with its entry in the audit trail; the records follow."""
    org_id = act.caller.org_id
    branches = await directory.list_branches(tx, org_id)
    made = []
    for one in new:
        _check(one, branches)
        closure = Closure(new_id(), *one, source, act.now)
        await store.insert_closures(tx, org_id, [closure])
        await act.note(tx, *changed(None, closure), subject=closure.closure_id)
        await _reproject(tx, org_id, one.branch_id, one.date_from, one.date_to, now=act.now)
        made.append(closure)
    return made


def _check(new: NewClosure, branches: Sequence[Branch]) -> None:
    if new.branch_id is not None:
        pick(branches, new.branch_id, "branch")
    require_order(new.date_from, new.date_to)


async def _affected(tx: Connection, org_id: str, closures: Iterable[NewClosure], *, now: int) -> list[str]:
    """The appointments still to come on the dates of some closures, each once, by date and time."""
    zones = await directory.list_zones(tx, org_id)
    found = {
        (on, wall_time, appointment_id)
        for one in closures
        for appointment_id, branch_id, on, wall_time in await store.list_standing(
            tx, org_id, branch_id=one.branch_id, date_from=one.date_from, date_to=one.date_to
        )
        if instant_of(on, wall_time, zones[branch_id]) >= now
    }
    return [appointment_id for _, _, appointment_id in sorted(found)]


async def _reproject(
    tx: Connection, org_id: str, branch_id: str | None, date_from: date, date_to: date, *, now: int
) -> None:
    """Bring the records of some dates in line, from each branch's today on; past ones stay as they were."""
    await directory.touch(tx, org_id)  # availability reads closures where no record is stored
    branches = await directory.list_branches(tx, org_id)
    for branch in sorted(branches, key=lambda branch: branch.branch_id):
        if branch_id not in (None, branch.branch_id):
            continue
        horizon = await directory.get_horizon(tx, org_id, branch.branch_id)
        first = max(date_from, today(now, horizon.timezone))
        if first > date_to:
            continue
        # Up to the horizon all records are there; beyond it only some, which are sought by themselves.
        last = max(min(date_to, reach(horizon, now=now)), first - timedelta(days=1))
        parts = await list_slices(tx, org_id, branch_id=branch.branch_id, first=first, last=last, beyond=True)
        for part in parts:
            await project(tx, org_id, part, now=now, beyond=date_to)
