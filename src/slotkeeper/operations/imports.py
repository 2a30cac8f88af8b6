"""Organizations brought in from the file of an export, each of them whole or not there at all.

The rows come in batches, each a transaction of its own, so that bookings of others go on beside it. Until the
last transaction, which brings the API keys, a row in ``imports`` says that the organization is not whole: nobody
sees it, no key works in it, nothing is done in it. What an interrupted import left is recognised by that row, and
taken away by the next import of the same file.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, NamedTuple, TypeVar

from slotkeeper.domain.access import operator
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.errors import Conflict, SlotkeeperError
from slotkeeper.domain.model import Organization, fold
from slotkeeper.operations.acts import Act
from slotkeeper.operations.export_file import Begin, End, ExportFile, Row, Summary, summarize
from slotkeeper.operations.ids import new_id
from slotkeeper.store import appointments, directory, imports, tables
from slotkeeper.store.database import Clock, Connection, Database
from slotkeeper.store.tables import MOVED, PAGE, TABLES, Table

T = TypeVar("T")

Progress = Callable[[int, int], None]
Batch = tuple[Table, list[Row]]

ROOT, MARK, KEYS = "organizations", "imports", "api_keys"
"""The tables that say whether an organization is there, whether it is whole, and who may use it."""

_KEYS = next(table for table in TABLES if table.name == KEYS)

CHANGED = "The file changed while it was read: import it again."
TAKEN_OVER = "Another import of this organization has begun in the meantime, so this one stops."


class Imported(NamedTuple):
    """An organization that is there now: as it was at an instant, with how many rows of each table.

    ``was_there`` where an earlier import of the same file brought it in whole, so that nothing was done.
    """

    org_id: str
    name: str
    at: str
    rows: dict[str, int]
    was_there: bool


async def import_file(
    db: Database,
    stream: BinaryIO,
    *,
    name: str | None = None,
    start_over: bool = False,
    clock: Clock,
    progress: Progress | None = None,
) -> list[Imported]:
    """Bring in all organizations of a file, which is read twice: first whether it is whole, then its rows.

    ``name`` is a new name for the only organization in it; with ``start_over`` the leftover of an interrupted
    import of another file is taken away too. ``progress`` is told how many rows of how many are done. Raises
    InvalidInput for a file that is none, damaged, or of a newer Slotkeeper; Conflict where an organization is
    there already, a name is taken, or the recount differs.
    """
    summary = summarize(stream)
    run = _Run(db, summary.digest, new_id(), clock)
    there = await db.write(lambda tx: _judge(tx, summary, name=name, start_over=start_over))
    file, done = ExportFile(stream), 0
    imported: list[Imported] = []
    for begin, end in zip(file.organizations(), summary.ends, strict=False):
        batches = _told(file.batches(), summary.rows, done, progress)
        if begin.id in there:
            for _ in batches:
                pass
            _require_same(file, end)
        else:
            await _Organization(run, begin, end, name).bring(file, batches)
        done += sum(end.rows.values())
        own_name = there.get(begin.id, name or begin.name)
        imported.append(Imported(begin.id, own_name, begin.at, end.rows, begin.id in there))
    if len(imported) != len(summary.organizations):
        raise Conflict(CHANGED)
    return imported


def _require_same(file: ExportFile, end: End) -> None:
    """Refuse an organization that is another at the second reading; its checksum tells."""
    if file.end != end:
        raise Conflict(CHANGED)


def _told(batches: Iterator[Batch], total: int, done: int, progress: Progress | None) -> Iterator[Batch]:
    """The same batches; ``progress`` is told of each when the next is asked for."""
    for table, rows in batches:
        yield table, rows
        done += len(rows)
        if progress is not None:
            progress(done, total)


async def _judge(tx: Connection, summary: Summary, *, name: str | None, start_over: bool) -> dict[str, str]:
    """Refuse before anything is written what cannot come in; what is there whole already, with its name."""
    if name is not None and len(summary.organizations) != 1:
        raise Conflict(
            f"The file holds {len(summary.organizations)} organizations: a new name can be given to one only."
        )
    there: dict[str, str] = {}
    for begin in summary.organizations:
        stored = await directory.find_organization(tx, begin.id)
        if stored is not None and await _is_whole(tx, stored, summary.digest, start_over=start_over):
            there[begin.id] = stored.name
    own = {begin.id for begin in summary.organizations}
    taken = {fold(one.name): one for one in await directory.list_organizations(tx) if one.org_id not in own}
    for begin in summary.organizations:
        twin = taken.get(fold(name or begin.name))
        if twin is not None and begin.id not in there:
            raise Conflict(
                f"There is already an organization named '{twin.name}' ({twin.org_id}): export the other one by "
                "itself, and give it a new name with 'slotkeeper import FILE --name NAME'."
            )
    return there


async def _is_whole(tx: Connection, stored: Organization, digest: str, *, start_over: bool) -> bool:
    """Whether a stored organization came in whole from this very file, False for the leftover of an import.

    Raises Conflict where it came from elsewhere.
    """
    found = await imports.find_import(tx, stored.org_id)
    if found is not None and found.digest == digest:
        return found.finished_at is not None
    if found is None or found.finished_at is not None:
        raise Conflict(
            f"The organization '{stored.name}' ({stored.org_id}) is in this database already, and an import never "
            "writes over it: import into another database."
        )
    if not start_over:
        raise Conflict(
            f"An import of '{stored.name}' ({stored.org_id}) from another file, begun at "
            f"{iso_instant(found.begun_at)}, runs or was interrupted: import that file again, or take away what it "
            "left with --start-over."
        )
    return False


class _Run(NamedTuple):
    """One run of an import. Only what it began itself, or took over, can it write to."""

    db: Database
    digest: str
    run_id: str
    clock: Clock

    async def write(self, org_id: str, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """One transaction in an organization that is not whole. Raises Conflict where another run took over."""

        async def owned(tx: Connection) -> T:
            found = await imports.find_import(tx, org_id)
            if found is None or found.run_id != self.run_id or found.finished_at is not None:
                raise Conflict(TAKEN_OVER)
            return await work(tx)

        return await self.db.write(owned)


class _Organization:
    """One organization on its way in."""

    def __init__(self, run: _Run, begin: Begin, end: End, name: str | None) -> None:
        self._run, self._org_id, self._begin, self._end, self._name = run, begin.id, begin, end, name

    async def bring(self, file: ExportFile, batches: Iterator[Batch]) -> None:
        """Bring all of it in; where that fails, take away what is there of it."""
        keys: list[Row] = []
        try:
            await self._make_way()
            for table, rows in batches:
                if table.name == KEYS:
                    keys += rows
                else:
                    await self._put(table, rows)
            _require_same(file, self._end)
            await self._recount()
            await self._run.write(self._org_id, lambda tx: self._finish(tx, keys))
        except (SlotkeeperError, OSError):
            with suppress(SlotkeeperError):
                await self._clear()
            raise

    async def _make_way(self) -> None:
        """Take away what an interrupted import left."""
        run, org_id = self._run, self._org_id

        async def take_over(tx: Connection) -> bool:
            if await imports.find_import(tx, org_id) is None:
                return False
            await imports.take_over(tx, org_id, digest=run.digest, run_id=run.run_id, now=run.clock())
            return True

        if await run.db.write(take_over):
            await self._clear()

    async def _clear(self) -> None:
        """Take away all that is there of it, children before parents, and last that it was ever there."""
        for table in reversed(TABLES):
            if table.name in {ROOT, MARK}:
                continue
            while await self._run.write(self._org_id, partial(self._remove, table)) == PAGE:
                pass
        await self._run.write(self._org_id, self._remove_root)

    async def _remove(self, table: Table, tx: Connection) -> int:
        return await tables.remove_rows(tx, self._org_id, table)

    async def _remove_root(self, tx: Connection) -> None:
        for table in reversed(TABLES):
            if table.name in {ROOT, MARK}:
                await tables.remove_rows(tx, self._org_id, table)

    async def _put(self, table: Table, rows: list[Row]) -> None:
        if table.name == ROOT:
            await self._run.db.write(lambda tx: self._put_root(tx, table, rows))
        else:
            await self._run.write(self._org_id, lambda tx: tables.insert_rows(tx, self._org_id, table, rows))

    async def _put_root(self, tx: Connection, table: Table, rows: Sequence[Row]) -> None:
        """The organization itself, and in the same transaction that it is not whole."""
        if self._name is not None:
            new = {"name": self._name, "folded_name": fold(self._name)}
            rows = [tuple(new.get(*pair) for pair in zip(table.names, row, strict=True)) for row in rows]
        await tables.insert_rows(tx, self._org_id, table, rows)
        run = self._run
        await imports.begin(tx, self._org_id, digest=run.digest, run_id=run.run_id, now=run.clock())

    async def _recount(self) -> None:
        """Count what is there, and compare with what the file says of itself. Raises Conflict."""
        counted = await self._run.db.read_aside(self._count)
        for name, expected in self._end.rows.items():
            if name != KEYS and counted[name] != expected:
                raise Conflict(_differs(name, expected, counted[name]))
        differences = await self._run.db.read_aside(lambda tx: appointments.list_differences(tx, self._org_id))
        if differences:
            one = differences[0]
            raise Conflict(
                f"{len(differences)} counts in the file are not what its appointments and holds say, the first that of "
                f"{one.calendar_id}||{one.date} ({one.what}: {one.stored}, counted: {one.counted}): run 'slotkeeper "
                "check' and 'slotkeeper regenerate' where it was exported, and export again."
            )

    async def _count(self, tx: Connection) -> dict[str, int]:
        return {table.name: await tables.count_rows(tx, self._org_id, table) for table in MOVED}

    async def _finish(self, tx: Connection, keys: Sequence[Row]) -> None:
        """The keys, the entry in the audit trail, and that the organization is whole: all at once."""
        table, expected = _KEYS, self._end.rows[KEYS]
        await tables.insert_rows(tx, self._org_id, table, keys)
        counted = await tables.count_rows(tx, self._org_id, table)
        if counted != expected:
            raise Conflict(_differs(KEYS, expected, counted))
        now = self._run.clock()
        act = Act(operator(self._org_id), "organizations.import", self._org_id, now)
        await act.note(tx, None, {"exported_at": self._begin.at, "sha256": self._run.digest})
        await imports.finish(tx, self._org_id, run_id=self._run.run_id, now=now)


def _differs(name: str, expected: int, counted: int) -> str:
    return (
        f"The recount differs: the file has {expected} rows of {name}, and {counted} are there. What was imported is "
        "taken away again: import the file once more, while nothing older than this Slotkeeper runs on the database."
    )
