"""Proofs that something came from our own pages: bound to the secret that a browser holds, and to nothing stored."""

import base64
import hashlib
import hmac
import secrets

LENGTH = 32


def form_token(secret: str) -> str:
    """What every form of a browser carries: different each time, so that compressing pages gives nothing away."""
    pad = secrets.token_bytes(LENGTH)
    return _text(pad + _mixed(pad, _seal(secret, "form")))


def is_form_token(token: str, secret: str) -> bool:
    """Whether a token was made for a browser's secret."""
    try:
        given = base64.urlsafe_b64decode(token.encode("ascii") + b"==")
    except ValueError:
        return False
    if len(given) != 2 * LENGTH:
        return False
    return hmac.compare_digest(_mixed(given[:LENGTH], given[LENGTH:]), _seal(secret, "form"))


def sealed(text: str, secret: str) -> str:
    """A text with a seal before it, fit for a cookie."""
    packed = _text(text.encode(errors="replace"))
    return f"{_text(_seal(secret, packed))}.{packed}"


def unsealed(value: str, secret: str) -> str | None:
    """The text of a cookie, None where somebody else sealed it."""
    seal, _, packed = value.partition(".")
    if not hmac.compare_digest(seal.encode(errors="replace"), _text(_seal(secret, packed)).encode()):
        return None
    return base64.urlsafe_b64decode(packed + "==").decode()


def _seal(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(errors="replace"), text.encode(errors="replace"), hashlib.sha256).digest()


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
