"""Closures: dates on which a branch, or every branch, takes no bookings."""

from collections.abc import Sequence
from datetime import date

from slotkeeper.domain.model import Closure
from slotkeeper.store.database import SQL, Connection, Row
from slotkeeper.store.rows import id_of, key_of

_TOUCHING = SQL("""
    SELECT closure_id, branch_id, date_from, date_to, reason, source, created_at
    FROM closures
    WHERE org_id = :org_id AND date_to >= :date_from AND date_from <= :date_to
    ORDER BY date_from, closure_id
""")

_FILTERS = """
    FROM closures
    WHERE org_id = :org_id AND date_to >= :date_from AND date_from <= :date_to
      AND (@absent(:branch_id UUID) OR branch_id IN (:branch_id, :every_branch))
"""

_PAGE = SQL(
    "SELECT closure_id, branch_id, date_from, date_to, reason, source, created_at"
    + _FILTERS
    + "ORDER BY date_from, date_to, closure_id LIMIT :limit OFFSET :skip"
)

_TOTAL = SQL("SELECT count(*)" + _FILTERS)

_BY_ID = SQL("""
    SELECT closure_id, branch_id, date_from, date_to, reason, source, created_at
    FROM closures
    WHERE org_id = :org_id AND closure_id = :closure_id
""")

_INSERT = SQL("""
    INSERT INTO closures (org_id, closure_id, branch_id, date_from, date_to, reason, source, created_at)
    @values(closure_id UUID, branch_id UUID, date_from DATE, date_to DATE, reason TEXT, source TEXT,
            created_at INSTANT)
""")

_DELETE = SQL("DELETE FROM closures WHERE org_id = :org_id AND closure_id = :closure_id")

_STANDING = SQL("""
    SELECT appointment_id, branch_id, date, wall_time
    FROM appointments @index(appointments_by_day)
    WHERE org_id = :org_id AND date BETWEEN :date_from AND :date_to
      AND status IN ('confirmed', 'rescheduled')
      AND (@absent(:branch_id UUID) OR branch_id = :branch_id)
    ORDER BY date, wall_time, appointment_id
""")


async def list_closures(tx: Connection, org_id: str, *, date_from: date, date_to: date) -> list[Closure]:
    """The closures that touch some dates, the earliest first."""
    rows = await tx.fetch(_TOUCHING, org_id=org_id, date_from=date_from.isoformat(), date_to=date_to.isoformat())
    return [_closure(row) for row in rows]


async def search_closures(
    tx: Connection, org_id: str, *, branch_id: str | None, date_from: date, date_to: date, limit: int, skip: int
) -> tuple[list[Closure], int]:
    """One page of the closures that touch some dates, of a branch those for every branch too; how many in all."""
    values = {
        "branch_id": branch_id,
        "every_branch": key_of(None),
        "date_from": date_from.isoformat(),
        "date_to": date_to.isoformat(),
    }
    total = await tx.fetch_one(_TOTAL, org_id=org_id, **values)
    rows = await tx.fetch(_PAGE, org_id=org_id, limit=limit, skip=skip, **values)
    return [_closure(row) for row in rows], 0 if total is None else total[0]


async def find_closure(tx: Connection, org_id: str, closure_id: str) -> Closure | None:
    """The closure of an id."""
    row = await tx.fetch_one(_BY_ID, org_id=org_id, closure_id=closure_id)
    return None if row is None else _closure(row)


async def insert_closures(tx: Connection, org_id: str, closures: Sequence[Closure]) -> None:
    """Store new closures; whoever calls brings the records in line."""
    rows = [
        (
            one.closure_id,
            key_of(one.branch_id),
            one.date_from.isoformat(),
            one.date_to.isoformat(),
            one.reason,
            one.source,
            one.created_at,
        )
        for one in closures
    ]
    await tx.insert(_INSERT, org_id, rows)


async def delete_closure(tx: Connection, org_id: str, closure_id: str) -> None:
    """Take a closure away; whoever calls brings the records in line."""
    await tx.execute(_DELETE, org_id=org_id, closure_id=closure_id)


async def list_standing(
    tx: Connection, org_id: str, *, branch_id: str | None, date_from: date, date_to: date
) -> list[tuple[str, str, date, str]]:
    """The appointments that are confirmed or rescheduled on some dates: id, branch, date, wall time; in their order."""
    rows = await tx.fetch(
        _STANDING, org_id=org_id, branch_id=branch_id, date_from=date_from.isoformat(), date_to=date_to.isoformat()
    )
    return [(one, branch, date.fromisoformat(on), wall_time) for one, branch, on, wall_time in rows]


def _closure(row: Row) -> Closure:
    closure_id, branch_id, first, last, *rest = row
    return Closure(closure_id, id_of(branch_id), date.fromisoformat(first), date.fromisoformat(last), *rest)
