"""The hunt for staleness: what servers answered, held against all that the database has said meanwhile.

A reply must be what the database said at some moment between the sending of its request and the receiving of the
answer. The changes come one after the other, so the states that the database went through are known, and each state is
read past everything that is kept. State n may be seen from the moment at which change n was begun, and nothing older
from the moment at which it was answered: so a reply that is wrong by one change is found, and a right one never blamed.

Within a state what is said changes without any write, at the millisecond at which a hold runs out, or a key. A server
reads its clock once for a request; its clock is the one of the test, so the reading lies between those of the test
before and after.
"""

import asyncio
import random
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import NamedTuple, Self

from slotkeeper.api.availability import read_question, write_availability
from slotkeeper.app import system_clock
from slotkeeper.domain import access
from slotkeeper.operations.availability import get_availability
from slotkeeper.store.database import SQL, Connection
from tests.engines import open_url
from tests.operations.wire import PATIENCE
from tests.world import AVAILABILITY

_ENDS = SQL("SELECT DISTINCT date, expires_at FROM holds WHERE org_id = :org_id AND expires_at > :now")


class Person:
    """Somebody who asks with a key; ``may`` read slots or not. A change may revoke it, and it may end by itself."""

    def __init__(
        self, key: str, org_id: str, *, may: bool = True, ends: int | None = None, key_id: str | None = None
    ) -> None:
        self.key, self.org_id, self.may, self.ends, self.key_id = key, org_id, may, ends, key_id
        self.revoked_by: int | None = None

    def status(self, state: int, now: int) -> int:
        """How a request must be answered."""
        revoked = self.revoked_by is not None and state >= self.revoked_by
        if revoked or (self.ends is not None and self.ends <= now):
            return 401
        return 200 if self.may else 403


class Heard(NamedTuple):
    """One answer: when it was asked for and when it was there, by both clocks."""

    sent: float
    got: float
    sent_ms: int
    got_ms: int
    port: int
    who: Person
    query: str
    status: int
    content: bytes


class State(NamedTuple):
    """What the database says between two changes: for an organization and a query, what it says from when on.

    ``storm``: more than one change was made, so what was said before they were all answered is not known.
    """

    label: str
    begun: float
    answered: float
    storm: bool
    said: dict[tuple[str, str], list[tuple[int, bytes]]]

    def ends(self, org_id: str, query: str, first: int, last: int) -> list[int]:
        """The moments in between at which something that is said changes by itself."""
        return [since for since, _ in self.said[org_id, query][1:] if first < since <= last]

    def says(self, org_id: str, query: str, now: int) -> bytes:
        return [content for since, content in self.said[org_id, query] if since <= now][-1]


class Truth:
    """What the database says, read past everything that is kept."""

    def __init__(self, url: str, queries: Sequence[str], org_ids: Sequence[str]) -> None:
        self._runner = asyncio.Runner()
        self._db = open_url(url)
        self._questions = {query: read_question(query.encode()) for query in queries}
        self._org_ids = org_ids

    def read(self, since: int) -> dict[tuple[str, str], list[tuple[int, bytes]]]:
        """What it says from a moment on, for as long as nobody writes."""
        return self._runner.run(self._read(since))

    async def _read(self, since: int) -> dict[tuple[str, str], list[tuple[int, bytes]]]:
        said = {}
        for org_id in self._org_ids:
            caller = access.operator(org_id)

            async def work(tx: Connection, org_id: str = org_id) -> list[tuple[str, int]]:
                return [(str(on), at) for on, at in await tx.fetch(_ENDS, org_id=org_id, now=since)]

            ends = await self._db.read(work)
            for query, question in self._questions.items():
                moments = sorted({since} | {at for on, at in ends if on == question.on.isoformat()})
                found = [(at, await get_availability(self._db, caller, question, now=at)) for at in moments]
                said[org_id, query] = [(at, write_availability(question, slots)) for at, slots in found]
        return said

    def close(self) -> None:
        self._runner.run(self._db.close())
        self._runner.close()


class Asker:
    """Asks the servers, one request after the other, and notes what was heard."""

    def __init__(self, ports: Sequence[int], heard: list[Heard]) -> None:
        self._lines = {port: HTTPConnection("127.0.0.1", port, timeout=PATIENCE) for port in ports}
        self._heard = heard
        self.since = system_clock()
        """When the request that is under way was sent, or the last one."""

    def ask(self, port: int, who: Person, query: str) -> Heard:
        """One request to its answer."""
        line = self._lines[port]
        self.since = sent_ms = system_clock()
        sent = time.perf_counter()
        line.request("GET", f"{AVAILABILITY}?{query}", headers={"Authorization": f"Bearer {who.key}"})
        answer = line.getresponse()
        content = answer.read()
        got, got_ms = time.perf_counter(), system_clock()
        found = Heard(sent, got, sent_ms, got_ms, port, who, query, answer.status, content)
        self._heard.append(found)
        return found

    def close(self) -> None:
        for line in self._lines.values():
            line.close()


