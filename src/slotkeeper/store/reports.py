"""Sums over many days, each with one statement: how full they were, who booked, who found no room."""

from datetime import date

from slotkeeper.domain.capacity import Filled
from slotkeeper.store.database import SQL, Connection
from slotkeeper.store.rows import key_of

# A closed window-date, and one whose limit was lowered below what was filled, has as many places as are filled.
# What one service may at most take is left out: it limits nobody else.
_PLACES = """
    sum(CASE
        WHEN d.covered AND coalesce(o.status, 'OPEN') = 'OPEN' AND coalesce(o.max_slots, d.max_slots) > d.filled
        THEN coalesce(o.max_slots, d.max_slots) ELSE d.filled
    END),
    sum(d.filled)
    FROM days d
    LEFT JOIN overrides o ON o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id
                         AND o.service_id = :every_service
    WHERE d.org_id = :org_id AND d.date BETWEEN :first AND :last
"""

_BY_SESSION = SQL(
    "SELECT d.branch_id, d.session, d.weekday,"
    + _PLACES
    + "GROUP BY d.branch_id, d.session, d.weekday ORDER BY d.branch_id, d.session, d.weekday"
)

_BY_DATE = SQL("SELECT d.date," + _PLACES + "GROUP BY d.date ORDER BY d.date")

_BY_CHANNEL = SQL("""
    SELECT a.date, a.channel, count(*)
    FROM appointments a
    WHERE a.org_id = :org_id AND a.date BETWEEN :first AND :last AND a.status <> 'cancelled'
    GROUP BY a.date, a.channel
    ORDER BY a.date, a.channel
""")

# Zones differ by quarters of an hour: whoever knows the zone makes days of them.
_REFUSED = SQL("""
    SELECT a.at / 900000, count(*)
    FROM audit a
    WHERE a.org_id = :org_id AND a.at BETWEEN :first AND :last
      AND a.action = :action AND a.outcome = 'refused' AND a.after LIKE :told
    GROUP BY a.at / 900000
    ORDER BY 1
""")
QUARTER = 900_000
"""A quarter of an hour in milliseconds."""


async def sum_by_session(tx: Connection, org_id: str, *, first: date, last: date) -> dict[tuple[str, str, int], Filled]:
    """The places of a range of dates by branch, session and weekday (0 for Monday)."""
    rows = await tx.fetch(_BY_SESSION, org_id=org_id, **_range(first, last), every_service=key_of(None))
    return {(branch_id, session, weekday): Filled(*counts) for branch_id, session, weekday, *counts in rows}


async def sum_by_date(tx: Connection, org_id: str, *, first: date, last: date) -> dict[date, Filled]:
    """The places of each date of a range that has a record."""
    rows = await tx.fetch(_BY_DATE, org_id=org_id, **_range(first, last), every_service=key_of(None))
    return {date.fromisoformat(on): Filled(*counts) for on, *counts in rows}


async def count_by_channel(tx: Connection, org_id: str, *, first: date, last: date) -> dict[tuple[date, str], int]:
    """How many appointments stand on each date of a range, by the channel that booked them."""
    rows = await tx.fetch(_BY_CHANNEL, org_id=org_id, **_range(first, last))
    return {(date.fromisoformat(on), channel): count for on, channel, count in rows}


async def count_refused(
    tx: Connection, org_id: str, *, action: str, code: str, first: int, last: int
) -> dict[int, int]:
    """How often an action was refused with a code, by the instant at which a quarter of an hour begins."""
    rows = await tx.fetch(_REFUSED, org_id=org_id, action=action, told=f'{{"code":"{code}"%', first=first, last=last)
    return {quarter * QUARTER: count for quarter, count in rows}


def _range(first: date, last: date) -> dict[str, str]:
    return {"first": first.isoformat(), "last": last.isoformat()}
