"""The daily roll forward: whatever happens to one branch or one clock, everybody gets their records."""

from typing import Any

import pytest

from slotkeeper.operations import projection, schedule
from slotkeeper.operations.projection import Slice
from slotkeeper.store.database import Connection
from tests import direct
from tests.world import WINDOWS, Cast, Client, World, good


def _dates(client: Client, window: str, first: str = "2026-06-01", last: str = "2027-05-01") -> list[str]:
    return [record["date"] for record in client.records(first, last) if record["calendar_id"] == window]


def _clinic(client: Client, horizon: int = 14) -> str:
    client.branch("Main Street")
    client.service("Checkup")
    good(client.patch("/v1/appointment-config", {"horizon_days": horizon}))
    return client.window()


def test_a_clinic_whose_records_cannot_be_made_keeps_nobody_else_waiting(
    world: World, cast: Cast, owner: Client, outsider: Client
) -> None:
    windows = {client: _clinic(client) for client in (owner, outsider)}
    for jammed, fine, last in ((cast.owner_org, outsider, "2026-06-22"), (cast.outsider_org, owner, "2026-06-29")):
        direct.allow(world.url, "days")
        direct.refuse(world.url, "INSERT", "days", when=f"NEW.org_id = '{jammed}'")
        world.clock.advance(days=7)
        world.roll_forward()
        assert _dates(fine, windows[fine])[-1] == last
    direct.allow(world.url, "days")
    world.roll_forward()
    assert len(_dates(owner, windows[owner])) == len(_dates(outsider, windows[outsider])) == 5


def test_a_clock_that_was_years_ahead_for_a_moment_does_no_lasting_harm(world: World, owner: Client) -> None:
    window = _clinic(owner)
    world.clock.advance(days=3650)
    world.roll_forward()
    world.clock.advance(days=-3650 + 60)
    world.roll_forward()
    assert _dates(owner, window, "2026-07-31", "2026-12-31") == ["2026-08-03", "2026-08-10"]
    added = owner.window(session="Evening")
    assert _dates(owner, added, "2026-07-31", "2026-12-31") == ["2026-08-03", "2026-08-10"]


def test_a_window_that_changes_while_its_branch_is_rolled_gets_the_new_dates_in_the_next_round(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = _clinic(owner)
    good(owner.post(f"{WINDOWS}/{window}/disable"))

    async def list_slices_before_the_window_is_enabled(tx: Connection, org_id: str, **more: Any) -> list[Slice]:
        parts = await projection.list_slices(tx, org_id, **more)
        direct.change(world.url, "UPDATE windows SET enabled = TRUE WHERE org_id = ?", org_id)
        direct.change(world.url, "UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = ?", org_id)
        return parts

    monkeypatch.setattr(schedule, "list_slices", list_slices_before_the_window_is_enabled)
    world.clock.advance(days=7)
    assert world.roll_forward() == 0
    monkeypatch.undo()
    assert world.roll_forward() == 1
    assert _dates(owner, window) == ["2026-06-22"]
