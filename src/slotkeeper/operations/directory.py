"""Organizations, their configuration, branches and services (contract.md section 6)."""

from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVar

from slotkeeper.domain.access import Caller, Scope, operator
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import Conflict, NotFound
from slotkeeper.domain.model import Branch, Configuration, Organization, Service, fold
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.ids import new_id
from slotkeeper.operations.projection import LAST_DATE, list_slices, project, reach
from slotkeeper.store import directory as store
from slotkeeper.store.database import Connection, Database

Item = TypeVar("Item", Branch, Service)


class BranchChanges(TypedDict, total=False):
    """What a PATCH of a branch may say; ``timezone`` None takes the organization's."""

    name: str
    timezone: str | None


class ServiceChanges(TypedDict, total=False):
    """What a PATCH of a service may say."""

    name: str
    active: bool


class ConfigurationChanges(TypedDict, total=False):
    """What a PATCH of the configuration may say; ``max_advance_days`` None takes the limit off."""

    timezone: str
    allow_cancellation: bool
    cancellation_notice_hours: int
    allow_rescheduling: bool
    allow_duplicate_booking: bool
    min_notice_hours: int
    max_advance_days: int | None
    token_numbers: bool
    horizon_days: int


async def create_organization(db: Database, *, name: str, timezone: str, now: int) -> Organization:
    """Make an organization with the configuration that refuses nothing. Raises Conflict where one has that name."""
    organization = Organization(new_id(), name, now, Configuration(timezone=timezone))

    async def work(tx: Connection) -> None:
        await store.lock_names(tx)
        twin = next((one for one in await store.list_organizations(tx) if fold(one.name) == fold(name)), None)
        _refuse_twin("organization", name, None if twin is None else twin.org_id)
        await store.insert_organization(tx, organization)
        act = Act(operator(organization.org_id), "organizations.create", organization.org_id, now)
        await act.note(tx, None, {"name": name, "timezone": timezone})

    await db.write(work)  # where it is refused there is no organization to note it
    return organization


async def list_organizations(db: Database) -> list[Organization]:
    """All organizations, the oldest first."""
    return await db.read(store.list_organizations)


async def choose_organization(db: Database, name_or_id: str | None) -> Organization:
    """The organization of a name or an id; without one, the only one there is.

    Raises NotFound where there is none, Conflict where several would fit.
    """
    known = await list_organizations(db)
    if not known:
        raise NotFound("There is no organization yet: make one with 'slotkeeper organizations create NAME'.")
    names = ", ".join(f"{organization.name} ({organization.org_id})" for organization in known)
    if name_or_id is None:
        if len(known) > 1:
            raise Conflict(f"There are several organizations; name one with --organization: {names}.")
        return known[0]
    wanted = parse_uuid(name_or_id)
    found = [one for one in known if one.org_id == wanted] or [
        one for one in known if fold(one.name) == fold(name_or_id)
    ]
    if not found:
        raise NotFound(f"There is no organization '{name_or_id}'; there are: {names}.")
    if len(found) > 1:
        raise Conflict(f"Several organizations are named '{name_or_id}'; use the id of one: {names}.")
    return found[0]


async def list_branches(db: Database, caller: Caller) -> list[Branch]:
    """The organization's branches by name."""
    caller.require(Scope.APPOINTMENTS_READ)
    return await db.read(lambda tx: store.list_branches(tx, caller.org_id))


async def create_branch(db: Database, caller: Caller, *, name: str, timezone: str | None, now: int) -> Branch:
    """Open a branch. Raises Conflict where one has that name, compared case-insensitively."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    branch = Branch(new_id(), name, timezone, now, now)
    act = Act(caller, "branches.create", None, now)

    async def work(tx: Connection) -> Branch:
        _refuse_twin("branch", name, await store.find_branch_named(tx, org_id, name))
        configuration = (await get_organization(tx, org_id)).configuration
        first = today(now, timezone or configuration.timezone)
        horizon = store.Horizon(org_id, branch.branch_id, timezone or configuration.timezone, first, 0)
        horizon = horizon._replace(horizon_days=configuration.horizon_days)
        await store.insert_branch(tx, org_id, branch, projected_to=reach(horizon, now=now))
        await store.touch(tx, org_id)
        await act.note(tx, *changed(None, branch), subject=branch.branch_id)
        return branch

    return await act.write(db, work, alone=True)


async def update_branch(
    db: Database,
    caller: Caller,
    branch_id: str,
    *,
    changes: BranchChanges,
    expect: Callable[[Branch], None],
    now: int,
) -> Branch:
    """Change a branch's name or zone. A new zone brings its records in line from its today on.

    Raises NotFound, Conflict where another branch has that name.
    """
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "branches.update", branch_id, now)

    async def work(tx: Connection) -> Branch:
        stored = pick(await store.list_branches(tx, org_id), branch_id, "branch")
        expect(stored)
        branch = stored._replace(**changes)
        if branch == stored:
            return stored
        _refuse_twin("branch", branch.name, await store.find_branch_named(tx, org_id, branch.name), own=branch_id)
        branch = branch._replace(updated_at=now)
        await store.update_branch(tx, org_id, branch)
        await store.touch(tx, org_id)
        if branch.timezone != stored.timezone:
            await _reproject_branch(tx, org_id, branch_id, now=now)
        await act.note(tx, *changed(stored, branch))
        return branch

    return await act.write(db, work, alone=True)


async def list_services(db: Database, caller: Caller) -> list[Service]:
    """The organization's services by name, inactive ones included."""
    caller.require(Scope.APPOINTMENTS_READ)
    return await db.read(lambda tx: store.list_services(tx, caller.org_id))


