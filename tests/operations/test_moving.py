"""Moving house: from a database of any engine to one of any other, everything is there, and works as before."""

import gc
import io
import threading
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from slotkeeper.domain.errors import NotFound, Unavailable
from slotkeeper.operations import exports, imports, upkeep
from slotkeeper.store import tables
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.tables import MOVED, PAGE
from tests.moving import COLUMNS, HOLDS, Furnished, House, furnish
from tests.world import APPOINTMENTS, AVAILABILITY, MONDAY, good, refused


def tables_of(file: bytes) -> dict[str, list[dict[str, Any]]]:
    """The rows of a file with one organization, each by the names of its columns."""
    found: dict[str, list[dict[str, Any]]] = {}
    table, columns = "", list[str]()
    for line in map(msgspec.json.decode, file.splitlines()):
        if isinstance(line, list):
            found[table].append(dict(zip(columns, line, strict=True)))
        elif line["line"] == "table":
            table, columns = line["name"], line["columns"]
            found[table] = []
    return found


def test_every_row_of_every_table_is_the_same_after_the_move(old: House, new: House, clinic: Furnished) -> None:
    rows = old.rows(clinic.org_id)
    assert not [table for table, found in rows.items() if not found], "every table has rows"
    file, made = old.exported()
    (found,) = new.bring_in(file)
    assert new.rows(clinic.org_id) == rows
    assert found.rows == {table: len(rows[table]) for table in found.rows} == made.organizations[0].rows
    assert found.rows.keys() == COLUMNS.keys()
    assert (found.name, found.org_id, found.was_there) == (clinic.name, clinic.org_id, False)
    assert old.rows(clinic.org_id) == rows, "an export changes nothing"


def test_a_move_back_and_forth_gives_the_same_lines_again(old: House, new: House, clinic: Furnished) -> None:
    first = old.export(clinic.org_id)
    new.bring_in(first)
    note = "organizations.import"
    again = [line for line in new.export().splitlines() if note not in line.decode()]
    assert [line for line in again if line.startswith(b"[")] == [
        line for line in first.splitlines() if line.startswith(b"[")
    ]


def test_an_import_is_noted_in_the_trail(old: House, new: House, clinic: Furnished) -> None:
    file, made = old.exported()
    new.bring_in(file)
    entries = good(new.ask(clinic.key, "GET", "/v1/audit?action=organizations.import"))["data"]
    assert [(one["subject"], one["after"]) for one in entries] == [
        (clinic.org_id, {"exported_at": made.organizations[0].at, "sha256": made.sha256})
    ]


def test_keys_work_after_the_move_as_they_did_before(old: House, new: House, clinic: Furnished) -> None:
    refused(new.ask(clinic.key, "GET", f"{AVAILABILITY}?date={MONDAY}"), 401, "UNAUTHORIZED")
    before = good(old.ask(clinic.key, "GET", f"{AVAILABILITY}?date={MONDAY}"))
    new.bring_in(old.export())
    assert good(new.ask(clinic.key, "GET", f"{AVAILABILITY}?date={MONDAY}")) == before
    assert before["slots"][0]["filled_slots"] == 2
    refused(new.ask(clinic.revoked, "GET", f"{AVAILABILITY}?date={MONDAY}"), 401, "UNAUTHORIZED")


def test_a_retry_across_the_move_gets_its_first_answer_and_books_nothing(
    old: House, new: House, clinic: Furnished
) -> None:
    new.bring_in(old.export())
    before = new.count(clinic.org_id)
    asked = msgspec.json.decode(clinic.booked.request.content)
    again = new.ask(clinic.key, "POST", APPOINTMENTS, asked, once="call-1")
    assert (again.status_code, again.content) == (201, clinic.booked.content)
    assert again.headers["idempotent-replay"] == "true"
    assert new.count(clinic.org_id) == before
    clash = new.ask(clinic.key, "POST", APPOINTMENTS, asked | {"patient_name": "Other"}, once="call-1")
    refused(clash, 409, "CONFLICT")


def test_a_live_hold_is_a_promise_across_the_move(old: House, new: House, clinic: Furnished) -> None:
    new.bring_in(old.export())
    body = {"hold_id": clinic.hold["hold_id"], "patient_name": "Held", "parent_phone": "+49 30 1234567"}
    body["appointment_date"] = f"{MONDAY}T10:00:00Z"
    booked = good(new.ask(clinic.key, "POST", APPOINTMENTS, body), 201)["data"]
    assert (booked["date"], booked["patient_name"]) == (MONDAY, "Held")
    refused(new.ask(clinic.key, "GET", f"{HOLDS}/{clinic.hold['hold_id']}"), 404, "NOT_FOUND")
    assert new.run(upkeep.check(new.db)) == []


def test_the_claim_of_a_patient_stands_after_the_move(old: House, new: House, clinic: Furnished) -> None:
    new.bring_in(old.export())
    asked = msgspec.json.decode(clinic.booked.request.content)
    refused(new.ask(clinic.key, "POST", APPOINTMENTS, asked), 409, "DUPLICATE_BOOKING")


