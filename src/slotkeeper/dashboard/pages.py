"""Pages: templates rendered for one visit."""

import gzip
import secrets
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from slotkeeper.dashboard import seals
from slotkeeper.dashboard.cookies import FLASH, FORM, SESSION
from slotkeeper.dashboard.forms import ONCE, TOKEN
from slotkeeper.dashboard.navigation import NAVIGATION
from slotkeeper.dashboard.static_files import public_name
from slotkeeper.dashboard.visit import PREFIX, Flash, Page, Visit, redirect_of
from slotkeeper.domain.errors import InvalidInput

WORTH_COMPRESSING = 1_000
"""From how many bytes on a page is sent compressed."""
_HIDDEN = Markup('<input type="hidden" name="%s" value="%s"><input type="hidden" name="%s" value="%s">')
"""What every form carries besides what is typed."""

EFFORT = 2
"""Much of what can be had for little of the server's time: most readers are near."""


class Pages:
    """The templates, each compiled once."""

    def __init__(self) -> None:
        self._env = Environment(
            loader=PackageLoader("slotkeeper.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.globals |= {
            "path": path,
            "static": lambda name: f"{PREFIX}/static/{public_name(name)}",
            "navigation": NAVIGATION,
        }

    def render(self, visit: Visit, page: Page) -> bytes:
        """The page as it is sent."""
        template = self._env.get_template(page.template)
        return template.render({**_around(visit), **page.values}).encode()


def path(below: str) -> str:
    """The address of a path below PREFIX."""
    return PREFIX + below


def compressed(content: bytes) -> bytes:
    """Content as it is sent to a browser that takes gzip."""
    return gzip.compress(content, EFFORT, mtime=0)


def secret_of(visit: Visit) -> str:
    """What this browser's forms are bound to: its sign-in, or else a secret of their own, made where it is missing."""
    secret = visit.cookies.get(SESSION) if visit.who is not None else visit.cookies.get(FORM)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        visit.cookies.set(FORM, secret)
    return secret


def take_flash(visit: Visit) -> Flash | None:
    """What the page before left to be said, once."""
    value = visit.cookies.get(FLASH)
    if value is None:
        return None
    visit.cookies.drop(FLASH)
    text = seals.unsealed(value, secret_of(visit))
    return None if text is None else redirect_of(text).flash


def _around(visit: Visit) -> Mapping[str, Any]:
    """What every template may use besides its own values."""
    return {
        "visit": visit,
        "texts": visit.texts,
        "form": visit.form,
        "flash": take_flash(visit),
        "hidden": _HIDDEN % (TOKEN, seals.form_token(secret_of(visit)), ONCE, secrets.token_urlsafe(16)),
        "_": visit.texts.say,
        "ngettext": visit.texts.say_many,
        "problems": _problems(visit),
    }


def _problems(visit: Visit) -> list[tuple[str, str]]:
    """What is wrong with a form that is shown again: the field, or '', and the sentence."""
    if visit.refusal is None:
        return []
    if isinstance(visit.refusal, InvalidInput):
        return [(detail.field, detail.message) for detail in visit.refusal.details]
    return [("", visit.texts.refusal(visit.refusal))]
