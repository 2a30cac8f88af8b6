"""One connection to a real server, whose answers are kept byte by byte, or known to be missing."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple, Self

PATIENCE = 30.0


class Told(NamedTuple):
    """An answer that came whole."""

    status: int
    content: bytes
    replayed: bool
    retry_after: str | None

    @property
    def code(self) -> str:
        """The code of a refusal, "" where it is none."""
        return str(json.loads(self.content).get("error", {}).get("code", ""))

    def good(self, status: int = 200) -> dict[str, Any]:
        """The JSON of an answer that must have succeeded."""
        assert self.status == status, self
        body: dict[str, Any] = json.loads(self.content)
        assert body["success"] is True
        return body

    def require_unavailable(self) -> None:
        """Make sure that this is the one answer to a request that the database could not do."""
        assert (self.status, self.code) == (503, "UNAVAILABLE"), self
        assert self.retry_after is not None
        assert self.retry_after.isdigit()
        assert int(self.retry_after) > 0


class Ask(NamedTuple):
    """A request, and its Idempotency-Key."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    once: str | None = None


class Unanswered(Exception):
    """The server is gone, or said that it cannot answer now."""


class Wire:
    """One connection to a server, with one API key."""

    def __init__(self, port: int, key: str) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._key = key

    def send(self, ask: Ask) -> Told:
        """The answer to a request. Raises Unanswered where none came, or only a part of one."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        if ask.once is not None:
            headers["Idempotency-Key"] = ask.once
        try:
            self._http.request(ask.method, ask.path, None if ask.body is None else json.dumps(ask.body), headers)
            answer = self._http.getresponse()
            content = answer.read()
        except (ConnectionError, HTTPException) as error:
            raise Unanswered from error
        replayed = answer.headers["idempotent-replay"] == "true"
        return Told(answer.status, content, replayed, answer.headers["retry-after"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
