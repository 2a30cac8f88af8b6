"""Refusals of the operations as answers: the one map from a code to what is said on the phone."""

import msgspec

from slotkeeper.domain.errors import InvalidInput, Kind, SlotkeeperError, TooManyHolds
from slotkeeper.texts import N_
from slotkeeper.tools.answer import shortened
from slotkeeper.tools.turn import Mend, Turn

MENDABLE = frozenset({Kind.INVALID, Kind.NOT_FOUND, Kind.CONFLICT, Kind.UNPROCESSABLE})
"""What a caller or a model can do something about. The rest leaves as an error, for the door to tell."""

SPOKEN = {
    "VALIDATION_ERROR": N_("I could not do that; let me ask you again."),
    "NOT_FOUND": N_("I do not find that here."),
    "SLOT_FULL": N_("That time is fully booked."),
    "DUPLICATE_BOOKING": N_("There is already an appointment for this patient and this service."),
    "HOLD_EXPIRED": N_("The place that I kept is no longer yours; shall I look again?"),
    "CONFLICT": N_("That cannot be done with this appointment as it stands."),
    "OUTSIDE_AVAILABILITY": N_("We have no hours at that time."),
    "NOT_ALLOWED_BY_POLICY": N_("Our booking rules do not allow that."),
    "TOO_MANY_HOLDS": N_("I keep too many places already; let us finish one booking first."),
}

ADVICE = {
    "VALIDATION_ERROR": "Call the tool again with what is right.",
    "NOT_FOUND": "Use ids from an answer of these tools, as they are.",
    "SLOT_FULL": "Offer one of the options, or call find_next_available.",
    "DUPLICATE_BOOKING": "Call find_appointment, then offer to move or to cancel that one.",
    "HOLD_EXPIRED": "Call check_availability and hold_slot again.",
    "CONFLICT": "Call find_appointment to see how it stands.",
    "OUTSIDE_AVAILABILITY": "Offer one of the options, or call find_next_available.",
    "NOT_ALLOWED_BY_POLICY": "Offer another time, or hand the caller over to the staff.",
    "TOO_MANY_HOLDS": "Confirm or release a hold first.",
}
"""What a model does next."""


PASSING = frozenset({Kind.RATE_LIMITED, Kind.UNAVAILABLE, Kind.INTERNAL})
"""What is nobody's mistake, and may be over in a moment."""
SORRY = "I cannot reach the appointment book just now. Please give me a moment, and let us try again."


class Sorry(msgspec.Struct):
    """What is said where a call of a tool found no answer."""

    ok: bool
    reason_code: str
    spoken: str


def sorry(error: SlotkeeperError) -> bytes | None:
    """Something to say about what may pass, as JSON; None for what whoever set the tool up has to mend."""
    return msgspec.json.encode(Sorry(False, error.code, SORRY)) if error.kind in PASSING else None


def is_mendable(error: SlotkeeperError) -> bool:
    """Whether a refusal is an answer of the tool, and no error."""
    return error.kind in MENDABLE or isinstance(error, TooManyHolds)


def mend(turn: Turn, error: SlotkeeperError) -> Mend:
    """A refusal as what is said on the phone, with the engine's own sentence for the model where it may help.

    Raises the refusal itself where nobody on the phone can do anything about it.
    """
    if not is_mendable(error):
        raise error
    code = "TOO_MANY_HOLDS" if isinstance(error, TooManyHolds) else error.code
    detail = shortened(error.message, 200) if isinstance(error, InvalidInput) or code == "CONFLICT" else None
    return Mend(code, turn.texts.gettext(SPOKEN[code]), data={"advice": ADVICE[code], "detail": detail})
