"""The set-wise projection of windows onto dates: what is wanted against what is stored, recounted.

Only differences leave the database, and each is applied with its like in one statement.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.store.database import SQL, Connection, Rows, Value, pack


class Wanted(NamedTuple):
    """A window-date that an enabled window wants; ``covered`` unless a closure or a skipped hour stands on it."""

    calendar_id: str
    date: date
    covered: bool


class Planned(NamedTuple):
    """A window-date whose stored row is not what it should be, or that nobody wants any more.

    ``change``: ``make``, ``write``, ``remove``, ``close``, or ``keep`` for a row that already is as it should be.
    ``differs`` names the columns that are not what the window says.
    """

    change: str
    calendar_id: str
    date: date
    covered: bool
    filled: int
    held: int
    overridden: bool
    differs: str


# A wanted date is compared with its own row; what is right already stays inside the database. Materialized, or
# SQLite would count the appointments once for the comparison and once more for the answer.
_WANTED = SQL("""
    WITH compared AS MATERIALIZED (
        SELECT CASE WHEN d.calendar_id IS NULL THEN 'make' ELSE 'write' END AS change,
               k.calendar_id AS calendar_id, k.date AS date, k.covered AS covered,
               coalesce((
                   SELECT count(*) FROM appointments a
                   WHERE a.org_id = :org_id AND a.date = d.date AND a.calendar_id = d.calendar_id
                     AND a.status <> 'cancelled'
               ), 0) AS filled,
               coalesce((
                   SELECT count(*) FROM holds h
                   WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
                     AND h.expires_at > :now
               ), 0) AS held,
               EXISTS (
                   SELECT 1 FROM overrides o
                   WHERE o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id
               ) AS overridden,
               CASE WHEN d.branch_id <> w.branch_id THEN 'branch_id,' ELSE '' END
               || CASE WHEN d.weekday <> w.weekday THEN 'day,' ELSE '' END
               || CASE WHEN d.session <> w.session THEN 'session,' ELSE '' END
               || CASE WHEN d.batch <> w.batch THEN 'batch,' ELSE '' END
               || CASE WHEN d.start_time <> w.start_time THEN 'start_time,' ELSE '' END
               || CASE WHEN d.end_time <> w.end_time THEN 'end_time,' ELSE '' END
               || CASE WHEN d.service_id <> w.service_id THEN 'appointment_type,' ELSE '' END
               || CASE WHEN d.max_slots <> w.max_slots THEN 'max_slots,' ELSE '' END
               || CASE WHEN coalesce(d.ai_slots, -1) <> coalesce(w.ai_slots, -1) THEN 'ai_slots,' ELSE '' END
               AS differs,
               d.covered AS was_covered, d.filled AS was_filled, d.held AS was_held, d.overridden AS was_overridden
        FROM @rows(:wanted, calendar_id UUID, date DATE, covered BOOLEAN) k
        CROSS JOIN windows w
        LEFT JOIN days d ON d.org_id = :org_id AND d.date = k.date AND d.calendar_id = k.calendar_id
        WHERE w.org_id = :org_id AND w.calendar_id = k.calendar_id
    )
    SELECT change, calendar_id, date, covered, filled, held, overridden, differs
    FROM compared
    WHERE change = 'make' OR differs <> '' OR covered <> was_covered OR filled <> was_filled OR held <> was_held
       OR overridden <> was_overridden
