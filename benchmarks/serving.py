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
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from slotkeeper import app as app_module
from slotkeeper.api import server
from slotkeeper.load.target import Target
from slotkeeper.operations import line
from slotkeeper.operations.availability import Replies

CONSTANT = "/constant"
"""Where GET and POST are answered with so many bytes as the query says, POST after its body was read."""
GROUPS = "/groups"
"""Where GET answers which requests each commit of this server process held since it was last asked."""
_READY = 30.0


class Served(NamedTuple):
    """A server of some processes, by the one that started them."""

    port: int
    pid: int
    workers: int

    @property
    def target(self) -> Target:
        """Where requests are sent to."""
        return Target(self.port)


def make_app() -> Router:
    """The factory that the server process calls: the application with bare routes beside its own."""
    contents: dict[bytes, bytes] = {}

    def content(request: Request) -> bytes:
        query: bytes = request.scope["query_string"]
        found = contents.get(query)
        if found is None:
            found = contents[query] = b'{"padding": "' + b"x" * (int(query) - 15) + b'"}'
        return found

    async def constant(request: Request) -> Response:
        return Response(content(request), media_type="application/json")

    async def read_first(request: Request) -> Response:
        await request.body()
        return Response(content(request), 201, media_type="application/json")

    async def tell_groups(_: Request) -> Response:
        told = json.dumps({"pid": os.getpid(), "groups": groups})
        groups.clear()
        return Response(told, media_type="application/json")

    groups = _note_groups()
    if os.environ["BENCH_KEEP"] == "0":
        vars(app_module)["Replies"] = partial(Replies, room=0)
    app = app_module.from_environment()
    app.routes[:0] = [
        Route(CONSTANT, constant),
        Route(CONSTANT, read_first, methods=["POST", "PATCH"]),
        Route(GROUPS, tell_groups),
    ]
    return app


def _note_groups() -> list[list[str]]:
    """The Idempotency-Keys of the groups that the line does from now on, each in one transaction."""
    groups: list[list[str]] = []
    do_together = line.do_together

    @wraps(do_together)
    async def do_and_note(knowledge: Any, tx: Any, org_id: str, asked: Any, now: int) -> Any:
        done = await do_together(knowledge, tx, org_id, asked, now)
        groups.append([one.act.caller.once.key for one in asked if one.act.caller.once is not None])
        return done

    vars(line)["do_together"] = do_and_note
    return groups


def groups_of(served: Served) -> list[list[str]]:
    """The Idempotency-Keys of the requests that shared a commit, for each commit since it was last asked."""
    heard: dict[int, list[list[str]]] = {}
    deadline = time.perf_counter() + _READY
    while time.perf_counter() < deadline:  # each time over a connection of its own, so that another may answer
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{GROUPS}") as answer:
            told = json.load(answer)
        heard.setdefault(told["pid"], []).extend(told["groups"])
        if len(heard) == served.workers:
            return [group for groups in heard.values() for group in groups if group]
    raise RuntimeError(f"only {len(heard)} of {served.workers} server processes tell which requests shared a commit")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(url: str, *, workers: int = 1, keep: bool = True) -> Iterator[Served]:
    """A server of some processes on loopback, which may keep its replies."""
    port = _free_port()
    environment = os.environ | {
        "SLOTKEEPER_DATABASE_URL": url,
        "SLOTKEEPER_WORKERS": str(workers),
        "SLOTKEEPER_LOG_LEVEL": "warning",
        "BENCH_KEEP": str(int(keep)),
    }
    with subprocess.Popen([sys.executable, "-m", "benchmarks.serving", str(port)], env=environment) as process:
        try:
            served = Served(port, process.pid, workers)
            wait_until_it_answers(port)
            if workers > 1:
                groups_of(served)  # all of them are there
            yield served
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
    """How much memory a process and its children hold."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue  # it has just ended
        if str(pid) in (status.parent.name, fields["PPid"].strip()):
            total += int(fields.get("VmRSS", "0 kB").split()[0])
    return total / 1024


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
        workers = int(os.environ["SLOTKEEPER_WORKERS"])
        server.run(f"{__spec__.name}:make_app", listening, workers=workers)