class Hunt:
    """Readers that ask all the time, and the states that the database went through meanwhile."""

    def __init__(self, url: str, ports: Sequence[int], queries: Sequence[str], people: list[Person]) -> None:
        self.ports, self.queries, self.people = ports, queries, people
        self.counts: Counter[str] = Counter()
        self._heard: list[Heard] = []
        self._truth = Truth(url, queries, sorted({who.org_id for who in people}))
        self._own = Asker(ports, self._heard)
        self._readers = [Asker(ports, self._heard) for _ in ports]
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._keep_asking, args=(one,)) for one in self._readers]
        never = float("-inf")
        self.states = [State("the start", never, never, False, self._truth.read(system_clock() - 1000))]

    def __enter__(self) -> Self:
        for port in self.ports:
            for query in self.queries:
                for who in self.people:
                    self._own.ask(port, who, query)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        for asker in (self._own, *self._readers):
            asker.close()
        self._truth.close()

    def _keep_asking(self, asker: Asker) -> None:
        choose = random.Random()
        while not self._ended.is_set():
            query = self.queries[min(choose.randrange(len(self.queries)), choose.randrange(len(self.queries)))]
            asker.ask(choose.choice(self.ports), choose.choice(self.people), query)

    def begin(self) -> tuple[float, int]:
        """Just before a change: the moment, and how far back the clock of a request that may see it reaches."""
        return time.perf_counter(), min(system_clock(), *(one.since for one in self._readers))

    def note(self, label: str, begun: tuple[float, int], *, storm: bool = False) -> bool:
        """Just after a change was answered: ask every server at once, then see what the change did; whether it shows.

        All that was heard so far is judged. Nobody changes anything until this returns.
        """
        answered = time.perf_counter()
        for port in self.ports:
            for query in self.queries if storm else (self.queries[0], random.choice(self.queries)):
                self._own.ask(port, self.people[0], query)
        said = self._truth.read(begun[1])
        shows = {place: parts[0][1] for place, parts in said.items()} != {
            place: parts[0][1] for place, parts in self.states[-1].said.items()
        }
        self.states.append(State(label, begun[0], answered, storm, said))
        self._judge_all()
        return shows

    def revoke(self, key_id: str) -> None:
        """The change that is noted next revoked a key."""
        for who in self.people:
            if who.key_id == key_id:
                who.revoked_by = len(self.states)

    def _judge_all(self) -> None:
        heard = self._heard[:]
        del self._heard[: len(heard)]
        for one in heard:
            self._judge(one)

    def _judge(self, one: Heard) -> None:
        first = bisect_right(self.states, one.sent, key=lambda state: state.answered) - 1
        seen = self.states[first : bisect_right(self.states, one.got, key=lambda state: state.begun)]
        if any(state.storm for state in seen[1:]):
            self.counts["in a storm"] += 1
            return
        for number, state in enumerate(seen, first):
            ends = state.ends(one.who.org_id, one.query, one.sent_ms, one.got_ms)
            if one.who.ends is not None and one.sent_ms < one.who.ends <= one.got_ms:
                ends.append(one.who.ends)
            for now in (one.sent_ms, *ends):
                status = one.who.status(number, now)
                if one.status == status and (
                    status != 200 or one.content == state.says(one.who.org_id, one.query, now)
                ):
                    self._count(one, state, now)
                    return
        raise AssertionError(self._story(one, first, seen))

    def _count(self, one: Heard, state: State, now: int) -> None:
        self.counts[str(one.status)] += 1
        if one.status == 200 and any(since <= now for since, _ in state.said[one.who.org_id, one.query][1:]):
            self.counts["after a hold ran out"] += 1

    def _story(self, one: Heard, first: int, seen: Sequence[State]) -> str:
        """What is wrong with an answer: what else it may have said, and when it was true last."""
        place = one.who.org_id, one.query
        lines = [f"port {one.port} said {one.status} to ?{one.query}: {one.content.decode()}"]
        lines.append("the states that it may have seen:")
        for number, state in enumerate(seen, first):
            since = (one.sent - state.answered) * 1000
            lines.append(
                f"state {number}, {since:.1f} ms after {state.label!r}, {one.who.status(number, one.sent_ms)}:"
            )
            lines += [f"  from {at - one.sent_ms} ms on {content.decode()}" for at, content in state.said[place]]
        for number, state in reversed([*enumerate(self.states[:first])]):
            if any(content == one.content for _, content in state.said[place]):
                lines.append(f"true last in state {number}, before {self.states[number + 1].label!r}")
                break
        return "\n".join(lines)
