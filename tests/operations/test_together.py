"""Group commit: who shares a transaction with whom."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from slotkeeper.domain.access import Once, operator
from slotkeeper.domain.errors import Unavailable
from slotkeeper.operations.acts import Act
from slotkeeper.operations.line import Asked, ask
from slotkeeper.operations.together import Together
from slotkeeper.store.database import Connection
from tests.world import World

ORG = "11111111-1111-4111-8111-111111111111"


class Steps:
    """A step that only notes its groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []

    async def __call__(self, _: Connection, __: str, asked: Sequence[int], now: int) -> list[int | Exception]:
        self.groups.append(list(asked))
        return [now] * len(asked)


async def ask_at_once(together: Together[int, int], numbers: range) -> "list[asyncio.Task[int]]":
    """Requests that all wait by the time this returns."""
    tasks = [asyncio.create_task(together.ask(ORG, number, now=number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


def test_half_of_those_who_ask_are_in_a_group_so_that_the_others_are_read_while_it_is_committed(
    world: World,
) -> None:
    steps = Steps()

    async def main() -> list[int]:
        return await asyncio.gather(*await ask_at_once(Together(world.db, steps), range(32)))

    answers = world.run(main())
    assert [len(group) for group in steps.groups] == [16, 16]
    assert [number for group in steps.groups for number in group] == list(range(32)), "in the order of arrival"
    assert answers == [15] * 16 + [31] * 16, "each group is at the last instant in it"


@pytest.mark.engines("sqlite")
def test_who_comes_before_the_turn_of_a_group_is_in_it(world: World) -> None:
    """One transaction at a time: a long one of another organization keeps the group waiting."""
    steps, goes_on = Steps(), threading.Event()

    async def long(_: Connection) -> None:
        goes_on.wait(10)

    async def main() -> None:
        together: Together[int, int] = Together(world.db, steps)
        other = asyncio.create_task(world.db.write(long))
        await asyncio.sleep(0.05)
        first = await ask_at_once(together, range(1))
        rest = await ask_at_once(together, range(1, 10))
        goes_on.set()
        await asyncio.gather(other, *first, *rest)

    world.run(main())
    assert steps.groups[0] == [0, 1, 2, 3, 4]


def test_a_database_that_takes_no_write_answers_all_who_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps()

    async def refuse(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(world.db, "write", refuse)

    async def main() -> list[object]:
        tasks = await ask_at_once(Together(world.db, steps), range(5))
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert [type(answer) for answer in world.run(main())] == [Unavailable] * 5
    assert steps.groups == []


def test_requests_that_have_anything_in_common_to_be_kept_apart_by_share_no_group(world: World) -> None:
    steps = Steps()

    async def main() -> None:
        together: Together[int, int] = Together(world.db, steps)
        names = [("appointment", f"key-{number}") for number in range(4)] + [(f"other-{n}", "key-1") for n in range(4)]
        waiting = [together.ask(ORG, number, now=number, apart=name) for number, name in enumerate(names)]
        await asyncio.gather(*(asyncio.create_task(one) for one in waiting))

    world.run(main())
    for group in steps.groups:
        assert len([number for number in group if number < 4]) <= 1, "changes of one appointment"
        assert len([number for number in group if number == 1 or number >= 4]) <= 1, "requests with one key"


def test_changes_of_one_appointment_share_no_group_whatever_their_keys(world: World) -> None:
    steps = Steps()

    async def main() -> None:
        line: Any = Together(world.db, steps)
        changes = []
        for number in range(4):
            caller = operator(ORG).with_once(Once(f"key-{number}", "", lambda _: (200, "")))
            asked = Asked(Act(caller, "appointments.move", "appt_1", number), NotImplemented, appointment_id="appt_1")
            changes.append(asyncio.create_task(ask(line, asked)))
        await asyncio.gather(*changes)

    world.run(main())
    assert [len(group) for group in steps.groups] == [1] * 4
