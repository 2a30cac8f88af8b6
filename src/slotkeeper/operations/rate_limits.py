"""The rate limit of each key (contract.md section 3), exact within one server process."""

from typing import Protocol

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import RateLimitExceeded
from slotkeeper.domain.rate_limits import WINDOW, SlidingWindow


class RateLimits(Protocol):
    """Whoever counts the requests of keys."""

    async def admit(self, caller: Caller, now: int) -> None:
        """Count one request of a key at an instant (milliseconds). Raises RateLimitExceeded."""
        ...


class RateLimiter:
    """Counts the requests of each key; forgets keys that made none for a minute."""

    def __init__(self) -> None:
        self._windows: dict[str, SlidingWindow] = {}
        self._swept_at = 0

    async def admit(self, caller: Caller, now: int) -> None:
        """Count one request of a key at an instant (milliseconds). Raises RateLimitExceeded, and then counts none."""
        limit = caller.rate_limit
        if limit == 0:
            return
        window = self._windows.get(caller.key_id)
        if window is None:
            self._sweep(now)
            window = self._windows[caller.key_id] = SlidingWindow()
        wait = window.admit(limit=limit, now=now)
        if wait > 0:
            raise RateLimitExceeded(limit, -(-wait // 1000))

    def _sweep(self, now: int) -> None:
        """Drop idle windows, at most once a minute: memory follows the keys that are in use."""
        if abs(now - self._swept_at) < WINDOW:
            return
        self._swept_at = now
        self._windows = {key_id: window for key_id, window in self._windows.items() if not window.is_idle(now)}
