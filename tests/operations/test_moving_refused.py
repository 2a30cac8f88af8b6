"""Moving house when something is in the way: all of an organization comes in, or nothing that anybody sees."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from slotkeeper.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from slotkeeper.operations import directory, imports, schedule, upkeep
from slotkeeper.operations.directory import choose_organization
from slotkeeper.operations.export_file import ExportWriter
from slotkeeper.store import imports as store
from slotkeeper.store import tables
from slotkeeper.store.database import SQL, Connection, Database
from slotkeeper.store.tables import MOVED
from tests.moving import Furnished, House, furnish
from tests.world import AVAILABILITY, MONDAY, good, refused


def stop_at(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Let the program end where an import comes to a table."""
    insert_rows = tables.insert_rows

    async def insert(tx: Connection, org_id: str, into: tables.Table, rows: Any) -> None:
        if into.name == table:
            raise RuntimeError("the program ended here")
        await insert_rows(tx, org_id, into, rows)

    monkeypatch.setattr(tables, "insert_rows", insert)


def interrupt(new: House, file: bytes, table: str) -> None:
    """An import of a file that never came to its end."""
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, table)
        with pytest.raises(RuntimeError, match="ended here"):
            new.bring_in(file)


def test_nobody_sees_an_organization_before_all_of_it_is_there(old: House, new: House, clinic: Furnished) -> None:
    file = old.export()
    for table in [table.name for table in MOVED[1:]]:
        interrupt(new, file, table)
        assert new.count(clinic.org_id) > 0, "there is a leftover"
        assert new.names() == []
        with pytest.raises(NotFound, match="no organization yet"):
            new.run(choose_organization(new.db, None))
        refused(new.ask(clinic.key, "GET", f"{AVAILABILITY}?date={MONDAY}"), 401, "UNAUTHORIZED")
        assert new.run(upkeep.check(new.db)) == []
        old.clock.advance(days=1)
        assert new.run(schedule.roll_forward(new.db, now=new.clock())) == 0
        old.clock.advance(days=-1)
    new.bring_in(file)
    assert new.rows(clinic.org_id) == old.rows(clinic.org_id)


@pytest.mark.parametrize("table", ["branches", "appointments", "api_keys"])
def test_the_leftover_of_another_file_is_taken_away_only_when_asked(
    old: House, new: House, clinic: Furnished, table: str
) -> None:
    interrupt(new, old.export(), table)
    good(old.ask(clinic.key, "POST", "/v1/services", {"name": "Newer"}), 201)
    newer = old.export()
    left = new.rows(clinic.org_id)
    with pytest.raises(Conflict, match=r"import that file again, or .* --start-over"):
        new.bring_in(newer)
    assert new.rows(clinic.org_id) == left
    new.bring_in(newer, start_over=True)
    assert new.rows(clinic.org_id) == old.rows(clinic.org_id)


def test_an_organization_that_is_there_is_never_written_over(old: House, new: House, clinic: Furnished) -> None:
    file = old.export()
    before = old.rows(clinic.org_id)
    for more in ({}, {"start_over": True}, {"name": "Another"}):
        with pytest.raises(Conflict, match="in this database already"):
            old.bring_in(file, **more)
    assert old.rows(clinic.org_id) == before
    new.bring_in(file)
    good(new.ask(clinic.key, "POST", "/v1/services", {"name": "Since"}), 201)
    before = new.rows(clinic.org_id)
    old.clock.advance(seconds=1)
    with pytest.raises(Conflict, match="in this database already"):
        new.bring_in(old.export(), start_over=True)
    (again,) = new.bring_in(file)
    assert again.was_there
    assert new.rows(clinic.org_id) == before, "what was done since is kept"


def test_all_organizations_come_in_and_an_interrupted_import_goes_on_with_the_next(
    old: House, new: House, clinic: Furnished
) -> None:
    old.clock.advance(seconds=1)  # the older organization comes first
    other = furnish(old, "Zweite Klinik")
    file = old.export()

    def stop(done: int, total: int) -> None:
        if done > total * 0.7:
            raise RuntimeError("the program ended here")

    with pytest.raises(RuntimeError, match="ended here"):
        new.bring_in(file, progress=stop)
    assert new.names() == [clinic.name]
    good(new.ask(clinic.key, "POST", "/v1/services", {"name": "Since"}), 201)
    before = new.rows(clinic.org_id)
    assert [one.was_there for one in new.bring_in(file)] == [True, False]
    assert sorted(new.names()) == sorted([clinic.name, other.name])
    assert new.rows(clinic.org_id) == before
    assert new.rows(other.org_id) == old.rows(other.org_id)


def test_a_name_that_is_taken_needs_a_new_one(old: House, new: House, clinic: Furnished) -> None:
    new.run(directory.create_organization(new.db, name=clinic.name.upper(), timezone="UTC", now=new.clock()))
    file = old.export()
    with pytest.raises(Conflict, match=r"already an organization named .* --name"):
        new.bring_in(file)
    assert new.count(clinic.org_id) == 0
    (found,) = new.bring_in(file, name="Übersee II")
    assert new.bring_in(file, name="Übersee III") == [found._replace(was_there=True)]
    assert (found.name, sorted(new.names())) == ("Übersee II", sorted([clinic.name.upper(), "Übersee II"]))
    with pytest.raises(Conflict, match="already"):
        new.run(directory.create_organization(new.db, name="ÜBERSEE II", timezone="UTC", now=new.clock()))
    rows, expected = new.rows(clinic.org_id), old.rows(clinic.org_id)
    assert rows.pop("organizations") != expected.pop("organizations")
    assert rows == expected


