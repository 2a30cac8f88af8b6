"""New ids."""

import secrets
import threading
import uuid

# Each of 32 letters and digits for the same number of bytes; the four that are easily misheard are left out.
_LETTERS = b"abcdefghjkmnpqrstuvwxyz123456789" * 8


def new_id() -> str:
    """A random UUID in lower case."""
    return str(uuid.uuid4())


class OrderedIds:
    """UUIDs of version 7 (RFC 9562), each greater than the one before: they sort as they were made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0, 0

    def make(self, now: int) -> str:
        """The next id, at an instant."""
        with self._lock:
            at, number = max(self._last, (now, 0))
            number = number + 1 if number else secrets.randbits(72)
            self._last = at, number
        high, low = number >> 62 & 0xFFF, number & (1 << 62) - 1
        digits = f"{at << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


new_ordered_id = OrderedIds().make


def new_appointment_id() -> str:
    """``appt_`` and ten lower-case letters or digits (contract.md section 6)."""
    return f"appt_{secrets.token_bytes(10).translate(_LETTERS).decode()}"
