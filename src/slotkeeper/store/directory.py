"""Organizations with their configuration, branches and services."""

from datetime import date
from typing import NamedTuple

from slotkeeper.domain.model import Branch, Configuration, Organization, Service, fold
from slotkeeper.store.database import SQL, Connection, Row

_INSERT_ORGANIZATION = SQL("""
    INSERT INTO organizations (
        org_id, name, folded_name, timezone, allow_cancellation, cancellation_notice_hours, allow_rescheduling,
        allow_duplicate_booking, min_notice_hours, max_advance_days, token_numbers, horizon_days, audit_keep_days,
        config_rev, created_at, updated_at
    ) VALUES (
        :org_id, :name, :folded_name, :timezone, :allow_cancellation, :cancellation_notice_hours, :allow_rescheduling,
        :allow_duplicate_booking, :min_notice_hours, :max_advance_days, :token_numbers, :horizon_days, 730,
        1, :now, :now
    )
""")

# One that an import has not brought in whole is not there yet, for nobody.
_ORGANIZATIONS = SQL("""
    SELECT org_id, name, created_at, timezone, allow_cancellation, cancellation_notice_hours, allow_rescheduling,
           allow_duplicate_booking, min_notice_hours, max_advance_days, token_numbers, horizon_days
    FROM organizations o
    WHERE NOT EXISTS (SELECT 1 FROM imports i WHERE i.org_id = o.org_id AND i.finished_at IS NULL)
    ORDER BY created_at, org_id
""")

_ORGANIZATION = SQL("""
    SELECT org_id, name, created_at, timezone, allow_cancellation, cancellation_notice_hours, allow_rescheduling,
           allow_duplicate_booking, min_notice_hours, max_advance_days, token_numbers, horizon_days
    FROM organizations
    WHERE org_id = :org_id
""")

_CONFIGURE = SQL("""
    UPDATE organizations SET
        timezone = :timezone, allow_cancellation = :allow_cancellation,
        cancellation_notice_hours = :cancellation_notice_hours, allow_rescheduling = :allow_rescheduling,
        allow_duplicate_booking = :allow_duplicate_booking, min_notice_hours = :min_notice_hours,
        max_advance_days = :max_advance_days, token_numbers = :token_numbers, horizon_days = :horizon_days,
        config_rev = config_rev + 1, updated_at = :now
    WHERE org_id = :org_id
""")

_TOUCH = SQL("UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = :org_id")

_LOCK = SQL("SELECT config_rev FROM organizations WHERE org_id = :org_id @lock")

# Two organizations of one name have nothing in common that could be locked.
_LOCK_NAMES = SQL("LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE")

_CONFIG_REV = SQL("SELECT config_rev FROM organizations WHERE org_id = :org_id")

_AUDIT_KEEP_DAYS = SQL("SELECT audit_keep_days FROM organizations WHERE org_id = :org_id")

_SET_AUDIT_KEEP_DAYS = SQL("UPDATE organizations SET audit_keep_days = :days WHERE org_id = :org_id")

_BRANCHES = SQL("""
    SELECT branch_id, name, timezone, created_at, updated_at
    FROM branches
    WHERE org_id = :org_id
    ORDER BY name, branch_id
""")

_INSERT_BRANCH = SQL("""
    INSERT INTO branches (org_id, branch_id, name, folded_name, timezone, projected_to, created_at, updated_at)
    VALUES (:org_id, :branch_id, :name, :folded_name, :timezone, :projected_to, :now, :now)
""")

_UPDATE_BRANCH = SQL("""
    UPDATE branches SET name = :name, folded_name = :folded_name, timezone = :timezone, updated_at = :now
    WHERE org_id = :org_id AND branch_id = :branch_id
""")

_BRANCH_NAMED = SQL("SELECT branch_id FROM branches WHERE org_id = :org_id AND folded_name = :folded_name")

_HORIZONS = SQL("""
    SELECT b.org_id, b.branch_id, coalesce(b.timezone, o.timezone), b.projected_to, o.horizon_days
    FROM branches b JOIN organizations o ON o.org_id = b.org_id
    WHERE NOT EXISTS (SELECT 1 FROM imports i WHERE i.org_id = b.org_id AND i.finished_at IS NULL)
    ORDER BY b.org_id, b.branch_id
""")

