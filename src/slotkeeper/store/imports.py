"""Which organizations were brought in from a file, and which of them are not whole yet."""

from typing import NamedTuple

from slotkeeper.store.database import SQL, Connection

_FIND = SQL("SELECT digest, run_id, begun_at, finished_at FROM imports WHERE org_id = :org_id @lock")

_BEGIN = SQL("""
    INSERT INTO imports (org_id, digest, run_id, begun_at, finished_at)
    VALUES (:org_id, :digest, :run_id, :now, NULL)
""")

_TAKE_OVER = SQL("""
    UPDATE imports SET digest = :digest, run_id = :run_id, begun_at = :now
    WHERE org_id = :org_id AND finished_at IS NULL
""")

_FINISH = SQL("""
    UPDATE imports SET finished_at = :now
    WHERE org_id = :org_id AND run_id = :run_id AND finished_at IS NULL
""")


class Import(NamedTuple):
    """An organization's way in: from the file of a digest; whole since ``finished_at``, None where it is not."""

    digest: str
    run_id: str
    begun_at: int
    finished_at: int | None


async def find_import(tx: Connection, org_id: str) -> Import | None:
    """How an organization came in, locked until the transaction ends; None where it was made here."""
    row = await tx.fetch_one(_FIND, org_id=org_id)
    return None if row is None else Import(*row)


async def begin(tx: Connection, org_id: str, *, digest: str, run_id: str, now: int) -> None:
    """Say that an organization, whose row is there, is not whole."""
    await tx.execute(_BEGIN, org_id=org_id, digest=digest, run_id=run_id, now=now)


async def take_over(tx: Connection, org_id: str, *, digest: str, run_id: str, now: int) -> None:
    """Let another import write to an organization that is not whole; the one before can write no more."""
    await tx.execute(_TAKE_OVER, org_id=org_id, digest=digest, run_id=run_id, now=now)


async def finish(tx: Connection, org_id: str, *, run_id: str, now: int) -> None:
    """Say that an organization is whole: from the commit on, everybody sees it."""
    await tx.execute(_FINISH, org_id=org_id, run_id=run_id, now=now)
