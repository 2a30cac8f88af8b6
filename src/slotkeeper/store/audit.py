"""The audit trail."""

from slotkeeper.store.database import SQL, Connection, Value

_INSERT = SQL("""
    INSERT INTO audit (org_id, audit_id, at, action, subject, key_id, channel, outcome, after)
    VALUES (:org_id, :audit_id, :at, :action, :subject, :key_id, :channel, :outcome, :after)
""")


async def insert_entry(tx: Connection, org_id: str, **entry: Value) -> None:
    """Note who did what, in the same transaction as the change itself."""
    await tx.execute(_INSERT, org_id=org_id, **entry)
