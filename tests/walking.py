"""The pages of the dashboard as its table of routes has them, each with an address to go to."""

import re
from collections.abc import Iterator, Mapping

from slotkeeper.dashboard.routes import ROUTES
from slotkeeper.domain.users import SCOPES, Role

NO_PAGES = {
    "": "leads to the board",
    "/": "leads to the board",
    "/day": "leads to today",
    "/static/{name}": "files",
    "/board/live": "a stream for the board",
    "/board/changes": "an answer for the board's script",
    "/reports/utilisation.svg": "a picture",
    "/reports/shares.svg": "a picture",
    "/reports/outlook.svg": "a picture",
    "/reports/no-room.svg": "a picture",
}
PAGES = [route for route in ROUTES if route.method == "GET" and route.path not in NO_PAGES]


def address(path: str, places: Mapping[str, str]) -> str:
    """The address of a page. ``places`` says what stands for ``{name}``, or for a path as far as that.

    Fails where nothing is said.
    """

    def fill(found: re.Match[str]) -> str:
        given = places.get(path[: found.end()], places.get(found[0]))
        assert given is not None, f"say in 'places' what stands for {found[0]} in {path}, so that the page is walked"
        return given

    return re.sub(r"\{\w+\}", fill, path)


def seen_by(role: Role | None) -> Iterator[str]:
    """The pages of a role, or of whoever is not signed in."""
    for route in PAGES:
        is_theirs = route.is_open if role is None else not route.is_open
        if is_theirs and (route.scope is None or (role is not None and route.scope in SCOPES[role])):
            yield route.path
