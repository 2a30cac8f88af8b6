"""Overselling is impossible (contract.md section 2): several real processes on one database, all booking at once."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from slotkeeper.operations import upkeep
from tests import direct
from tests.engines import POSTGRES, SERVERS, SQLITE
from tests.world import MONDAY, Cast, Client, World, good, millis

pytestmark = [pytest.mark.slow, pytest.mark.every_engine]
PROCESSES = 4
TIMES = ("09:30:00", "17:30:00")
ROUNDS = 6
CLOCKS = (-30_000, 0, 50_000, -5_000)  # milliseconds
ROOT = Path(__file__).parents[2]


class Race:
    """A clinic with two windows on one day, and the processes that race for their places."""

    def __init__(self, world: World, owner: Client, org_id: str) -> None:
        self.world, self.owner, self.org_id = world, owner, org_id
        owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.windows: list[str] = []
        self.looks = 0

    def open(self, places: int, others: int = 1) -> None:
        """The first window has so many places, the second has others."""
        self.windows = [
            self.owner.window(max_slots=places, ai_slots=0),
            self.owner.window(max_slots=others, session="Evening", start_time="17:00", end_time="19:00"),
        ]

    def run(
        self, *people: dict[str, int], apart: tuple[int, ...] = (0,) * PROCESSES, **more: Any
    ) -> list[Counter[str]]:
        """Start the processes, let them go together, and give what each did; groups of people follow each other.

        ``apart``: by how many milliseconds the clock of each is ahead. While they work, every look at the database
        must find counts that equal a recount.
        """
        task = {
            "url": self.world.url,
            "org_id": self.org_id,
            "service": self.service,
            "windows": self.windows,
            "instants": {
                window: millis(f"{MONDAY}T{clock}Z") for window, clock in zip(self.windows, TIMES, strict=True)
            },
            "on": MONDAY,
            "now": self.world.clock(),
            "phone": "+49 30 1234567",
            "people": people,
            "rounds": 30,
            "speed": 1,
            **more,
        }
        command = [sys.executable, "-m", "tests.operations.booker"]
        running = [
            subprocess.Popen(
                [*command, json.dumps(task | {"seed": number, "mark": f"Process {number}", "ahead": ahead})],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for number, ahead in enumerate(apart)
        ]
        try:
            for process in running:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in running:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            while any(process.poll() is None for process in running):
                assert self.differences() == []
                self.looks += 1
                time.sleep(0.02)
            answers = [process.communicate(timeout=100)[0] for process in running]
            assert [process.returncode for process in running] == [0] * PROCESSES
        finally:
            for process in running:
                process.kill()
                process.wait()
        return [Counter(json.loads(answer)) for answer in answers]

    def watch(self, places: int) -> None:
        """Let the database itself see every commit of every process, also those between two looks of a test."""
        direct.watch(self.world.url, self.windows[0], places)

    def seen(self) -> list[Any]:
        """Every moment at which more was taken or held than there are places."""
        return direct.rows(self.world.url, "SELECT * FROM seen")

    def filled(self) -> list[int]:
        """How many appointments that are not cancelled each window has, counted one by one."""
        sql = "SELECT count(*) FROM appointments WHERE calendar_id = ? AND status <> 'cancelled'"
        return [direct.rows(self.world.url, sql, window)[0][0] for window in self.windows]

    def differences(self) -> list[Any]:
        return list(self.world.run(upkeep.check(self.world.db)))

    def fill_up(self, places: int) -> None:
        """Whatever was freed can be had: with all places given back, those who ask a day later fill it exactly."""
        good(self.owner.override(self.windows[0], MONDAY, max_slots=None))
        good(self.owner.patch(f"/v1/appointment-slots/{self.windows[0]}", {"max_slots": places}))
        good(self.owner.post(f"/v1/appointment-slots/{self.windows[0]}/enable"))
        self.world.clock.advance(days=1)
        self.run({"once": -(-places // PROCESSES) + 5}, phone="+49 30 7654321")
        assert self.filled()[0] == places
        assert self.differences() == []


@pytest.fixture
def race(world: World, owner: Client, cast: Cast) -> Race:
    return Race(world, owner, cast.owner_org)


@pytest.mark.parametrize("places", [1, 7, 40])
def test_processes_that_book_at_once_fill_a_window_exactly(race: Race, places: int) -> None:
    race.open(places)
    done = race.run({"once": 40})
    assert sum(codes["BOOKED"] for codes in done) == places
    assert sum(codes["SLOT_FULL"] for codes in done) == PROCESSES * 40 - places
    assert race.filled() == [places, 0]
    assert race.differences() == []


@pytest.mark.parametrize("places", [1, 7, 40])
def test_cancels_moves_and_overrides_at_the_same_time_never_oversell_and_lose_no_place(race: Race, places: int) -> None:
    race.open(places, others=max(1, places // 2))
    race.watch(places)
    done = race.run({"restless": 20, "tune": 1}, places=places)
    assert sum(codes["BOOKED"] for codes in done) > places
    assert set().union(*done) <= {"BOOKED", "CHANGED", "SLOT_FULL", "DUPLICATE_BOOKING", "CONFLICT"}
    assert race.seen() == []
    assert race.differences() == []
    assert race.looks > 5
    filled = race.filled()
    assert filled[0] <= places
    assert filled[1] <= max(1, places // 2)
    race.fill_up(places)


def test_a_patient_who_books_two_windows_at_once_gets_one_of_them(race: Race) -> None:
    race.open(100, others=100)
    done = race.run({"twin": 30})
    total: Counter[str] = sum(done, Counter())
    assert total == {"BOOKED": 30, "DUPLICATE_BOOKING": 30 * (PROCESSES - 1)}
    assert sum(race.filled()) == 30
    assert race.differences() == []


@pytest.mark.parametrize("places", [1, 2, 7, 200])
def test_holds_that_run_out_by_clocks_that_disagree_never_oversell_and_lose_no_place(race: Race, places: int) -> None:
    race.open(places)
    race.watch(places)
    # A second lasts ten minutes, so holds run out while they are wanted; and the clocks differ by up to 80 seconds.
    done = race.run({"holder": max(25, places // 2), "once": 5}, apart=CLOCKS, speed=600, places=places)
    total: Counter[str] = sum(done, Counter())
    assert total["HELD"] > places
    assert total["HOLD_EXPIRED"] + total["SLOT_FULL"] > 0
    assert set(total) <= {
        "BOOKED", "HELD", "RELEASED", "EXTENDED", "CHANGED", "SLOT_FULL", "HOLD_EXPIRED", "RATE_LIMIT_EXCEEDED",
    }  # fmt: skip
    assert race.seen() == []
    race.fill_up(places)


@pytest.mark.parametrize("places", [2, 20])
def test_a_schedule_that_changes_all_the_time_never_oversells_and_loses_no_place(race: Race, places: int) -> None:
    race.open(places)
    race.watch(places)
    done = race.run({"restless": 10, "holder": 10, "manager": 2}, apart=CLOCKS, speed=600, places=places)
    total: Counter[str] = sum(done, Counter())
    assert total["MANAGED"] > 0
    assert total["BOOKED"] > 0
    assert set(total) <= {
        "BOOKED", "HELD", "RELEASED", "EXTENDED", "CHANGED", "MANAGED", "SLOT_FULL", "HOLD_EXPIRED", "CONFLICT",
        "RATE_LIMIT_EXCEEDED", "OUTSIDE_AVAILABILITY", "DUPLICATE_BOOKING", "NOT_FOUND",
    }  # fmt: skip
    assert race.seen() == []
    race.fill_up(places)


@pytest.mark.engines(SQLITE, *SERVERS)
@pytest.mark.parametrize(("guard", "people"), [("room", {"once": 40}), ("holds", {"holder": 20})])
def test_without_a_guard_these_tests_would_see_overselling(race: Race, guard: str, people: dict[str, int]) -> None:
    """Not on a cluster, whose nodes lack the table in which it is noted: there a process that oversells fails."""
    race.open(7)
    race.watch(7)
    race.run(people, unguarded=guard)
    assert race.seen()


@pytest.mark.engines(POSTGRES)
def test_without_the_locks_these_tests_would_see_overselling(race: Race) -> None:
    """SQLite needs none: whoever writes has the whole file."""
    race.open(7)
    race.watch(7)
    for week in range(ROUNDS):  # on a busy machine one process may be late, and find everything taken
        on = date.fromisoformat(MONDAY) + timedelta(weeks=week)
        instants = {window: millis(f"{on}T{clock}Z") for window, clock in zip(race.windows, TIMES, strict=True)}
        race.run({"once": 60}, unguarded="lock", on=str(on), instants=instants, phone=f"+49 30 {week}234567")
        if race.seen():
            return
    pytest.fail("nothing was oversold")


def test_one_request_that_every_process_gets_at_once_has_one_effect_and_one_answer(race: Race) -> None:
    race.open(100)
    done: Counter[str] = sum(race.run({"keyed": 30}), Counter())
    assert (done.pop("BOOKED"), done.pop("REPLAYED")) == (30, 30 * (PROCESSES - 1))
    assert list(done.values()) == [PROCESSES] * 30, "every process gave the same answer to each"
    assert race.filled() == [30, 0]
    assert race.differences() == []


def test_bookings_of_one_process_share_their_commits(new_world: Callable[[], World], prepared: Any) -> None:
    """Group commit: what waits together is written together, so there are far fewer commits than bookings."""
    world = new_world()
    try:
        race = Race(world, Client(world, prepared.cast.owner), prepared.cast.owner_org)
        race.open(500)
        before = direct.rows(
            world.url, "SELECT rev FROM days WHERE date = ? AND calendar_id = ?", MONDAY, race.windows[0]
        )
        done = race.run({"once": 60})
        after = direct.rows(
            world.url, "SELECT rev FROM days WHERE date = ? AND calendar_id = ?", MONDAY, race.windows[0]
        )
        assert sum(codes["BOOKED"] for codes in done) == PROCESSES * 60
        assert after[0][0] - before[0][0] <= PROCESSES * 60 // 4
    finally:
        world.close()
