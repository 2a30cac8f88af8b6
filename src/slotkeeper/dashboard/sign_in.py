"""Signing in by password and by one-time link, and signing out.

The sign-in page's address carries the organization: e-mails are known within one only.
"""

from slotkeeper.dashboard.cookies import CLINIC, FLASH, FORM, SESSION
from slotkeeper.dashboard.visit import PREFIX, Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.sign_ins import organization_of
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.domain.users import SHORTEST_PASSWORD
from slotkeeper.operations import sign_ins
from slotkeeper.operations.sign_ins import Link

HOME = "/board"


async def show_home(visit: Visit) -> Answer:
    """The first page."""
    del visit
    return Redirect(HOME)


async def show_sign_in(visit: Visit) -> Answer:
    """The sign-in page of the organization in the address, of the one that this browser knows, or of the only one."""
    if visit.who is not None and not visit.form.is_sent():
        return Redirect(_next(visit))
    clinic = await _find_clinic(visit)
    if clinic is None:
        return Page("sign_in_where.html", {"is_wrong": "clinic" in visit.request.path_params})
    values = {"clinic": clinic[0], "organization": clinic[1], "next": visit.query("next") or ""}
    return Page("sign_in.html", values | {"is_lost": visit.query("lost") is not None})


async def sign_in(visit: Visit) -> Answer:
    """Sign in with e-mail and password."""
    form = visit.form
    email, password = form.fields.get("email", "").strip(), form.secret("password")
    form.require_valid()
    clinic = await _find_clinic(visit)
    if clinic is None:
        return Page("sign_in_where.html", {"is_wrong": True})
    token = await sign_ins.sign_in(
        visit.db,
        clinic[0],
        email=email,
        password=password,
        address=visit.address,
        now=visit.now,
        request_id=visit.request_id,
    )
    _enter(visit, token, clinic[0])
    return Redirect(_next(visit))


async def show_link(visit: Visit) -> Answer:
    """Where a one-time link leads: looking at it does not use it up."""
    return _link_page(await sign_ins.get_link(visit.db, visit.target("secret"), now=visit.now))


async def use_link(visit: Visit) -> Answer:
    """Choose a password by a one-time link, and be signed in."""
    form, secret = visit.form, visit.target("secret")
    password = form.secret("password")
    if password and password != form.fields.get("repeated", ""):
        form.note("repeated", visit.texts.gettext("This is not the same password."))
    form.require_valid()
    token = await sign_ins.use_link(visit.db, secret, password=password, now=visit.now, request_id=visit.request_id)
    _enter(visit, token, organization_of(secret) or "")
    return Redirect(HOME)


async def sign_out(visit: Visit) -> Answer:
    """End the sign-in."""
    await sign_ins.sign_out(visit.db, visit.signed_in, now=visit.now)
    visit.cookies.drop(SESSION)
    visit.cookies.drop(FLASH)
    visit.who = None
    return Redirect("/sign-in", Flash(visit.texts.gettext("You are signed out.")))


async def show_password(visit: Visit) -> Answer:
    """The form for another password of one's own."""
    del visit
    return Page("password.html", {"shortest": SHORTEST_PASSWORD})


async def change_password(visit: Visit) -> Answer:
    """Give oneself another password; all other browsers are signed out."""
    form = visit.form
    current, password = form.secret("current"), form.secret("password")
    if password and password != form.fields.get("repeated", ""):
        form.note("repeated", visit.texts.gettext("This is not the same password."))
    form.require_valid()
    token = await sign_ins.change_password(
        visit.db, visit.signed_in, current=current, password=password, address=visit.address, now=visit.now
    )
    visit.cookies.set(SESSION, token)
    said = visit.texts.gettext("Your password was changed, and every other browser is signed out.")
    return Redirect(HOME, Flash(said))


def _link_page(link: Link) -> Page:
    values = {"user": link.user, "organization": link.organization, "shortest": SHORTEST_PASSWORD}
    return Page("link.html", values | {"is_new": link.purpose == "invite"})


async def _find_clinic(visit: Visit) -> tuple[str, str] | None:
    """The organization to sign in to, by id and name."""
    named = visit.request.path_params.get("clinic")
    if named is not None:
        known = parse_uuid(named)
        return None if known is None else await sign_ins.find_organization(visit.db, known)
    remembered = parse_uuid(visit.cookies.get(CLINIC) or "")
    if remembered is not None:
        found = await sign_ins.find_organization(visit.db, remembered)
        if found is not None:
            return found
    return await sign_ins.find_organization(visit.db, None)


def _enter(visit: Visit, token: str, org_id: str) -> None:
    """Let the browser hold a token, whatever it held before."""
    visit.cookies.set(SESSION, token)
    visit.cookies.set(CLINIC, org_id)
    visit.cookies.drop(FORM)
    visit.cookies.drop(FLASH)


def _next(visit: Visit) -> str:
    """The page that was asked for before the sign-in: only one of ours."""
    wanted = visit.form.fields.get("next") or visit.query("next") or ""
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/sign-")) and wanted.isprintable()
    return wanted if is_path and wanted.isascii() and len(wanted) < 1_000 else HOME


def sign_in_path(org_id: str) -> str:
    """The address of an organization's own sign-in page, below the host."""
    return f"{PREFIX}/sign-in/{org_id}"


def link_path(secret: str) -> str:
    """The address of a one-time link, below the host."""
    return f"{PREFIX}/link/{secret}"
