"""What was answered outlives the server (contract.md sections 2 and 6): it is killed in mid-load, again and again."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors.terminal import PATIENCE, Terminal
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
