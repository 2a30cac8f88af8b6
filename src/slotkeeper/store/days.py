"""Window-dates as they are read: one statement, no lock; and the overrides that stand on them.

Live holds are counted only where a row says that it has any, overrides gathered only where it says
that some stand on it, so that an ordinary window-date costs two look-ups by primary key.
"""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.calendar import is_skipped
from slotkeeper.domain.capacity import Services
from slotkeeper.domain.model import Channel, Override, Status, WindowDate
from slotkeeper.store.database import SQL, Connection, Row, Value, pack
from slotkeeper.store.holds import bury
from slotkeeper.store.rows import HIGHEST_UUID, LOWEST_UUID, id_of, key_of

# Where a record is stored the record speaks, else the window and the closures do. ``k`` finds the windows by an
# index alone: one branch's, or, from the lowest id to the highest, every branch's.
_ON_DATE = SQL("""
    SELECT w.calendar_id, :date, w.branch_id, coalesce(d.session, w.session), coalesce(d.batch, w.batch),
           coalesce(d.start_time, w.start_time), coalesce(d.end_time, w.end_time),
           coalesce(d.service_id, w.service_id), coalesce(d.max_slots, w.max_slots),
           CASE WHEN d.calendar_id IS NULL THEN w.ai_slots ELSE d.ai_slots END,
           CASE WHEN d.calendar_id IS NULL THEN NOT EXISTS (
               SELECT 1 FROM closures c
               WHERE c.org_id = :org_id AND c.date_from <= :date AND c.date_to >= :date
                 AND c.branch_id IN (w.branch_id, :every_branch)
           ) ELSE d.covered END,
           coalesce(d.filled, 0),
           CASE WHEN d.held > 0 THEN (
               SELECT count(*) FROM holds h
               WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id AND h.expires_at > :now
           ) ELSE 0 END,
           CASE WHEN d.overridden THEN (
               SELECT @list(o.service_id, o.status, o.max_slots, o.ai_slots, o.reason) FROM overrides o
               WHERE o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id
           ) END,
           w.created_at, w.updated_at,
           CASE WHEN d.calendar_id IS NULL THEN (
               SELECT coalesce(b.timezone, z.timezone) FROM branches b JOIN organizations z ON z.org_id = b.org_id
               WHERE b.org_id = :org_id AND z.org_id = :org_id AND b.branch_id = w.branch_id
           ) END,
           CASE WHEN d.held > 0 THEN (
               SELECT min(h.expires_at) FROM holds h
               WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id AND h.expires_at > :now
           ) END,
           (SELECT @list(s.service_id, s.active) FROM services s WHERE s.org_id = :org_id)
    FROM windows k
    CROSS JOIN windows w
    LEFT JOIN days d ON d.org_id = :org_id AND d.date = :date AND d.calendar_id = w.calendar_id
    WHERE k.org_id = :org_id AND k.weekday = :weekday AND k.branch_id BETWEEN :first_branch AND :last_branch
      AND w.org_id = :org_id AND w.calendar_id = k.calendar_id AND w.enabled
      AND (@absent(:session TEXT) OR coalesce(d.session, w.session) = :session)
    ORDER BY 6, 7, 5, 1
""")

# Everything that _ON_DATE reads changes one of these: a revision never falls, and no record goes away without a
# change of the configuration's, or the sum could come back. A hold's end writes nothing; it is the reader's to mind.
REVISIONS = """
    o.config_rev, (
        SELECT sum(d.rev) FROM windows k CROSS JOIN days d
        WHERE k.org_id = :org_id AND k.weekday = :weekday AND k.branch_id BETWEEN :first_branch AND :last_branch
          AND d.org_id = :org_id AND d.date = :date AND d.calendar_id = k.calendar_id
    )
"""
"""Two columns that are equal at two moments only if ``list_on_date`` is too, but for holds that ran out in between."""

_RECORD = """
    SELECT d.calendar_id, d.date, d.branch_id, d.session, d.batch, d.start_time, d.end_time, d.service_id,
           d.max_slots, d.ai_slots, d.covered, d.filled,
"""

