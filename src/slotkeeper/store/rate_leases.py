"""Shares of a key's rate limit that server processes have taken for themselves."""

from slotkeeper.store.database import SQL, Connection

# Shared by all processes that ask about one key at once: the key's own row is the lock.
_LOCK = SQL("""
    SELECT rate_limit FROM api_keys
    WHERE org_id = :org_id AND key_id = :key_id
    @lock
""")

_FORGET = SQL("DELETE FROM rate_leases WHERE org_id = :org_id AND key_id = :key_id AND counts_until <= :now")

_SETTLE = SQL("""
    UPDATE rate_leases SET share = :used, counts_until = :counts_until
    WHERE org_id = :org_id AND key_id = :key_id AND lease_id = :lease_id
""")

_COUNTED = SQL("""
    SELECT coalesce(sum(share), 0), min(counts_until) FROM rate_leases
    WHERE org_id = :org_id AND key_id = :key_id
""")

_TAKE = SQL("""
    INSERT INTO rate_leases (org_id, key_id, lease_id, share, counts_until)
    VALUES (:org_id, :key_id, :lease_id, :share, :counts_until)
""")


async def lock_leases(tx: Connection, org_id: str, key_id: str, *, now: int) -> None:
    """Keep a key's leases from changing until the transaction ends, and forget those that count no more."""
    await tx.fetch_one(_LOCK, org_id=org_id, key_id=key_id)
    await tx.execute(_FORGET, org_id=org_id, key_id=key_id, now=now)


async def settle_lease(
    tx: Connection, org_id: str, key_id: str, lease_id: str, *, used: int, counts_until: int
) -> None:
    """Give back what a process did not use of its lease."""
    await tx.execute(_SETTLE, org_id=org_id, key_id=key_id, lease_id=lease_id, used=used, counts_until=counts_until)


async def count_leases(tx: Connection, org_id: str, key_id: str) -> tuple[int, int | None]:
    """How many requests all leases of a key stand for, and the instant at which the first of them counts no more."""
    row = await tx.fetch_one(_COUNTED, org_id=org_id, key_id=key_id)
    return (0, None) if row is None else (row[0], row[1])


async def take_lease(tx: Connection, org_id: str, key_id: str, lease_id: str, *, share: int, counts_until: int) -> None:
    """Take a share for a process."""
    await tx.execute(_TAKE, org_id=org_id, key_id=key_id, lease_id=lease_id, share=share, counts_until=counts_until)
