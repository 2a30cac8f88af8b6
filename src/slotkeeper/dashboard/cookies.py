"""The dashboard's cookies: none of them is read by a script, none is sent along by another site's forms."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

from slotkeeper.domain.sign_ins import HOUR, LONGEST

SESSION = "session"
"""The token of whoever is signed in."""
FORM = "form"
"""What the forms of somebody who is not are bound to."""
CLINIC = "clinic"
"""The organization that was signed in to last in this browser."""
BRANCH = "branch"
"""The branch that was looked at last."""
FLASH = "flash"
"""What the next page says at its top."""

LIVES = {
    SESSION: LONGEST // 1000,
    FORM: 12 * HOUR // 1000,
    CLINIC: 365 * 24 * HOUR // 1000,
    BRANCH: 365 * 24 * HOUR // 1000,
    FLASH: 60,
}
"""For how many seconds a browser keeps each."""


class Written(NamedTuple):
    """A cookie that an answer sets, or takes away where ``value`` is None."""

    name: str
    value: str | None


class Cookies:
    """The cookies of one visit: what the browser sent, and what the answer will set."""

    def __init__(self, sent: Mapping[str, str], *, is_https: bool) -> None:
        self._sent, self._is_https = sent, is_https
        self._written: dict[str, Written] = {}

    def name(self, name: str) -> str:
        """The name as the browser knows it: over HTTPS bound to this host, whatever its neighbours set."""
        return f"__Host-slotkeeper_{name}" if self._is_https else f"slotkeeper_{name}"

    def get(self, name: str) -> str | None:
        """What the browser sent, or what was set since."""
        if name in self._written:
            return self._written[name].value
        return self._sent.get(self.name(name))

    def set(self, name: str, value: str) -> None:
        """Let the answer set a cookie."""
        self._written[name] = Written(name, value)

    def drop(self, name: str) -> None:
        """Let the answer take a cookie away, where there is one."""
        self._written.pop(name, None)
        if self.name(name) in self._sent:
            self._written[name] = Written(name, None)

    def write(self, response: Response) -> None:
        """Put what was set into an answer."""
        for name, value in self._written.values():
            response.set_cookie(
                self.name(name),
                value or "",
                max_age=0 if value is None else LIVES[name],
                path="/",
                secure=self._is_https,
                httponly=True,
                samesite="lax",
            )
