"""``slotkeeper bench`` against a server that runs: what it says, and that it leaves nothing behind."""

import http.server
import json
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow

QUICK = ("--rounds", "1", "--seconds", "0.1", "--connections", "8")
READS = [
    "availability, branch and date",
    "whole organization",
    "branch and session",
    "tracking of a branch, 1 day",
    "31 days",
    "366 days",
    "next-available, 30 days",
]


class Demo(NamedTuple):
    """The demo clinic as it is served."""

    terminal: Terminal
    url: str
    key: str

    def run(self, *arguments: str, key: str | None = None) -> "subprocess.CompletedProcess[str]":
        return self.terminal.run("bench", "--url", self.url, *arguments, SLOTKEEPER_API_KEY=key or self.key)

    def refused(self, *arguments: str, key: str | None = None, code: int = 1) -> str:
        environment = {"SLOTKEEPER_API_KEY": key or self.key}
        return self.terminal.refused("bench", "--url", self.url, *arguments, code=code, **environment)

    def get(self, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def slot(self) -> str:
        """A window of next Monday but one with the most free places."""
        today = datetime.now(UTC).date()
        monday = today + timedelta(days=14 - today.weekday())
        slots = self.get(f"/v1/appointment-slots/availability?date={monday}")["slots"]
        return str(max(slots, key=lambda slot: slot["available_slots"])["slot_id"])

    def appointments(self, slot_id: str) -> list[dict[str, Any]]:
        """All appointments of the slot's date, cancelled ones included."""
        date = slot_id.partition("||")[2]
        found: list[dict[str, Any]] = []
        while len(found) % 200 == 0:
            page = self.get(f"/v1/appointments?date={date}&limit=200&page={len(found) // 200 + 1}")["data"]
            if not page:
                break
            found += page
        return found

    def new_key(self, *arguments: str) -> str:
        return str(self.terminal.json("keys", "create", *arguments)["key"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    terminal = Terminal(tmp_path_factory.mktemp("demo"))
    with terminal.serving("--demo") as (_, ready):
        yield Demo(terminal, ready["url"], ready["demo"]["key"])


def is_ours(appointment: dict[str, Any]) -> bool:
    return (appointment["external_reference_id"] or "").startswith("slotkeeper-bench-")


def test_every_row_is_in_the_table_and_the_plot_beside_what_healthz_answers(demo: Demo) -> None:
    plot = demo.terminal.folder / "plot.svg"
    done = demo.run(*QUICK, "--svg", str(plot))
    assert done.returncode == 0, done.stderr
    for name in READS:
        assert done.stdout.count(f"{name} ") == 2, "as fast as it can, and at half of that"
    assert "healthz p99" in done.stdout
    assert "Traceback" not in done.stderr
    text = plot.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "next-available" in text
    assert f"The plot is in {plot}." in done.stdout


def test_reading_changes_nothing(demo: Demo) -> None:
    before = demo.get("/v1/audit?limit=1")["pagination"]["total"]
    assert demo.run(*QUICK).returncode == 0
    assert demo.get("/v1/audit?limit=1")["pagination"]["total"] == before


def test_as_json_each_row_has_its_figures(demo: Demo) -> None:
    found = json.loads(demo.run(*QUICK, "--json").stdout)
    assert [row["row"] for row in found["rows"]] == READS * 2
    for row in found["rows"]:
        assert row["answers_per_second"] > 0
        assert row["lowest_ratio"] <= row["ratio"] <= row["highest_ratio"]
    assert found["url"] == demo.url
    assert demo.key not in json.dumps(found)


def test_what_is_booked_is_all_cancelled_and_what_was_there_stays(demo: Demo) -> None:
    slot = demo.slot()
    before = {one["appointment_id"]: one for one in demo.appointments(slot)}
    done = demo.run(*QUICK, "--book-into", slot)
    assert done.returncode == 0, done.stderr
    for name in ("booking", "move within the window", "cancel", "hold + confirm (two requests)"):
        assert f"\n{name} " in done.stdout
    after = {one["appointment_id"]: one for one in demo.appointments(slot)}
    made = {name: one for name, one in after.items() if name not in before}
    assert {name: one for name, one in after.items() if name in before} == before
    assert made
    assert {one["status"] for one in made.values()} == {"cancelled"}
    assert all(is_ours(one) or one["external_reference_id"] is None for one in made.values())
    assert demo.terminal.json("check") == {"differences": []}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_what_is_booked_is_cancelled_after_an_interruption_too(demo: Demo, sent: signal.Signals) -> None:
    slot = demo.slot()
    known = {one["appointment_id"] for one in demo.appointments(slot)}
    process = subprocess.Popen(
        [*SLOTKEEPER, "bench", "--url", demo.url, "--rounds", "20", "--seconds", "0.2", "--book-into", slot],
        env=demo.terminal.environment | {"SLOTKEEPER_API_KEY": demo.key},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 4 * PATIENCE
        while len(demo.appointments(slot)) < len(known) + 10:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(sent)
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (output, errors) == ("", "Interrupted: cancelling what was booked …\n\n")
    made = [one for one in demo.appointments(slot) if one["appointment_id"] not in known]
    assert {one["status"] for one in made} == {"cancelled"}
    assert demo.terminal.json("check") == {"differences": []}


def test_without_a_server_a_refusal_says_how_to_start_one(tmp_path: Path) -> None:
    line = Terminal(tmp_path).refused("bench", "--url", "http://127.0.0.1:9", SLOTKEEPER_API_KEY="sk_live_x")
    assert "No server answers at http://127.0.0.1:9" in line
    assert "'slotkeeper serve'" in line


def test_a_key_is_not_shown_to_what_is_no_slotkeeper_server(tmp_path: Path) -> None:
    heard: list[str] = []

    class Other(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        line = Terminal(tmp_path).refused("bench", "--url", url, SLOTKEEPER_API_KEY="sk_live_secret")
        server.shutdown()
    assert "is no Slotkeeper server" in line
    assert heard
    assert "sk_live_secret" not in "".join(heard)


def test_a_wrong_key_is_refused_without_showing_it(demo: Demo) -> None:
    key = f"sk_live_{'0' * 32}_{'x' * 40}"
    line = demo.refused(*QUICK, key=key)
    assert "does not know this key" in line
    assert key not in line


def test_a_key_without_the_scope_is_refused_with_its_name(demo: Demo) -> None:
    key = demo.new_key("--scopes", "appointments:read", "--rate-limit", "0")
    assert "'slots:read'" in demo.refused(*QUICK, key=key)
    key = demo.new_key("--scopes", "slots:read", "--rate-limit", "0")
    assert "'appointments:read'" in demo.refused(*QUICK, "--book-into", demo.slot(), key=key)


def test_a_key_with_a_rate_limit_is_refused_with_how_to_make_one_without(demo: Demo) -> None:
    key = demo.new_key("--scopes", "slots:read", "--rate-limit", "60")
    line = demo.refused(*QUICK, key=key)
    assert "60 requests a minute" in line
    assert "--rate-limit 0" in line


def test_nothing_is_booked_where_nothing_could_be_cancelled(demo: Demo) -> None:
    slot = demo.slot()
    known = len(demo.appointments(slot))
    for allowed in (False, True):
        request = urllib.request.Request(
            f"{demo.url}/v1/appointment-config",
            json.dumps({"allow_cancellation": allowed}).encode(),
            {"Authorization": f"Bearer {demo.key}", "Content-Type": "application/json"},
            method="PATCH",
        )
        urllib.request.urlopen(request, timeout=PATIENCE).close()
        if not allowed:
            assert "allows no cancellation" in demo.refused(*QUICK, "--book-into", slot)
    assert len(demo.appointments(slot)) == known


def test_a_window_that_is_not_open_is_refused(demo: Demo) -> None:
    slot = f"00000000-0000-4000-8000-000000000000||{demo.slot().partition('||')[2]}"
    assert "is not open or has no free place" in demo.refused(*QUICK, "--book-into", slot)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url", "localhost"],
        ["--url", "ftp://localhost"],
        ["--url", "http://a:b@localhost"],
        ["--seconds", "0"],
        ["--seconds", "61"],
        ["--rounds", "0"],
        ["--connections", "257"],
        ["--connections", "0"],
        ["--branch", "main"],
        ["--date", "tomorrow"],
        ["--book-into", "2030-01-07"],
        ["--key", "two words"],
        ["--svg", "nowhere/plot.svg"],
    ],
    ids=" ".join,
)
def test_nonsense_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    Terminal(tmp_path).refused("bench", *arguments, code=2, SLOTKEEPER_API_KEY="sk_live_x")


def test_a_key_has_to_be_named(tmp_path: Path) -> None:
    assert "SLOTKEEPER_API_KEY" in Terminal(tmp_path).refused("bench", code=2)


def test_the_key_of_a_client_does_not_keep_a_server_from_starting(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    terminal.done("check", SLOTKEEPER_API_KEY="sk_live_x")
