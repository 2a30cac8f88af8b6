"""Settings: read once from flags and the environment, frozen, refusing nonsense at start.

A flag wins over its ``SLOTKEEPER_…`` variable, and that over the default. A variable that nobody
reads is refused, so that a typo is not lost silently.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slotkeeper.domain.errors import InvalidInput

PREFIX = "SLOTKEEPER_"
LOG_LEVELS = ("debug", "info", "warning", "error")
HIGHEST_PORT = 65535
MOST_WORKERS = 64

# Read by the tests only; a server that is started from the same shell must not stumble over them.
_TEST_VARIABLES = frozenset({"SLOTKEEPER_CITUS_URL"})

_SQLITE = "sqlite:///"
_SERVERS = {"postgresql", "postgres"}
_SERVER_FORM = (
    "postgresql://user:password@host:port/database, with a password's special signs written as %40 and so on, and "
    "several hosts with commas between them"
)
_FORMS = f"sqlite:///file.db (in the working folder), sqlite:////path/to/file.db, or {_SERVER_FORM}"
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a program run needs to know; each field is also the variable ``SLOTKEEPER_<FIELD>``.

    ``port`` 0 lets the system choose a free one; ``workers`` is the number of server processes.
    """

    database_url: str = "sqlite:///slotkeeper.db"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    log_level: str = "info"


def read_settings(environ: Mapping[str, str], **flags: str | int | None) -> Settings:
    """The settings of this run; a flag of None counts as not given.

    Raises InvalidInput whose message says, for the first thing that is wrong, what would be right.
    """
    _refuse_unknown(environ)
    values: dict[str, Any] = {}
    for field in fields(Settings):
        name = f"{PREFIX}{field.name.upper()}"
        flag = flags.get(field.name)
        if flag is not None:
            values[field.name] = flag
        elif environ.get(name):
            values[field.name] = _number(name, environ[name]) if field.type is int else environ[name].strip()
    return _checked(Settings(**values))


def is_server(database_url: str) -> bool:
    """Whether a URL leads to a database server, a PostgreSQL, and not to a file."""
    return database_url.partition("://")[0].lower() in _SERVERS


def check_database(database_url: str) -> None:
    """Refuse a URL of no database that Slotkeeper knows. Raises InvalidInput, whose message shows no password."""
    if is_server(database_url):
        _check_server(database_url)
    else:
        sqlite_path(database_url)


def shown(database_url: str) -> str:
    """The URL as it may be shown: without a password."""
    if not is_server(database_url):
        return database_url
    parts = urlsplit(database_url)
    user, _, place = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    options = "&".join(
        item for item in parts.query.split("&") if item and not item.startswith(("password=", "passfile="))
    )
    return parts._replace(netloc=f"{name}@{place}" if user else place, query=options).geturl()


def _check_server(database_url: str) -> None:
    try:
        parts = urlsplit(database_url)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [urlsplit(f"//{host}").port for host in hosts]
        is_place = 0 not in ports and (len(hosts) == 1 or all(hosts))
        fits = is_place and parts.path.strip("/") and not _UNPRINTABLE.search(database_url)
    except ValueError:
        fits = False
    if not fits:
        raise _refusal("database_url", f"This URL of a PostgreSQL names no database: give {_SERVER_FORM}.")


def sqlite_path(database_url: str) -> Path:
    """The file of a ``sqlite:///…`` URL. Raises InvalidInput for every other text."""
    path = database_url.removeprefix(_SQLITE)
    if path == database_url or not path or "\x00" in path:  # what it is instead may hold a password
        raise _refusal("database_url", f"This is not a URL of a database that Slotkeeper knows: give {_FORMS}.")
    if path.startswith(":memory:") or "?" in path:
        raise _refusal("database_url", f"'{database_url}' names no plain file: give {_FORMS}.")
    return Path(path)


def _checked(settings: Settings) -> Settings:
    check_database(settings.database_url)
    if not settings.host:
        raise _refusal("host", "The host to listen on must not be empty: give a name or an address such as 127.0.0.1.")
    if not 0 <= settings.port <= HIGHEST_PORT:
        raise _refusal("port", f"The port must be 0–{HIGHEST_PORT} (0: any free one), not {settings.port}.")
    if not 1 <= settings.workers <= MOST_WORKERS:
        raise _refusal("workers", f"The number of workers must be 1–{MOST_WORKERS}, not {settings.workers}.")
    if settings.log_level not in LOG_LEVELS:
        raise _refusal(
            "log_level", f"The log level must be one of {', '.join(LOG_LEVELS)}, not '{settings.log_level}'."
        )
    return settings


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [field.name.upper() for field in fields(Settings)]
    for name in sorted(environ.keys() - _TEST_VARIABLES):
        own = name.removeprefix(PREFIX)
        if name != own and own not in known:
            near = difflib.get_close_matches(own.upper(), known, n=1, cutoff=0.0)[0]
            raise _refusal(
                name, f"{name} is no setting of Slotkeeper; the nearest is {PREFIX}{near}. Rename or unset it."
            )


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _refusal(name, f"{name} must be a whole number, not '{text}'.") from None


def _refusal(field: str, message: str) -> InvalidInput:
    return InvalidInput.of(field, message)
