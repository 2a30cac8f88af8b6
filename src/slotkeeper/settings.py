"""Settings: read once from flags and the environment, frozen, refusing nonsense at start.

A flag wins over its ``SLOTKEEPER_…`` variable, and that over the default. A variable that nobody
reads is refused, so that a typo is not lost silently.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slotkeeper.domain.errors import InvalidInput

PREFIX = "SLOTKEEPER_"
LOG_LEVELS = ("debug", "info", "warning", "error")
HIGHEST_PORT = 65535
MOST_WORKERS = 64
MOST_PROXIES = 10
SHORTEST_HOLD, LONGEST_HOLD = 30, 900
"""For how many seconds a hold lasts (contract.md section 8)."""

KEY_VARIABLE = "SLOTKEEPER_API_KEY"
"""Where a command that asks a running server looks for its API key."""

# Read by the tests or by a client only; a server that is started from the same shell must not stumble over them.
_OTHER_VARIABLES = frozenset({"SLOTKEEPER_CITUS_URL", KEY_VARIABLE})

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

    ``port`` 0 lets the system choose a free one; ``workers`` is the number of server processes. ``replica_url`` is
    empty without a replica; ``pooler`` says that servers are reached through a pooler in transaction mode.
    ``public_url`` is how people's browsers reach the dashboard, empty where that is the server itself; ``proxies`` is
    how many stand before it, each of which adds to ``X-Forwarded-For``. ``call_hold_seconds`` is for how long the tools
    of voice agents keep a place.
    """

    database_url: str = "sqlite:///slotkeeper.db"
    replica_url: str = ""
    pooler: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    proxies: int = 0
    workers: int = 1
    call_hold_seconds: int = 300
    log_level: str = "info"


_OF_SERVERS = ("replica_url", "pooler")


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
            values[field.name] = _READERS[field.type](name, environ[name].strip())
    url = flags.get("database_url")
    if url is not None and not is_server(str(url)):  # a file is named by hand, and the variables speak of a server
        values = {name: value for name, value in values.items() if name not in _OF_SERVERS or flags.get(name)}
    return _checked(Settings(**values))


def is_server(database_url: str) -> bool:
    """Whether a URL leads to a database server, a PostgreSQL, and not to a file."""
    return database_url.partition("://")[0].lower() in _SERVERS


def check_database(database_url: str) -> None:
    """Refuse a URL of no database that Slotkeeper knows. Raises InvalidInput, whose message shows no password."""
    if is_server(database_url):
        _check_server("database_url", database_url)
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


def _check_server(field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [urlsplit(f"//{host}").port for host in hosts]
        is_place = 0 not in ports and (len(hosts) == 1 or all(hosts))
        fits = is_place and parts.path.strip("/") and not _UNPRINTABLE.search(url)
    except ValueError:
        fits = False
    if fits and "@" in parts.path:  # nothing of it is shown: it may be a part of the password
        raise _refusal(field, "A password in the URL of a PostgreSQL must be written with %40 for '@' and %2F for '/'.")
    if not fits:
        raise _refusal(field, f"This URL of a PostgreSQL names no database: give {_SERVER_FORM}.")


def sqlite_path(database_url: str) -> Path:
    """The file of a ``sqlite:///…`` URL. Raises InvalidInput for every other text."""
    path = database_url.removeprefix(_SQLITE)
    if path == database_url or not path or "\x00" in path:  # what it is instead may hold a password
        raise _refusal("database_url", f"This is not a URL of a database that Slotkeeper knows: give {_FORMS}.")
    if path.startswith(":memory:") or "?" in path:
        raise _refusal("database_url", f"'{database_url}' names no plain file: give {_FORMS}.")
    return Path(path)


def _check_replica(settings: Settings) -> None:
    if not is_server(settings.database_url):
        raise _refusal("replica_url", "Only a PostgreSQL has replicas: name one as the database, or give no replica.")
    if not is_server(settings.replica_url):
        raise _refusal("replica_url", f"A replica is a PostgreSQL: give {_SERVER_FORM}.")
    _check_server("replica_url", settings.replica_url)
    if settings.replica_url == settings.database_url:
        raise _refusal("replica_url", "The replica is the database itself: name a standby of it, or give no replica.")


def _check_public_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.path or parts.query or parts.fragment or "@" in parts.netloc or _UNPRINTABLE.search(url):
        raise _refusal(
            "public_url", f"The public URL must be like https://desk.example.org, without a path, not '{url}'."
        )


def _checked(settings: Settings) -> Settings:
    check_database(settings.database_url)
    if settings.replica_url:
        _check_replica(settings)
    if settings.pooler and not is_server(settings.database_url):
        raise _refusal("pooler", "A pooler stands before a PostgreSQL only: name one as the database, or no pooler.")
    if not settings.host:
        raise _refusal("host", "The host to listen on must not be empty: give a name or an address such as 127.0.0.1.")
    if not 0 <= settings.port <= HIGHEST_PORT:
        raise _refusal("port", f"The port must be 0–{HIGHEST_PORT} (0: any free one), not {settings.port}.")
    if settings.public_url:
        _check_public_url(settings.public_url)
    if not 0 <= settings.proxies <= MOST_PROXIES:
        raise _refusal("proxies", f"The number of proxies must be 0–{MOST_PROXIES}, not {settings.proxies}.")
    if not 1 <= settings.workers <= MOST_WORKERS:
        raise _refusal("workers", f"The number of workers must be 1–{MOST_WORKERS}, not {settings.workers}.")
    if not SHORTEST_HOLD <= settings.call_hold_seconds <= LONGEST_HOLD:
        raise _refusal(
            "call_hold_seconds",
            f"Places are kept for {SHORTEST_HOLD}–{LONGEST_HOLD} seconds, not {settings.call_hold_seconds}.",
        )
    if settings.log_level not in LOG_LEVELS:
        raise _refusal(
            "log_level", f"The log level must be one of {', '.join(LOG_LEVELS)}, not '{settings.log_level}'."
        )
    return settings


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [field.name.upper() for field in fields(Settings)]
    for name in sorted(environ.keys() - _OTHER_VARIABLES):
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


def _yes_or_no(name: str, text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise _refusal(name, f"{name} must be 1 or 0, not '{text}'.")
    return text.lower() in _YES


def _refusal(field: str, message: str) -> InvalidInput:
    return InvalidInput.of(field, message)


_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_READERS: dict[Any, Callable[[str, str], str | int]] = {
    str: lambda _, text: text,
    int: _number,
    bool: _yes_or_no,
}
"""How a variable's text becomes the value of a setting, by its type."""