_LIVE_HOLDS = """
           CASE WHEN d.held > 0 THEN (
               SELECT count(*) FROM holds h
               WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id AND h.expires_at > :now
           ) ELSE 0 END,
"""

_OVERRIDES = """
           CASE WHEN d.overridden THEN (
               SELECT @list(o.service_id, o.status, o.max_slots, o.ai_slots, o.reason) FROM overrides o
               WHERE o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id
           ) END,
"""

_STORED = SQL(
    _RECORD
    + _LIVE_HOLDS
    + _OVERRIDES
    + """
           w.created_at, w.updated_at
    FROM days d JOIN windows w ON w.org_id = :org_id AND w.calendar_id = d.calendar_id
    WHERE d.org_id = :org_id AND d.date BETWEEN :date_from AND :date_to
      AND (@absent(:branch_id UUID) OR d.branch_id = :branch_id)
      AND (@absent(:session TEXT) OR d.session = :session)
    ORDER BY d.date, d.start_time, d.batch, d.calendar_id
"""
)

_HAS_ROOM = """
      AND (d.filled < CASE WHEN :for_ai THEN coalesce(d.ai_slots, d.max_slots) ELSE d.max_slots END OR d.overridden)
      AND d.covered
      AND (@absent(:session TEXT) OR d.session = :session)
      AND (@absent(:service_id UUID) OR d.service_id IN (:service_id, :every_service))
    ORDER BY d.date, d.start_time, d.batch, d.calendar_id
"""


def _room(source: str) -> SQL:
    """The records that a FROM and WHERE give, with room.

    Whether a full one is OPEN does not matter to who looks for room, so it stays here. Where overrides stand, the
    domain decides. Nobody asks when the window was made.
    """
    return SQL(f"{_RECORD} {_LIVE_HOLDS} {_OVERRIDES} 0, 0 {source} {_HAS_ROOM}")


_WITH_ROOM = _room("FROM days d WHERE d.org_id = :org_id AND d.date BETWEEN :date_from AND :date_to")

# One branch's windows are found first, those of the weekdays alone that the dates have: a record that is covered is
# of its window's branch and weekday. What other branches have on those dates is never looked at.
_WITH_ROOM_IN_BRANCH = _room("""
    FROM @rows(:weekdays, weekday INTEGER) n CROSS JOIN windows k CROSS JOIN days d @index(days_by_window)
    WHERE k.org_id = :org_id AND k.weekday = n.weekday AND k.branch_id = :branch_id AND d.org_id = :org_id
      AND d.calendar_id = k.calendar_id AND d.date BETWEEN :date_from AND :date_to
""")

_LOCK = SQL("""
    SELECT d.rev
    FROM @rows(:places, date DATE, calendar_id UUID) p CROSS JOIN days d
    WHERE d.org_id = :org_id AND d.date = p.date AND d.calendar_id = p.calendar_id
    ORDER BY d.date, d.calendar_id
    @lock
""")

# Under the lock, once the dead holds are buried, every row in holds is a live one, whatever anybody's clock says.
_AT = SQL(
    _RECORD
    + """
           d.held,
"""
    + _OVERRIDES
    + """
           w.created_at, w.updated_at, d.next_token
    FROM @rows(:places, date DATE, calendar_id UUID) p CROSS JOIN days d CROSS JOIN windows w
    WHERE d.org_id = :org_id AND d.date = p.date AND d.calendar_id = p.calendar_id
      AND w.org_id = :org_id AND w.calendar_id = d.calendar_id
    ORDER BY d.date, d.start_time, d.batch, d.calendar_id
"""
)

_EXISTING = SQL("""
    SELECT d.date, d.calendar_id
    FROM @rows(:places, date DATE, calendar_id UUID) p CROSS JOIN days d
    WHERE d.org_id = :org_id AND d.date = p.date AND d.calendar_id = p.calendar_id
""")

_COUNT = SQL("""
    UPDATE days SET filled = filled + :taken, held = held + :held, next_token = next_token + :tokens, rev = rev + 1
    @each(date DATE, calendar_id UUID, taken INTEGER, held INTEGER, tokens INTEGER)
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id
""")

