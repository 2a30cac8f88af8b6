"""One rate limit for several server processes: each takes a tenth of it at a time (contract.md section 3).

A lease is used up within LEASE_LIFE or given back. While it is out it counts in full; once it is
settled, what was used of it counts for a minute after its last request. So the processes together never
let more than the limit through in any minute, and a busy key costs one write for a tenth of its limit.
"""

import asyncio
from dataclasses import dataclass, field

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import RateLimitExceeded, Unavailable
from slotkeeper.operations.ids import new_id
from slotkeeper.store import rate_leases as store
from slotkeeper.store.database import Connection, Database

MINUTE = 60_000
LEASE_LIFE = 6_000
KEPT_REFUSAL = 1_000
"""For how many milliseconds a refusal is repeated without asking the database again."""

PATIENCE = 6_000
"""For how many milliseconds after a request that had to wait for the database in vain the next ones need not."""

MOST_KEYS = 10_000


@dataclass(slots=True)
class _Lease:
    """What a process has of a key's limit until an instant; after a refusal a share of 0."""

    lease_id: str
    share: int
    until: int
    used: int = 0
    last_use: int = 0
    retry_at: int = 0

    def is_over(self, now: int) -> bool:
        """Whether the database has to be asked again: the time is up, or the share is used up."""
        return now >= self.until or 0 < self.share <= self.used


@dataclass(slots=True)
class _Account:
    """One key in one process; the lock lets a single request renew the lease while the others wait for it."""

    lease: _Lease | None = None
    unavailable_until: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedRateLimits:
    """The limits of all keys, shared through the database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._accounts: dict[str, _Account] = {}

    async def admit(self, caller: Caller, now: int) -> None:
        """Count one request of a key at an instant (milliseconds UTC). Raises RateLimitExceeded."""
        if caller.rate_limit == 0:
            return
        account = self._account(caller.key_id, now)
        async with account.lock:
            lease = account.lease
            if lease is None or lease.is_over(now):
                lease = account.lease = await self._renewed(account, caller, now)
            if lease.share == 0:
                raise RateLimitExceeded(caller.rate_limit, max(1, -(-(lease.retry_at - now) // 1000)))
            lease.used += 1
            lease.last_use = max(lease.last_use, now)

    async def _renewed(self, account: _Account, caller: Caller, now: int) -> _Lease:
        """The next lease. Raises Unavailable at once where the database has just kept another request waiting."""
        if now < account.unavailable_until:
            raise Unavailable
        try:
            return await self._db.write(lambda tx: _renew(tx, caller, account.lease, now=now), lasting=False)
        except Unavailable:
            account.unavailable_until = now + PATIENCE
            raise

    def _account(self, key_id: str, now: int) -> _Account:
        account = self._accounts.get(key_id)
        if account is None:
            if len(self._accounts) >= MOST_KEYS:  # a lease dropped here counts in full until it ends by itself
                self._accounts = {
                    key: kept for key, kept in self._accounts.items() if kept.lease is None or now < kept.lease.until
                }
            account = self._accounts[key_id] = _Account()
        return account


async def _renew(tx: Connection, caller: Caller, old: _Lease | None, *, now: int) -> _Lease:
    """Settle the old lease and take the next one, as large as the limit still allows."""
    org_id, key_id, limit = caller.org_id, caller.key_id, caller.rate_limit
    await store.lock_leases(tx, org_id, key_id, now=now)
    if old is not None and old.used:
        await store.settle_lease(tx, org_id, key_id, old.lease_id, used=old.used, counts_until=old.last_use + MINUTE)
    counted, first_end = await store.count_leases(tx, org_id, key_id)
    share = min(max(1, limit // 10), limit - counted)
    if share <= 0:
        return _Lease("", 0, now + KEPT_REFUSAL, retry_at=now + MINUTE if first_end is None else first_end)
    lease = _Lease(new_id(), share, now + LEASE_LIFE)
    await store.take_lease(tx, org_id, key_id, lease.lease_id, share=share, counts_until=now + LEASE_LIFE + MINUTE)
    return lease
