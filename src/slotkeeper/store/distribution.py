"""A PostgreSQL distributed by organization, with the extension Citus: its tables, and whether its nodes answer.

What its schema and its statements keep to is checked by tests/store/test_distribution_rules.py.
"""

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Connection
from slotkeeper.store.tables import TABLES

_EXTENSION = SQL("SELECT extversion FROM pg_extension WHERE extname = 'citus'")

_DISTRIBUTED = SQL("""
    SELECT c.relname FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid
    WHERE c.relnamespace = CAST(current_schema() AS regnamespace)
""")

_ROOT = TABLES[0].name

# The rows were copied to the nodes; what is left of them here, and in the tables that point here, nobody sees.
_TRUNCATE = SQL(f"SELECT truncate_local_data_after_distributing_table('{_ROOT}')")

_NODES = SQL("SELECT coalesce(bool_and(n.success), TRUE) FROM run_command_on_workers('SELECT 1') n")


async def require_extension(tx: Connection) -> None:
    """Refuse a database that cannot be distributed. Raises Unavailable that says what to do."""
    if not await _has_extension(tx):
        raise Unavailable(
            "This database lacks the extension 'citus': install it on every node and run 'CREATE EXTENSION citus' in "
            "this database, or migrate without --distributed, which is all that a single PostgreSQL needs."
        )


async def is_distributed(tx: Connection) -> bool:
    """Whether tables of this database are distributed."""
    return await _has_extension(tx) and bool(await _list_distributed(tx))


async def distribute(tx: Connection) -> list[str]:
    """Distribute by organization what is not yet, rows and all; the names of those tables, in their order."""
    await require_extension(tx)
    distributed = await _list_distributed(tx)
    missing = [table.name for table in TABLES if table.name not in distributed]
    for name in missing:
        await tx.fetch_one(_distribution_of(name))
    if missing:
        await tx.fetch_one(_TRUNCATE)
    return missing


async def do_all_nodes_answer(tx: Connection) -> bool:
    """Whether every node answers that holds rows beside the one that is asked; true of a single PostgreSQL."""
    if not await _has_extension(tx):
        return True
    row = await tx.fetch_one(_NODES)
    return row is not None and bool(row[0])


async def _has_extension(tx: Connection) -> bool:
    return await tx.fetch_one(_EXTENSION) is not None


async def _list_distributed(tx: Connection) -> set[str]:
    return {name for (name,) in await tx.fetch(_DISTRIBUTED)}


def _distribution_of(table: str) -> SQL:
    """The statement that distributes a table: the first of all stands alone, the others stand beside it.

    So all rows of one organization are on one node.
    """
    beside = "none" if table == _ROOT else _ROOT
    return SQL(f"SELECT create_distributed_table('{table}', 'org_id', colocate_with => '{beside}')")
