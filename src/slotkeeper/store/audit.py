"""The audit trail (contract.md section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from slotkeeper.domain.model import AuditEntry
from slotkeeper.store.database import SQL, Connection, Row

_INSERT = SQL("""
    INSERT INTO audit (
        org_id, audit_id, at, action, subject, key_id, user_id, channel, request_id, outcome, before, after
    )
    @values(audit_id UUID, at INSTANT, action TEXT, subject TEXT, key_id UUID, user_id UUID, channel TEXT,
            request_id TEXT, outcome TEXT, before TEXT, after TEXT)
""")

_FILTERS = """
    FROM audit
    WHERE org_id = :org_id AND at BETWEEN :first AND :last
      AND (@absent(:action TEXT) OR action = :action)
      AND (@absent(:subject TEXT) OR subject = :subject)
      AND (@absent(:key_id UUID) OR key_id = :key_id)
      AND (@absent(:user_id UUID) OR user_id = :user_id)
"""

_PAGE = SQL(
    "SELECT audit_id, at, action, subject, key_id, user_id, channel, request_id, outcome, before, after"
    + _FILTERS
    + "ORDER BY at DESC, audit_id DESC LIMIT :limit OFFSET :skip"
)

_TOTAL = SQL("SELECT count(*)" + _FILTERS)

_KNOWS = SQL("""
    SELECT 1 FROM audit @index(audit_by_subject)
    WHERE org_id = :org_id AND subject = :subject AND action = :action
    LIMIT 1
""")

_SINCE = SQL("""
    SELECT at FROM audit @index(audit_by_subject)
    WHERE org_id = :org_id AND subject = :subject AND action = :action
    ORDER BY at LIMIT 1
""")

_BOOKED = SQL("""
    SELECT subject FROM audit
    WHERE org_id = :org_id AND at BETWEEN :first AND :last AND action = 'appointments.create' AND outcome = 'done'
      AND after LIKE '%"hold_id":"' || :hold_id || '"%'
    ORDER BY at, audit_id
    LIMIT 1
""")

_PURGE = SQL("""
    DELETE FROM audit
    WHERE org_id = :org_id AND (at, audit_id) IN (
        SELECT at, audit_id FROM audit WHERE org_id = :org_id AND at < :before ORDER BY at, audit_id LIMIT :most
    )
""")


class AuditSearch(NamedTuple):
    """What entries are looked for by: instants, both included; None stands for all."""

    first: int
    last: int
    action: str | None = None
    subject: str | None = None
    key_id: str | None = None
    user_id: str | None = None


async def insert_entries(tx: Connection, org_id: str, entries: Sequence[AuditEntry]) -> None:
    """Note what was done or refused, in the same transaction as the change itself."""
    rows = [
        (*entry[:3], entry.subject or "", *entry[4:9], _packed(entry.before), _packed(entry.after)) for entry in entries
    ]
    await tx.insert(_INSERT, org_id, rows)


async def list_entries(
    tx: Connection, org_id: str, wanted: AuditSearch, *, limit: int, skip: int
) -> tuple[list[AuditEntry], int]:
    """One page of the entries looked for, the newest first, and how many there are in all."""
    values = wanted._asdict()
    total = await tx.fetch_one(_TOTAL, org_id=org_id, **values)
    rows = await tx.fetch(_PAGE, org_id=org_id, limit=limit, skip=skip, **values)
    return [_entry(row) for row in rows], 0 if total is None else total[0]


async def knows(tx: Connection, org_id: str, *, action: str, subject: str) -> bool:
    """Whether something was ever done to a subject, as far back as the trail is kept."""
    return await tx.fetch_one(_KNOWS, org_id=org_id, subject=subject, action=action) is not None


async def since(tx: Connection, org_id: str, *, action: str, subject: str) -> int | None:
    """When something was first done to a subject, as far back as the trail is kept."""
    row = await tx.fetch_one(_SINCE, org_id=org_id, subject=subject, action=action)
    return None if row is None else int(row[0])


async def booked_with(tx: Connection, org_id: str, hold_id: str, *, first: int, last: int) -> str | None:
    """The id of the appointment that a hold became between two instants."""
    row = await tx.fetch_one(_BOOKED, org_id=org_id, hold_id=hold_id, first=first, last=last)
    return None if row is None else str(row[0])


async def purge(tx: Connection, org_id: str, *, before: int, most: int) -> int:
    """Take away the entries of the time before an instant, the oldest first and at most some; how many."""
    return await tx.execute(_PURGE, org_id=org_id, before=before, most=most)


def _packed(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()


def _unpacked(column: str | None) -> dict[str, Any] | None:
    if column is None:
        return None
    values: dict[str, Any] = msgspec.json.decode(column)
    return values


def _entry(row: Row) -> AuditEntry:
    audit_id, at, action, subject, *rest = row
    return AuditEntry(audit_id, at, action, subject or None, *rest[:-2], *map(_unpacked, rest[-2:]))