""")

# A stored date that its window does not want stays as long as anything stands on it, CLOSED. ``k`` finds
# those few by an index alone, and ``d`` is the row itself.
_UNWANTED = SQL("""
    SELECT calendar_id, date, was_covered, was_filled, was_held, was_overridden, filled, held, overridden, booked
    FROM (
        SELECT d.calendar_id AS calendar_id, d.date AS date, d.covered AS was_covered, d.filled AS was_filled,
               d.held AS was_held, d.overridden AS was_overridden,
               (SELECT count(*) FROM appointments a
                WHERE a.org_id = :org_id AND a.date = d.date AND a.calendar_id = d.calendar_id
                  AND a.status <> 'cancelled') AS filled,
               (SELECT count(*) FROM holds h
                WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
                  AND h.expires_at > :now) AS held,
               EXISTS (SELECT 1 FROM overrides o
                WHERE o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id) AS overridden,
               EXISTS (SELECT 1 FROM appointments a
                WHERE a.org_id = :org_id AND a.date = d.date AND a.calendar_id = d.calendar_id) AS booked
        FROM @rows(:calendars, calendar_id UUID) c
        CROSS JOIN windows w
        CROSS JOIN days k
        CROSS JOIN days d
        WHERE w.org_id = :org_id AND w.calendar_id = c.calendar_id
          AND k.org_id = :org_id AND k.calendar_id = c.calendar_id AND k.date BETWEEN :date_from AND :date_to
          AND NOT (w.enabled AND k.weekday = w.weekday)
          AND d.org_id = :org_id AND d.date = k.date AND d.calendar_id = k.calendar_id
    ) AS leftover
""")

_LOCK = SQL("""
    SELECT d.date, d.calendar_id
    FROM @rows(:calendars, calendar_id UUID) c CROSS JOIN days d
    WHERE d.org_id = :org_id AND d.calendar_id = c.calendar_id AND d.date BETWEEN :date_from AND :date_to
    ORDER BY d.date, d.calendar_id
    @lock
""")

_DATES_AFTER = SQL("""
    SELECT d.calendar_id, d.date
    FROM @rows(:calendars, calendar_id UUID) c CROSS JOIN days d
    WHERE d.org_id = :org_id AND d.calendar_id = c.calendar_id AND d.date > :after AND d.date <= :last
""")

_BURY = SQL("""
    DELETE FROM holds
    WHERE org_id = :org_id AND date BETWEEN :date_from AND :date_to AND expires_at <= :now
      AND calendar_id IN (SELECT calendar_id FROM @rows(:calendars, calendar_id UUID) AS c)
""")

_REMOVE = SQL("""
    DELETE FROM days
    WHERE org_id = :org_id AND (date, calendar_id) IN (
        SELECT date, calendar_id FROM @rows(:places, date DATE, calendar_id UUID) AS p
    )
""")

_WRITE = SQL("""
    INSERT INTO days (
        org_id, date, calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots,
        ai_slots, covered, overridden, filled, held, next_token, rev
    )
    SELECT w.org_id, p.date, p.calendar_id, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time,
           w.service_id, w.max_slots, w.ai_slots, p.covered, p.overridden, p.filled, p.held, 1, 1
    FROM @rows(:places, date DATE, calendar_id UUID, covered BOOLEAN, overridden BOOLEAN, filled INTEGER,
               held INTEGER) p
    CROSS JOIN windows w
    WHERE w.org_id = :org_id AND w.calendar_id = p.calendar_id
    ON CONFLICT (org_id, date, calendar_id) DO UPDATE SET
        branch_id = excluded.branch_id, weekday = excluded.weekday, session = excluded.session,
        batch = excluded.batch, start_time = excluded.start_time, end_time = excluded.end_time,
        service_id = excluded.service_id, max_slots = excluded.max_slots, ai_slots = excluded.ai_slots,
        covered = excluded.covered, overridden = excluded.overridden, filled = excluded.filled, held = excluded.held,
        rev = days.rev + 1
