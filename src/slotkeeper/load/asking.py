"""Single questions to a running server, and what a refusal means to the person who wanted to measure it."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from slotkeeper.domain.errors import Conflict, SlotkeeperError, Unavailable
from slotkeeper.load.generator import Refused, put_load
from slotkeeper.load.target import Target

PLAIN = "/healthz"
"""What everybody may ask, and what asks nothing of the database: the least work that the server can answer with."""
LONGEST_SHOWN = 200


class Asker(NamedTuple):
    """Somebody with a key; ``url`` is how the person named the server."""

    target: Target
    url: str
    key: str

    def get(self, path: str) -> dict[str, Any]:
        """The JSON of an answer. Raises Unavailable, Conflict."""
        found: dict[str, Any] = json.loads(self.ask(self.target.get(path, self.key)))
        return found

    def ask(self, request: bytes) -> bytes:
        """The body of an answer. Raises Unavailable, Conflict."""
        with self.explained():
            load = put_load(self.target, [request], seconds=1, connections=1, with_bodies=True)
        return (load.bodies or [b""])[0]

    def require_slotkeeper(self) -> None:
        """Refuse what is no Slotkeeper server, before a key is sent to it. Raises Unavailable, Conflict."""
        try:
            answer = json.loads(self.ask(self.target.get(PLAIN)))
        except (ValueError, Conflict):
            answer = None
        if answer != {"success": True, "status": "alive"}:
            raise Conflict(f"What answers at {self.url} is no Slotkeeper server: name another address with --url.")

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what ends a load into a sentence that says what to do. Raises Unavailable, Conflict."""
        try:
            yield
        except Refused as refused:
            raise self._explain(refused) from None
        except TimeoutError as error:
            raise Unavailable(f"The server at {self.url} does not answer: {error}.") from None
        except OSError as error:
            reason = str(error.strerror or error).lower()
            raise Unavailable(
                f"No server answers at {self.url} ({reason}): start one with 'slotkeeper serve', or name it with --url."
            ) from None
        except ValueError as error:
            raise Conflict(f"What answers at {self.url} cannot be measured: {error}.") from None

    def _explain(self, refused: Refused) -> SlotkeeperError:
        message = _message(refused.body)
        if refused.status == 401:
            return Conflict(
                f"The server at {self.url} does not know this key, or it is revoked or expired: 'slotkeeper keys "
                "create --scopes slots:read --rate-limit 0' on its database makes one."
            )
        if refused.status == 403:
            return Conflict(f"{message} 'slotkeeper keys create --scopes …' makes one.")
        if refused.status == 429:
            return Conflict(
                f"{message} Measure with a key that has no limit: 'slotkeeper keys create --rate-limit 0 --scopes …'."
            )
        return Conflict(f"The server at {self.url} refused a request with {refused.status}: {message}")


def _message(body: bytes) -> str:
    """The sentence of a refusal; of anything else, how it begins."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:LONGEST_SHOWN].decode("utf-8", "replace") or "it says no more."
