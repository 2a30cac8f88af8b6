"""The people of the organization: listed, invited, changed, disabled, given a new link."""

from collections.abc import Callable

from slotkeeper.dashboard.sign_in import link_path, sign_in_path
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.domain.texts import NAME_LENGTH
from slotkeeper.domain.users import LONGEST_EMAIL, Role, User
from slotkeeper.operations import users
from slotkeeper.operations.users import Invited, UserChanges
from slotkeeper.texts import N_, languages

ROLES: dict[Role, str] = {
    Role.DESK: N_("Desk: books, moves, cancels"),
    Role.MANAGER: N_("Manager: changes the schedule too"),
    Role.ADMIN: N_("Admin: also people, keys and configuration"),
}


async def show_people(visit: Visit) -> Answer:
    """Everybody by e-mail, and the address at which they sign in."""
    people = await users.list_users(visit.db, visit.caller)
    address = visit.outside + sign_in_path(visit.caller.org_id)
    return Page("people.html", {"people": people, "roles": ROLES, "address": address})


async def show_invitation(visit: Visit) -> Answer:
    """The form for somebody new."""
    del visit
    return Page("person_new.html", _choices())


async def invite_person(visit: Visit) -> Answer:
    """Make a person and show the link by which they come in, which is stored nowhere."""
    form = visit.form
    email, name, role = form.email("email"), form.text("name", longest=NAME_LENGTH), form.choice("role", Role)
    form.require_valid()
    made = await users.create_user(
        visit.db, visit.once(_told_before(visit)), email=email, name=name, role=role, now=visit.now
    )
    return _show_link(visit, made)


async def show_person(visit: Visit) -> Answer:
    """One person: what may be changed, and the doors to shut and open. Raises NotFound."""
    return Page("person.html", _choices() | {"person": await _find(visit)})


async def change_person(visit: Visit) -> Answer:
    """Change a person's name, e-mail, role or language. Raises NotFound, Conflict for the last admin."""
    person, form = await _find(visit), visit.form
    language = form.fields.get("language", "")
    changes: UserChanges = {
        "email": form.email("email"),
        "name": form.text("name", longest=NAME_LENGTH),
        "role": form.choice("role", Role),
        "language": language if language in languages() else None,
    }
    form.require_valid()
    user = await users.update_user(visit.db, visit.caller, person.user_id, changes=changes, now=visit.now)
    return _said(visit, N_("%(name)s was changed."), user)


async def disable_person(visit: Visit) -> Answer:
    """Keep a person out from the next request on. Raises NotFound, Conflict for the last admin."""
    user = await users.disable_user(visit.db, visit.caller, (await _find(visit)).user_id, now=visit.now)
    return _said(visit, N_("%(name)s cannot sign in any more, and is signed out everywhere."), user)


async def enable_person(visit: Visit) -> Answer:
    """Let a person in again. Raises NotFound."""
    user = await users.enable_user(visit.db, visit.caller, (await _find(visit)).user_id, now=visit.now)
    return _said(visit, N_("%(name)s may sign in again."), user)


async def reset_person(visit: Visit) -> Answer:
    """Take a person's password away and show a link to a new one. Raises NotFound, Conflict."""
    person = await _find(visit)
    made = await users.reset_user(visit.db, visit.once(_told_before(visit)), person.user_id, now=visit.now)
    return _show_link(visit, made)


def _show_link(visit: Visit, made: Invited) -> Page:
    address = visit.outside + link_path(made.secret)
    return Page("person_link.html", {"person": made.user, "address": address, "expires_at": made.expires_at})


def _told_before(visit: Visit) -> Callable[[Invited], Redirect]:
    """Where a form leads that is sent again: the link is not there any more."""

    def told(made: Invited) -> Redirect:
        said = N_("The link for %(name)s was shown once, and is not shown again; make a new one if it is lost.")
        return _said(visit, said, made.user)

    return told


def _said(visit: Visit, sentence: str, user: User) -> Redirect:
    return Redirect("/people", Flash(visit.texts.gettext(sentence, name=user.name)))


async def _find(visit: Visit) -> User:
    wanted = parse_uuid(visit.target("user"))
    for user in await users.list_users(visit.db, visit.caller):
        if user.user_id == wanted:
            return user
    raise NotFound(visit.texts.gettext("There is no such person."))


def _choices() -> dict[str, object]:
    return {
        "roles": ROLES,
        "languages": languages(),
        "name_length": NAME_LENGTH,
        "email_length": LONGEST_EMAIL,
    }
