"""Why a database cannot be worked on, for the person who can do something about it."""

import socket
import sqlite3
import ssl

import asyncpg

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Connection

_CHANGE_NOTHING = SQL("UPDATE schema_steps SET name = name WHERE step < 0")

_OF_FILES = {
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its folder writable for this user",
    sqlite3.SQLITE_PERM: "may not be used: make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_CORRUPT: "is damaged: put a backup in its place",
    sqlite3.SQLITE_NOTADB: "is damaged or no SQLite database: put a backup in its place, or name another file",
    sqlite3.SQLITE_FULL: "cannot grow: make room on its disk",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at its disk",
    sqlite3.SQLITE_BUSY: "is in use by another program: wait for that one, or end it",
    sqlite3.SQLITE_LOCKED: "is in use by another program: wait for that one, or end it",
}

_STANDBY = "may only be read: it is a standby, or was set so; name the primary, or promote this one"

_OF_SERVERS = {
    "25006": _STANDBY,
    "28000": "does not let this user in: correct the user's name, or the server's pg_hba.conf",
    "28P01": "refuses the password: correct it in the URL, in PGPASSWORD or in ~/.pgpass",
    "3D000": "is not there: make it with 'createdb', or name another",
    "42501": "does not allow this user what is needed: make the user the owner of the database",
    "53100": "cannot grow: make room on the server's disk",
    "53300": "has too many connections: raise 'max_connections', or start fewer workers",
    "55P03": "is in use by another program: wait for that one, or end it",
    "57P03": "is starting up or shutting down: try again in a moment",
}

_OF_CONNECTIONS = (  # the narrower kinds first
    (asyncpg.TargetServerAttributeNotMatched, _STANDBY),
    (ssl.SSLError, "shows no certificate to trust: name its authority with sslrootcert, and the host as it says"),
    (socket.gaierror, "cannot be found: correct the name of the host"),
    (TimeoutError, "does not answer: look at the server, and at what is between here and there"),
    (OSError, "cannot be reached: start the server, or correct the host and the port"),
)
_OF_NO_KIND = "cannot be used: its URL is of another form than postgresql://user:password@host:port/database"


async def try_write(tx: Connection) -> None:
    """Take the way of a change without changing anything; an empty transaction would pass on a read-only database."""
    await tx.execute(_CHANGE_NOTHING)


def explain(database: str, error: Unavailable) -> str | None:
    """What the database said, as a cause and its cure in a sentence; None where the error says it itself.

    ``database`` is its name as it may be shown.
    """
    said = error.__cause__
    if said is None or error.message != Unavailable().message:
        return None
    if isinstance(said, sqlite3.Error):
        code = getattr(said, "sqlite_errorcode", 0) & 0xFF  # the rest tells apart what has the same cure
        cause = _OF_FILES.get(code, f"cannot be used ({said})")
    else:
        cause = _of_server(said)
    return f"The database {database} {cause}."


def _of_server(said: BaseException) -> str:
    if isinstance(said, asyncpg.PostgresError):
        return _OF_SERVERS.get(said.sqlstate or "", f"cannot be used ({said})")
    return next((cause for kind, cause in _OF_CONNECTIONS if isinstance(said, kind)), _OF_NO_KIND)
