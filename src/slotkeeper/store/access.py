"""API keys. Each statement is routed by the organization that the key's text carries."""

from datetime import date
from functools import lru_cache

from slotkeeper.domain.access import Caller
from slotkeeper.domain.model import ApiKey, Channel
from slotkeeper.store.database import SQL, Connection, Database, Row
from slotkeeper.store.days import REVISIONS, on_date

_COLUMNS = """
    SELECT a.expires_at, a.key_id, a.scopes, a.channel, a.rate_limit
"""

_CALLER = SQL(
    _COLUMNS
    + """
    FROM api_keys a
    WHERE a.org_id = :org_id AND a.key_hash = :key_hash AND a.revoked_at IS NULL
    @asked(key_hash TEXT)
"""
)

_CALLER_AND_REVISIONS = SQL(
    _COLUMNS
    + ","
    + REVISIONS
    + """
    FROM api_keys a CROSS JOIN organizations o
    WHERE a.org_id = :org_id AND a.key_hash = :key_hash AND a.revoked_at IS NULL AND o.org_id = :org_id
    @asked(key_hash TEXT, date DATE, weekday INTEGER, first_branch UUID, last_branch UUID)
"""
)

_CHANNELS = {channel.value: channel for channel in Channel}

_KEYS = SQL("""
    SELECT key_id, label, prefix, scopes, channel, rate_limit, expires_at, revoked_at, created_at
    FROM api_keys
    WHERE org_id = :org_id
    ORDER BY created_at, key_id
""")

_INSERT = SQL("""
    INSERT INTO api_keys (org_id, key_hash, key_id, label, prefix, scopes, channel, rate_limit, expires_at, created_at)
    VALUES (:org_id, :key_hash, :key_id, :label, :prefix, :scopes, :channel, :rate_limit, :expires_at, :now)
""")

_REVOKE = SQL("""
    UPDATE api_keys SET revoked_at = :now
    WHERE org_id = :org_id AND key_id = :key_id AND revoked_at IS NULL
""")


async def find_caller(db: Database, org_id: str, key_hash: str, *, now: int, request_id: str) -> Caller | None:
    """Who holds a key that is neither revoked nor expired now, and asks by a request."""
    row = await db.look(_CALLER, org_id=org_id, key_hash=key_hash)
    return None if row is None else _caller(org_id, row, now=now, request_id=request_id)


async def find_caller_and_revisions(
    db: Database, org_id: str, key_hash: str, *, on: date, branch_id: str | None, now: int, request_id: str
) -> tuple[Caller, Row] | None:
    """The same, and what proves that nothing changed on a date (see ``days.REVISIONS``), at one moment."""
    row = await db.look(_CALLER_AND_REVISIONS, org_id=org_id, key_hash=key_hash, **on_date(on, branch_id))
    caller = None if row is None else _caller(org_id, row, now=now, request_id=request_id)
    return None if row is None or caller is None else (caller, row[5:])


def _caller(org_id: str, row: Row, *, now: int, request_id: str) -> Caller | None:
    expires_at, key_id, scopes, channel, rate_limit = row[:5]
    if expires_at is not None and expires_at <= now:
        return None
    return Caller(org_id, key_id, _scopes(scopes), _CHANNELS[channel], rate_limit, request_id, None, expires_at)


@lru_cache(maxsize=256)  # the same few for all keys
def _scopes(column: str) -> frozenset[str]:
    return frozenset(column.split())


async def insert_key(tx: Connection, org_id: str, key: ApiKey, *, key_hash: str) -> None:
    """Store a new key: its hash, never its text."""
    await tx.execute(
        _INSERT,
        org_id=org_id,
        key_hash=key_hash,
        key_id=key.key_id,
        label=key.label,
        prefix=key.prefix,
        scopes=" ".join(key.scopes),
        channel=key.channel,
        rate_limit=key.rate_limit,
        expires_at=key.expires_at,
        now=key.created_at,
    )


async def list_keys(tx: Connection, org_id: str) -> list[ApiKey]:
    """All keys of an organization, the oldest first, revoked ones included."""
    return [_key(row) for row in await tx.fetch(_KEYS, org_id=org_id)]


async def revoke_key(tx: Connection, org_id: str, key_id: str, *, now: int) -> bool:
    """Revoke a key from this moment on, and whether it was one to revoke; one revoked before stays as it was."""
    return bool(await tx.execute(_REVOKE, org_id=org_id, key_id=key_id, now=now))


def _key(row: Row) -> ApiKey:
    key_id, label, prefix, scopes, channel, *rest = row
    return ApiKey(key_id, label, prefix, tuple(scopes.split()), Channel(channel), *rest)
