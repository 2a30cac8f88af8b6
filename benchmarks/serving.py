"""A server of the benchmarks' own: the product's, with bare routes beside it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from slotkeeper import app as app_module
from slotkeeper.api import server
from slotkeeper.operations import line
from slotkeeper.operations.availability import Replies

CONSTANT = "/constant"
"""Where GET and POST are answered with a constant, POST after its body was read."""
GROUPS = "/groups"
"""Where GET answers how many bookings each commit held since it was last asked."""
_READY = 30.0


def make_app() -> Router:
    """The factory that the server process calls: the application with a bare route beside its own."""
    size = int(os.environ["BENCH_CONSTANT_SIZE"])
    content = b'{"padding": "' + b"x" * (size - 15) + b'"}'

    async def constant(_: Request) -> Response:
        return Response(content, media_type="application/json")

    async def read_first(request: Request) -> Response:
        await request.body()
        return Response(content, 201, media_type="application/json")

    async def tell_groups(_: Request) -> Response:
        told = json.dumps(groups)
        groups.clear()
        return Response(told, media_type="application/json")

    groups = _note_groups()
    if os.environ["BENCH_KEEP"] == "0":
        vars(app_module)["Replies"] = partial(Replies, room=0)
    app = app_module.from_environment()
    app.routes[:0] = [
        Route(CONSTANT, constant),
        Route(CONSTANT, read_first, methods=["POST"]),
        Route(GROUPS, tell_groups),
    ]
    return app


def _note_groups() -> list[int]:
    """The sizes of the groups that the line does from now on, each in one transaction."""
    sizes: list[int] = []
    do_together = line.do_together

    @wraps(do_together)
    async def do_and_note(knowledge: Any, tx: Any, org_id: str, asked: Any, now: int) -> Any:
        sizes.append(len(asked))
        return await do_together(knowledge, tx, org_id, asked, now)

    vars(line)["do_together"] = do_and_note
    return sizes


def sizes_of_groups(port: int) -> list[int]:
    """How many bookings each commit of a server held since it was last asked."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{GROUPS}") as answer:
        sizes: list[int] = json.load(answer)
        return sizes


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(url: str, *, constant_size: int, keep: bool = True) -> Iterator[tuple[int, int]]:
    """A server process on loopback, which may keep its replies: its port and its process id."""
    port = _free_port()
    environment = os.environ | {
        "SLOTKEEPER_DATABASE_URL": url,
        "SLOTKEEPER_LOG_LEVEL": "warning",
        "BENCH_CONSTANT_SIZE": str(constant_size),
        "BENCH_KEEP": str(int(keep)),
    }
    with subprocess.Popen([sys.executable, "-m", "benchmarks.serving", str(port)], env=environment) as process:
        try:
            wait_until_it_answers(port)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def wait_until_it_answers(port: int) -> float:
    """Ask until there is an answer; how many seconds it took."""
    start = time.perf_counter()
    while time.perf_counter() - start < _READY:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - start
        except OSError:
            time.sleep(0.005)
    raise TimeoutError(f"nothing answers on port {port}")


def seconds_of_processor(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_of_family(pid: int) -> float:
    """What a process, its children, and those of them that are gone have used of the processors so far."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if stat.parent.name == str(pid):
            total += sum(map(int, fields[11:15]))
        elif fields[1] == str(pid):
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """How much memory a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def seconds_to_first_answer(folder: Path) -> float:
    """How long ``slotkeeper serve`` takes from its start to its first answer, on a database that is there."""
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "slotkeeper",
        "serve",
        "--port",
        str(port),
        "--database",
        f"sqlite:///{folder}/warm.db",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            return wait_until_it_answers(port)
        finally:
            process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=2048) as listening:
        server.run(f"{__spec__.name}:make_app", listening)
