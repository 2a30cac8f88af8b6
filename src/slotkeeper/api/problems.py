"""Refusals as answers: a kind of error is mapped to its HTTP status here and nowhere else (contract.md section 3)."""

from typing import NamedTuple

import msgspec

from slotkeeper.domain.errors import (
    InvalidInput,
    Kind,
    MethodNotAllowed,
    RateLimitExceeded,
    SlotkeeperError,
    Unauthorized,
    Unavailable,
)

STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD: 405,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.MEDIA_TYPE: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.RATE_LIMITED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
}

Headers = list[tuple[bytes, bytes]]


class Problem(NamedTuple):
    """A refusal, ready to be sent."""

    status: int
    content: bytes
    headers: Headers


def problem(error: SlotkeeperError) -> Problem:
    """The answer to a request that was refused."""
    return Problem(STATUS[error.kind], msgspec.json.encode(envelope(error)), headers_of(error))


def envelope(error: SlotkeeperError) -> dict[str, object]:
    """The one form of every refusal."""
    said: dict[str, object] = {"code": error.code, "message": error.message}
    if isinstance(error, InvalidInput):
        said["details"] = [{"field": detail.field, "message": detail.message} for detail in error.details]
    return {"success": False, "error": said}


def headers_of(error: SlotkeeperError) -> Headers:
    """The headers that HTTP wants beside some refusals."""
    match error:
        case Unauthorized():
            return [(b"www-authenticate", b"Bearer")]
        case MethodNotAllowed():
            return [(b"allow", ", ".join(error.allowed).encode())]
        case RateLimitExceeded() | Unavailable():
            return [(b"retry-after", str(error.retry_after).encode())]
        case _:
            return []