""")

_CLOSE = SQL("""
    UPDATE days SET
        covered = FALSE, overridden = :overridden, filled = :filled, held = :held, rev = rev + 1
    @each(date DATE, calendar_id UUID, overridden BOOLEAN, filled INTEGER, held INTEGER)
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id
""")


async def list_dates_after(
    tx: Connection, org_id: str, calendar_ids: Sequence[str], after: date, *, last: date
) -> list[tuple[str, date]]:
    """The stored dates of some windows after a date, up to a last one: made on the spot, beyond the horizon."""
    calendars = pack([(calendar_id,) for calendar_id in calendar_ids])
    rows = await tx.fetch(
        _DATES_AFTER, org_id=org_id, calendars=calendars, after=after.isoformat(), last=last.isoformat()
    )
    return [(calendar_id, date.fromisoformat(on)) for calendar_id, on in rows]


async def plan(
    tx: Connection,
    org_id: str,
    *,
    calendar_ids: Sequence[str],
    wanted: Iterable[Wanted],
    date_from: date,
    date_to: date,
    now: int,
    lock: bool,
) -> list[Planned]:
    """What is to be done so that the stored rows of some windows, from one date to another, are as they should be.

    ``wanted`` is all that those windows want there. With ``lock`` the rows stay as they are until the
    transaction ends; the counts are taken after that.
    """
    span: dict[str, Value] = {"org_id": org_id, "calendars": pack([(calendar_id,) for calendar_id in calendar_ids])}
    dates = {"date_from": date_from.isoformat(), "date_to": date_to.isoformat()}
    if lock:
        await tx.lock(_LOCK, **span, **dates)
    packed = pack([(item.calendar_id, item.date.isoformat(), item.covered) for item in wanted])
    planned = [
        Planned(change, calendar_id, date.fromisoformat(on), bool(covered), filled, held, bool(overridden), differs)
        for change, calendar_id, on, covered, filled, held, overridden, differs in await tx.fetch(
            _WANTED, org_id=org_id, wanted=packed, now=now
        )
    ]
    for row in await tx.fetch(_UNWANTED, now=now, **span, **dates):
        calendar_id, on, was_covered, was_filled, was_held, was_overridden, filled, held, overridden, booked = row
        if not (booked or held or overridden):
            change = "remove"
        elif was_covered or (was_filled, was_held, was_overridden) != (filled, held, overridden):
            change = "close"
        else:
            change = "keep"
        planned.append(Planned(change, calendar_id, date.fromisoformat(on), False, filled, held, bool(overridden), ""))
    return planned


async def apply(tx: Connection, org_id: str, planned: Sequence[Planned], *, now: int) -> None:
    """Make the stored rows what a plan of the same transaction says; holds that ran out are buried first."""
    touched = [item for item in planned if item.change != "keep"]
    if not touched:
        return
    dates = [item.date for item in touched]
    await tx.execute(
        _BURY,
        org_id=org_id,
        calendars=pack([(calendar_id,) for calendar_id in sorted({item.calendar_id for item in touched})]),
        date_from=min(dates).isoformat(),
        date_to=max(dates).isoformat(),
        now=now,
    )
    removed = [item for item in touched if item.change == "remove"]
    if removed:
        await tx.execute(_REMOVE, org_id=org_id, places=_places(removed))
    written = [item for item in touched if item.change in ("make", "write")]
    if written:
        await tx.execute(_WRITE, org_id=org_id, places=_facts(written))
    closed = [item for item in touched if item.change == "close"]
    await tx.execute_each(_CLOSE, [_closing(org_id, item) for item in closed])


def _closing(org_id: str, item: Planned) -> dict[str, Value]:
    return {
        "org_id": org_id,
        "date": item.date.isoformat(),
        "calendar_id": item.calendar_id,
        "overridden": item.overridden,
        "filled": item.filled,
        "held": item.held,
    }


def _places(planned: Sequence[Planned]) -> Rows:
    return pack([(item.date.isoformat(), item.calendar_id) for item in planned])


def _facts(planned: Sequence[Planned]) -> Rows:
    return pack(
        [
            (item.date.isoformat(), item.calendar_id, item.covered, item.overridden, item.filled, item.held)
            for item in planned
        ]
    )


async def remove_records(tx: Connection, org_id: str, places: Collection[tuple[date, str]]) -> None:
    """Take away the records of some dates and windows, on which nothing stands."""
    packed = pack([(on.isoformat(), calendar_id) for on, calendar_id in sorted(places)])
    await tx.execute(_REMOVE, org_id=org_id, places=packed)
