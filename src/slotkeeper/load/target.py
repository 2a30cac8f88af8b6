"""The server that is measured, and the bytes of requests to it: made beforehand, so that sending costs little."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """Where a server answers; ``prefix`` is what stands before every path."""

    port: int
    host: str = "127.0.0.1"
    tls: bool = False
    prefix: str = ""

    def get(self, path: str, key: str | None = None) -> bytes:
        """The bytes of a GET request."""
        return self._head("GET", path, key) + b"\r\n"

    def send(
        self, method: str, path: str, body: Mapping[str, Any], key: str, *, idempotency_key: str | None = None
    ) -> bytes:
        """The bytes of a request with a JSON body."""
        content = json.dumps(body).encode()
        once = "" if idempotency_key is None else f"Idempotency-Key: {idempotency_key}\r\n"
        more = f"{once}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        return self._head(method, path, key) + more.encode() + content

    def _head(self, method: str, path: str, key: str | None) -> bytes:
        authorization = "" if key is None else f"Authorization: Bearer {key}\r\n"
        return f"{method} {self.prefix}{path} HTTP/1.1\r\nHost: {self.host}\r\n{authorization}".encode()


def target_of(url: str) -> Target:
    """The server at a URL such as ``http://127.0.0.1:8000``. Raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(url)
    if not url.isascii() or any(letter.isspace() for letter in url):
        raise ValueError(url)
    port = parts.port or _PORTS[parts.scheme]
    return Target(port, parts.hostname, parts.scheme == "https", parts.path.rstrip("/"))
