"""A primary and its standby under a booking load (contract.md section 2): what was acknowledged outlives a machine.

The servers of ours are never started anew, unless a test says so: they find the new primary by themselves.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slotkeeper.store.postgres_session import LONGEST_STATEMENT, PATIENCE
from tests.doors.terminal import Terminal
from tests.operations.caller import Clinic, Crowd, open_clinic
from tests.operations.wire import Ask, Told, Unanswered, Wire
from tests.prepared import fill
from tests.servers import PACKAGED
from tests.standbys import DATABASE, Node, Pair, until
from tests.world import APPOINTMENTS, AVAILABILITY, Client, World, good, refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CALLERS = 16
ENOUGH = 100  # requests with an effect before something happens
SOON = 2.0  # seconds that an answer may come later than the patience says, on a busy machine
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
STORED = "SELECT count(*) FROM appointments WHERE patient_name = '{}'"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with Pair(synchronous=True) as pair:
        yield pair


@pytest.fixture
def clinic(pair: Pair) -> Clinic:
    return clinic_on(pair.url)


@pytest.fixture
def crowd(clinic: Clinic) -> Iterator[Crowd]:
    crowd = Crowd(clinic, CALLERS, in_doubt=True)
    yield crowd
    crowd.close()


def clinic_on(url: str) -> Clinic:
    cast = fill(url)
    return open_clinic(World(url), cast, callers=CALLERS, narrow=20)


def port_of(ready: dict[str, Any]) -> int:
    return urlsplit(ready["url"]).port or 0


def is_ready(wire: Wire) -> bool:
    try:
        return wire.send(Ask("GET", "/readyz")).status == 200
    except Unanswered:
        return False


def booking(clinic: Clinic, name: str) -> Ask:
    """Somebody's booking for the evening, whose Idempotency-Key is the name."""
    when = {"appointment_type": clinic.service, "appointment_date": f"{clinic.next_week}T17:30:00Z"}
    return Ask("POST", APPOINTMENTS, {"patient_name": name, "parent_phone": "+49 30 7654321", **when}, name)


def ask_on(port: int, clinic: Clinic, ask: Ask) -> tuple[Told, float]:
    """The answer to a request over a connection of its own, and after how many seconds it came."""
    with Wire(port, clinic.keys[0]) as wire:
        start = time.monotonic()
        return wire.send(ask), time.monotonic() - start


def require_agreement(terminal: Terminal, crowd: Crowd) -> None:
    crowd.require_all_is_stored()
    assert terminal.json("check") == {"differences": []}


def end(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGKILL)


def test_the_servers_go_on_with_the_promoted_standby_and_nothing_that_was_acknowledged_is_lost(
    pair: Pair, clinic: Clinic, crowd: Crowd, tmp_path: Path
) -> None:
    """Callers meet nothing but 503 and lost connections; each request that is asked again is answered truly."""
    terminal = Terminal(tmp_path, f"{pair.url}?target_session_attrs=read-write")
    with (
        terminal.serving("--workers", "2") as (process, ready),
        Wire(port_of(ready), clinic.keys[0]) as wire,
    ):
        port = port_of(ready)
        crowd.work(port, clinic.next_week, after=random.randint(ENOUGH, 2 * ENOUGH), act=pair.primary.kill)
        for _ in range(3):
            crowd.work(port, clinic.next_week)
        assert not is_ready(wire)
        pair.standby.promote()
        until(lambda: is_ready(wire), "the server has found the new primary")
        crowd.make_up(port)
        require_agreement(terminal, crowd)
        crowd.work(port, clinic.next_week, after=ENOUGH, act=partial(end, process))
    with terminal.serving() as (_, ready):
        crowd.make_up(port_of(ready))
        require_agreement(terminal, crowd)
    counts = crowd.counts()
    assert counts["done unheard"] + counts["asked anew"] > 0
    assert counts["503"] >= 2 * CALLERS
    assert counts["answered again"] >= 2 * ENOUGH


def test_without_the_standby_nothing_is_acknowledged_that_the_primary_alone_has(
    pair: Pair, clinic: Clinic, crowd: Crowd, tmp_path: Path
) -> None:
    """Not when it is asked for again, either. Then the primary is lost for good, and the standby has all there was."""
    terminal = Terminal(tmp_path, pair.url)
    close = {"date_from": "2030-01-01", "date_to": "2030-01-01", "reason": "Away"}
    asks = [booking(clinic, "Somebody"), Ask("POST", "/v1/closures", close, "close")]
    with (
        terminal.serving("--workers", "2") as (_, ready),
        Wire(port_of(ready), clinic.keys[0]) as wire,
        ThreadPoolExecutor(len(asks)) as pool,
    ):
        port = port_of(ready)
        crowd.work(port, clinic.next_week, after=ENOUGH, act=pair.standby.stop)
        for _ in range(2):
            for told, seconds in pool.map(partial(ask_on, port, clinic), asks):
                told.require_unavailable()
                assert seconds < PATIENCE + SOON
            told, seconds = ask_on(port, clinic, Ask("GET", f"{AVAILABILITY}?date={clinic.next_week}"))
            assert told.good()["slots"]
            assert seconds < SOON
        assert pair.primary.ask(STORED.format("Somebody"), DATABASE) == 1, "committed there, and not acknowledged"
        assert pair.primary.execute(WAITING) == [], "nobody is left behind, with locks"
        pair.primary.kill()
        pair.standby.start()
        pair.standby.promote()
        until(lambda: is_ready(wire), "the server has found the new primary")
        crowd.make_up(port)
        require_agreement(terminal, crowd)
        for ask in asks:
            told = wire.send(ask)
            told.good(201)
            assert not told.replayed


