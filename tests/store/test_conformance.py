"""What every engine of the Database protocol guarantees."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from slotkeeper.domain.errors import Conflict, Unavailable
from slotkeeper.domain.model import Configuration, Organization, Service
from slotkeeper.store import directory, postgres_session
from slotkeeper.store.database import SQL, Connection, Database, Row, pack
from slotkeeper.store.rows import ZERO_UUID
from tests.engines import in_another_thread, open_url
from tests.waiting import wait_for

ORG = "11111111-1111-4111-8111-111111111111"
SERVICE = "22222222-2222-4222-8222-222222222222"

_ROWS = SQL("SELECT r.b, r.a, r.c FROM @rows(:given, a TEXT, b INTEGER, c BOOLEAN) AS r ORDER BY r.b")
_LIST = SQL("SELECT @list(s.name, s.active) FROM services s WHERE s.org_id = :org_id")
_NAMES = SQL("SELECT name FROM services WHERE org_id = :org_id ORDER BY name")
_RENAME = SQL("UPDATE services SET name = :name WHERE org_id = :org_id")


def _service(name: str, service_id: str = SERVICE) -> Service:
    return Service(service_id, name, True, 1, 1)


async def _add_organization(tx: Connection) -> None:
    await directory.insert_organization(tx, Organization(ORG, "Owner", 1, Configuration()))


@pytest.fixture
def owned(database: Database) -> Database:
    wait_for(database.write(_add_organization))
    return database


def test_a_write_is_seen_by_every_read_after_it(owned: Database) -> None:
    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("Checkup"))))
    assert wait_for(owned.read(lambda tx: directory.list_services(tx, ORG))) == [_service("Checkup")]
    assert wait_for(owned.read_aside(lambda tx: directory.list_services(tx, ORG))) == [_service("Checkup")]


def test_a_stamp_stays_until_anybody_changes_anything(owned: Database, url: str) -> None:
    """An engine that has none says so, every time."""

    async def stamp() -> int | None:
        return owned.stamp()

    async def rename(database: Database, name: str) -> None:
        await database.write(lambda tx: tx.execute(_RENAME, org_id=ORG, name=name))

    async def rename_elsewhere(name: str) -> None:
        other = open_url(url)
        await rename(other, name)
        await other.close()

    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("before"))))
    seen = [wait_for(stamp())]
    for change in (rename(owned, "here"), rename_elsewhere("there")):
        assert wait_for(stamp()) == seen[-1]
        wait_for(change)
        seen.append(wait_for(stamp()))
    assert len(set(seen)) == 3 or set(seen) == {None}, seen


def test_a_write_that_fails_leaves_nothing_behind(owned: Database) -> None:
    async def work(tx: Connection) -> None:
        await directory.insert_service(tx, ORG, _service("Checkup"))
        raise RuntimeError("the work changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        wait_for(owned.write(work))
    assert wait_for(owned.read(lambda tx: directory.list_services(tx, ORG))) == []


def test_a_row_that_a_unique_key_refuses_is_a_conflict(owned: Database) -> None:
    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("Checkup"))))
    twin = _service("CHECKUP", "33333333-3333-4333-8333-333333333333")
    with pytest.raises(Conflict):
        wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, twin)))


def test_a_row_that_a_foreign_key_refuses_is_a_conflict(owned: Database) -> None:
    with pytest.raises(Conflict):
        wait_for(owned.write(lambda tx: directory.insert_service(tx, ZERO_UUID, _service("Checkup"))))


def test_a_read_cannot_write(owned: Database) -> None:
    with pytest.raises(Unavailable, match="cannot answer"):
        wait_for(owned.read(lambda tx: directory.insert_service(tx, ORG, _service("Checkup"))))
    assert wait_for(owned.read(lambda tx: directory.list_services(tx, ORG))) == []


def test_a_read_sees_one_moment_however_many_statements_it_takes(owned: Database, url: str) -> None:
    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("before"))))

    async def rename() -> None:
        other = open_url(url)
        await other.write(lambda tx: tx.execute(_RENAME, org_id=ORG, name="after"))
        await other.close()

    async def work(tx: Connection) -> tuple[str, str]:
        first = await tx.fetch_one(_NAMES, org_id=ORG)
        in_another_thread(rename())
        second = await tx.fetch_one(_NAMES, org_id=ORG)
        assert first is not None
        assert second is not None
        return first[0], second[0]

    assert wait_for(owned.read_aside(work)) == ("before", "before")
    assert [row[0] for row in wait_for(owned.read(lambda tx: tx.fetch(_NAMES, org_id=ORG)))] == ["after"]


def test_a_read_of_several_statements_may_start_again_and_then_sees_one_moment(owned: Database, url: str) -> None:
    """The first statement may be all there is; where it is not, the work is run anew, and must come out the same."""
    names = iter(["one", "two", "three"])
    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("none"))))

    async def rename() -> None:
        other = open_url(url)
        name = next(names)
        await other.write(lambda tx: tx.execute(_RENAME, org_id=ORG, name=name))
        await other.close()

    async def work(tx: Connection) -> set[str]:
        seen = set()
        for _ in range(2):
            row = await tx.fetch_one(_NAMES, org_id=ORG)
            assert row is not None
            seen.add(row[0])
            in_another_thread(rename())
        return seen

    assert len(wait_for(owned.read(work))) == 1


def test_long_reading_work_may_stand_still_between_its_statements(
    owned: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export writes into a pipe, and whoever reads that may be slow; so a session's own patience does not count."""
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.3)
    other = open_url(url)

    async def work(tx: Connection) -> Sequence[Row]:
        await tx.fetch(_NAMES, org_id=ORG)
        time.sleep(0.8)  # noqa: ASYNC251 - nobody else is in this event loop
        return await tx.fetch(_NAMES, org_id=ORG)

    async def main() -> Sequence[Row]:
        try:
            return await other.read_aside(work)
        finally:
            await other.close()

    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service("Checkup"))))
    assert [tuple(row) for row in wait_for(main())] == [("Checkup",)]


