"""All tables, parents before children: what is done to whole tables goes by this order.

An organization moves to another database table by table, in pages by the primary key, so that neither side
ever holds more than a page of it. The tables of a distributed database are distributed in this order too.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from slotkeeper.store.database import SQL, Connection, Value
from slotkeeper.store.rows import LOWEST_UUID


class Column(NamedTuple):
    """A column in the words of the schema."""

    name: str
    type: str


class Table(NamedTuple):
    """A table: its columns after ``org_id``, and those of them that make up its primary key.

    ``moves`` is False for what belongs to one database and not to the organization.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    moves: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns after ``org_id``."""
        return tuple(column.name for column in self.columns)

    def key_of(self, row: Sequence[Any]) -> dict[str, Value]:
        """The primary key of a row, without the organization."""
        return {name: row[self.names.index(name)] for name in self.key}

    def lowest_key(self) -> dict[str, Value]:
        """A key before that of every row."""
        types = dict(self.columns)
        return {name: _LOWEST[types[name]] for name in self.key}


_LOWEST: dict[str, Value] = {"UUID": LOWEST_UUID, "TEXT": "", "DATE": "0001-01-01", "INSTANT": -1}


def _table(name: str, key: str, columns: str, *, moves: bool = True) -> Table:
    pairs = (column.split() for column in columns.split(","))
    return Table(name, tuple(Column(*pair) for pair in pairs), tuple(key.split()), moves)


TABLES = (
    _table(
        "organizations",
        "",
        "name TEXT, folded_name TEXT, timezone TEXT, allow_cancellation BOOLEAN, cancellation_notice_hours INTEGER,"
        "allow_rescheduling BOOLEAN, allow_duplicate_booking BOOLEAN, min_notice_hours INTEGER,"
        "max_advance_days INTEGER, token_numbers BOOLEAN, horizon_days INTEGER, audit_keep_days INTEGER,"
        "config_rev INTEGER, created_at INSTANT, updated_at INSTANT",
    ),
    _table(
        "branches",
        "branch_id",
        "branch_id UUID, name TEXT, folded_name TEXT, timezone TEXT, projected_to DATE, created_at INSTANT,"
        "updated_at INSTANT",
    ),
    _table(
        "services",
        "service_id",
        "service_id UUID, name TEXT, folded_name TEXT, active BOOLEAN, created_at INSTANT, updated_at INSTANT",
    ),
    _table(
        "windows",
        "calendar_id",
        "calendar_id UUID, branch_id UUID, weekday INTEGER, session TEXT, batch TEXT, start_time TEXT, end_time TEXT,"
        "service_id UUID, max_slots INTEGER, ai_slots INTEGER, enabled BOOLEAN, created_at INSTANT, updated_at INSTANT",
    ),
    _table(
        "days",
        "date calendar_id",
        "date DATE, calendar_id UUID, branch_id UUID, weekday INTEGER, session TEXT, batch TEXT, start_time TEXT,"
        "end_time TEXT, service_id UUID, max_slots INTEGER, ai_slots INTEGER, covered BOOLEAN, overridden BOOLEAN,"
        "filled INTEGER, held INTEGER, next_token INTEGER, rev INTEGER",
    ),
    _table(
        "overrides",
        "date calendar_id service_id",
        "date DATE, calendar_id UUID, service_id UUID, status TEXT, max_slots INTEGER, ai_slots INTEGER, reason TEXT,"
        "updated_at INSTANT",
    ),
    _table(
        "closures",
        "closure_id",
        "closure_id UUID, branch_id UUID, date_from DATE, date_to DATE, reason TEXT, source TEXT, created_at INSTANT",
    ),
    _table(
        "appointments",
        "appointment_id",
        "appointment_id TEXT, date DATE, calendar_id UUID, service_id UUID, branch_id UUID, wall_time TEXT,"
        "status TEXT, channel TEXT, token INTEGER, patient_name TEXT, parent_phone TEXT, phone_key TEXT,"
        "name_key TEXT, assigned_doctor TEXT, notes TEXT, external_reference_id TEXT, created_at INSTANT,"
        "updated_at INSTANT",
    ),
    _table(
        "holds",
        "hold_id",
        "date DATE, calendar_id UUID, hold_id UUID, service_id UUID, channel TEXT, key_id UUID, wall_time TEXT,"
        "expires_at INSTANT, created_at INSTANT",
    ),
    _table(
        "upcoming",
        "patient_key service_id",
        "patient_key TEXT, service_id UUID, until INSTANT, appointment_id TEXT",
    ),
    _table(
        "requests",
        "key_id idempotency_key",
        "key_id UUID, idempotency_key TEXT, fingerprint TEXT, status INTEGER, answer TEXT, created_at INSTANT",
    ),
    _table(
        "audit",
        "at audit_id",
        "audit_id UUID, at INSTANT, action TEXT, subject TEXT, key_id UUID, user_id UUID, channel TEXT,"
        "request_id TEXT, outcome TEXT, before TEXT, after TEXT",
    ),
    _table(
        "users",
        "user_id",
        "user_id UUID, email TEXT, folded_email TEXT, name TEXT, role TEXT, language TEXT, password_hash TEXT,"
        "disabled_at INSTANT, created_at INSTANT, updated_at INSTANT",
    ),
    _table(
        "links",
        "token_hash",
        "token_hash TEXT, user_id UUID, purpose TEXT, expires_at INSTANT, created_at INSTANT",
    ),
    # Last of those that move: without its keys no program can use an organization that is not whole yet.
    _table(
        "api_keys",
        "key_hash",
        "key_hash TEXT, key_id UUID, label TEXT, prefix TEXT, scopes TEXT, channel TEXT, rate_limit INTEGER,"
        "expires_at INSTANT, revoked_at INSTANT, created_at INSTANT",
    ),
    # What server processes on this database have let through in the last minute.
    _table(
        "rate_leases",
        "key_id lease_id",
        "key_id UUID, lease_id UUID, share INTEGER, counts_until INSTANT",
        moves=False,
    ),
    # Who is signed in at the servers on this database, and who tried in vain.
    _table(
        "sign_ins",
        "token_hash",
        "token_hash TEXT, user_id UUID, created_at INSTANT, seen_at INSTANT",
        moves=False,
    ),
    _table("attempts", "subject", "subject TEXT, tries INTEGER, until INSTANT", moves=False),
    # How the organization came into this database.
    _table(
        "imports",
        "",
        "digest TEXT, run_id UUID, begun_at INSTANT, finished_at INSTANT",
        moves=False,
    ),
)
"""Every table of the schema."""

MOVED = tuple(table for table in TABLES if table.moves)
"""The tables that an organization consists of."""

PAGE = 500
"""How many rows are in memory, or in one transaction of an import, at most: others book between two of them."""


# Every name in these statements is one of those above, so each is a constant of the program like any other.


def _page_of(table: Table) -> SQL:
    after = f" AND ({', '.join(table.key)}) > ({', '.join(f':{name}' for name in table.key)})" if table.key else ""
    order = f" ORDER BY {', '.join(table.key)}" if table.key else ""
    columns = ", ".join(table.names)
    return SQL(f"SELECT {columns} FROM {table.name} WHERE org_id = :org_id{after}{order} LIMIT :most")  # noqa: S608


def _count_of(table: Table) -> SQL:
    return SQL(f"SELECT count(*) FROM {table.name} WHERE org_id = :org_id")  # noqa: S608


def _insert_into(table: Table) -> SQL:
    columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    return SQL(f"INSERT INTO {table.name} (org_id, {', '.join(table.names)}) @values({columns})")


def _removal_from(table: Table) -> SQL:
    if not table.key:
        return SQL(f"DELETE FROM {table.name} WHERE org_id = :org_id")  # noqa: S608
    key = ", ".join(table.key)
    some = f"SELECT {key} FROM {table.name} WHERE org_id = :org_id ORDER BY {key} LIMIT :most"  # noqa: S608
    return SQL(f"DELETE FROM {table.name} WHERE org_id = :org_id AND ({key}) IN ({some})")  # noqa: S608


_PAGES = {table.name: _page_of(table) for table in TABLES}
_COUNTS = {table.name: _count_of(table) for table in TABLES}
_INSERTS = {table.name: _insert_into(table) for table in TABLES}
_REMOVALS = {table.name: _removal_from(table) for table in TABLES}


async def fetch_page(
    tx: Connection, org_id: str, table: Table, *, after: dict[str, Value] | None = None
) -> list[tuple[Value, ...]]:
    """At most PAGE rows of an organization by their primary key, those after a key; truth values as bool."""
    key = table.lowest_key() if after is None else after
    rows = await tx.fetch(_PAGES[table.name], org_id=org_id, most=PAGE, **key)
    truths = [place for place, column in enumerate(table.columns) if column.type == "BOOLEAN"]
    if not truths:
        return [tuple(row) for row in rows]
    return [_with_truths(row, truths) for row in rows]


def _with_truths(row: Sequence[Any], truths: Sequence[int]) -> tuple[Value, ...]:
    """A row with bool where an engine may have 0 and 1; the columns of truth values are never NULL."""
    values = list(row)
    for place in truths:
        values[place] = bool(values[place])
    return tuple(values)


async def count_rows(tx: Connection, org_id: str, table: Table) -> int:
    """How many rows of an organization are in a table."""
    row = await tx.fetch_one(_COUNTS[table.name], org_id=org_id)
    return 0 if row is None else row[0]


async def insert_rows(tx: Connection, org_id: str, table: Table, rows: Sequence[Sequence[Value]]) -> None:
    """Store some rows of an organization as they are."""
    await tx.insert(_INSERTS[table.name], org_id, rows)


async def remove_rows(tx: Connection, org_id: str, table: Table) -> int:
    """Take at most PAGE rows of an organization away, and how many there were."""
    most = {"most": PAGE} if table.key else {}
    return await tx.execute(_REMOVALS[table.name], org_id=org_id, **most)
