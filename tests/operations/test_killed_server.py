"""What was answered outlives the server (contract.md sections 2 and 6): it is killed in mid-load, again and again."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import direct
from tests.doors.terminal import PATIENCE, Terminal
from tests.engines import POSTGRES
from tests.operations.caller import Crowd, open_clinic
from tests.world import Cast, World

pytestmark = pytest.mark.slow
CALLERS = 24
ENOUGH = 200  # requests with an effect before a server is killed


def kill(process: "subprocess.Popen[str]", delay: float) -> None:
    """Kill all processes of a server."""
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)


def test_a_killed_server_comes_back_with_all_it_answered_and_answers_a_retry_as_before(
    new_world: Callable[[], World], cast: Cast, rounds: Callable[[int], int], tmp_path: Path
) -> None:
    """On one database, with one server process and with two in turn. It is opened again as it was left."""
    clinic = open_clinic(new_world(), cast, callers=CALLERS, narrow=20)
    terminal = Terminal(tmp_path, clinic.url)
    crowd = Crowd(clinic, CALLERS)
    try:
        for number in range(rounds(4) + 1):
            with terminal.serving("--workers", str(1 + number % 2)) as (process, ready):
                port = urlsplit(ready["url"]).port or 0
                crowd.make_up(port)
                crowd.require_all_is_stored()
                assert terminal.json("check") == {"differences": []}
                if number < rounds(4):
                    on = (clinic.first + timedelta(weeks=number)).isoformat()
                    # At once: what was just answered must be durable. Later: at any moment of the next group.
                    delay = 0.0 if number % 4 else random.uniform(0, 0.02)
                    crowd.work(port, on, after=random.randint(ENOUGH, 2 * ENOUGH), act=partial(kill, process, delay))
                    process.wait(PATIENCE)
    finally:
        crowd.close()
    counts = crowd.counts()
    assert counts["done unheard"] + counts["asked anew"] > 0
    assert counts["answered again"] >= rounds(4) * ENOUGH
    assert {"POST appointments 201", "POST holds 201", "PATCH appointments 200", "POST appointments 409"} <= set(counts)


class Cutter:
    """Cuts off all sessions of a server on PostgreSQL, again and again, as a fail-over does."""

    CUT = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'slotkeeper'
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._cut)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)

    def _cut(self) -> None:
        while not self._ended.wait(random.uniform(0, 0.1)):
            direct.rows(self._url, self.CUT)


@pytest.mark.engines(POSTGRES)
def test_sessions_that_are_cut_off_in_mid_load_lose_no_answer_and_double_nothing(
    new_world: Callable[[], World], cast: Cast, rounds: Callable[[int], int], tmp_path: Path
) -> None:
    """Between any statement and its answer, the commit's too: 503, and the retry with the same key tells the truth."""
    clinic = open_clinic(new_world(), cast, callers=CALLERS, narrow=20)
    crowd = Crowd(clinic, CALLERS)
    terminal = Terminal(tmp_path, clinic.url)
    try:
        with terminal.serving("--workers", "2") as (_, ready):
            port = urlsplit(ready["url"]).port or 0
            for number in range(rounds(3)):
                cutter = Cutter(clinic.url)
                on = (clinic.first + timedelta(weeks=number)).isoformat()
                crowd.work(port, on, after=ENOUGH, act=cutter.start)
                cutter.end()
                crowd.make_up(port)
                crowd.require_all_is_stored()
                assert terminal.json("check") == {"differences": []}
    finally:
        crowd.close()
    counts = crowd.counts()
    assert counts["done unheard"] + counts["asked anew"] > 0
