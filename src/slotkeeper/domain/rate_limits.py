"""How many requests a key may make: a sliding window, exact to the millisecond (contract.md section 3)."""

from collections import deque

WINDOW = 60_000
"""The length of the window in milliseconds."""


class SlidingWindow:
    """The moments (milliseconds) at which one key was admitted during the last minute.

    Holds at most as many moments as the limit allows. A clock that is set back moves the moments
    back with it, so that nobody waits longer than a minute.
    """

    __slots__ = ("_moments",)

    def __init__(self) -> None:
        self._moments: deque[int] = deque()

    def admit(self, *, limit: int, now: int) -> int:
        """0 where the request is admitted, and then counts; else after how many milliseconds one will be."""
        moments = self._moments
        if moments and now < moments[-1]:
            back = moments[-1] - now
            self._moments = moments = deque(moment - back for moment in moments)
        while moments and moments[0] <= now - WINDOW:
            moments.popleft()
        if len(moments) < limit:
            moments.append(now)
            return 0
        return moments[len(moments) - limit] + WINDOW - now

    def is_idle(self, now: int) -> bool:
        """Whether nothing was admitted during the last minute."""
        return not self._moments or self._moments[-1] <= now - WINDOW
