"""What the driver raises, in the words of the domain."""

import logging

import asyncpg

from slotkeeper.domain.errors import Conflict, SlotkeeperError, Unavailable

log = logging.getLogger(__name__)

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises where the server refuses, cannot, or is not there.

An InternalClientError is what it says where the server has ended a session that nothing was asked of just then.
"""

RUN_AGAIN = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "0A000",  # the schema changed under a statement that was prepared before
}
_AWAY = (
    "08",  # connection lost, or that of a distributed database's coordinator to a node (08006)
    "25006",  # a standby, which may only be read
    "25P03",  # idle in transaction for too long
    "28",  # no access
    "3D",  # no such database
    "40",  # run again often enough
    "42501",  # not allowed
    "53",  # no disk, no memory, too many connections
    "55P03",  # a row was locked for too long
    "57",  # shut down, starting up, a statement that took too long
    "58",  # the system below failed
    "XX",  # the server itself failed
)
_LOST = ("08", "57P")


def translate(error: Exception) -> SlotkeeperError:
    """The domain's error for one of the driver's; what is nobody's fault here is Unavailable."""
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("23"):
        log.info("the database refused a row: %s", error)
        return Conflict("Another record stands against this one; read it again and retry.")
    if isinstance(error, asyncpg.PostgresError) and not state.startswith(_AWAY):
        raise error  # a statement of ours is wrong
    if isinstance(error, asyncpg.InterfaceError) and "closed" not in str(error):
        raise error
    log.warning("the database cannot answer: %s", str(error) or type(error).__name__)
    return Unavailable()


def is_lost(error: Exception) -> bool:
    """Whether the connection is of no use any more; it stays good where the server says that another node is away."""
    if isinstance(error, asyncpg.ConnectionFailureError):  # 08006, which the driver never says of its own connection
        return False
    return not isinstance(error, asyncpg.PostgresError) or (error.sqlstate or "").startswith(_LOST)


def unreachable(error: Exception) -> Unavailable:
    """The domain's error where no connection could be made."""
    log.warning("no connection to the database: %s", str(error) or type(error).__name__)
    return Unavailable()
