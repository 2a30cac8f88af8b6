"""What arrives over the wire and is no proper HTTP request, sent through raw sockets at a real server."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import uvicorn

from slotkeeper.api import server
from slotkeeper.app import create_app, open_database
from slotkeeper.settings import Settings
from tests.prepared import Prepared
from tests.world import MovableClock

PATIENCE = 10


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes


class Wire:
    """A connection to a server, as bytes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.stream = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the server may hang up before it has read everything
            for part in parts:
                self.socket.sendall(part)

    def answer(self) -> Answer:
        status = int(self.stream.readline().split()[1])
        headers = {}
        while (line := self.stream.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            headers[name.decode()] = value.decode()
        return Answer(status, headers, self.stream.read(int(headers["content-length"])))

    def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return self.stream.read(1) == b""
        return True

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


class Running(NamedTuple):
    address: tuple[str, int]
    key: str


@pytest.fixture(scope="module")
def running(prepared: Prepared) -> Iterator[Running]:
    url = prepared.lend()
    app = create_app(open_database(url), Settings(), clock=MovableClock())
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(server.configure(app))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Running(listener.getsockname(), prepared.cast.owner)
    running.should_exit = True
    thread.join(PATIENCE)
    assert not thread.is_alive()
    prepared.give_back(url)


@pytest.fixture
def wire(running: Running) -> Iterator[Wire]:
    made = Wire(running.address)
    yield made
    made.close()


def refused(answer: Answer, status: int = 400, code: str = "VALIDATION_ERROR") -> str:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
    body = json.loads(answer.content)
    assert body["success"] is False
    assert body["error"]["code"] == code
    return str(body["error"]["message"])


def get(path: bytes = b"/healthz", *headers: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, b"".join(header + b"\r\n" for header in headers))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"nonsense " * 10_000,
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        get(b"/healthz", b"no colon"),
        get(b"/healthz", b"bad name : x"),
        get(b"/healthz", b"x: a\x00b"),
        get(b"/healthz", b"x: a\rb"),
        get(b"/healthz", b": x"),
        get(b"/healthz", b"Content-Length: abc"),
        get(b"/healthz", b"Content-Length: -1"),
        get(b"/healthz", b"Content-Length: 1", b"Content-Length: 2"),
        get(b"/healthz", b"Content-Length: 1", b"Transfer-Encoding: chunked"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_the_one_envelope_and_the_connection_ends(wire: Wire, request_bytes: bytes) -> None:
    wire.send(request_bytes)
    answer = wire.answer()
    refused(answer)
    assert answer.headers["connection"] == "close"
    assert wire.is_closed()


@pytest.mark.parametrize(
    "head",
    [
        get(b"/" + b"x" * 40_000),
        get(b"/healthz?" + b"x" * 40_000),
        get(b"/healthz", b"x: " + b"y" * 40_000),
        get(b"/healthz", *(b"x%d: %s" % (number, b"y" * 100) for number in range(400))),
        get(b"/healthz", b"y" * 40_000 + b": x"),
        b"\r\n" * 40_000,
    ],
)
def test_a_head_over_32_kib_is_refused(wire: Wire, head: bytes) -> None:
    wire.send(head)
    assert "32,768 bytes" in refused(wire.answer())
    assert wire.is_closed()


def test_a_head_that_never_ends_is_refused_as_soon_as_it_is_too_long(wire: Wire) -> None:
    wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nx: ", *[b"y" * 4096] * 200)
    assert "32,768 bytes" in refused(wire.answer())


def test_a_head_over_32_kib_in_two_pieces_is_refused_and_one_behind_a_long_body_is_not(
    wire: Wire, running: Running
) -> None:
    key = f"Authorization: Bearer {running.key}".encode()
    body = b'{"name": "%s"}' % (b"x" * 40_000)
    announced = b"POST /v1/branches HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n" % (key, len(body))
    wire.send(announced + body + get())
    assert [wire.answer().status for _ in range(2)] == [415, 200]
    head = get(b"/healthz", b"x: " + b"y" * 20_000, b"z: " + b"y" * 20_000)
    wire.send(head[:21_000])
    time.sleep(0.05)
    wire.send(head[21_000:])
    assert "32,768 bytes" in refused(wire.answer())


def test_a_long_head_under_the_limit_is_read_even_in_small_pieces(wire: Wire) -> None:
    head = get(b"/healthz", b"x: " + b"y" * 30_000)
    for start in range(0, len(head), 1_000):
        wire.send(head[start : start + 1_000])
        time.sleep(0.001)
    assert wire.answer().status == 200


def test_percent_encoded_bytes_that_are_no_utf_8_are_no_such_path_or_no_slot_id(wire: Wire, running: Running) -> None:
    key = b"Authorization: Bearer " + running.key.encode()
    wire.send(get(b"/%ff%fe", key))
    refused(wire.answer(), 404, "NOT_FOUND")
    wire.send(get(b"/v1/appointment-slots/%ff%fe%00", key))
    refused(wire.answer())
    wire.send(get(b"/v1/appointment-slots/availability?date=%ff", key))
    assert '"\\udcff"' in refused(wire.answer())


def test_a_bad_chunk_is_refused(wire: Wire, running: Running) -> None:
    wire.send(post(running, b"Transfer-Encoding: chunked"), b"zz\r\n")
    refused(wire.answer())
    assert wire.is_closed()


def test_chunked_bodies_are_read_and_refused_as_soon_as_they_are_too_large(wire: Wire, running: Running) -> None:
    wire.send(post(running, b"Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n")
    assert "'name' is required" in refused(wire.answer())
    wire.send(post(running, b"Transfer-Encoding: chunked"), *[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 17)
    refused(wire.answer(), 413, "PAYLOAD_TOO_LARGE")


def test_a_body_announced_as_too_large_is_refused_before_it_comes_and_the_connection_lives_on(
    wire: Wire, running: Running
) -> None:
    wire.send(post(running, b"Content-Length: 100000"))
    refused(wire.answer(), 413, "PAYLOAD_TOO_LARGE")
    wire.send(b" " * 100_000, get())
    assert wire.answer().status == 200


def test_headers_after_a_chunked_body_are_no_headers_of_the_request(wire: Wire, running: Running) -> None:
    head = (
        b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wire.send(head + b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + running.key.encode() + b"\r\n\r\n")
    refused(wire.answer(), 401, "UNAUTHORIZED")


def test_a_header_sent_twice_counts_as_not_sent(wire: Wire, running: Running) -> None:
    key = b"Authorization: Bearer " + running.key.encode()
    wire.send(get(b"/v1/services", key, key))
    refused(wire.answer(), 401, "UNAUTHORIZED")
    wire.send(get(b"/healthz", b"X-Request-Id: a", b"X-Request-Id: b"))
    assert wire.answer().headers["x-request-id"] not in ("a", "b", "a, b")


def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    wire.send(get(b"/healthz", b"X-Request-Id: one") + get(b"/nothing", b"X-Request-Id: two") + get())
    assert [wire.answer().headers["x-request-id"] for _ in range(2)] == ["one", "two"]
    assert wire.answer().status == 200


def test_nonsense_behind_a_request_does_not_get_into_its_answer(wire: Wire) -> None:
    wire.send(get() + b"nonsense\r\n\r\n")
    assert wire.answer().status == 200
    with contextlib.suppress(ConnectionError):
        assert wire.stream.read() == b""


def test_an_upgrade_is_not_taken_up(wire: Wire) -> None:
    wire.send(get(b"/healthz", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x"))
    assert wire.answer().status == 200


def test_an_answer_comes_in_one_packet(wire: Wire) -> None:
    for _ in range(20):
        wire.send(get())
        first = wire.socket.recv(65_536)
        head, _, content = first.partition(b"\r\n\r\n")
        assert f"content-length: {len(content)}".encode() in head
        assert content


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(wire: Wire, running: Running) -> None:
    body = b'{"name": "Slow Street"}'
    key = f"Authorization: Bearer {running.key}\r\nContent-Type: application/json\r\n".encode()
    wire.send(
        b"POST /v1/branches HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%sContent-Length: %d\r\n\r\n"
        % (key, len(body))
    )
    assert wire.stream.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert wire.stream.readline() == b"\r\n"
    wire.send(body)
    assert wire.answer().status == 201


def test_head_has_the_headers_of_get_and_no_content(wire: Wire) -> None:
    wire.send(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + get(b"/nothing"))
    assert wire.stream.readline().startswith(b"HTTP/1.1 200")
    lines = iter(wire.stream.readline, b"\r\n")
    assert b"content-length: 33\r\n" in list(lines)
    assert wire.answer().status == 404


def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_error(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        wire = Wire(running.address)
        wire.send(post(running, b"Content-Length: 1000"), b"{")
        wire.close()
    other = Wire(running.address)
    other.send(get())
    assert other.answer().status == 200
    other.close()
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_a_client_that_takes_too_long_to_send_its_request_is_hung_up_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SECONDS_TO_SEND", 0.3)
    for beginning in (b"", b"GET /healthz HTTP/1.1\r\nHost:", post(running, b"Content-Length: 10") + b"{"):
        wire = Wire(running.address)
        wire.send(beginning)
        assert wire.is_closed()
        wire.close()


def post(running: Running, *headers: bytes) -> bytes:
    key = b"Authorization: Bearer " + running.key.encode()
    head = get(b"/v1/services", key, b"Content-Type: application/json", *headers)
    return head.replace(b"GET", b"POST", 1)