async def create_service(db: Database, caller: Caller, *, name: str, active: bool = True, now: int) -> Service:
    """Offer a service. Raises Conflict where one has that name, compared case-insensitively."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    service = Service(new_id(), name, active, now, now)
    act = Act(caller, "services.create", None, now)

    async def work(tx: Connection) -> Service:
        _refuse_twin("service", name, await store.find_service_named(tx, org_id, name))
        await store.insert_service(tx, org_id, service)
        await store.touch(tx, org_id)
        await act.note(tx, *changed(None, service), subject=service.service_id)
        return service

    return await act.write(db, work, alone=True)


async def update_service(
    db: Database,
    caller: Caller,
    service_id: str,
    *,
    changes: ServiceChanges,
    expect: Callable[[Service], None],
    now: int,
) -> Service:
    """Change a service's name, or whether it is offered. Raises NotFound, Conflict where another has that name."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "services.update", service_id, now)

    async def work(tx: Connection) -> Service:
        stored = pick(await store.list_services(tx, org_id), service_id, "service")
        expect(stored)
        service = stored._replace(**changes)
        if service == stored:
            return stored
        _refuse_twin("service", service.name, await store.find_service_named(tx, org_id, service.name), own=service_id)
        service = service._replace(updated_at=now)
        await store.update_service(tx, org_id, service)
        await store.touch(tx, org_id)
        await act.note(tx, *changed(stored, service))
        return service

    return await act.write(db, work, alone=True)


async def get_configuration(db: Database, caller: Caller) -> Configuration:
    """The organization's zone and booking rules."""
    caller.require(Scope.APPOINTMENTS_READ)
    return (await db.read(lambda tx: get_organization(tx, caller.org_id))).configuration


async def update_configuration(
    db: Database, caller: Caller, *, changes: ConfigurationChanges, now: int
) -> Configuration:
    """Change the configuration. A new zone or horizon brings the records in line at once."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "configuration.update", org_id, now)

    async def work(tx: Connection) -> Configuration:
        stored = (await get_organization(tx, org_id)).configuration
        configuration = stored._replace(**changes)
        if configuration == stored:
            return stored
        await store.configure(tx, org_id, configuration, now=now)
        for branch in await store.list_branches(tx, org_id):
            moved = configuration.timezone != stored.timezone and branch.timezone is None
            if moved or configuration.horizon_days != stored.horizon_days:
                await _reproject_branch(tx, org_id, branch.branch_id, now=now)
        await act.note(tx, *changed(stored, configuration))
        return configuration

    return await act.write(db, work, alone=True)


async def get_organization(tx: Connection, org_id: str) -> Organization:
    """The caller's own organization, which must be there."""
    organization = await store.find_organization(tx, org_id)
    if organization is None:
        raise NotFound("This organization is gone.")
    return organization


def pick(items: Sequence[Item], wanted: str, noun: str) -> Item:
    """The branch or service of an id. Raises NotFound."""
    for item in items:
        if item[0] == wanted:
            return item
    plural = "branches" if noun == "branch" else f"{noun}s"
    raise NotFound(f"This organization has no {noun} with the id {wanted}; 'GET /v1/{plural}' lists those that it has.")


def _refuse_twin(noun: str, name: str, found: str | None, *, own: str | None = None) -> None:
    if found is not None and found != own:
        article = "an" if noun[0] in "aeiou" else "a"
        raise Conflict(f"There is already {article} {noun} named '{name}' ({found}); choose another name.")


async def _reproject_branch(tx: Connection, org_id: str, branch_id: str, *, now: int) -> None:
    """Bring the records of a branch in line with its zone and horizon; those beyond a lower horizon stay."""
    horizon = await store.get_horizon(tx, org_id, branch_id)
    first, last = today(now, horizon.timezone), reach(horizon, now=now)
    for part in await list_slices(tx, org_id, branch_id=branch_id, first=first, last=last, beyond=True):
        await project(tx, org_id, part, now=now, beyond=LAST_DATE)
    await store.set_projected(tx, org_id, branch_id, last)
