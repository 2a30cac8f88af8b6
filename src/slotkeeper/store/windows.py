"""Calendar windows: the weekly rules."""

from collections.abc import Collection
from datetime import date

from slotkeeper.domain.model import DAYS, Day, Session, Window
from slotkeeper.store.database import SQL, Connection, Row, pack
from slotkeeper.store.rows import id_of, key_of

_LIST = SQL("""
    SELECT calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots, ai_slots,
           enabled, created_at, updated_at
    FROM windows
    WHERE org_id = :org_id
      AND (@absent(:branch_id UUID) OR branch_id = :branch_id)
      AND (@absent(:weekday INTEGER) OR weekday = :weekday)
      AND (@absent(:session TEXT) OR session = :session)
      AND (@absent(:enabled BOOLEAN) OR enabled = :enabled)
    ORDER BY branch_id, weekday, start_time, end_time, batch, calendar_id
""")

_BY_ID = SQL("""
    SELECT w.calendar_id, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time, w.service_id,
           w.max_slots, w.ai_slots, w.enabled, w.created_at, w.updated_at
    FROM @rows(:calendars, calendar_id UUID) c CROSS JOIN windows w
    WHERE w.org_id = :org_id AND w.calendar_id = c.calendar_id
    ORDER BY w.calendar_id
""")

_LOCKED = SQL(_BY_ID + "@lock")

_OF_WEEKDAY = SQL("""
    SELECT calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots, ai_slots,
           enabled, created_at, updated_at
    FROM windows @index(windows_by_weekday)
    WHERE org_id = :org_id AND weekday = :weekday AND branch_id = :branch_id
    ORDER BY start_time, batch, calendar_id
""")

_TWIN = SQL("""
    SELECT calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots, ai_slots,
           enabled, created_at, updated_at
    FROM windows
    WHERE org_id = :org_id AND branch_id = :branch_id AND weekday = :weekday AND session = :session
      AND batch = :batch AND service_id = :service_id
""")

_INSERT = SQL("""
    INSERT INTO windows (
        org_id, calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots, ai_slots,
        enabled, created_at, updated_at
    ) VALUES (
        :org_id, :calendar_id, :branch_id, :weekday, :session, :batch, :start_time, :end_time, :service_id, :max_slots,
        :ai_slots, :enabled, :created_at, :updated_at
    )
""")

_UPDATE = SQL("""
    UPDATE windows SET
        weekday = :weekday, session = :session, batch = :batch, start_time = :start_time, end_time = :end_time,
        service_id = :service_id, max_slots = :max_slots, ai_slots = :ai_slots, enabled = :enabled,
        updated_at = :updated_at
    WHERE org_id = :org_id AND calendar_id = :calendar_id
""")

_SIZES = SQL("""
    SELECT w.calendar_id, w.weekday, w.enabled, (
        SELECT count(*) FROM days d
        WHERE d.org_id = :org_id AND d.calendar_id = w.calendar_id AND d.date BETWEEN :date_from AND :date_to
          AND NOT (w.enabled AND d.weekday = w.weekday)
    )
    FROM windows w
    WHERE w.org_id = :org_id AND (@absent(:branch_id UUID) OR w.branch_id = :branch_id)
    ORDER BY w.calendar_id
""")


async def list_windows(
    tx: Connection,
    org_id: str,
    *,
    branch_id: str | None = None,
    day: Day | None = None,
    session: Session | None = None,
    enabled: bool | None = None,
) -> list[Window]:
    """The windows that fit all filters given, by branch, day and time."""
    weekday = None if day is None else DAYS.index(day)
    rows = await tx.fetch(_LIST, org_id=org_id, branch_id=branch_id, weekday=weekday, session=session, enabled=enabled)
    return [_window(row) for row in rows]


async def list_of_weekday(tx: Connection, org_id: str, branch_id: str, weekday: int) -> list[Window]:
    """The windows of a branch on a weekday (0 for Monday), disabled ones included, in the order of bookings."""
    rows = await tx.fetch(_OF_WEEKDAY, org_id=org_id, branch_id=branch_id, weekday=weekday)
    return [_window(row) for row in rows]


async def get_windows(tx: Connection, org_id: str, calendar_ids: Collection[str], *, lock: bool) -> list[Window]:
    """The windows of some ids in the order of their ids; with ``lock`` they stay so until the transaction ends."""
    calendars = pack([(calendar_id,) for calendar_id in sorted(calendar_ids)])
    rows = await tx.fetch(_LOCKED if lock else _BY_ID, org_id=org_id, calendars=calendars)
    return [_window(row) for row in rows]


async def find_window(tx: Connection, org_id: str, calendar_id: str, *, lock: bool) -> Window | None:
    """The window of an id."""
    found = await get_windows(tx, org_id, [calendar_id], lock=lock)
    return found[0] if found else None


async def find_twin(tx: Connection, org_id: str, window: Window) -> Window | None:
    """The window with the same branch, day, session, batch and service, disabled ones included."""
    row = await tx.fetch_one(
        _TWIN,
        org_id=org_id,
        branch_id=window.branch_id,
        weekday=DAYS.index(window.day),
        session=window.session,
        batch=window.batch or "",
        service_id=key_of(window.service_id),
    )
    return None if row is None else _window(row)


async def insert_window(tx: Connection, org_id: str, window: Window) -> None:
    """Store a new window."""
    await tx.execute(
        _INSERT,
        branch_id=window.branch_id,
        created_at=window.created_at,
        **_columns(org_id, window),
    )


async def update_window(tx: Connection, org_id: str, window: Window) -> None:
    """Store what changed of a window; its branch and its beginning stay."""
    await tx.execute(_UPDATE, **_columns(org_id, window))


async def list_sizes(
    tx: Connection, org_id: str, *, branch_id: str | None, date_from: date, date_to: date
) -> list[tuple[str, int, bool, int]]:
    """For each window by id: weekday, whether it is enabled, and how many of its stored dates it no longer wants."""
    rows = await tx.fetch(
        _SIZES, org_id=org_id, branch_id=branch_id, date_from=date_from.isoformat(), date_to=date_to.isoformat()
    )
    return [(calendar_id, weekday, bool(enabled), leftover) for calendar_id, weekday, enabled, leftover in rows]


def _columns(org_id: str, window: Window) -> dict[str, str | int | bool | None]:
    return {
        "org_id": org_id,
        "calendar_id": window.calendar_id,
        "weekday": DAYS.index(window.day),
        "session": window.session,
        "batch": window.batch or "",
        "start_time": window.start_time,
        "end_time": window.end_time,
        "service_id": key_of(window.service_id),
        "max_slots": window.max_slots,
        "ai_slots": window.ai_slots,
        "enabled": window.enabled,
        "updated_at": window.updated_at,
    }


def _window(row: Row) -> Window:
    calendar_id, branch_id, weekday, session, batch, start, end, service_id, max_slots, ai_slots, enabled, *times = row
    return Window(
        calendar_id,
        branch_id,
        DAYS[weekday],
        Session(session),
        batch or None,
        start,
        end,
        id_of(service_id),
        max_slots,
        ai_slots,
        bool(enabled),
        *times,
    )
