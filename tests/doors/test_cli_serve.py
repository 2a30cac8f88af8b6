"""``slotkeeper serve`` as a person starts and stops it."""

import http.client
import json
import re
import shlex
import signal
import socket
import subprocess
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def get(url: str, key: str | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request(
            "GET", f"{parts.path}?{parts.query}", headers={} if key is None else {"Authorization": f"Bearer {key}"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_demos_curl_line_works_as_it_stands(terminal: Terminal) -> None:
    with terminal.serving("--demo") as (_, ready):
        command = shlex.split(ready["demo"]["curl"])
        assert command[0] == "curl"
        answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout)
        assert answer["success"] is True
        assert date.fromisoformat(answer["date"]).weekday() == 0
        (slot,) = answer["slots"]
        assert slot["calendar_id"] == "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        assert (slot["max_slots"], slot["ai_slots"], slot["filled_slots"], slot["available_slots"]) == (20, 10, 6, 4)


def test_the_demos_keys_may_do_everything(terminal: Terminal) -> None:
    with terminal.serving("--demo") as (_, ready):
        for key in (ready["demo"]["key"], ready["demo"]["staff_key"]):
            for path in ("/v1/appointment-slots", "/v1/services", "/v1/branches", "/v1/appointment-config"):
                assert get(f"{ready['url']}{path}", key)[0] == 200


def test_a_person_reads_the_address_the_key_and_the_curl_line(terminal: Terminal) -> None:
    process = subprocess.Popen(
        [*SLOTKEEPER, "serve", "--demo", "--port", "0"],
        cwd=terminal.folder, env=terminal.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"answers on (http://127\.0\.0\.1:\d+) \(documentation: (\S+/docs)\)", first)
        assert found, first
        assert get(found[2])[0] == 200
        text = ""
        while not text.startswith("curl "):
            text = process.stdout.readline()
        assert found[1] in text
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_without_the_demo_an_empty_file_is_made_and_migrated_and_stays_empty(terminal: Terminal) -> None:
    with terminal.serving("--database", "sqlite:///new.db") as (_, ready):
        assert ready["demo"] is None
        assert get(f"{ready['url']}/healthz")[0] == 200
        assert get(f"{ready['url']}/readyz")[0] == 200
        assert get(f"{ready['url']}/v1/services")[0] == 401
    assert terminal.json("organizations", "list", "--database", "sqlite:///new.db") == {"organizations": []}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_ends_every_process_quietly_with_0(terminal: Terminal, workers: str) -> None:
    with terminal.serving("--demo", "--workers", workers) as (process, ready):
        assert get(f"{ready['url']}/v1/services", ready["demo"]["key"])[0] == 200
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        assert output == ""
        assert "Traceback" not in errors
        with pytest.raises(ConnectionRefusedError):
            get(f"{ready['url']}/healthz")
    assert terminal.json("check") == {"differences": []}


def test_a_port_in_use_is_one_line_and_leaves_nothing_behind(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = terminal.refused("serve", "--demo", "--port", str(port))
    assert f"Cannot listen on 127.0.0.1, port {port}" in line
    assert list(terminal.folder.iterdir()) == []


def test_a_host_that_is_not_this_machine_is_one_line(terminal: Terminal) -> None:
    assert "Cannot listen on 192.0.2.1" in terminal.refused("serve", "--host", "192.0.2.1", "--port", "0")


def test_the_demo_leaves_a_database_of_your_own_alone(terminal: Terminal) -> None:
    terminal.clinic()
    assert "organizations of your own" in terminal.refused("serve", "--demo", "--port", "0")
    assert len(terminal.json("organizations", "list")["organizations"]) == 1


def test_a_second_start_of_the_demo_keeps_what_was_done_and_both_keys(terminal: Terminal) -> None:
    with terminal.serving("--demo") as (_, first):
        pass
    terminal.done("branches", "create", "Hilltop")
    with terminal.serving("--demo") as (_, second):
        assert first["demo"]["key"] != second["demo"]["key"]
        for ready in (first, second):
            status, content = get(f"{second['url']}/v1/branches", ready["demo"]["key"])
            assert status == 200
            assert b"Hilltop" in content


def test_the_environment_serves_too(terminal: Terminal) -> None:
    terminal.environment |= {"SLOTKEEPER_DATABASE_URL": "sqlite:///named.db", "SLOTKEEPER_LOG_LEVEL": "error"}
    with terminal.serving() as (_, ready):
        assert ready["database"] == "sqlite:///named.db"
    assert (terminal.folder / "named.db").exists()