def test_a_new_name_is_for_one_organization(old: House, new: House) -> None:
    for name in ("Erste Klinik", "Zweite Klinik"):
        furnish(old, name)
    with pytest.raises(Conflict, match="holds 2 organizations"):
        new.bring_in(old.export(), name="Both")
    assert new.names() == []


def test_of_two_imports_of_a_file_the_later_one_wins_and_the_result_is_whole(
    old: House, new: House, clinic: Furnished
) -> None:
    file = old.export()
    begun = False

    def overtake(done: int, _: int) -> None:
        nonlocal begun
        if done > 20 and not begun:
            begun = True
            thread = threading.Thread(target=new.beside, args=(lambda house: house.bring_in(file),))
            thread.start()
            thread.join()

    with pytest.raises(Conflict, match="Another import"):
        new.bring_in(file, progress=overtake)
    assert begun
    assert new.rows(clinic.org_id) == old.rows(clinic.org_id)
    assert new.names() == [clinic.name]


def test_counts_that_are_wrong_where_they_come_from_are_refused_and_nothing_stays(
    old: House, new: House, clinic: Furnished
) -> None:
    wrong = SQL("UPDATE days SET filled = filled + 1 WHERE org_id = :org_id AND filled > 0")
    old.run(old.db.write(lambda tx: tx.execute(wrong, org_id=clinic.org_id)))
    with pytest.raises(Conflict, match=r"filled: 3, counted: 2.*slotkeeper check"):
        new.bring_in(old.export())
    assert new.count(clinic.org_id) == 0
    assert new.names() == []


class Unheard:
    """A database whose answer to the last transaction of an import is lost."""

    def __init__(self, db: Database) -> None:
        self.read, self.read_aside, self._db = db.read, db.read_aside, db

    async def write(self, work: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            finish, finished = store.finish, []

            async def noticed(*given: Any, **more: Any) -> None:
                await finish(*given, **more)
                finished.append(True)

            patch.setattr(store, "finish", noticed)
            found = await self._db.write(work)
        if finished:
            raise Unavailable
        return found


def test_an_organization_that_is_whole_stays_even_if_the_import_does_not_hear_of_it(
    old: House, new: House, clinic: Furnished
) -> None:
    file, db = old.export(), Unheard(new.db)
    with pytest.raises(Unavailable):
        new.run(imports.import_file(db, io.BytesIO(file), clock=new.clock))  # type: ignore[arg-type]
    assert new.rows(clinic.org_id) == old.rows(clinic.org_id)
    assert [one.was_there for one in new.bring_in(file)] == [True]


LOST: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "services": lambda row: "Old" in row,
    "days": lambda row: row[0] == "2026-07-06",
    "appointments": lambda row: "cancelled" in row,
    "audit": lambda row: "services.create" in row,
    "api_keys": lambda row: row[8] is not None,
}
"""Rows that nothing else in the database points at."""


@pytest.mark.parametrize("table", sorted(LOST))
def test_a_row_that_got_lost_on_the_way_is_found_by_the_recount(
    old: House, new: House, clinic: Furnished, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    insert_rows = tables.insert_rows

    async def insert(tx: Connection, org_id: str, into: tables.Table, rows: Any) -> None:
        kept = [row for row in rows if not LOST[table](row)] if into.name == table else rows
        assert into.name != table or len(kept) < len(rows)
        await insert_rows(tx, org_id, into, kept)

    monkeypatch.setattr(tables, "insert_rows", insert)
    with pytest.raises(Conflict, match=f"of {table}, and"):
        new.bring_in(old.export())
    assert new.count(clinic.org_id) == 0


def test_a_damaged_file_changes_nothing_wherever_it_is_damaged(old: House, new: House, clinic: Furnished) -> None:
    furnish(old, "Zweite Klinik")
    file = old.export()
    for place in range(0, len(file), len(file) // 40):
        flipped = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        for damaged in (file[:place], flipped):
            with pytest.raises(InvalidInput):
                new.bring_in(damaged)
    assert new.count(clinic.org_id) == 0
    new.bring_in(file)


class Changing(io.BytesIO):
    """A file that becomes another one once it was read to its end."""

    def __init__(self, first: bytes, second: bytes) -> None:
        super().__init__(first)
        self.second = second

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line:
            super().seek(0)
            self.truncate()
            self.write(self.second)
        return line


def without_organizations() -> bytes:
    """A whole file with nothing in it."""
    file = io.BytesIO()
    ExportWriter(file.write, program="0.1.0", at="2026-06-01T08:00:00.000Z").footer()
    return file.getvalue()


def test_a_file_that_changes_between_the_two_readings_brings_nothing(old: House, new: House, clinic: Furnished) -> None:
    file = old.export()
    retold = SQL("UPDATE appointments SET notes = 'Other notes' WHERE org_id = :org_id")
    old.run(old.db.write(lambda tx: tx.execute(retold, org_id=clinic.org_id)))
    as_long = old.export()
    good(old.ask(clinic.key, "POST", "/v1/services", {"name": "Since"}), 201)
    other = old.export()
    renamed = file.replace(b"Ada", b"Eve")
    old.clock.advance(seconds=1)
    furnish(old, "Zweite Klinik")
    for second in (other, as_long, old.export(), file[:-2000], renamed, without_organizations()):
        with pytest.raises((InvalidInput, Conflict)):
            new.run(imports.import_file(new.db, Changing(file, second), clock=new.clock))
        assert new.count(clinic.org_id) == 0
    new.bring_in(file)
    with pytest.raises(Conflict, match="changed while it was read"):
        new.run(imports.import_file(new.db, Changing(file, as_long), clock=new.clock))
