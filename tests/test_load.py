"""The load generator and its table, on a server that does what a test asks for."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count, repeat
from pathlib import Path

import pytest

from slotkeeper.load.figures import Beside, Block, Goal, Row, lines, percentile
from slotkeeper.load.generator import Load, Pair, Refused, put_load, put_steady_load
from slotkeeper.load.plot import write_plot
from slotkeeper.load.target import Target, target_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[int, bytes], list[bytes]]


class Server:
    """Answers each request, by its number, with some pieces; of none it hangs up."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._numbers = count()
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self.listening: asyncio.Server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while pieces := self._answer(next(self._numbers), await reader.readuntil(b"\r\n\r\n")):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001 if len(pieces) > 1 else 0)
        writer.close()

    async def _end(self) -> None:
        self.listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*others, return_exceptions=True)

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[Target]:
    """Where such a server listens."""
    server = Server(answer)
    try:
        yield Target(server.listening.sockets[0].getsockname()[1])
    finally:
        server.end()


def test_a_closed_load_asks_until_all_is_asked_and_keeps_the_answers() -> None:
    with answering(lambda number, _: [b"HTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\n%d" % number]) as target:
        load = put_load(target, [target.get("/")] * 5, seconds=5, connections=1, with_bodies=True)
    assert load.bodies == [b"0", b"1", b"2", b"3", b"4"]
    assert (len(load.latencies), load.size) == (5, 1)
    assert load.latencies == sorted(load.latencies)


def test_a_closed_load_ends_in_time() -> None:
    with answering(lambda *_: [OK]) as target:
        load = put_load(target, repeat(target.get("/")), seconds=0.3, connections=4)
    assert 0.3 <= load.seconds < 1
    assert load.rate == pytest.approx(len(load.latencies) / load.seconds)


def test_an_answer_may_come_in_pieces() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 6\r\n", b"\r\nabc", b"def"]
    with answering(lambda *_: pieces) as target:
        load = put_load(target, [target.get("/")] * 2, seconds=5, connections=1, with_bodies=True)
    assert load.bodies == [b"abcdef", b"abcdef"]


def test_a_pair_is_measured_as_one_and_its_second_request_is_made_from_the_first_answer() -> None:
    asked: list[bytes] = []

    def answer(_: int, request: bytes) -> list[bytes]:
        asked.append(request.split(b" ")[1])
        time.sleep(0.05)
        return [OK]

    with answering(answer) as target:
        pair = Pair(target.get("/first"), lambda body: target.get(f"/{body.decode()}"))
        load = put_load(target, [pair], seconds=5, connections=1)
    assert asked == [b"/first", b"/ok"]
    assert len(load.latencies) == 1
    assert load.latencies[0] >= 0.1


def test_a_refusal_ends_the_load_with_what_was_said() -> None:
    refusal = b'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\n\r\n{"a":'
    with answering(lambda number, _: [OK] if number < 3 else [refusal]) as target, pytest.raises(Refused) as refused:
        put_load(target, repeat(target.get("/")), seconds=5, connections=2)
    assert (refused.value.status, refused.value.body) == (429, b'{"a":')


def test_a_server_that_hangs_up_ends_a_closed_load() -> None:
    with answering(lambda number, _: [OK] if number < 3 else []) as target, pytest.raises(ConnectionResetError):
        put_load(target, repeat(target.get("/")), seconds=5, connections=1)


def test_a_server_that_hangs_up_ends_an_open_load() -> None:
    with answering(lambda number, _: [OK] if number < 3 else []) as target, pytest.raises(ConnectionResetError):
        put_steady_load(target, repeat(target.get("/")), rate=100, seconds=1, connections=1)


def test_an_answer_without_a_length_is_refused_with_a_reason() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with answering(lambda *_: [chunked]) as target, pytest.raises(ValueError, match="proxy"):
        put_load(target, [target.get("/")], seconds=5, connections=1)


