"""API keys: listed, made (the text is shown once), revoked."""

import shlex
from datetime import timedelta
from typing import NamedTuple

from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.access import HIGHEST_RATE, Scope
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import ApiKey, Channel
from slotkeeper.domain.texts import NAME_LENGTH
from slotkeeper.operations import access
from slotkeeper.texts import N_

SCOPES: dict[Scope, str] = {
    Scope.SLOTS_READ: N_("see what can be booked"),
    Scope.SLOTS_WRITE: N_("change windows, days and closures"),
    Scope.APPOINTMENTS_READ: N_("see appointments, branches and services"),
    Scope.APPOINTMENTS_WRITE: N_("book, move, cancel and complete"),
    Scope.ADMIN: N_("change the configuration, and read the audit trail"),
}
CHANNELS: dict[Channel, str] = {
    Channel.AI: N_("A program that books by itself (ai)"),
    Channel.STAFF: N_("A program of the staff (staff)"),
}
USUAL_RATE = 60


class Row(NamedTuple):
    """A key as the list shows it."""

    key: ApiKey
    state: str
    is_live: bool


async def show_keys(visit: Visit) -> Answer:
    """All keys, the newest first; never a key itself."""
    keys = await access.list_keys(visit.db, visit.caller)
    return Page("keys.html", {"rows": [_row(visit, key) for key in reversed(keys)]})


async def show_new_key(visit: Visit) -> Answer:
    """The form for a key: it offers the scopes that its maker has."""
    scopes = [(scope, words) for scope, words in SCOPES.items() if visit.may(scope)]
    chosen = set(visit.form.list("scopes")) if visit.form.is_sent() else {Scope.SLOTS_READ}
    values = {"scopes": scopes, "chosen": chosen, "channels": CHANNELS, "usual": USUAL_RATE, "highest": HIGHEST_RATE}
    return Page("key_new.html", values | {"length": NAME_LENGTH, "today": today(visit.now, visit.home_zone)})


async def make_key(visit: Visit) -> Answer:
    """Make a key and show its text, which is stored nowhere: sent again, the form says only that it was made."""
    form = visit.form
    label, channel = form.text("label", longest=NAME_LENGTH), form.choice("channel", Channel)
    rate_limit = form.number("rate_limit", 0, HIGHEST_RATE)
    last = form.date("expires") if form.fields.get("expires", "").strip() else None
    scopes = [scope for scope in Scope if scope in form.list("scopes")]
    if not scopes:
        form.note("scopes", visit.texts.gettext("Choose at least one."))
    form.require_valid()

    def told(made: ApiKey) -> Redirect:
        said = "The key '%(label)s' was made already; its text was shown once, and is not shown again."
        return Redirect("/keys", Flash(visit.texts.gettext(said, label=made.label)))

    key, text = await access.create_key(
        visit.db,
        visit.once(told),
        label=label,
        scopes=scopes,
        channel=channel,
        rate_limit=rate_limit,
        expires_at=None if last is None else access.end_of_key(last, visit.home_zone, now=visit.now),
        now=visit.now,
    )
    return Page("key_made.html", {"key": key, "text": text, "try_it": _try_it(visit, key, text)})


async def show_key(visit: Visit) -> Answer:
    """Ask whether a key is really to be revoked. Raises NotFound."""
    return Page("key_revoke.html", {"row": _row(visit, await _find(visit))})


async def revoke_key(visit: Visit) -> Answer:
    """Revoke a key, from the next request on. Raises NotFound."""
    key = await access.revoke_key(visit.db, visit.caller, (await _find(visit)).key_id, now=visit.now)
    said = visit.texts.gettext("The key '%(label)s' is revoked: from now on it is refused.", label=key.label)
    return Redirect("/keys", Flash(said))


async def _find(visit: Visit) -> ApiKey:
    for key in await access.list_keys(visit.db, visit.caller):
        if key.key_id == visit.target("key").lower():
            return key
    raise NotFound(visit.texts.gettext("There is no such key."))


def _row(visit: Visit, key: ApiKey) -> Row:
    say, zone = visit.texts.gettext, visit.home_zone
    if key.revoked_at is not None:
        return Row(key, say("revoked on %(moment)s", moment=visit.texts.moment(key.revoked_at, zone)), is_live=False)
    if key.expires_at is None:
        return Row(key, say("valid"), is_live=True)
    moment = visit.texts.moment(key.expires_at, zone)
    if key.expires_at <= visit.now:
        return Row(key, say("ran out on %(moment)s", moment=moment), is_live=False)
    return Row(key, say("valid until %(moment)s", moment=moment), is_live=True)


def _try_it(visit: Visit, key: ApiKey, text: str) -> str:
    """A line for a terminal that tries the key, and changes nothing."""
    tomorrow = today(visit.now, visit.home_zone) + timedelta(days=1)
    asked: dict[str, str] = {
        Scope.SLOTS_READ: f"/appointment-slots/availability?date={tomorrow}",
        Scope.APPOINTMENTS_READ: "/appointments?limit=1",
        Scope.ADMIN: "/audit?limit=1",
        Scope.SLOTS_WRITE: "/appointment-slots/regenerate",
        Scope.APPOINTMENTS_WRITE: "/appointments",
    }
    scope = next(scope for scope in asked if scope in key.scopes)
    words = ["curl", "-s", f"{visit.outside}/v1{asked[scope]}", "-H", f"Authorization: Bearer {text}"]
    if scope == Scope.SLOTS_WRITE:
        body = f'{{"date_from": "{tomorrow}", "date_to": "{tomorrow}", "dry_run": true}}'
        words += ["-H", "Content-Type: application/json", "-d", body]
    elif scope == Scope.APPOINTMENTS_WRITE:  # says what a booking needs
        words += ["-H", "Content-Type: application/json", "-d", "{}"]
    return shlex.join(words)
