"""What a tool answers: something to say, and what a program needs to go on; always under 1 KB."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

MOST_BYTES = 1_023
"""How long an answer is at most as JSON: a voice platform has room for 1 KB."""
MOST_OPTIONS = 3
"""How many things a caller can keep in mind."""
LONGEST_NAME = 48
"""Up to how many bytes of a name are said."""


class Option(Struct, frozen=True, omit_defaults=True):
    """One thing to choose, with what the next tool needs to know of it; ids that it has not are left out."""

    spoken: Annotated[str, "How to say it."]
    slot_id: Annotated[str | None, "The place, for `hold_slot` and `book_appointment`."] = None
    time: Annotated[str | None, "Date and time on the branch's clock, `YYYY-MM-DDTHH:MM`."] = None
    date: Annotated[str | None, "The date, `YYYY-MM-DD`."] = None
    appointment_id: Annotated[str | None, "The appointment."] = None
    service_id: Annotated[str | None, "The service."] = None
    branch_id: Annotated[str | None, "The branch."] = None


class Answer(Struct, frozen=True):
    """What came of a call. `ok` false: nothing was done, and `spoken` says what to say or to ask instead."""

    ok: Annotated[bool, "Whether what was asked for is so."]
    reason_code: Annotated[str, "For programs; stable."]
    spoken: Annotated[str, "One sentence to say to the caller as it is."]
    date: Annotated[str | None, "The date that was meant, `YYYY-MM-DD`; null where it was none or several."]
    now: Annotated[str, "The moment of the answer on the branch's clock, with its offset."]
    timezone: Annotated[str, "The branch's time zone."]
    options: Annotated[list[Option], "At most three things that the caller can choose from."]
    data: Annotated[dict[str, Any], "What else the tool found or did."]


class Repeated(Answer, frozen=True):
    """The answer that a call got when it was made first."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Repeated)


def encode(answer: Answer) -> bytes:
    """An answer as JSON on one line, under 1 KB."""
    return _ENCODER.encode(fit(answer))


def decode(content: str) -> Repeated:
    """The answer that was written so before."""
    return _DECODER.decode(content)


def fit(answer: Answer) -> Answer:
    """An answer under 1 KB: long texts are shortened, and what still has no room goes, options from their end."""
    while not fits(answer):
        answer = _smaller(answer)
    return answer


def fits(answer: Answer) -> bool:
    """Whether an answer is under 1 KB as it is."""
    return len(_ENCODER.encode(answer)) <= MOST_BYTES


def _smaller(answer: Answer) -> Answer:
    longest = max(answer.data, key=lambda name: len(_ENCODER.encode(answer.data[name])), default=None)
    if longest is not None and len(_ENCODER.encode(answer.data[longest])) > 2 * LONGEST_NAME:
        return msgspec.structs.replace(answer, data={**answer.data, longest: _halved(answer.data[longest])})
    if answer.options:
        return msgspec.structs.replace(answer, options=answer.options[:-1])
    return msgspec.structs.replace(answer, spoken=shortened(answer.spoken, len(answer.spoken.encode()) * 3 // 4))


def _halved(value: Any) -> Any:  # noqa: ANN401 - whatever a tool's machine fields hold
    if isinstance(value, str):
        return shortened(value, len(value.encode()) // 2)
    if isinstance(value, Mapping):
        return dict(list(value.items())[: len(value) // 2])
    return value[: len(value) // 2] if isinstance(value, Sequence) else None


def shortened(text: str, room: int = LONGEST_NAME) -> str:
    """A text in at most so many bytes of UTF-8; an ellipsis tells that there was more."""
    raw = text.encode()
    if len(raw) <= room:
        return text
    return raw[: max(room - 3, 0)].decode(errors="ignore").rstrip() + "…"
