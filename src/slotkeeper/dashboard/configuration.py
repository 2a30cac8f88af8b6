"""The organization's time zone and booking rules, its branches and its services."""

from slotkeeper.dashboard.forms import Form
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.calendar import zone_names
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import Branch, Service
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.domain.texts import NAME_LENGTH
from slotkeeper.operations import directory
from slotkeeper.operations.directory import ConfigurationChanges

HERE = "/configuration"
MOST_HOURS, MOST_DAYS = 8_760, 730


async def show_configuration(visit: Visit) -> Answer:
    """The rules as a form, and the branches and services with links to theirs."""
    values = {
        "configuration": await directory.get_configuration(visit.db, visit.caller),
        "services": await directory.list_services(visit.db, visit.caller),
        "zones": sorted(zone_names()),
        "most_hours": MOST_HOURS,
        "most_days": MOST_DAYS,
    }
    return Page("configuration.html", values)


async def change_configuration(visit: Visit) -> Answer:
    """Change the rules; a new zone or horizon brings the records in line at once."""
    form = visit.form
    changes: ConfigurationChanges = {
        "timezone": _zone(visit) or "",
        "allow_cancellation": form.is_checked("allow_cancellation"),
        "cancellation_notice_hours": form.number("cancellation_notice_hours", 0, MOST_HOURS),
        "allow_rescheduling": form.is_checked("allow_rescheduling"),
        "allow_duplicate_booking": form.is_checked("allow_duplicate_booking"),
        "min_notice_hours": form.number("min_notice_hours", 0, MOST_HOURS),
        "max_advance_days": form.optional_number("max_advance_days", 0, MOST_DAYS),
        "token_numbers": form.is_checked("token_numbers"),
        "horizon_days": form.number("horizon_days", 0, MOST_DAYS),
    }
    form.require_valid()
    await directory.update_configuration(visit.db, visit.caller, changes=changes, now=visit.now)
    return Redirect(HERE, Flash(visit.texts.gettext("The configuration was changed.")))


async def show_new_branch(visit: Visit) -> Answer:
    """The form for a new branch."""
    return _branch_page(visit, None)


async def open_branch(visit: Visit) -> Answer:
    """Open a branch. Raises Conflict where one has that name."""
    name, timezone = _name(visit.form), _zone(visit, required=False)
    visit.form.require_valid()

    def told(branch: Branch) -> Redirect:
        return _said(visit.texts.gettext("%(name)s was opened.", name=branch.name))

    return told(await directory.create_branch(visit.db, visit.once(told), name=name, timezone=timezone, now=visit.now))


async def show_branch(visit: Visit) -> Answer:
    """The form for a branch. Raises NotFound."""
    return _branch_page(visit, _find_branch(visit))


async def change_branch(visit: Visit) -> Answer:
    """Change a branch's name or zone. Raises NotFound, Conflict where another has that name."""
    name, timezone = _name(visit.form), _zone(visit, required=False)
    visit.form.require_valid()
    branch = await directory.update_branch(
        visit.db,
        visit.caller,
        _find_branch(visit).branch_id,
        changes={"name": name, "timezone": timezone},
        expect=_anything,
        now=visit.now,
    )
    return _said(visit.texts.gettext("%(name)s was changed.", name=branch.name))


async def show_new_service(visit: Visit) -> Answer:
    """The form for a new service."""
    del visit
    return Page("service.html", {"service": None, "length": NAME_LENGTH})


async def open_service(visit: Visit) -> Answer:
    """Offer a service. Raises Conflict where one has that name."""
    form = visit.form
    name, active = _name(form), form.is_checked("active")
    form.require_valid()

    def told(service: Service) -> Redirect:
        return _said(visit.texts.gettext("%(name)s was added.", name=service.name))

    return told(await directory.create_service(visit.db, visit.once(told), name=name, active=active, now=visit.now))


async def show_service(visit: Visit) -> Answer:
    """The form for a service. Raises NotFound."""
    return Page("service.html", {"service": await _find_service(visit), "length": NAME_LENGTH})


async def change_service(visit: Visit) -> Answer:
    """Change a service's name, or whether it is offered. Raises NotFound, Conflict where another has that name."""
    form = visit.form
    name, active = _name(form), form.is_checked("active")
    form.require_valid()
    service = await directory.update_service(
        visit.db,
        visit.caller,
        (await _find_service(visit)).service_id,
        changes={"name": name, "active": active},
        expect=_anything,
        now=visit.now,
    )
    return _said(visit.texts.gettext("%(name)s was changed.", name=service.name))


def _branch_page(visit: Visit, branch: Branch | None) -> Page:
    values = {"branch": branch, "zones": sorted(zone_names()), "length": NAME_LENGTH}
    return Page("branch.html", values | {"home_zone": visit.home_zone})


def _find_branch(visit: Visit) -> Branch:
    wanted = parse_uuid(visit.target("id"))
    for branch in visit.branches:
        if branch.branch_id == wanted:
            return branch
    raise NotFound(visit.texts.gettext("There is no such branch."))


async def _find_service(visit: Visit) -> Service:
    wanted = parse_uuid(visit.target("id"))
    for service in await directory.list_services(visit.db, visit.caller):
        if service.service_id == wanted:
            return service
    raise NotFound(visit.texts.gettext("There is no such service."))


def _name(form: Form) -> str:
    return form.text("name", longest=NAME_LENGTH)


def _zone(visit: Visit, *, required: bool = True) -> str | None:
    """A time zone by its name, None where it is not required and nothing was typed."""
    form = visit.form
    given = form.fields.get("timezone", "").strip()
    if given in zone_names():
        return given
    if given or required:
        form.note("timezone", visit.texts.gettext("Write the name of a time zone, such as Europe/Berlin."))
    return None


def _said(sentence: str) -> Redirect:
    return Redirect(HERE, Flash(sentence))


def _anything(_: Branch | Service) -> None:
    """What a form says holds, whatever was stored when it was opened."""
