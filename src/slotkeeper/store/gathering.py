"""Looks that wait together are answered together: one statement for all who ask the same of an organization.

A round trip to a server costs a process far more than a row does. The first who asks starts at once; those who come
while it is under way are answered by the next statement, which begins after the last of them asked. So each sees the
database as it was after asking, never before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain

from slotkeeper.store.database import SQL, Row, Rows, Value

Waiting = dict[tuple[Value, ...], list["asyncio.Future[Row | None]"]]
"""Who waits for the row of which values; those who ask for the same row share it."""

Fetch = Callable[[SQL, str, Rows], Awaitable[Sequence[Row]]]
"""Runs a statement with ``@asked`` for sets of values: each row found, behind the number of its set, from 1."""


class Gathering:
    """Gathers the looks of one process."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lines: dict[tuple[SQL, str], Waiting] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def look(self, sql: SQL, org_id: str, asked: tuple[Value, ...]) -> Row | None:
        """The row of one set of values, or None. Raises what the statement raises."""
        answer: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        line = self._lines.get((sql, org_id))
        if line is None:
            line = self._lines[sql, org_id] = {}
            task = asyncio.create_task(self._serve(sql, org_id))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        line.setdefault(asked, []).append(answer)
        return await answer

    async def _serve(self, sql: SQL, org_id: str) -> None:
        while waiting := self._lines[sql, org_id]:
            self._lines[sql, org_id] = {}
            try:
                rows = await self._fetch(sql, org_id, Rows(list(waiting)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer of those who asked
                for answer in chain.from_iterable(waiting.values()):
                    if not answer.done():
                        answer.set_exception(error)
            else:
                found = {row[0]: tuple(row)[1:] for row in rows}
                for number, answers in enumerate(waiting.values(), 1):
                    for answer in answers:
                        if not answer.done():
                            answer.set_result(found.get(number))
        del self._lines[sql, org_id]
