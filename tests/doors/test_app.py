"""The composition root: the schedule keeps rolling while the server runs."""

import asyncio
import logging
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest

from slotkeeper import app
from slotkeeper.domain.errors import Unavailable
from slotkeeper.operations import Database, schedule
from tests import direct
from tests.world import Client, World

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def serve(world: World, until: Callable[[], bool]) -> list[str]:
    """Start the application as a server does, and stop it when something has happened; what it reported."""
    coming: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    sent: list[str] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    await coming.put({"type": "lifespan.startup"})
    running = asyncio.ensure_future(world.app({"type": "lifespan", "app": None}, coming.get, send))
    async with asyncio.timeout(10):
        while not until():  # noqa: ASYNC110 - what happens shows in the database only
            await asyncio.sleep(0.01)
    await coming.put({"type": "lifespan.shutdown"})
    await running
    return sent


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SECONDS_BETWEEN_ROLLS", 0.01)


def test_records_are_rolled_forward_at_once_and_again_after_midnight(world: World, owner: Client) -> None:
    owner.branch("Main")
    for day in DAYS:
        owner.window(day=day)
    world.clock.set("2026-06-03T23:59:59.999Z")
    seen = []

    def until() -> bool:
        last = direct.rows(world.url, "SELECT max(date) FROM days")[0][0]
        if last not in seen:
            seen.append(last)
        if last == "2026-09-01":
            world.clock.set("2026-06-04T00:00:00Z")
        return bool(last == "2026-09-02")

    assert world.run(serve(world, until)) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen[-2:] == ["2026-09-01", "2026-09-02"]


def test_rolling_forward_goes_on_after_errors(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: Iterator[Exception] = iter([Unavailable(), ZeroDivisionError("x"), Unavailable()])
    done = []

    async def roll_forward(_: Database, *, now: int) -> int:
        for failure in failures:
            raise failure
        done.append(now)
        return 0

    monkeypatch.setattr(schedule, "roll_forward", roll_forward)
    world.run(serve(world, lambda: len(done) > 1))
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR, logging.WARNING]


def test_the_application_answers_by_the_settings_in_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTKEEPER_DATABASE_URL", world.url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        made = app.from_environment()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert callable(made)
    assert abs(app.system_clock() - 1_800_000_000_000) < 10**12