def test_rows_of_a_parameter_come_as_a_table_with_text_numbers_and_absent_values(database: Database) -> None:
    given = pack([("zwei||–", 2, True), (None, 1, False), ("'; DROP TABLE days; --", 3, None)])
    rows = wait_for(database.read(lambda tx: tx.fetch(_ROWS, given=given)))
    assert [tuple(row) for row in rows] == [(1, None, 0), (2, "zwei||–", 1), (3, "'; DROP TABLE days; --", None)]


def test_a_group_comes_as_a_list_of_lists(owned: Database) -> None:
    wait_for(owned.write(lambda tx: directory.insert_service(tx, ORG, _service('A "quoted" name'))))
    row = wait_for(owned.read(lambda tx: tx.fetch_one(_LIST, org_id=ORG)))
    assert row is not None
    assert json.loads(row[0]) in ([['A "quoted" name', 1]], [['A "quoted" name', True]])


def test_text_is_ordered_by_code_point(owned: Database) -> None:
    names = ["Zahn", "birne", "Äpfel", "Apfel", "𐐀", "\uffee"]
    for place, name in enumerate(names):
        service = _service(name, f"{place:08d}-0000-4000-8000-000000000000")
        wait_for(owned.write(lambda tx, service=service: directory.insert_service(tx, ORG, service)))  # type: ignore[misc]
    listed = [service.name for service in wait_for(owned.read(lambda tx: directory.list_services(tx, ORG)))]
    assert listed == sorted(names)


def test_writes_that_wait_together_are_all_done(owned: Database) -> None:
    async def main() -> None:
        await asyncio.gather(
            *(
                owned.write(
                    lambda tx, place=place: directory.insert_service(  # type: ignore[misc]
                        tx, ORG, _service(f"service {place}", f"{place:08d}-0000-4000-8000-000000000000")
                    )
                )
                for place in range(50)
            )
        )

    wait_for(main())
    assert len(wait_for(owned.read(lambda tx: directory.list_services(tx, ORG)))) == 50
