"""Those who look at open boards, in a process of their own: each reads what comes, and keeps nothing of it.

``python -m benchmarks.watching PORT NUMBER`` reads the request of all of them from the standard input, says ``ready``
when each has had its first event, and goes on until the input ends; then it says how many events and bytes came.
"""

import contextlib
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

EVENT = b"\nevent: "
ANSWERED = b"\nretry: "


class Seen(NamedTuple):
    """What all of them together were sent after each had got its first event."""

    events: int
    bytes: int


class Watching:
    """Open boards; ``seen`` is known when they are closed."""

    def __init__(self) -> None:
        self.seen = Seen(0, 0)


@contextlib.contextmanager
def watching(port: int, request: bytes, number: int) -> Iterator[Watching]:
    """So many boards, open until the block ends."""
    command = [sys.executable, "-m", __name__, str(port), str(number)]
    found = Watching()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without its pipes")
        process.stdin.write(request)
        process.stdin.flush()
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the boards could not be opened")
        try:
            yield found
        finally:
            process.stdin.close()
            found.seen = Seen(*map(int, process.stdout.readline().split()))


def _open(port: int, request: bytes, number: int, room: memoryview) -> selectors.BaseSelector:
    """Connections on which the answer has begun, one after the other, as people come."""
    chosen = selectors.DefaultSelector()
    for _ in range(number):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(request)
        begun = b""
        while ANSWERED not in begun:
            size = connection.recv_into(room)
            if not size:
                raise ConnectionResetError(begun)
            begun += room[:size]
        if not begun.startswith(b"HTTP/1.1 200"):
            raise ConnectionRefusedError(begun)
        connection.setblocking(False)
        chosen.register(connection, selectors.EVENT_READ, connection)
    return chosen


def _drain(chosen: selectors.BaseSelector, room: bytearray) -> Seen:
    """Read to nowhere whatever comes, until the standard input ends."""
    chosen.register(sys.stdin, selectors.EVENT_READ)
    events = size = 0
    view = memoryview(room)
    while True:
        for key, _ in chosen.select():
            if key.data is None:
                return Seen(events, size)
            came = key.data.recv_into(view)
            if not came:
                raise ConnectionResetError("the server hung up on an open board")
            events += room.count(EVENT, 0, came)
            size += came


def main() -> None:
    """What the process does."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += sys.stdin.buffer.readline()
    room = bytearray(1 << 20)
    chosen = _open(int(sys.argv[1]), request, int(sys.argv[2]), memoryview(room))
    print("ready", flush=True)
    print(*_drain(chosen, room), flush=True)


if __name__ == "__main__":
    main()
