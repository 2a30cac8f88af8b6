"""All tables, parents before children: what is done to whole tables goes by this order.

The tables of a distributed database are distributed in this order.
"""

from typing import NamedTuple


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
    # Last of those that move: without its keys nobody can use an organization that is not whole yet.
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
)
"""Every table of the schema."""
