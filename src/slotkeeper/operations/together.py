"""Group commit: requests of one organization that wait together are done in one transaction.

The first request starts at once; those that come while it is being written form the next group. A sync of
the disk is then paid once for a group, and each request is answered only after the commit that holds it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import Connection, Database

Request = TypeVar("Request")
Result = TypeVar("Result")

MOST = 64
"""How many requests one group holds at most."""

Step = Callable[[Connection, str, Sequence[Request], int], Awaitable[Sequence[Result | Exception]]]


class Stale(Exception):
    """What the step went by was overtaken while it waited for its locks: it has to begin anew."""


class _Waiting(NamedTuple, Generic[Request, Result]):
    request: Request
    apart: Sequence[Hashable]
    now: int
    asked_at: float
    answer: "asyncio.Future[Result]"


@dataclass(slots=True)
class _Line(Generic[Request, Result]):
    """The requests of one organization that no group has taken yet."""

    waiting: list[_Waiting[Request, Result]] = field(default_factory=list)
    answered: int = 0
    """How many the last group held: those who may be about to ask again."""

    def take(self) -> list[_Waiting[Request, Result]]:
        """The next group, in the order of arrival; two requests that must stay apart never share one.

        It is at most half of those who wait or were just answered: the others are read while it is committed. Else
        all would be in one group, and then nobody in the next.
        """
        most = min(MOST, (len(self.waiting) + self.answered + 1) // 2)
        group: list[_Waiting[Request, Result]] = []
        later: list[_Waiting[Request, Result]] = []
        seen: set[Hashable] = set()
        for one in self.waiting:
            fits = len(group) < most and not any(name in seen for name in one.apart)
            (group if fits else later).append(one)
            seen.update(one.apart)
        self.waiting = later
        self.answered = len(group)
        return group


class Together(Generic[Request, Result]):
    """Runs a step for lists of requests, one list of an organization at a time."""

    def __init__(self, db: Database, step: Step[Request, Result]) -> None:
        self._db = db
        self._step = step
        self._lines: dict[str, _Line[Request, Result]] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, org_id: str, request: Request, *, now: int, apart: Sequence[Hashable] = ()) -> Result:
        """What became of a request, once that is durable. Raises what it was refused with.

        Two requests that have something in common to be kept ``apart`` by are never in one group. A caller who goes
        away changes nothing.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        line = self._lines.get(org_id)
        if line is None:
            line = self._lines[org_id] = _Line()
            task = asyncio.create_task(self._serve(org_id, line))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        line.waiting.append(_Waiting(request, apart, now, time.monotonic(), answer))
        return await answer

    async def _serve(self, org_id: str, line: _Line[Request, Result]) -> None:
        while line.waiting:
            await self._next(org_id, line)
            # Those who were answered go first, and the event loop sends what they say before it comes round again: they
            # may ask anew while the next group is done.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        del self._lines[org_id]

    async def _next(self, org_id: str, line: _Line[Request, Result]) -> None:
        """The next group of a line. Whoever comes until its transaction begins is in it: its turn may be long away."""
        group: list[_Waiting[Request, Result]] = []

        def members() -> list[_Waiting[Request, Result]]:
            if not group:
                group.extend(line.take())
            return group

        await self._do(org_id, members, asked_at=line.waiting[0].asked_at)

    async def _do(
        self, org_id: str, members: Callable[[], Sequence[_Waiting[Request, Result]]], *, asked_at: float
    ) -> None:
        """One group; where the database refuses it as a whole, its members one by one."""
        try:
            done = await self._db.write(lambda tx: self._run(tx, org_id, members()), asked_at=asked_at, brief=True)
            _settle(members(), done)
        except Stale:
            await self._do(org_id, members, asked_at=asked_at)
        except Unavailable as error:  # the next one would wait in vain just as long
            _settle(members(), [error] * len(members()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer of those who asked
            if len(members()) == 1:
                _settle(members(), [error])
                return
            for one in members():
                await self._do(org_id, lambda one=one: [one], asked_at=one.asked_at)  # type: ignore[misc]

    async def _run(
        self, tx: Connection, org_id: str, group: Sequence[_Waiting[Request, Result]]
    ) -> Sequence[Result | Exception]:
        return await self._step(tx, org_id, [one.request for one in group], max(one.now for one in group))


def _settle(group: Sequence[_Waiting[Request, Result]], results: Sequence[Result | Exception]) -> None:
    """Give each of a group its answer; one who went away gets none."""
    for one, result in zip(group, results, strict=True):
        if one.answer.done():
            continue
        if isinstance(result, Exception):
            one.answer.set_exception(result)
        else:
            one.answer.set_result(result)
