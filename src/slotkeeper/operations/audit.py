"""The audit trail: who did what, and what was refused by a rule (contract.md section 8)."""

from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import instant_of
from slotkeeper.domain.model import AuditEntry
from slotkeeper.operations.acts import DAY, KEPT, Act
from slotkeeper.operations.directory import get_organization
from slotkeeper.store import audit as store
from slotkeeper.store import directory, requests
from slotkeeper.store.audit import AuditSearch
from slotkeeper.store.database import Connection, Database

EVER = 2**53
"""An instant after all that anybody looks for."""

BATCH = 1_000
"""How many rows of a kind are forgotten in one transaction at most: bookings wait for no more than that."""


class Wanted(NamedTuple):
    """Which entries to list: from one moment to another, each a date of the organization's zone or an instant.

    A last date counts whole; ids are read in any case; None stands for all.
    """

    first: date | int | None = None
    last: date | int | None = None
    action: str | None = None
    subject: str | None = None
    key_id: str | None = None
    user_id: str | None = None


async def list_entries(
    db: Database, caller: Caller, wanted: Wanted, *, page: int, limit: int
) -> tuple[list[AuditEntry], int]:
    """One page (from 1) of the entries looked for, the newest first, and how many there are in all."""
    caller.require(Scope.ADMIN)

    async def work(tx: Connection) -> tuple[list[AuditEntry], int]:
        timezone = (await get_organization(tx, caller.org_id)).configuration.timezone
        looked_for = AuditSearch(
            0 if wanted.first is None else _beginning(wanted.first, timezone),
            EVER if wanted.last is None else _end(wanted.last, timezone),
            wanted.action,
            None if wanted.subject is None else wanted.subject.lower(),
            wanted.key_id,
            wanted.user_id,
        )
        return await store.list_entries(tx, caller.org_id, looked_for, limit=limit, skip=(page - 1) * limit)

    return await db.read_lagging(work)


def _beginning(moment: date | int, timezone: str) -> int:
    return instant_of(moment, "00:00", timezone) if isinstance(moment, date) else moment


def _end(moment: date | int, timezone: str) -> int:
    return instant_of(moment + timedelta(days=1), "00:00", timezone) - 1 if isinstance(moment, date) else moment


async def keep_days(db: Database, caller: Caller, days: int, *, now: int) -> int:
    """For how many days entries are kept from now on; how many it was before."""
    caller.require(Scope.ADMIN)
    act = Act(caller, "organizations.update", caller.org_id, now)

    async def work(tx: Connection) -> int:
        before = await directory.get_audit_keep_days(tx, caller.org_id)
        if before != days:
            await directory.set_audit_keep_days(tx, caller.org_id, days)
            await act.note(tx, {"audit_keep_days": before}, {"audit_keep_days": days})
        return before

    return await act.write(db, work, alone=True)


async def forget_old(db: Database, *, now: int) -> int:
    """Take away what is kept no longer: old entries, and the answers that no retry may ask for; how many rows.

    Works in batches, each a transaction of its own, so that bookings go on beside it.
    """
    forgotten = 0
    for organization in await db.read(directory.list_organizations):
        whole = True
        while whole:
            entries, answers = await db.write(partial(_forget_batch, org_id=organization.org_id, now=now))
            forgotten += entries + answers
            whole = BATCH in (entries, answers)
    return forgotten


async def _forget_batch(tx: Connection, *, org_id: str, now: int) -> tuple[int, int]:
    """Some of the entries and answers that an organization keeps no longer: how many of each were there."""
    kept = await directory.get_audit_keep_days(tx, org_id)
    entries = await store.purge(tx, org_id, before=now - kept * DAY, most=BATCH)
    return entries, await requests.purge(tx, org_id, expired=now - KEPT, most=BATCH)