_SET_OVERRIDE = SQL("""
    INSERT INTO overrides (org_id, date, calendar_id, service_id, status, max_slots, ai_slots, reason, updated_at)
    VALUES (:org_id, :date, :calendar_id, :service_id, :status, :max_slots, :ai_slots, :reason, :now)
    ON CONFLICT (org_id, date, calendar_id, service_id) DO UPDATE SET
        status = excluded.status, max_slots = excluded.max_slots, ai_slots = excluded.ai_slots,
        reason = excluded.reason, updated_at = excluded.updated_at
""")

_DROP_OVERRIDE = SQL("""
    DELETE FROM overrides
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id AND service_id = :service_id
""")

_OVERRIDDEN = SQL("""
    UPDATE days SET rev = rev + 1, overridden = EXISTS (
        SELECT 1 FROM overrides o
        WHERE o.org_id = :org_id AND o.date = :date AND o.calendar_id = :calendar_id
    )
    WHERE org_id = :org_id AND date = :date AND calendar_id = :calendar_id
""")


class OnDate(NamedTuple):
    """The window-dates of a date, and all services with whether each is active; true until a live hold ends."""

    window_dates: list[WindowDate]
    services: Services
    until: int | None


async def list_on_date(
    tx: Connection, org_id: str, *, on: date, branch_id: str | None, session: str | None, now: int
) -> OnDate:
    """The window-dates of the enabled windows of a date's weekday, stored or not, in availability's order."""
    rows = await tx.fetch(
        _ON_DATE,
        org_id=org_id,
        session=session,
        now=now,
        every_branch=key_of(None),
        **on_date(on, branch_id),
    )
    if not rows:
        return OnDate([], [], None)
    ends = [row[17] for row in rows if row[17] is not None]
    return OnDate([_projected(row) for row in rows], json.loads(rows[0][18]), min(ends, default=None))


def on_date(on: date, branch_id: str | None) -> dict[str, str | int]:
    """The parameters by which statements find the windows of a date's weekday: one branch's, or all."""
    return {
        "date": on.isoformat(),
        "weekday": on.weekday(),
        "first_branch": branch_id or LOWEST_UUID,
        "last_branch": branch_id or HIGHEST_UUID,
    }


async def list_stored(
    tx: Connection,
    org_id: str,
    *,
    date_from: date,
    date_to: date,
    branch_id: str | None = None,
    session: str | None = None,
    now: int,
) -> list[WindowDate]:
    """The stored window-dates from one date to another, both included, in tracking's order."""
    rows = await tx.fetch(
        _STORED,
        org_id=org_id,
        date_from=date_from.isoformat(),
        date_to=date_to.isoformat(),
        branch_id=branch_id,
        session=session,
        now=now,
    )
    return [_window_date(row) for row in rows]


async def list_with_room(
    tx: Connection,
    org_id: str,
    *,
    date_from: date,
    date_to: date,
    branch_id: str | None,
    session: str | None,
    service_id: str | None,
    channel: Channel,
    now: int,
) -> list[WindowDate]:
    """The stored window-dates that may have room for a channel, by date, time, batch and id."""
    asked: dict[str, Value] = {
        "org_id": org_id,
        "date_from": date_from.isoformat(),
        "date_to": date_to.isoformat(),
        "session": session,
        "service_id": service_id,
        "every_service": key_of(None),
        "for_ai": channel is Channel.AI,
        "now": now,
    }
    if branch_id is None:
        return [_window_date(row) for row in await tx.fetch(_WITH_ROOM, **asked)]
    weekdays = [((date_from.weekday() + n) % 7,) for n in range(min(7, (date_to - date_from).days + 1))]
    asked |= {"branch_id": branch_id, "weekdays": pack(weekdays)}
    return [_window_date(row) for row in await tx.fetch(_WITH_ROOM_IN_BRANCH, **asked)]


Place = tuple[date, str]
"""A window-date by its date and its window's id: sorted, the order in which they are locked."""


class Locked(NamedTuple):
    """A window-date that stays as it is until the transaction ends, and the next token number on it."""

    window_date: WindowDate
    next_token: int


