"""What each operation may refuse with, one example of each, as the OpenAPI document shows it."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlencode

import msgspec

from slotkeeper.api import fields
from slotkeeper.api.door import NOT_JSON, TOO_LARGE, idempotency_key
from slotkeeper.api.examples import CONFLICTS, EXAMPLES, NOT_FOUND
from slotkeeper.api.reading import fields_of, read_body, read_id, read_query
from slotkeeper.api.request import Operation
from slotkeeper.domain.access import Scope
from slotkeeper.domain.errors import (
    Conflict,
    DuplicateBooking,
    HoldExpired,
    InsufficientScope,
    InternalError,
    InvalidInput,
    NotAllowedByPolicy,
    NotFound,
    OutsideAvailability,
    PayloadTooLarge,
    RateLimitExceeded,
    SlotFull,
    SlotkeeperError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations.acts import KEY_CLASH

SHARED: dict[type[SlotkeeperError], SlotkeeperError] = {
    Unauthorized: Unauthorized(),
    PayloadTooLarge: PayloadTooLarge(TOO_LARGE),
    UnsupportedMediaType: UnsupportedMediaType(NOT_JSON),
    RateLimitExceeded: RateLimitExceeded(60, 12),
    InternalError: InternalError("req_4f1d0a9b7c2e_17"),
    Unavailable: Unavailable(),
}
"""The refusals that are the same for every operation."""

BOOKING: dict[type[SlotkeeperError], SlotkeeperError] = {
    SlotFull: SlotFull("All places are taken on 2026-06-15 (09:00–11:00); choose another time."),
    DuplicateBooking: DuplicateBooking(
        "This patient has the appointment appt_7h2k9x0q4d for the same service already, on 2026-06-15 at 09:30; "
        "move or cancel that one instead."
    ),
    HoldExpired: HoldExpired(
        "The hold 5f0c8f5e-6a3b-4c1d-9e2f-7b8a9c0d1e2f ran out, was released, or was confirmed already; take a new one."
    ),
    OutsideAvailability: OutsideAvailability(
        "No open window of this branch serves this service on 2026-06-15 at 13:00. "
        "'GET /v1/appointment-slots/explain' says why, '…/next-available' what can be booked."
    ),
    NotAllowedByPolicy: NotAllowedByPolicy("Bookings need 2 hours of notice (min_notice_hours); choose a later time."),
}
"""The refusals of a booking."""


def refusals(operation: Operation) -> list[SlotkeeperError]:
    """One example of each refusal that an operation may answer with."""
    errors = [_own(kind, operation.path) for kind in operation.refuses]
    if operation.method == "POST" and Conflict not in operation.refuses and not operation.any_key:
        errors.append(Conflict(KEY_CLASH))
    shared: list[type[SlotkeeperError]] = []
    if operation.query is not None or operation.body is not None or operation.target is not None:
        errors.append(_invalid(operation))
    if operation.needs_key:
        shared += [Unauthorized, RateLimitExceeded, Unavailable]
    if operation.scope is not None or (operation.target is not None and operation.any_key):
        errors.append(InsufficientScope(operation.scope or Scope.APPOINTMENTS_WRITE))
    if operation.body is not None:
        shared += [PayloadTooLarge, UnsupportedMediaType]
    if not isinstance(operation.answer, str):
        shared.append(InternalError)
    return [*errors, *(SHARED[kind] for kind in shared)]


def _own(kind: type[SlotkeeperError], path: str) -> SlotkeeperError:
    if kind is NotFound:
        return NotFound(NOT_FOUND[path])
    return Conflict(CONFLICTS[path]) if kind is Conflict else {**SHARED, **BOOKING}[kind]


def _invalid(operation: Operation) -> InvalidInput:
    """What the reader itself says of a request with a field that is missing or wrong."""
    for attempt in _attempts(operation):
        try:
            attempt()
        except InvalidInput as error:
            return error
    raise ValueError(f"nothing is wrong with the spoilt requests to {operation.method} {operation.path}")


def _attempts(operation: Operation) -> Iterator[Callable[[], object]]:
    """Requests with their example's first field missing, or one after the other wrong where none is required."""
    query, body = operation.query, operation.body
    if query is not None:
        yield from (partial(read_query, query, urlencode(one).encode()) for one in _spoilt(query, wrong="1"))
    elif operation.headers:
        yield partial(idempotency_key, [], {b"idempotency-key": b""})
    elif body is not None and fields_of(body):
        yield from (partial(read_body, body, json.dumps(one).encode()) for one in _spoilt(body, wrong=""))
    elif operation.target is fields.Uuid:
        yield partial(read_id, operation.path.partition("{")[2].rstrip("}"), "monday-morning")
    else:
        yield partial(parse_slot_id, "monday-morning", parts=(1, 2, 3))


def _spoilt(shape: type[msgspec.Struct], *, wrong: str) -> list[dict[str, object]]:
    """The example of a shape with its first required field missing, else with each field wrong."""
    names = [field.name for field in fields_of(shape)]
    missing = next((field.name for field in fields_of(shape) if field.required), None)
    if missing is None:
        return [{**EXAMPLES[shape], name: wrong} for name in names]
    return [{name: value for name, value in EXAMPLES[shape].items() if name != missing}]