_HORIZON = SQL("""
    SELECT b.org_id, b.branch_id, coalesce(b.timezone, o.timezone), b.projected_to, o.horizon_days
    FROM branches b JOIN organizations o ON o.org_id = b.org_id
    WHERE b.org_id = :org_id AND o.org_id = :org_id AND b.branch_id = :branch_id
""")

_ZONES = SQL("""
    SELECT b.branch_id, coalesce(b.timezone, o.timezone)
    FROM branches b JOIN organizations o ON o.org_id = b.org_id
    WHERE b.org_id = :org_id AND o.org_id = :org_id
""")

_BRANCH_HORIZONS = SQL("SELECT branch_id, projected_to FROM branches WHERE org_id = :org_id")

_PROJECTED = SQL("""
    UPDATE branches SET projected_to = :projected_to
    WHERE org_id = :org_id AND branch_id = :branch_id
""")

_SERVICES = SQL("""
    SELECT service_id, name, active, created_at, updated_at
    FROM services
    WHERE org_id = :org_id
    ORDER BY name, service_id
""")

_INSERT_SERVICE = SQL("""
    INSERT INTO services (org_id, service_id, name, folded_name, active, created_at, updated_at)
    VALUES (:org_id, :service_id, :name, :folded_name, :active, :now, :now)
""")

_UPDATE_SERVICE = SQL("""
    UPDATE services SET name = :name, folded_name = :folded_name, active = :active, updated_at = :now
    WHERE org_id = :org_id AND service_id = :service_id
""")

_SERVICE_NAMED = SQL("SELECT service_id FROM services WHERE org_id = :org_id AND folded_name = :folded_name")


class Horizon(NamedTuple):
    """How far a branch's records reach: they exist for every wanted date up to ``projected_to``."""

    org_id: str
    branch_id: str
    timezone: str
    projected_to: date
    horizon_days: int


async def lock_names(tx: Connection) -> None:
    """Keep others from making an organization until the transaction ends."""
    await tx.lock(_LOCK_NAMES)


async def lock_organization(tx: Connection, org_id: str) -> None:
    """Keep others from changing what an organization is set up with until the transaction ends."""
    await tx.lock(_LOCK, org_id=org_id)


async def insert_organization(tx: Connection, organization: Organization) -> None:
    """Store a new organization."""
    await tx.execute(
        _INSERT_ORGANIZATION,
        org_id=organization.org_id,
        name=organization.name,
        folded_name=fold(organization.name),
        now=organization.created_at,
        **organization.configuration._asdict(),
    )


async def list_organizations(tx: Connection) -> list[Organization]:
    """All organizations that are whole, the oldest first."""
    return [_organization(row) for row in await tx.fetch(_ORGANIZATIONS)]


async def find_organization(tx: Connection, org_id: str) -> Organization | None:
    """The organization of an id."""
    row = await tx.fetch_one(_ORGANIZATION, org_id=org_id)
    return None if row is None else _organization(row)


async def configure(tx: Connection, org_id: str, configuration: Configuration, *, now: int) -> None:
    """Store an organization's configuration."""
    await tx.execute(_CONFIGURE, org_id=org_id, now=now, **configuration._asdict())


async def touch(tx: Connection, org_id: str) -> None:
    """Say that a branch, service, window or closure of the organization changed, or that a record went away."""
    await tx.execute(_TOUCH, org_id=org_id)


async def get_config_rev(tx: Connection, org_id: str) -> int | None:
    """The revision that ``touch`` moves on."""
    row = await tx.fetch_one(_CONFIG_REV, org_id=org_id)
    return None if row is None else row[0]


async def get_audit_keep_days(tx: Connection, org_id: str) -> int:
    """For how many days an organization's audit trail is kept; the organization must exist."""
    row = await tx.fetch_one(_AUDIT_KEEP_DAYS, org_id=org_id)
    if row is None:
        raise LookupError(org_id)
    days: int = row[0]
    return days


async def set_audit_keep_days(tx: Connection, org_id: str, days: int) -> None:
    """Keep an organization's audit trail for some days."""
    await tx.execute(_SET_AUDIT_KEEP_DAYS, org_id=org_id, days=days)


async def list_branches(tx: Connection, org_id: str) -> list[Branch]:
    """All branches of an organization by name."""
    return [Branch(*row) for row in await tx.fetch(_BRANCHES, org_id=org_id)]