async def lock_places(tx: Connection, org_id: str, places: Collection[Place], *, now: int) -> list[Locked]:
    """Those of some window-dates that are stored, in the order in which bookings try them.

    They are read in a second statement, after the locks: a statement that had to wait for one would see
    the counts of the moment before. It must not see a record that was made between the two, and that nobody
    locked, either. Their holds that ran out are buried.
    """
    packed = pack(sorted(places))
    while True:
        locked = await tx.lock(_LOCK, org_id=org_id, places=packed)
        rows = await tx.fetch(_AT, org_id=org_id, places=packed)
        if locked in (None, len(rows)):
            break
    held = [(date.fromisoformat(row[1]), row[0]) for row in rows if row[12]]
    if held and await bury(tx, org_id, held, now=now):
        rows = await tx.fetch(_AT, org_id=org_id, places=packed)
    return [Locked(_window_date(row), row[16]) for row in rows]


async def list_existing(tx: Connection, org_id: str, places: Collection[Place]) -> set[Place]:
    """Those of some window-dates that are stored at this moment."""
    rows = await tx.fetch(_EXISTING, org_id=org_id, places=pack(sorted(places)))
    return {(date.fromisoformat(on), calendar_id) for on, calendar_id in rows}


async def lock_window_date(tx: Connection, org_id: str, calendar_id: str, on: date, *, now: int) -> WindowDate | None:
    """One stored window-date, kept from changing until the transaction ends."""
    found = await lock_places(tx, org_id, [(on, calendar_id)], now=now)
    return found[0].window_date if found else None


class Counted(NamedTuple):
    """By how much a window-date changes: places filled and places held (less than 0: freed), and tokens given."""

    taken: int = 0
    held: int = 0
    tokens: int = 0


async def count_places(tx: Connection, org_id: str, changes: Mapping[Place, Counted]) -> None:
    """Change locked window-dates, and move their revisions on."""
    rows: list[dict[str, Value]] = [
        {"org_id": org_id, "date": on.isoformat(), "calendar_id": calendar_id, **counted._asdict()}
        for (on, calendar_id), counted in sorted(changes.items())
    ]
    await tx.execute_each(_COUNT, rows)


async def set_override(
    tx: Connection,
    org_id: str,
    *,
    calendar_id: str,
    on: date,
    service_id: str | None,
    override: Override,
    now: int,
) -> None:
    """Let an override stand on a stored window-date (``service_id`` None) or on one record of it; an empty one goes."""
    place = {
        "org_id": org_id,
        "date": on.isoformat(),
        "calendar_id": calendar_id,
    }
    if any(value is not None for value in override):
        values = override._asdict()
        await tx.execute(_SET_OVERRIDE, service_id=key_of(service_id), now=now, **values, **place)
    else:
        await tx.execute(_DROP_OVERRIDE, service_id=key_of(service_id), **place)
    await tx.execute(_OVERRIDDEN, **place)


def overrides_of(column: str | None) -> dict[str | None, Override]:
    """The overrides that a statement has gathered in a column, by service."""
    return {
        id_of(service_id): Override(None if status is None else Status(status), max_slots, ai_slots, reason)
        for service_id, status, max_slots, ai_slots, reason in (json.loads(column) if column else ())
    }


def _window_date(row: Row) -> WindowDate:
    calendar_id, on, branch_id, session, batch, start, end, service_id, max_slots, ai_slots, covered, *rest = row
    filled, holds, overrides, created_at, updated_at = rest[:5]
    return WindowDate(
        calendar_id,
        date.fromisoformat(on),
        branch_id,
        session,
        batch or None,
        start,
        end,
        id_of(service_id),
        max_slots,
        ai_slots,
        bool(covered),
        filled,
        holds,
        overrides_of(overrides),
        created_at,
        updated_at,
    )


def _projected(row: Row) -> WindowDate:
    """A window-date that may not be stored: then its row names the zone whose skipped hour closes it."""
    at = _window_date(row)
    timezone = row[16]
    if timezone is None:
        return at
    skipped = is_skipped(at.start_time, at.end_time, on=at.date, timezone=timezone)
    return at._replace(stored=False, covered=at.covered and not skipped)