def test_an_open_load_asks_at_its_rate_whatever_the_server_does() -> None:
    with answering(lambda *_: [OK]) as target:
        load = put_steady_load(target, repeat(target.get("/")), rate=200, seconds=0.5, connections=4)
    assert len(load.latencies) == 100
    assert load.seconds >= 0.495


def test_a_stall_is_charged_to_all_who_would_have_come_meanwhile() -> None:
    def answer(number: int, _: bytes) -> list[bytes]:
        if number == 20:
            time.sleep(0.4)
        return [OK]

    with answering(answer) as target:
        load = put_steady_load(target, repeat(target.get("/")), rate=100, seconds=1, connections=2)
    # One after the other, a stall of 0.4 s is one long latency. At 100 a second it is 40: of 0.4 s down to nothing.
    assert sum(latency > 0.1 for latency in load.latencies) >= 25
    assert sum(latency > 0.3 for latency in load.latencies) >= 8
    assert max(load.latencies) >= 0.39


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:8000", Target(8000)),
        ("http://host", Target(80, "host")),
        ("https://host/below/", Target(443, "host", tls=True, prefix="/below")),
        ("http://[::1]:81", Target(81, "::1")),
    ],
)
def test_the_address_of_a_server_is_taken_apart(url: str, target: Target) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    "url", ["", "host", "host:80", "ftp://host", "http://", "http://a:b@host", "http://host/?x", "http://host:port"]
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        target_of(url)


def loads(*rates: int) -> list[Load]:
    return [Load(1.0, 10, [0.001] * rate) for rate in rates]


def test_a_row_shows_medians_and_each_limit_on_a_line_of_its_own() -> None:
    beside = [
        Beside("L1", [200.0, 100.0, 400.0], [0.5, 0.7, 0.6], Goal(0.7)),
        Beside("L1 CPU", [40.0], [2.0], Goal(2.5, at_most=True), unit=" µs"),
    ]
    row = Row("availability", loads(100, 300, 200), beside, server=[70.0], memory=66.4)
    title, *_, first, second, note = lines(Block("SQLite", [row], ["a note"]))
    assert title == "SQLite"
    assert first.split() == [
        *["availability", "200", "1.00", "1.00", "1.00", "70.0", "–", "66"],
        *["L1", "200/s", "0.60", "(0.50–0.70)", "≥", "0.70", "MISSED"],
    ]
    assert second.split() == ["L1", "CPU", "40.0", "µs", "2.00", "(2.00–2.00)", "≤", "2.50", "reached"]
    assert note == "  a note"


def test_the_table_is_not_wider_than_a_terminal() -> None:
    goal = Goal(1.6, is_judged=False)
    row = Row("x" * 30, loads(99_999), [Beside("1 process", [99_999.0], [0.5], goal)], server=[99.0], memory=999)
    assert max(map(len, lines(Block("SQLite", [row])))) <= 140


def test_a_percentile_of_too_few_answers_is_not_told() -> None:
    assert percentile(loads(99, 200), 0.99) is None
    assert percentile(loads(100, 200), 0.99) == pytest.approx(1)
    assert percentile(loads(19), 0.95) is None
    assert percentile(loads(1), 0.5) == pytest.approx(1)


def test_a_goal_is_judged_by_the_digits_that_are_shown() -> None:
    assert Goal(0.7).verdict(0.696) == "≥ 0.70 reached"
    assert Goal(0.7).verdict(0.694) == "≥ 0.70 MISSED"
    assert Goal(3, at_most=True).verdict(3.01) == "≤ 3.00 MISSED"


def test_a_plot_stands_alone(tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    write_plot(file, "Title <&>", ["one", "two"], {"a": [0.5, None], "b": [1.0, 2.0]})
    text = file.read_text(encoding="utf-8")
    assert "Title &lt;&amp;&gt;" in text
    assert text.startswith("<?xml")
    for word in ("<script", "href", "@import", "url(", "onload"):
        assert word not in text
    assert set(re.findall(r"https?://[^\s\"<]*", text)) == {"http://www.w3.org/2000/svg"}
