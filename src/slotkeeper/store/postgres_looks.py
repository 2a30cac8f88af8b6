"""Looks that wait together are one statement: most of what a short read costs is the way to the server and back.

The first one goes alone and at once. Those of the same organization that come while it is under way form the next
statement, which begins after all of them were asked for; so each sees the moment at which it is answered. One
organization's looks never wait for another's, and one statement never asks about two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from slotkeeper.store.database import SQL, Row, Rows, Value
from slotkeeper.store.postgres_sql import ORGANIZATION, ROWS, Spelled, gather, spell

Fetch = Callable[[Spelled, Mapping[str, Value]], Awaitable[Sequence[Row]]]
FindTypes = Callable[[Spelled], Awaitable[Sequence[str]]]


class _Asked(NamedTuple):
    values: Mapping[str, Value]
    answer: "asyncio.Future[Row | None]"


class Looks:
    """Answers looks; ``fetch`` runs a statement, ``find_types`` says of which types its parameters are."""

    def __init__(self, fetch: Fetch, find_types: FindTypes) -> None:
        self._fetch = fetch
        self._find_types = find_types
        self._gathered: dict[SQL, Spelled] = {}
        self._waiting: dict[tuple[SQL, Value], list[_Asked]] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def look(self, sql: SQL, values: Mapping[str, Value]) -> Row | None:
        """The first row of a statement, or None."""
        place = sql, values.get(ORGANIZATION)
        waiting = self._waiting.get(place)
        if waiting is not None:
            answer: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
            waiting.append(_Asked(values, answer))
            return await answer
        self._waiting[place] = []
        try:
            return await self._alone(sql, values)
        finally:
            self._go_on(place)

    def _go_on(self, place: tuple[SQL, Value]) -> None:
        """Begin the next statement, if anybody waits for it."""
        asked = self._waiting.pop(place)
        if asked:
            self._waiting[place] = []
            task = asyncio.create_task(self._do(place, asked))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _do(self, place: tuple[SQL, Value], asked: Sequence[_Asked]) -> None:
        try:
            found = await self._together(*place, asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer of those who asked
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(error)
        else:
            for number, one in enumerate(asked):
                if not one.answer.done():
                    one.answer.set_result(found.get(number))
        finally:
            for one in asked:
                one.answer.cancel()  # where this itself was cancelled; the others are done
            self._go_on(place)

    async def _alone(self, sql: SQL, values: Mapping[str, Value]) -> Row | None:
        rows = await self._fetch(spell(sql), values)
        return rows[0] if rows else None

    async def _together(self, sql: SQL, organization: Value, asked: Sequence[_Asked]) -> dict[int, Row]:
        """The first row of each that has one, by its place in the list."""
        if len(asked) == 1:
            row = await self._alone(sql, asked[0].values)
            return {} if row is None else {0: row}
        spelled = self._gathered.get(sql)
        if spelled is None:
            spelled = self._gathered[sql] = gather(sql, await self._find_types(spell(sql)))
        sets = Rows([[number, *map(one.values.__getitem__, spelled.each)] for number, one in enumerate(asked)])
        rows = await self._fetch(spelled, {ORGANIZATION: organization, ROWS: sets})
        return {row[0]: row[1:] for row in rows}
