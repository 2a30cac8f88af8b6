"""A server of the test's own in a thread, and all tools run through, whatever carries the calls there."""

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import uvicorn

from slotkeeper.api import server
from slotkeeper.app import create_app, open_database
from slotkeeper.settings import Settings
from tests.world import World

PATIENCE = 15

Step = tuple[str, dict[str, Any]]
Script = Generator[Step, dict[str, Any], None]


@contextlib.contextmanager
def served(world: World, settings: Settings | None = None, *, port: int = 0) -> Iterator[str]:
    """The address of a server on the database of a world, with its clock."""
    app = create_app(open_database(world.url), settings or Settings(), clock=world.clock)
    listener = socket.create_server(("127.0.0.1", port))
    running = uvicorn.Server(server.configure(app))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def every_tool() -> Script:
    """Calls of all tools at the clinic of ``tooling.py``, each of which is done; the answers come back in."""
    slot = {"date": "next Monday", "time": "half past nine", "service": "General Checkup"}
    patient = {"patient_name": "Mia Braun", "phone": "+49 30 1234567"}
    yield "list_branches", {}
    yield "list_services", {}
    yield "check_availability", {"date": "next Monday", "service": "General Checkup"}
    yield "find_next_available", {"service": "General Checkup"}
    yield "explain_unavailable", {"date": "next Monday", "time": "9:30", "service": "General Checkup"}
    held = yield "hold_slot", slot
    yield "release_hold", {"hold_id": held["data"]["hold_id"]}
    held = yield "hold_slot", {**slot, "time": "10 o'clock"}
    booked = yield "book_appointment", {**patient, "hold_id": held["data"]["hold_id"]}
    yield "find_appointment", patient
    own = {"appointment_id": booked["data"]["appointment_id"]}
    yield "reschedule_appointment", {**own, "date": "next Monday", "time": "3 pm"}
    yield "cancel_appointment", own
    yield "set_places", {"date": "next Monday", "time": "in the morning", "places": 12}
    yield "close_day", {"date": "next Monday"}


def run_through(script: Script, call: Callable[[str, dict[str, Any]], dict[str, Any]]) -> set[str]:
    """Run a script to its end; which tools were called."""
    called = set()
    step = next(script)
    with contextlib.suppress(StopIteration):
        while True:
            called.add(step[0])
            step = script.send(call(*step))
    return called