def test_an_export_beside_a_booking_is_the_moment_before_it(old: House, new: House, clinic: Furnished) -> None:
    """The booking happens when the records are in the file already, and the appointments are not."""
    asked = msgspec.json.decode(clinic.booked.request.content) | {"patient_name": "In between"}

    def book(piece: bytes) -> None:
        if b'"name":"appointments"' in piece:
            thread = threading.Thread(
                target=old.beside, args=(lambda house: good(house.ask(clinic.key, "POST", APPOINTMENTS, asked), 201),)
            )
            thread.start()
            thread.join()

    rows = old.rows(clinic.org_id)
    file, _ = old.exported(on_write=book)
    assert len(old.rows(clinic.org_id)["appointments"]) == len(rows["appointments"]) + 1
    new.bring_in(file)
    assert new.rows(clinic.org_id) == rows


@pytest.mark.slow
def test_exports_under_a_load_of_bookings_agree_with_themselves(
    old: House, clinic: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "PAGE", 2)
    asked = msgspec.json.decode(clinic.booked.request.content)
    ended = threading.Event()

    def book(house: House) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            body = asked | {"patient_name": f"Patient {number}"}
            made = good(house.ask(clinic.key, "POST", APPOINTMENTS, body), 201)["appointment_id"]
            good(house.ask(clinic.key, "PATCH", f"{APPOINTMENTS}/{made}", {"status": "cancelled"}))

    thread = threading.Thread(target=old.beside, args=(book,))
    thread.start()
    files: dict[int, dict[str, list[dict[str, Any]]]] = {}
    try:
        while len(files) < 10:
            file = tables_of(old.export())
            files[len(file["appointments"])] = file
    finally:
        ended.set()
        thread.join()
    for file in files.values():
        taken = Counter(
            (one["date"], one["calendar_id"]) for one in file["appointments"] if one["status"] != "cancelled"
        )
        assert {(day["date"], day["calendar_id"]): day["filled"] for day in file["days"] if day["filled"]} == taken


def test_one_organization_is_exported_by_its_name_or_id_and_nothing_of_another(
    old: House, new: House, clinic: Furnished
) -> None:
    other = furnish(old, "Zweite Klinik")
    assert other.org_id not in old.export(clinic.name).decode()
    new.bring_in(old.export(other.org_id))
    assert new.names() == [other.name]
    with pytest.raises(NotFound):
        old.export("Dritte Klinik")


class Restless:
    """A database that was away for a moment, so that it reads everything again."""

    def __init__(self, db: Database) -> None:
        self.read, self._db = db.read, db

    async def read_lagging(self, work: Any) -> Any:
        await self._db.read_lagging(work)
        return await self._db.read_lagging(work)


@pytest.mark.usefixtures("clinic")
def test_an_organization_is_never_in_the_file_twice(old: House) -> None:
    file = io.BytesIO()
    db: Any = Restless(old.db)
    with pytest.raises(Unavailable, match="export again"):
        old.run(exports.export(db, None, write=file.write, clock=old.clock))
    assert file.getvalue().count(b'"line":"organization"') == 1


def test_there_is_nothing_to_export_from_an_empty_database(new: House) -> None:
    with pytest.raises(NotFound, match="organizations create"):
        new.export()


def test_progress_is_told_up_to_the_last_row(old: House, new: House, clinic: Furnished) -> None:
    told: list[tuple[int, int]] = []
    file = io.BytesIO()
    old.run(
        exports.export(
            old.db, None, write=file.write, clock=old.clock, progress=lambda done, total: told.append((done, total))
        )
    )
    rows = old.count(clinic.org_id)
    assert told[-1] == (rows, rows)
    assert told == sorted(told)
    told.clear()
    new.bring_in(file.getvalue(), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (rows, rows)
    assert told == sorted(told)


def peak(work: Any) -> int:
    """The most memory that Python held while some work was done."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_the_memory_of_a_move_does_not_grow_with_the_organization(old: House, new: House, tmp_path: Path) -> None:
    """One with five pages of appointments, then one with forty: both ends hold no more."""
    peaks = []
    for pages in (5, 40):
        clinic = furnish(old, f"{pages} pages")
        old.run(old.db.write(partial(fill, clinic=clinic, many=pages * PAGE)))
        path = tmp_path / f"{pages}.jsonl"

        def leave(path: Path = path, org_id: str = clinic.org_id) -> None:
            with path.open("wb") as file:
                old.run(exports.export(old.db, org_id, write=file.write, clock=old.clock))

        def enter(path: Path = path) -> None:
            with path.open("rb") as file:
                new.run(imports.import_file(new.db, file, clock=new.clock))

        peaks.append((peak(leave), peak(enter)))
        assert new.count(clinic.org_id) > pages * PAGE
    (leave_few, enter_few), (leave_many, enter_many) = peaks
    assert leave_many < 1.5 * leave_few
    assert enter_many < 1.5 * enter_few


async def fill(tx: Connection, *, clinic: Furnished, many: int) -> None:
    """Cancelled appointments up to some number: they take no place."""
    table = next(table for table in MOVED if table.name == "appointments")
    made = await tables.count_rows(tx, clinic.org_id, table)
    (_, on, _, _, branch, *_), *_ = await tables.fetch_page(tx, clinic.org_id, table)
    rest = ("09:00", "cancelled", "ai", None, "Someone", "+49", "49", "someone", None, None, None, 1, 1)
    for start in range(made, many, PAGE):
        rows = [
            (f"appt_{number:010d}", on, clinic.window, clinic.service, branch, *rest)
            for number in range(start, min(start + PAGE, many))
        ]
        await tables.insert_rows(tx, clinic.org_id, table, rows)
