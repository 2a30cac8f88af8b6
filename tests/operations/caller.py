"""Callers of a server that may be killed, or run out of disk, at any moment: each books over one connection.

What a caller asks is a row of visits. It remembers every answer. A visit that was cut off goes on where it was, with
the very same request again, once there is a server that can answer.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from slotkeeper.app import system_clock
from tests import direct
from tests.operations.wire import PATIENCE, Ask, Told, Unanswered, Wire
from tests.world import APPOINTMENTS, Cast, Client, World

HOLDS = "/v1/holds"
CLOCK_TIMES = {"Morning": "09:30", "Evening": "17:30"}


class Stay(NamedTuple):
    """What a caller knows of an appointment."""

    date: str
    session: str
    status: str


class Clinic(NamedTuple):
    """A clinic in its own database, with a narrow window each morning of one weekday and a wide one each evening."""

    url: str
    org_id: str
    service: str
    keys: list[str]
    first: date
    places: dict[str, int]

    @property
    def next_week(self) -> str:
        return self.first.isoformat()


Visit = Generator[Ask, Told, None]


class Caller:
    """Books, holds, moves and cancels for one patient after the other, with an API key of its own."""

    def __init__(self, clinic: Clinic, number: int, heard: Callable[[], None], *, in_doubt: bool) -> None:
        self.in_doubt = in_doubt
        self.clinic, self.name, self.key, self.heard = clinic, f"Caller {number}", clinic.keys[number], heard
        self.random = random.Random(number)
        self.numbers = itertools.count(1)
        self.known: dict[str, Stay] = {}
        self.done: list[tuple[Ask, Told]] = []  # the POSTs that had an effect; their answers stand for a day
        self.counts: Counter[str] = Counter()
        self.pending: tuple[Visit, Ask] | None = None
        self.refused = False  # the pending request got 503, so it must not have been done
        self.hoped: tuple[str, Stay] | None = None  # what becomes of an appointment if the pending request was done
        self.seen_up_to = self.replayed_up_to = 0

    def work(self, port: int, on: str) -> None:
        """Visit after visit on a date, until the server cannot answer any more."""
        with Wire(port, self.key) as wire:
            end = time.monotonic() + PATIENCE
            self._go_on(wire)
            while time.monotonic() < end:
                visit = self._visit(on)
                self._go(wire, visit, next(visit))
        raise AssertionError("the server answered to the end")

    def make_up(self, port: int) -> None:
        """Look after everything that was answered since it was last done, then end what was cut off."""
        with Wire(port, self.key) as wire:
            for appointment_id in list(self.known)[self.seen_up_to :]:
                data = wire.send(Ask("GET", f"{APPOINTMENTS}/{appointment_id}")).good()["data"]
                stay = Stay(data["date"], data["session"], data["status"])
                hoped = not self.refused and self.hoped == (appointment_id, stay)
                assert hoped or stay == self.known[appointment_id], (self.name, appointment_id, stay)
            earlier = self.random.sample(self.done[: self.replayed_up_to], min(5, self.replayed_up_to))
            for ask, told in earlier + self.done[self.replayed_up_to :]:
                again = wire.send(ask)
                assert again == told._replace(replayed=True), (self.name, ask, told, again)
                self.counts["answered again"] += 1
            self.seen_up_to, self.replayed_up_to = len(self.known), len(self.done)
            self._go_on(wire)

    def _go_on(self, wire: Wire) -> None:
        """Ask the request again whose answer is missing, and end its visit."""
        if self.pending is None:
            return
        visit, ask = self.pending
        refused = self.refused
        told = self._go(wire, visit, ask)
        assert not (refused and told.replayed), (self.name, ask, told)
        if ask.once is not None:
            self.counts["done unheard" if told.replayed else "asked anew"] += 1

    def _go(self, wire: Wire, visit: Visit, first: Ask) -> Told:
        """A visit from one of its requests to its end; the answer to that request. Raises Unanswered."""
        answers: list[Told] = []
        ask = first
        while True:
            self.pending, self.refused = (visit, ask), False
            told = wire.send(ask)
            if told.status == 503:
                told.require_unavailable()
                self.counts["503"] += 1
                self.refused = not self.in_doubt
                raise Unanswered
            if ask.once is not None and told.status == 201:
                self.done.append((ask, told._replace(replayed=False)))
                self.heard()
            self.counts[f"{ask.method} {ask.path.split('/')[2]} {told.status}"] += 1
            answers.append(told)
            try:
                ask = visit.send(told)
            except StopIteration:
                self.pending = None
                return answers[0]

    def _post(self, number: int, path: str, body: dict[str, Any]) -> Ask:
        return Ask("POST", path, body, f"{path} {number}")

    def _visit(self, on: str) -> Visit:
        """One patient who books, by a hold or without one, and then moves or cancels, or does not."""
        number = next(self.numbers)
        session = self.random.choice(list(CLOCK_TIMES))
        what = {"appointment_type": self.clinic.service, "appointment_date": f"{on}T{CLOCK_TIMES[session]}:00Z"}
        if self.random.random() < 0.3:
            held = yield self._post(number, HOLDS, what | {"ttl_seconds": 900})
            if held.code == "SLOT_FULL":
                return
            hold_id = held.good(201)["data"]["hold_id"]
            if self.random.random() < 0.2:
                (yield Ask("DELETE", f"{HOLDS}/{hold_id}")).good()
                return
            what = {"hold_id": hold_id}
        who = {"patient_name": f"{self.name}, visit {number}", "parent_phone": "+49 30 1234567"}
        booked = yield self._post(number, APPOINTMENTS, what | who)
        if booked.code == "SLOT_FULL" and "hold_id" not in what:
            return
        data = booked.good(201)["data"]
        self.known[data["appointment_id"]] = Stay(data["date"], data["session"], data["status"])
        if self.random.random() < 0.3:
            other = next(name for name in CLOCK_TIMES if name != session)
            instant = f"{on}T{CLOCK_TIMES[other]}:00Z"
            move = {"appointment_date": instant, "session": other}
            yield from self._change(data["appointment_id"], move, Stay(on, other, "rescheduled"))
        if self.random.random() < 0.5:
            stay = self.known[data["appointment_id"]]._replace(status="cancelled")
            yield from self._change(data["appointment_id"], {"status": "cancelled"}, stay)

    def _change(self, appointment_id: str, body: dict[str, Any], hoped: Stay) -> Visit:
        """A PATCH; what is known of the appointment follows its answer."""
        self.hoped = appointment_id, hoped
        told = yield Ask("PATCH", f"{APPOINTMENTS}/{appointment_id}", body)
        self.hoped = None
        if told.code == "SLOT_FULL" and "session" in body:
            return
        data = told.good()["data"]
        assert Stay(data["date"], data["session"], data["status"]) == hoped
        self.known[appointment_id] = hoped


class Crowd:
    """Callers who ask at the same time.

    ``in_doubt`` where a request that got 503 may have been done all the same: the database is on other machines, and
    the connection to it may be lost in the middle of a commit.
    """

    def __init__(self, clinic: Clinic, many: int, *, in_doubt: bool = False) -> None:
        self.clinic = clinic
        self.callers = [Caller(clinic, number, self._heard, in_doubt=in_doubt) for number in range(many)]
        self._pool = ThreadPoolExecutor(many)
        self._act: Callable[[], None] | None = None
        self._act_at = 0
        self._acting = Lock()

    def work(self, port: int, on: str, *, after: int = 0, act: Callable[[], None] | None = None) -> None:
        """Let all of them work, until the server cannot answer any more.

        ``act`` is done once, by the caller who hears the ``after``-th answer, in the very moment.
        """
        self._act_at, self._act = self.done() + after, act
        join([self._pool.submit(caller.work, port, on) for caller in self.callers])
        assert self._act is None, "every caller stopped early"

    def _heard(self) -> None:
        if self._act is None or self.done() < self._act_at:
            return
        with self._acting:
            act, self._act = self._act, None
        if act is not None:
            act()

    def make_up(self, port: int) -> None:
        """Let all of them look after what was answered since they last did, and end what was cut off."""
        join([self._pool.submit(caller.make_up, port) for caller in self.callers])

    def counts(self) -> Counter[str]:
        return sum((caller.counts for caller in self.callers), Counter())

    def done(self) -> int:
        """How many requests had their effect and were answered."""
        return sum(len(caller.done) for caller in self.callers)

    def taken(self, on: str) -> dict[str, int]:
        """The places of a date that are taken, by what was answered."""
        stays = [stay for caller in self.callers for stay in caller.known.values()]
        return dict(Counter(stay.session for stay in stays if stay.date == on and stay.status != "cancelled"))

    def require_all_is_stored(self) -> None:
        """Make sure that what is stored is what was answered, no more and no less, and within the places."""
        url = self.clinic.url
        sql = "SELECT appointment_id, a.date, session, a.status FROM appointments a JOIN windows USING (calendar_id)"
        stored = {row[0]: Stay(*row[1:]) for row in direct.rows(url, sql)}
        answered = {name: stay for caller in self.callers for name, stay in caller.known.items()}
        assert answered.keys() - stored.keys() == set(), "answered, and not there"
        assert stored.keys() - answered.keys() == set(), "there, and never answered"
        assert stored == answered
        taken = Counter((stay.date, stay.session) for stay in stored.values() if stay.status != "cancelled")
        assert all(many <= self.clinic.places[session] for (_, session), many in taken.items()), taken
        twice = "SELECT phone_key, name_key FROM appointments GROUP BY phone_key, name_key HAVING count(*) > 1"
        assert direct.rows(url, twice) == []
        assert direct.rows(url, "SELECT hold_id FROM holds") == []

    def close(self) -> None:
        self._pool.shutdown()


def join(running: "Sequence[Future[None]]") -> None:
    """Wait for all; raises what one of them raised, unless it is that there was no answer."""
    wait(running)
    for one in running:
        error = one.exception()
        if error is not None and not isinstance(error, Unanswered):
            raise error


def open_clinic(world: World, cast: Cast, *, callers: int, narrow: int, wide: int = 10_000) -> Clinic:
    """Make the clinic in a world's database, at the present time, with a key for each caller; the world is closed."""
    try:
        world.clock.now = system_clock()
        owner = Client(world, cast.owner)
        owner.branch("Main Street")
        service = owner.service("Checkup")
        first = datetime.now(UTC).date() + timedelta(days=7)
        day = first.strftime("%A").lower()
        owner.window(day=day, max_slots=narrow)
        owner.window(day=day, max_slots=wide, session="Evening", start_time="17:00", end_time="19:00")
        keys = [world.key(cast.owner_org).key or "" for _ in range(callers)]
    finally:
        world.close(keep=True)
    return Clinic(world.url, cast.owner_org, service, keys, first, {"Morning": narrow, "Evening": wide})
