"""``slotkeeper simulate-calls``: many callers at once, and that what it says of the books is so."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal
from tests.engines import POSTGRES, SQLITE, empty_database

pytestmark = pytest.mark.slow

SCOPES = "slots:read,appointments:read,appointments:write"
DOORS = ["tools", "bare API"]
SHORT = {"SLOTKEEPER_CALL_HOLD_SECONDS": "30"}
"""A test does not wait for five minutes until the last hold has run out."""


class Clinic(NamedTuple):
    """The demo clinic as it is served, with keys for voice agents."""

    terminal: Terminal
    url: str
    staff: str
    keys: list[str]

    def start(self, callers: int, *arguments: str, keys: int = 99) -> "subprocess.Popen[str]":
        command = [*SLOTKEEPER, "simulate-calls", str(callers), "--url", self.url, *arguments]
        environment = self.terminal.environment | {"SLOTKEEPER_API_KEY": " ".join(self.keys[:keys])}
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.terminal.folder,
        )

    def ask(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.staff}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def simulated(self) -> list[dict[str, Any]]:
        """What callers booked."""
        found: list[dict[str, Any]] = []
        page = 1
        while len(found) == (page - 1) * 200:
            found += self.ask("GET", f"/v1/appointments?limit=200&page={page}")["data"]
            page += 1
        return [one for one in found if one["patient_name"].startswith("Simulated ")]


@pytest.fixture(scope="module", params=[SQLITE, POSTGRES])
def clinic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("calls")
    with empty_database(request.param, folder) as url:
        terminal = Terminal(folder, url)
        terminal.environment |= SHORT
        terminal.done("migrate")
        workers = "1" if request.param == SQLITE else "2"
        with terminal.serving("--demo", "--workers", workers) as (_, ready):
            keys = [terminal.json("keys", "create", "--scopes", SCOPES, "--rate-limit", "0")["key"] for _ in range(14)]
            yield Clinic(terminal, ready["url"], ready["demo"]["staff_key"], keys)


def result(process: "subprocess.Popen[str]", code: int = 0) -> dict[str, Any]:
    output, errors = process.communicate(timeout=6 * PATIENCE)
    assert process.returncode == code, output + errors
    found: dict[str, Any] = json.loads(output)
    return found


def test_200_callers_at_once_oversell_nothing_and_leave_nothing_hanging(clinic: Clinic) -> None:
    found = result(clinic.start(200, "--json"))
    assert [one["door"] for one in found["rounds"]] == DOORS
    assert found["dangling"] == []
    assert found["p99_ratio"] > 0
    for one in found["rounds"]:
        assert (one["oversold"], one["broken"]) == ([], [])
        assert sum(one["outcomes"].values()) == 200
        ended = " ".join(one["outcomes"])
        for words in ("booked", "hung up with a place held", "moved", "cancelled", "rang again", "sent twice", "two"):
            assert words in ended
        assert one["answers"] > 600
    assert {one["status"] for one in clinic.simulated()} == {"cancelled"}
    assert clinic.terminal.json("check") == {"differences": []}


@pytest.mark.parametrize("clinic", [SQLITE], indirect=True)
def test_a_person_reads_how_the_calls_ended(clinic: Clinic) -> None:
    output, errors = clinic.start(10, "--hesitate", "0.1").communicate(timeout=6 * PATIENCE)
    assert errors == ""
    assert output.startswith("10 callers at once\n")
    assert "The p99 of the tools is " in output
    assert output.count("0  places oversold") == 2
    assert "After the last hold had run out:\n      0  places left hanging" in output


@pytest.mark.parametrize("clinic", [SQLITE], indirect=True)
def test_a_place_that_stays_held_and_a_promise_that_is_broken_are_seen(clinic: Clinic) -> None:
    process = clinic.start(10, "--json", "--hesitate", "3")
    cancelled = ""
    while not cancelled:
        assert process.poll() is None, process.communicate()
        standing = [one for one in clinic.simulated() if one["status"] == "confirmed"]
        if standing:
            cancelled = standing[0]["appointment_id"]
            held = {
                "slot_id": clinic.ask("GET", f"/v1/appointments/{cancelled}?expand=slot")["data"]["slot_id"],
                "ttl_seconds": 900,
            }
            clinic.ask("PATCH", f"/v1/appointments/{cancelled}", {"status": "cancelled"})
    hold_id = clinic.ask("POST", "/v1/holds", held)["data"]["hold_id"]
    output, errors = process.communicate(timeout=6 * PATIENCE)
    clinic.ask("DELETE", f"/v1/holds/{hold_id}")
    assert process.returncode == 1
    assert "not what the callers were told" in errors
    found = json.loads(output)
    assert [one for one in found["rounds"][0]["broken"] if one.startswith(f"{cancelled} was promised")]
    assert held["slot_id"].rpartition("||")[0] in found["dangling"][0]


def test_what_was_booked_is_cancelled_after_an_interruption_too(clinic: Clinic) -> None:
    process = clinic.start(30, "--hesitate", "3")
    end = time.monotonic() + PATIENCE
    while not any(one["status"] == "confirmed" for one in clinic.simulated()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (130, "")
    assert errors.startswith("Cancelling what was booked …\n")
    assert {one["status"] for one in clinic.simulated()} == {"cancelled"}


def test_a_key_has_to_be_named(tmp_path: Path) -> None:
    assert "SLOTKEEPER_API_KEY" in Terminal(tmp_path).refused("simulate-calls", "3", code=2)


def test_without_a_server_a_refusal_says_how_to_start_one(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    line = terminal.refused("simulate-calls", "3", "--url", "http://127.0.0.1:9", SLOTKEEPER_API_KEY="sk_live_x")
    assert "'slotkeeper serve'" in line


@pytest.mark.parametrize("callers", ["0", "1001", "many"])
def test_nonsense_is_wrong_usage(tmp_path: Path, callers: str) -> None:
    Terminal(tmp_path).refused("simulate-calls", callers, code=2, SLOTKEEPER_API_KEY="sk_live_x")
