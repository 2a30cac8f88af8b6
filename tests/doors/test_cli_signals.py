"""How ``slotkeeper serve`` ends, and what it says about it."""

import http.client
import os
import pty
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def children(pid: int) -> list[int]:
    """The server processes of a parent; not the one that only cleans up after Python's multiprocessing."""
    found = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=2) for line in found.stdout.splitlines()]
    return [int(own) for own, parent, command in lines if parent == str(pid) and "spawn_main" in command]


def wait_until_refused(url: str) -> None:
    host, port = urlsplit(url).netloc.split(":")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.1)
    raise AssertionError("the port is still held")


def get(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def test_server_processes_end_when_the_one_that_started_them_is_killed(terminal: Terminal) -> None:
    with terminal.serving("--workers", "2") as (process, ready):
        assert len(children(process.pid)) == 2
        process.kill()
        process.wait(PATIENCE)
        wait_until_refused(ready["url"])


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 0)], ids=["Ctrl-C", "hang-up"])
@pytest.mark.parametrize("to_all", [True, False], ids=["from the terminal", "to one process"])
def test_ctrl_c_ends_with_130_and_the_end_of_the_terminal_with_0(
    terminal: Terminal, workers: str, sent: signal.Signals, code: int, to_all: bool
) -> None:
    with terminal.serving("--workers", workers) as (process, ready):
        (os.killpg if to_all else os.kill)(process.pid, sent)
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, errors
        assert (output, errors.strip()) == ("", ""), "but for the line that Ctrl-C is shown on"
        wait_until_refused(ready["url"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_with_nohup_the_server_outlives_the_terminal(terminal: Terminal, workers: str) -> None:
    terminal.program = ["nohup", *SLOTKEEPER]
    with terminal.serving("--workers", workers) as (process, ready):
        os.killpg(process.pid, signal.SIGHUP)
        time.sleep(1.5)
        assert process.poll() is None
        assert get(ready["url"], "/healthz") == 200


def test_a_server_process_that_dies_is_replaced_and_the_log_says_so(terminal: Terminal) -> None:
    with terminal.serving("--workers", "2") as (process, ready):
        died = children(process.pid)[0]
        os.kill(died, signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while died in (now := children(process.pid)) or len(now) < 2:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert get(ready["url"], "/healthz") == 200
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
    (line,) = errors.splitlines()
    assert re.search(rf"WARNING slotkeeper\.api\.server: server process {died} died, and \d+ took its place$", line)


@pytest.mark.parametrize(("level", "count"), [("debug", 1), ("info", 0)])
def test_each_request_is_a_line_of_the_log_at_the_level_debug_only(terminal: Terminal, level: str, count: int) -> None:
    with terminal.serving("--log-level", level) as (process, ready):
        assert get(ready["url"], "/v1/services?phone=12345") == 401
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
    found = re.findall(r"DEBUG slotkeeper\S+: request (\S+): GET '/v1/services' 401 in [\d.]+ ms\n", errors)
    assert len(found) == count
    assert "12345" not in errors


def test_a_server_without_an_organization_says_how_to_make_one(terminal: Terminal) -> None:
    def greeting(*arguments: str) -> str:
        shown = terminal.folder / "shown.txt"
        with shown.open("w") as screen:
            process = subprocess.Popen(
                [*SLOTKEEPER, "serve", "--port", "0", *arguments],
                cwd=terminal.folder, env=terminal.environment, stdout=screen,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not shown.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        first, _, rest = shown.read_text().partition("\n")
        assert "answers on" in first
        return rest

    hint = greeting()
    assert len(hint.splitlines()) == 1
    assert "'slotkeeper organizations create NAME'" in hint
    assert "'slotkeeper keys create " in hint
    assert "create NAME --database sqlite:///new.db'" in greeting("--database", "sqlite:///new.db")
    terminal.clinic()
    assert greeting() == ""


def test_a_server_whose_output_nobody_takes_answers_all_the_same(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [*SLOTKEEPER, "serve", "--port", str(port)],
            cwd=terminal.folder, env=terminal.environment, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            assert get(f"http://127.0.0.1:{port}", "/readyz") == 200
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    time.sleep(0.3)
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors


def test_ctrl_c_in_make_demo_is_no_failure(tmp_path: Path) -> None:
    recipe = re.search(r"^demo: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe
    command = " ".join(SLOTKEEPER)
    (tmp_path / "Makefile").write_text(
        "demo:\n" + recipe[1].replace("$(RUN)/slotkeeper", command).replace("$(PORT)", "0"), encoding="utf-8"
    )
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvp("make", ["make", "demo"])
    shown = b""
    while b"curl " not in shown:
        shown += os.read(screen, 4096)
    os.write(screen, b"\x03")
    try:
        while rest := os.read(screen, 4096):
            shown += rest
    except OSError:
        pass  # the terminal's other end is closed
    os.waitpid(pid, 0)
    os.close(screen)
    assert b"answers on" in shown
    assert b"***" not in shown
    assert b"Traceback" not in shown
