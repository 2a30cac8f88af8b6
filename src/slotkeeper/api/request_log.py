"""A line in the log for each request; only in a server that logs everything, so that the others pay nothing."""

import logging
import time

from starlette.types import Message, Receive, Scope, Send

from slotkeeper.api.door import Door, Methods

log = logging.getLogger(__name__)


class LoggingDoor(Door):
    """A door that notes what it answered. The query stays out of the log: it may name a person."""

    async def answer(self, methods: Methods | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note it."""
        since = time.perf_counter()
        outcome = ("-", "no answer")

        async def note(message: Message) -> None:
            nonlocal outcome
            if message["type"] == "http.response.start":
                outcome = (dict(message["headers"])[b"x-request-id"].decode(), message["status"])
            await send(message)

        try:
            await super().answer(methods, scope, receive, note)
        finally:
            took = (time.perf_counter() - since) * 1000
            log.debug("request %s: %s %r %s in %.1f ms", outcome[0], scope["method"], scope["path"], outcome[1], took)
