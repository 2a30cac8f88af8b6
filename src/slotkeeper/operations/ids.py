"""New ids."""

import secrets
import uuid

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def new_id() -> str:
    """A random UUID in lower case."""
    return str(uuid.uuid4())


def new_appointment_id() -> str:
    """``appt_`` and ten lower-case letters or digits (contract.md section 6)."""
    number = secrets.randbelow(len(LETTERS) ** 10)
    letters = ""
    for _ in range(10):
        number, place = divmod(number, len(LETTERS))
        letters += LETTERS[place]
    return f"appt_{letters}"
