"""Organizations written into a file, to be brought into another database."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from slotkeeper import __version__
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.errors import NotFound, Unavailable
from slotkeeper.domain.model import Organization
from slotkeeper.operations.directory import choose_organization, list_organizations
from slotkeeper.operations.export_file import ExportWriter
from slotkeeper.store import tables
from slotkeeper.store.database import Clock, Connection, Database
from slotkeeper.store.tables import MOVED

Progress = Callable[[int, int], None]


class Exported(NamedTuple):
    """An organization in the file: as it was at an instant, with how many rows of each table."""

    org_id: str
    name: str
    at: str
    rows: dict[str, int]


class Export(NamedTuple):
    """A whole file."""

    organizations: list[Exported]
    rows: int
    sha256: str


async def export(
    db: Database,
    organization: str | None,
    *,
    write: Callable[[bytes], object],
    clock: Clock,
    progress: Progress | None = None,
) -> Export:
    """Write an organization, by name or id, or all of them through ``write``; bookings go on beside it.

    Each organization is as it was at one moment of its own. ``progress`` is told how many rows of about how many
    are done. Raises NotFound, Conflict, and Unavailable where the database went away in between.
    """
    wanted = await list_organizations(db) if organization is None else [await choose_organization(db, organization)]
    if not wanted:
        raise NotFound("There is no organization yet: make one with 'slotkeeper organizations create NAME'.")
    total = 0 if progress is None else await db.read_lagging(lambda tx: _count(tx, wanted))
    out = ExportWriter(write, program=__version__, at=iso_instant(clock()))
    exported: list[Exported] = []
    for one in wanted:
        work = _Work(out, one, clock, None if progress is None else lambda done: progress(done, max(done, total)))
        exported.append(await db.read_lagging(work.write))
    return Export(exported, out.rows, out.footer())


async def _count(tx: Connection, wanted: Sequence[Organization]) -> int:
    return sum([await tables.count_rows(tx, one.org_id, table) for one in wanted for table in MOVED])


class _Work:
    """One organization on its way into the file. What was written cannot be taken back, so it begins only once."""

    def __init__(
        self, out: ExportWriter, organization: Organization, clock: Clock, progress: Callable[[int], None] | None
    ) -> None:
        self._out, self._organization, self._clock, self._progress = out, organization, clock, progress
        self._begun = False

    async def write(self, tx: Connection) -> Exported:
        """Write the organization, page by page, as it is at the moment of the transaction."""
        if self._begun:
            raise Unavailable("The database went away in the middle of the export: export again.")
        self._begun = True
        org_id, name, at = self._organization.org_id, self._organization.name, iso_instant(self._clock())
        self._out.begin(org_id, name, at=at)
        for table in MOVED:
            self._out.table(table)
            page = await tables.fetch_page(tx, org_id, table)
            while page:
                self._out.add(table, page)
                if self._progress is not None:
                    self._progress(self._out.rows)
                whole = len(page) == tables.PAGE and table.key
                page = await tables.fetch_page(tx, org_id, table, after=table.key_of(page[-1])) if whole else []
        return Exported(org_id, name, at, self._out.end(org_id))
