"""Holds: places kept for a while. One that ran out counts for nothing, whether or not its row was buried yet."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.model import Channel, Hold
from slotkeeper.store.database import SQL, Connection, Row, Value, pack

_BY_ID = SQL("""
    SELECT h.hold_id, h.calendar_id, h.date, h.service_id, d.branch_id, d.session, d.batch, d.start_time, d.end_time,
           h.channel, h.key_id, h.wall_time, h.expires_at, h.created_at
    FROM @rows(:holds, hold_id UUID) i CROSS JOIN holds h CROSS JOIN days d
    WHERE h.org_id = :org_id AND h.hold_id = i.hold_id
      AND d.org_id = :org_id AND d.date = h.date AND d.calendar_id = h.calendar_id
""")

_INSERT = SQL("""
    INSERT INTO holds (
        org_id, hold_id, date, calendar_id, service_id, channel, key_id, wall_time, expires_at, created_at
    )
    @values(hold_id UUID, date DATE, calendar_id UUID, service_id UUID, channel TEXT, key_id UUID, wall_time TEXT,
            expires_at INSTANT, created_at INSTANT)
""")

_DELETE = SQL("DELETE FROM holds @each(hold_id UUID) WHERE org_id = :org_id AND hold_id = :hold_id")

_EXTEND = SQL("UPDATE holds SET expires_at = :expires_at WHERE org_id = :org_id AND hold_id = :hold_id")

_BURY = SQL("""
    DELETE FROM holds
    WHERE org_id = :org_id AND expires_at <= :now AND (date, calendar_id) IN (
        SELECT date, calendar_id FROM @rows(:places, date DATE, calendar_id UUID) AS p
    )
    RETURNING date, calendar_id
""")

_BURIED = SQL("""
    UPDATE days SET held = held - :buried, rev = rev + 1
    @each(date DATE, calendar_id UUID, buried INTEGER)
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id
""")

_LOCK_KEYS = SQL("""
    SELECT a.key_id
    FROM @rows(:keys, key_id UUID) k CROSS JOIN api_keys a
    WHERE a.org_id = :org_id AND a.key_id = k.key_id
    ORDER BY a.key_id
    @lock
""")

_LIVE = SQL("""
    SELECT h.key_id, count(*), min(h.expires_at)
    FROM @rows(:keys, key_id UUID) k CROSS JOIN holds h
    WHERE h.org_id = :org_id AND h.key_id = k.key_id AND h.expires_at > :now
    GROUP BY h.key_id
""")


class Live(NamedTuple):
    """How many live holds a key keeps, and when the first of them ends."""

    holds: int
    first_end: int


async def get_holds(tx: Connection, org_id: str, hold_ids: Collection[str]) -> dict[str, Hold]:
    """Those of some holds that are stored, live or dead, by id."""
    rows = await tx.fetch(_BY_ID, org_id=org_id, holds=pack([(hold_id,) for hold_id in sorted(hold_ids)]))
    return {row[0]: _hold(row) for row in rows}


async def insert_holds(tx: Connection, org_id: str, holds: Sequence[Hold]) -> None:
    """Store new holds; whoever calls changes the counts in the same transaction."""
    rows = [
        (
            hold.hold_id,
            hold.date.isoformat(),
            hold.calendar_id,
            hold.service_id,
            hold.channel,
            hold.key_id,
            hold.wall_time,
            hold.expires_at,
            hold.created_at,
        )
        for hold in holds
    ]
    await tx.insert(_INSERT, org_id, rows)


async def delete_holds(tx: Connection, org_id: str, hold_ids: Collection[str]) -> None:
    """Take some holds away; whoever calls changes the counts in the same transaction."""
    await tx.execute_each(_DELETE, [{"org_id": org_id, "hold_id": hold_id} for hold_id in sorted(hold_ids)])


async def extend_hold(tx: Connection, org_id: str, hold_id: str, *, expires_at: int) -> None:
    """Let a hold end at another instant; whoever calls moves its window-date's revision on."""
    await tx.execute(_EXTEND, org_id=org_id, hold_id=hold_id, expires_at=expires_at)


async def bury(
    tx: Connection, org_id: str, places: Collection[tuple[date, str]], *, now: int
) -> Counter[tuple[str, str]]:
    """Take the dead holds of some locked window-dates away and out of their counts; how many of each."""
    packed = pack(sorted(places))
    buried = Counter(
        (on, calendar_id) for on, calendar_id in await tx.fetch(_BURY, org_id=org_id, places=packed, now=now)
    )
    rows: list[dict[str, Value]] = [
        {"org_id": org_id, "date": on, "calendar_id": calendar_id, "buried": number}
        for (on, calendar_id), number in sorted(buried.items())
    ]
    if rows:
        await tx.execute_each(_BURIED, rows)
    return buried


async def lock_keys(tx: Connection, org_id: str, key_ids: Collection[str], *, now: int) -> dict[str, Live]:
    """Keep some keys from taking holds until the transaction ends; the live holds of those that have any."""
    keys = pack([(key_id,) for key_id in sorted(key_ids)])
    await tx.lock(_LOCK_KEYS, org_id=org_id, keys=keys)
    rows = await tx.fetch(_LIVE, org_id=org_id, keys=keys, now=now)
    return {key_id: Live(number, first_end) for key_id, number, first_end in rows}


def _hold(row: Row) -> Hold:
    hold_id, calendar_id, on, service_id, branch_id, session, batch, start, end, channel, *rest = row
    return Hold(
        hold_id,
        calendar_id,
        date.fromisoformat(on),
        service_id,
        branch_id,
        session,
        batch or None,
        start,
        end,
        Channel(channel),
        *rest,
    )