async def find_branch_named(tx: Connection, org_id: str, name: str) -> str | None:
    """The id of the branch with a name, compared case-insensitively."""
    row = await tx.fetch_one(_BRANCH_NAMED, org_id=org_id, folded_name=fold(name))
    return None if row is None else row[0]


async def insert_branch(tx: Connection, org_id: str, branch: Branch, *, projected_to: date) -> None:
    """Store a new branch whose records reach up to ``projected_to`` as soon as it has windows."""
    await tx.execute(
        _INSERT_BRANCH,
        org_id=org_id,
        branch_id=branch.branch_id,
        name=branch.name,
        folded_name=fold(branch.name),
        timezone=branch.timezone,
        projected_to=projected_to.isoformat(),
        now=branch.created_at,
    )


async def update_branch(tx: Connection, org_id: str, branch: Branch) -> None:
    """Store a branch's new name and zone."""
    await tx.execute(
        _UPDATE_BRANCH,
        org_id=org_id,
        branch_id=branch.branch_id,
        name=branch.name,
        folded_name=fold(branch.name),
        timezone=branch.timezone,
        now=branch.updated_at,
    )


async def list_horizons(tx: Connection) -> list[Horizon]:
    """How far the records of every branch of every organization that is whole reach."""
    return [_horizon(row) for row in await tx.fetch(_HORIZONS)]


async def get_horizon(tx: Connection, org_id: str, branch_id: str) -> Horizon:
    """How far the records of a branch reach; the branch must exist."""
    row = await tx.fetch_one(_HORIZON, org_id=org_id, branch_id=branch_id)
    if row is None:
        raise LookupError(branch_id)
    return _horizon(row)


async def list_branch_horizons(tx: Connection, org_id: str) -> dict[str, date]:
    """Up to which date the records of each branch are stored, by the branch's id."""
    rows = await tx.fetch(_BRANCH_HORIZONS, org_id=org_id)
    return {branch_id: date.fromisoformat(projected_to) for branch_id, projected_to in rows}


async def list_zones(tx: Connection, org_id: str) -> dict[str, str]:
    """The time zone that each branch keeps, by the branch's id."""
    return dict(await tx.fetch(_ZONES, org_id=org_id))


async def set_projected(tx: Connection, org_id: str, branch_id: str, projected_to: date) -> None:
    """Say that a branch's records exist up to a date; those after it stay, but are not counted on."""
    await tx.execute(_PROJECTED, org_id=org_id, branch_id=branch_id, projected_to=projected_to.isoformat())


async def list_services(tx: Connection, org_id: str) -> list[Service]:
    """All services of an organization by name, inactive ones included."""
    return [Service(row[0], row[1], bool(row[2]), *row[3:]) for row in await tx.fetch(_SERVICES, org_id=org_id)]


async def find_service_named(tx: Connection, org_id: str, name: str) -> str | None:
    """The id of the service with a name, compared case-insensitively."""
    row = await tx.fetch_one(_SERVICE_NAMED, org_id=org_id, folded_name=fold(name))
    return None if row is None else row[0]


async def insert_service(tx: Connection, org_id: str, service: Service) -> None:
    """Store a new service."""
    await tx.execute(
        _INSERT_SERVICE,
        org_id=org_id,
        service_id=service.service_id,
        name=service.name,
        folded_name=fold(service.name),
        active=service.active,
        now=service.created_at,
    )


async def update_service(tx: Connection, org_id: str, service: Service) -> None:
    """Store a service's new name and whether it is offered."""
    await tx.execute(
        _UPDATE_SERVICE,
        org_id=org_id,
        service_id=service.service_id,
        name=service.name,
        folded_name=fold(service.name),
        active=service.active,
        now=service.updated_at,
    )


def _organization(row: Row) -> Organization:
    (
        org_id,
        name,
        created_at,
        timezone,
        cancelling,
        notice,
        rescheduling,
        duplicates,
        min_notice,
        advance,
        tokens,
        far,
    ) = row
    configuration = Configuration(
        timezone, bool(cancelling), notice, bool(rescheduling), bool(duplicates), min_notice, advance, bool(tokens), far
    )
    return Organization(org_id, name, created_at, configuration)


def _horizon(row: Row) -> Horizon:
    org_id, branch_id, timezone, projected_to, horizon_days = row
    return Horizon(org_id, branch_id, timezone, date.fromisoformat(projected_to), horizon_days)
