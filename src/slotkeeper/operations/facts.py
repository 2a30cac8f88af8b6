"""What an organization's requests are judged by, read once and kept as long as its revision stands.

Branches, services, windows and the configuration rarely change; each change moves ``config_rev`` on, and every
transaction that uses what is kept reads that revision first. So what is kept is what the database says.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.access import Caller
from slotkeeper.domain.booking import STANDING, Rules, Wish
from slotkeeper.domain.calendar import instant_of, local, wall_time_of
from slotkeeper.domain.errors import OutsideAvailability
from slotkeeper.domain.model import Appointment, Branch, Channel, Configuration, Hold, Service, Session, Window
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR
from slotkeeper.operations.directory import get_organization
from slotkeeper.operations.windows import choose_branch, choose_service
from slotkeeper.store import directory, windows
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.days import Place

MOST = 256
"""Of how many organizations a server process keeps what it read."""


class Known:
    """What is known of an organization at one revision of its configuration."""

    def __init__(
        self, revision: int, configuration: Configuration, branches: Sequence[Branch], services: Sequence[Service]
    ) -> None:
        self.revision = revision
        self.configuration = configuration
        self.branches = branches
        self.services = services
        self.zones = {branch.branch_id: branch.timezone or configuration.timezone for branch in branches}
        self.stored: set[Place] = set()
        """Window-dates that have a record: none goes away without a new revision (which may come after it was read)."""
        self._weekly: dict[tuple[str, int], list[Window]] = {}
        self._fitting: dict[tuple[str, int, str, Session | None, str | None], list[Window]] = {}

    async def list_places(self, tx: Connection, org_id: str, wish: Wish) -> list[Place]:
        """The window-dates that may fit a wish, as far as the enabled windows say, in the order of bookings."""
        kind = wish.branch_id, wish.date.weekday(), wish.service_id, wish.session, wish.batch
        fitting = self._fitting.get(kind)
        if fitting is None:
            weekly = await self._list_weekly(tx, org_id, wish.branch_id, wish.date.weekday())
            fitting = [
                window
                for window in weekly
                if window.enabled and wish.is_of_kind(window.service_id, window.session, window.batch)
            ]
            if fitting:  # nothing is kept of what a client only dreamt of
                self._fitting[kind] = fitting
        return [
            (wish.date, window.calendar_id) for window in fitting if wish.is_within(window.start_time, window.end_time)
        ]

    async def _list_weekly(self, tx: Connection, org_id: str, branch_id: str, weekday: int) -> list[Window]:
        weekly = self._weekly.get((branch_id, weekday))
        if weekly is None:
            weekly = await windows.list_of_weekday(tx, org_id, branch_id, weekday)
            self._weekly[branch_id, weekday] = weekly
        return weekly


class Knowledge:
    """What is known of the organizations that ask most."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    async def get(self, tx: Connection, org_id: str) -> Known:
        """What the database says of an organization in this transaction. Raises NotFound where it is gone."""
        revision = await directory.get_config_rev(tx, org_id)
        known = self._known.get(org_id)
        if known is None or known.revision != revision:
            known = await _read_whole(tx, org_id, revision)
            self._known.pop(org_id, None)
            self._known[org_id] = known
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return known


async def _read_whole(tx: Connection, org_id: str, revision: int | None) -> Known:
    """What the database says at one revision: where it moves on between two statements, all is read again."""
    while True:
        known = await read_known(tx, org_id, revision=revision)
        revision = await directory.get_config_rev(tx, org_id)
        if known.revision == revision:
            return known


async def read_known(tx: Connection, org_id: str, *, revision: int | None = None) -> Known:
    """What the database says of an organization. Raises NotFound where it is gone."""
    organization = await get_organization(tx, org_id)
    branches = await directory.list_branches(tx, org_id)
    services = await directory.list_services(tx, org_id)
    return Known(revision or 0, organization.configuration, branches, services)


class Facts(NamedTuple):
    """What a list of requests is judged by: what is known, and what was read for them in this transaction.

    ``gone`` are the holds asked for that once were, and are no more.
    """

    known: Known
    now: int
    appointments: Mapping[str, Appointment]
    holds: Mapping[str, Hold]
    windows: Mapping[str, Window]
    gone: frozenset[str]

    def rules(self, channel: Channel, branch_id: str) -> Rules:
        """The booking rules for a channel on a branch's clock."""
        return Rules(self.known.configuration, channel, self.now, self.known.zones[branch_id])

    def wish(
        self,
        service: str,
        instant: int,
        branch_id: str | None,
        session: Session | None,
        batch: str | None,
        *,
        channel: Channel,
    ) -> Wish:
        """What is asked for with a service's UUID or name, an instant and what else is said.

        Raises NotFound, InvalidInput, OutsideAvailability, NotAllowedByPolicy.
        """
        branch = choose_branch(self.known.branches, branch_id)
        active = require_active(choose_service(self.known.services, service))
        rules = self.rules(channel, branch.branch_id)
        on, wall_time = local_time(instant, rules)
        rules.require_instant(instant, on)
        return Wish(branch.branch_id, active.service_id, on, wall_time, session, batch)

    def instant(self, branch_id: str, on: date, wall_time: str) -> int:
        """The instant of a wall time of a branch."""
        return instant_of(on, wall_time, self.known.zones[branch_id])

    def is_standing(self, appointment: Appointment) -> bool:
        """Whether an appointment is still to come: the duplicate rule counts it."""
        if appointment.status not in STANDING:
            return False
        return self.instant(appointment.branch_id, appointment.date, appointment.wall_time) >= self.now


def require_active(service: Service) -> Service:
    """The service. Raises OutsideAvailability where it is not offered."""
    if not service.active:
        raise OutsideAvailability(f"'{service.name}' is not offered at the moment; choose another service.")
    return service


def local_time(instant: int, rules: Rules) -> tuple[date, str]:
    """The branch's date and wall time of an instant. Raises OutsideAvailability outside the years of dates."""
    moment = local(instant, rules.timezone)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise OutsideAvailability(
            f"'appointment_date' must be in the years {FIRST_YEAR} to {LAST_YEAR} at this branch; choose another date."
        )
    return moment.date(), wall_time_of(moment)


async def get_known(db: Database, knowledge: Knowledge, caller: Caller) -> Known:
    """What is known of the caller's own organization, as the database has it. Raises NotFound where it is gone."""
    return await db.read(lambda tx: knowledge.get(tx, caller.org_id))
