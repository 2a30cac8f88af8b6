"""What each operation may refuse with, one example of each, as the OpenAPI document shows it."""

import json
from urllib.parse import urlencode

import msgspec

from slotkeeper.api.door import NOT_JSON, TOO_LARGE
from slotkeeper.api.examples import CONFLICTS, EXAMPLES, NOT_FOUND
from slotkeeper.api.reading import fields_of, read_body, read_query
from slotkeeper.api.request import Operation
from slotkeeper.domain.errors import (
    Conflict,
    DuplicateBooking,
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
    OutsideAvailability: OutsideAvailability(
        "No open window of this branch serves this service on 2026-06-15 at 13:00. "
        "'GET /v1/appointment-slots/availability' lists what is open on a date."
    ),
    NotAllowedByPolicy: NotAllowedByPolicy("Bookings need 2 hours of notice (min_notice_hours); choose a later time."),
}
"""The refusals of a booking."""


def refusals(operation: Operation) -> list[SlotkeeperError]:
    """One example of each refusal that an operation may answer with."""
    errors = [_own(kind, operation.path) for kind in operation.refuses]
    shared: list[type[SlotkeeperError]] = []
    if operation.query is not None or operation.body is not None or operation.target is not None:
        errors.append(_invalid(operation))
    if operation.scope is not None:
        shared += [Unauthorized, RateLimitExceeded, Unavailable]
        errors.append(InsufficientScope(operation.scope))
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
    """What the reader itself says of a request whose first parameter or field is missing or wrong."""
    try:
        if operation.query is not None:
            read_query(operation.query, urlencode(_spoilt(operation.query, wrong="1")).encode())
        elif operation.body is not None and fields_of(operation.body):
            read_body(operation.body, json.dumps(_spoilt(operation.body, wrong="")).encode())
        else:
            parse_slot_id("monday-morning", parts=(1, 2, 3))
    except InvalidInput as error:
        return error
    raise ValueError(f"nothing is wrong with the spoilt request to {operation.method} {operation.path}")


def _spoilt(shape: type[msgspec.Struct], *, wrong: str) -> dict[str, object]:
    """The example of a shape with its first field missing, or wrong where it is not required."""
    fields = fields_of(shape)
    missing = next((field.name for field in fields if field.required), None)
    if missing is None:
        return {**EXAMPLES[shape], fields[0].name: wrong}
    return {name: value for name, value in EXAMPLES[shape].items() if name != missing}