def test_a_commit_whose_wait_for_the_standby_was_cancelled_is_not_acknowledged(
    pair: Pair, clinic: Clinic, tmp_path: Path
) -> None:
    """The server itself says "COMMIT" to that, and a warning."""
    terminal = Terminal(tmp_path, pair.url)
    with terminal.serving() as (_, ready), ThreadPoolExecutor(1) as pool:
        pair.standby.stop()
        asked = pool.submit(ask_on, port_of(ready), clinic, booking(clinic, "Somebody"))
        until(lambda: pair.primary.execute(WAITING), "the commit waits")
        assert pair.primary.ask(f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) w") is True
        told, seconds = asked.result()
        told.require_unavailable()
        assert seconds < PATIENCE, "it was told at once, not because it took too long"
        assert pair.primary.ask(STORED.format("Somebody"), DATABASE) == 1
        pair.standby.start()
        pair.wait_for_standby()
        told, _ = ask_on(port_of(ready), clinic, booking(clinic, "Somebody"))
        assert told.good(201)
        assert told.replayed
        assert pair.standby.ask(STORED.format("Somebody"), DATABASE) == 1


def test_a_standby_that_lags_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """Why bookings want a synchronous standby: this one hears late of what the primary did."""
    with Pair(synchronous=False) as pair:
        clinic = clinic_on(pair.url)
        crowd = Crowd(clinic, CALLERS, in_doubt=True)
        sender = pair.primary.ask("SELECT pid FROM pg_stat_replication")
        terminal = Terminal(tmp_path, pair.url)
        with terminal.serving() as (_, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
            os.kill(sender, signal.SIGSTOP)
            crowd.work(port_of(ready), clinic.next_week, after=ENOUGH, act=pair.primary.kill)
            pair.standby.promote()
            until(lambda: is_ready(wire), "the server has found the new primary")
            with pytest.raises(AssertionError, match="answered, and not there"):
                crowd.require_all_is_stored()
            assert terminal.json("check") == {"differences": []}
        crowd.close()


def test_a_primary_that_hangs_is_left_for_the_promoted_standby(
    pair: Pair, clinic: Clinic, crowd: Crowd, tmp_path: Path
) -> None:
    """Its connections stay open and its port takes new ones, as with a machine whose disk or whose network is gone."""
    terminal = Terminal(tmp_path, pair.url)
    with terminal.serving() as (_, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
        hang = partial(pair.primary.signal, signal.SIGSTOP)
        crowd.work(port_of(ready), clinic.next_week, after=ENOUGH, act=hang)
        pair.standby.promote()
        start = time.monotonic()
        until(lambda: is_ready(wire), "the server has found the new primary")
        assert time.monotonic() - start < LONGEST_STATEMENT + PATIENCE + SOON
        crowd.make_up(port_of(ready))
        pair.primary.kill()
        require_agreement(terminal, crowd)


def test_a_server_that_crashes_and_starts_again_is_found_again_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    node = Node("alone", PACKAGED)
    try:
        node.execute(f"CREATE DATABASE {DATABASE}")
        clinic = clinic_on(node.url(DATABASE))
        crowd = Crowd(clinic, CALLERS, in_doubt=True)
        terminal = Terminal(tmp_path, node.url(DATABASE))
        with terminal.serving("--workers", "2") as (_, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
            for how in (signal.SIGQUIT, signal.SIGINT):
                crowd.work(port_of(ready), clinic.next_week, after=ENOUGH, act=partial(node.stop, how))
                crowd.work(port_of(ready), clinic.next_week)
                assert not is_ready(wire)
                node.start()
                until(lambda: is_ready(wire), "the server answers again")
                crowd.make_up(port_of(ready))
                require_agreement(terminal, crowd)
        crowd.close()
    finally:
        node.remove()


def test_a_server_that_is_connected_to_a_standby_refuses_every_change(pair: Pair, clinic: Clinic) -> None:
    """As where the URL asks for any host, or a name was moved to another machine; reading goes on."""
    world = World(f"{pair.standby.url(DATABASE)}?target_session_attrs=any")
    client = Client(world, clinic.keys[0])
    ask = booking(clinic, "Somebody")
    try:
        for path, body in ((ask.path, ask.body), ("/v1/services", {"name": "Vaccination"})):
            answer = client.request("POST", path, json=body, headers={"idempotency-key": path})
            refused(answer, 503, "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
        good(client.get("/readyz"))
        assert client.slots(clinic.next_week)
    finally:
        world.close()


def test_a_server_does_not_start_on_a_standby_and_takes_changes_as_soon_as_a_primary_does(
    pair: Pair, clinic: Clinic, tmp_path: Path
) -> None:
    said = Terminal(tmp_path, pair.standby.url(DATABASE)).refused("serve", "--port", "0")
    assert "may only be read: it is a standby" in said
    terminal = Terminal(tmp_path, pair.url)
    with terminal.serving() as (_, ready), Wire(port_of(ready), clinic.keys[0]) as wire:
        wire.send(booking(clinic, "First")).good(201)
        pair.primary.set("default_transaction_read_only", "on")
        wire.send(booking(clinic, "Second")).require_unavailable()
        wire.send(booking(clinic, "First")).require_unavailable()
        assert wire.send(Ask("GET", f"{AVAILABILITY}?date={clinic.next_week}")).good()["slots"]
        pair.primary.execute("ALTER SYSTEM RESET default_transaction_read_only")
        pair.primary.execute("SELECT pg_reload_conf()")
        until(lambda: wire.send(booking(clinic, "Second")).status == 201, "it is taken as soon as it can be")
