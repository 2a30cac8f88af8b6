"""The board's reads: what proves that nothing changed, and who is told when something does."""

import asyncio
from datetime import date, timedelta

from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role, staff
from slotkeeper.operations.board import Boards, Change, Filter, Span, Watcher, find_change, list_cards, read_board
from slotkeeper.operations.sign_ins import find_signed_in, sign_out
from tests.signing import Entrance
from tests.world import MONDAY, Cast, Client, World

ON = date.fromisoformat(MONDAY)


def furnished(client: Client) -> tuple[str, Span]:
    branch = client.branch("North")
    window = client.window(branch_id=branch, max_slots=20)
    client.regenerate(MONDAY)
    return window, Span(branch, ON, ON + timedelta(days=6))


def test_a_week_is_as_it_was_until_something_on_it_changes(world: World, cast: Cast) -> None:
    owner = Client(world, cast.owner)
    window, span = furnished(owner)
    me, now = operator(cast.owner_org), world.clock()
    seen = world.run(read_board(world.db, me, span, now=now))
    assert [at.calendar_id for at in seen.window_dates] == [window]
    assert world.run(find_change(world.db, me, span, seen.revision, now=now)) is None
    owner.override(window, MONDAY, max_slots=7)
    changed = world.run(find_change(world.db, me, span, seen.revision, now=now))
    assert changed is not None
    (card,) = list_cards(changed.window_dates, (), Filter())
    assert (card.left, card.is_changed) == (7, True)
    foreign = operator(cast.outsider_org)
    assert world.run(read_board(world.db, foreign, span, now=now)).window_dates == []


def test_who_watches_is_told_what_changed_until_the_sign_in_ends(known: Entrance, cast: Cast) -> None:
    world, owner = known.world, Client(known.world, cast.owner)
    window, span = furnished(owner)
    who = world.run(find_signed_in(world.db, known.sign_in(), now=world.clock()))
    assert who is not None
    boards = Boards(world.db, world.clock)

    async def watch() -> list[Change | None]:
        seen = (await read_board(world.db, who.caller, span, now=world.clock())).revision
        told = []
        async for change in boards.watch(Watcher(who, span), seen):
            told.append(change)
            await sign_out(world.db, who, now=world.clock())
        return told

    async def both() -> list[Change | None]:
        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.2)
        headers = {"authorization": f"Bearer {owner.key}"}
        path = f"/v1/appointment-slots/days/{window}||{MONDAY}"
        assert (await world.http.request("PATCH", path, headers=headers, json={"max_slots": 7})).status_code == 200
        return await asyncio.wait_for(watching, 20)

    (change,) = world.run(both())
    assert change is not None
    assert [at.calendar_id for at in change.window_dates] == [window]
    assert not boards._tasks, "with no board open nothing runs"


def test_a_desk_may_look(world: World, cast: Cast) -> None:
    _, span = furnished(Client(world, cast.owner))
    desk = staff(cast.owner_org, "x", Role.DESK, "")
    assert len(world.run(read_board(world.db, desk, span, now=world.clock())).window_dates) == 1
