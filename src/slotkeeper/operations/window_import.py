"""Whole files of calendar windows, all or nothing (contract.md section 7)."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import Conflict, Detail, InvalidInput, SlotkeeperError
from slotkeeper.domain.model import Branch, Day, Service, Session, Window
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.ids import new_id
from slotkeeper.operations.windows import (
    add_window,
    check_window,
    choose_branch,
    choose_named,
    choose_service,
    replace_window,
)
from slotkeeper.store import directory
from slotkeeper.store import windows as store
from slotkeeper.store.database import Connection, Database

_COLUMNS = {"branch_id": "branch", "batch_name": "batch", "appointment_type_id": "appointment_type"}


class ImportRow(NamedTuple):
    """One row of an import: names or UUIDs for branch and service; ``line`` is its line in the file."""

    line: int
    branch: str
    day: Day
    session: Session
    batch: str | None
    start_time: str
    end_time: str
    max_slots: int
    ai_slots: int | None
    appointment_type: str | None


class Outcome(NamedTuple):
    """What an import does to the window of one row; ``before`` is what it changes, None where the window is new."""

    row: ImportRow
    word: str
    before: Window | None


class Imported(NamedTuple):
    """How many windows an import made, changed and found as they should be, and each of them in the file's order."""

    created: int
    changed: int
    unchanged: int
    outcomes: tuple[Outcome, ...] = ()


async def import_windows(
    db: Database, caller: Caller, rows: Sequence[ImportRow], *, dry_run: bool, now: int
) -> Imported:
    """Make the windows of a file, or change those that exist; all of them or none.

    A row is an existing window where branch, day, session, batch and service are the same; its times and
    limits are then changed to the row's. Raises InvalidInput with one detail for each line that is wrong.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id = caller.org_id
    act = Act(caller, "windows.import", None, now)

    async def work(tx: Connection) -> Imported:
        branches = await directory.list_branches(tx, org_id)
        services = await directory.list_services(tx, org_id)
        outcomes: list[Outcome] = []
        wrong: list[Detail] = []
        lines: dict[str, int] = {}
        for row in rows:
            try:
                window = _window_of(row, branches, services, now=now)
                word, before = await _import(tx, act, window)
                calendar_id = window.calendar_id if before is None else before.calendar_id
                if calendar_id in lines:
                    raise Conflict(f"This window stands in line {lines[calendar_id]} already; keep one of the two.")
                lines[calendar_id] = row.line
                outcomes.append(Outcome(row, word, before))
            except SlotkeeperError as error:
                wrong.append(Detail(f"line {row.line}", f"Line {row.line}: {_in_columns(error.message)}"))
        if wrong:
            raise InvalidInput(wrong)
        counts = Counter(outcome.word for outcome in outcomes)
        imported = Imported(counts["created"], counts["changed"], counts["unchanged"], tuple(outcomes))
        if dry_run:
            raise _DryRun(imported)
        return imported

    try:
        return await act.write(db, work, alone=True)
    except _DryRun as done:
        return done.imported


def _in_columns(message: str) -> str:
    """A refusal in the words of the file: what the interface calls a field is a column here."""
    for field, column in _COLUMNS.items():
        message = message.replace(f"'{field}'", f"'{column}'")
    return message


class _DryRun(Exception):
    """Ends a transaction that must leave no trace."""

    def __init__(self, imported: Imported) -> None:
        super().__init__()
        self.imported = imported


async def _import(tx: Connection, act: Act, window: Window) -> tuple[str, Window | None]:
    """Make or change one window; each has its entry in the audit trail, as if it had been done alone.

    Says what was done, and what was there before.
    """
    check_window(window)
    org_id = act.caller.org_id
    stored = await store.find_twin(tx, org_id, window)
    if stored is None:
        await add_window(tx, org_id, window, now=act.now)
        created = act._replace(action="windows.create", subject=window.calendar_id)
        await created.note(tx, *changed(None, window))
        return "created", None
    wanted = stored._replace(
        start_time=window.start_time, end_time=window.end_time, max_slots=window.max_slots, ai_slots=window.ai_slots
    )
    if wanted == stored:
        return "unchanged", stored
    await replace_window(tx, org_id, wanted, now=act.now)
    await act._replace(action="windows.update", subject=stored.calendar_id).note(tx, *changed(stored, wanted))
    return "changed", stored


def _window_of(row: ImportRow, branches: Sequence[Branch], services: Sequence[Service], *, now: int) -> Window:
    service_id = None if row.appointment_type is None else choose_service(services, row.appointment_type).service_id
    branch = choose_named(branches, row.branch, "branch") if row.branch else choose_branch(branches, None)
    return Window(
        new_id(),
        branch.branch_id,
        row.day,
        row.session,
        row.batch,
        row.start_time,
        row.end_time,
        service_id,
        row.max_slots,
        row.ai_slots,
        True,
        now,
        now,
    )
