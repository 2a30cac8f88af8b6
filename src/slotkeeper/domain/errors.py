"""The error tree: every refusal has a stable code, a kind and a sentence that says what would be right.

A door maps the *kind* once (HTTP status, exit code); the *code* is what clients compare
(contract.md section 3). Messages are for a person and never carry internals.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of refusal it is; each door maps a kind once."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    UNPROCESSABLE = "unprocessable"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is wrong with one field; ``field`` is empty for the request as a whole."""

    field: str
    message: str


class SlotkeeperError(Exception):
    """The root of everything that Slotkeeper refuses."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    kind: ClassVar[Kind] = Kind.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(SlotkeeperError):
    """A parameter or field is missing, malformed or out of range."""

    code, kind = "VALIDATION_ERROR", Kind.INVALID

    def __init__(self, details: list[Detail]) -> None:
        super().__init__(" ".join(detail.message for detail in details))
        self.details = details

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidInput":
        """A refusal with a single detail."""
        return cls([Detail(field, message)])


class Unauthorized(SlotkeeperError):
    """No key, or an unknown, revoked or expired one: always the same answer."""

    code, kind = "UNAUTHORIZED", Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "This request needs a valid API key: send the header 'Authorization: Bearer sk_live_…' "
            "with a key that is neither revoked nor expired."
        )


class InsufficientScope(SlotkeeperError):
    """The key lacks the scope that the message names."""

    code, kind = "INSUFFICIENT_SCOPE", Kind.FORBIDDEN

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope '{scope}': use a key that was created with it.")
        self.scope = scope


class NotFound(SlotkeeperError):
    """No such record in this organization, or no such path."""

    code, kind = "NOT_FOUND", Kind.NOT_FOUND


class MethodNotAllowed(SlotkeeperError):
    """The path exists, but not for this method."""

    code, kind = "METHOD_NOT_ALLOWED", Kind.METHOD

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not allowed here; this path answers {', '.join(allowed)}.")
        self.allowed = allowed


class Conflict(SlotkeeperError):
    """A rule of uniqueness or state stands against it."""

    code, kind = "CONFLICT", Kind.CONFLICT


class SlotFull(SlotkeeperError):
    """No place left for this service and channel."""

    code, kind = "SLOT_FULL", Kind.CONFLICT


class DuplicateBooking(SlotkeeperError):
    """The same patient has a standing appointment for the same service."""

    code, kind = "DUPLICATE_BOOKING", Kind.CONFLICT


class HoldExpired(SlotkeeperError):
    """The hold ran out, was released, or was confirmed already."""

    code, kind = "HOLD_EXPIRED", Kind.CONFLICT


class NotAllowedByPolicy(SlotkeeperError):
    """A booking rule of the configuration refuses; the message names it."""

    code, kind = "NOT_ALLOWED_BY_POLICY", Kind.UNPROCESSABLE


class OutsideAvailability(SlotkeeperError):
    """No open window fits."""

    code, kind = "OUTSIDE_AVAILABILITY", Kind.UNPROCESSABLE


class PayloadTooLarge(SlotkeeperError):
    """The body is over the limit."""

    code, kind = "PAYLOAD_TOO_LARGE", Kind.TOO_LARGE


class UnsupportedMediaType(SlotkeeperError):
    """The body is not ``application/json``."""

    code, kind = "UNSUPPORTED_MEDIA_TYPE", Kind.MEDIA_TYPE


class RateLimitExceeded(SlotkeeperError):
    """Over the key's limit; ``retry_after`` is in whole seconds, at least 1."""

    code, kind = "RATE_LIMIT_EXCEEDED", Kind.RATE_LIMITED

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"This API key may make {limit} requests a minute; try again in {retry_after} seconds.")
        self.retry_after = retry_after


class TooManyHolds(RateLimitExceeded):
    """The key keeps as many live holds as one may; ``retry_after`` is when the first of them ends."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(limit, retry_after)
        self.message = (
            f"This API key keeps {limit} live holds already, which is the most: confirm or release one, "
            f"or try again in {retry_after} seconds."
        )


class TooManyTries(RateLimitExceeded):
    """A password was tried too often; ``retry_after`` is when it may be tried again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(0, retry_after)
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        self.message = f"There were too many attempts to sign in; try again in {minutes} {unit}."


class Unavailable(SlotkeeperError):
    """The database cannot answer now; ``retry_after`` is in whole seconds."""

    code, kind = "UNAVAILABLE", Kind.UNAVAILABLE

    def __init__(self, message: str = "The database cannot answer now; try again shortly.") -> None:
        super().__init__(message)
        self.retry_after = 2


class WrongSchema(Unavailable):
    """The database's schema step is not one that this program can run on."""


class InternalError(SlotkeeperError):
    """Our fault; the log has the cause under the request's id."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"Something went wrong on our side. Tell the operator the request id {request_id}; "
            "the log says more under it."
        )
