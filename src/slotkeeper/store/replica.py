"""A PostgreSQL with a replica beside it: a standby that answers what may lag, as long as it is as good as the primary.

Every reading on the replica proves first, in the very session that reads, that it may be believed: it is a standby of
this cluster, on the same timeline and database, and it has replayed all that was committed on the primary when the
question came, the schema's steps too. That is told by positions in the write-ahead log. No clock has a part in it, and
a primary on which nothing happens makes nobody look late. Where the replica cannot prove it within a moment, the
primary answers, and the replica is left alone for some seconds.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple, TypeVar

import asyncpg

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Connection, Work
from slotkeeper.store.postgres import ASIDE, LONGEST_ASIDE, READ, PostgresDatabase
from slotkeeper.store.postgres_session import PATIENCE, PostgresConnection

T = TypeVar("T")
log = logging.getLogger(__name__)

MOMENT = 1.0
"""For how many seconds a replica may keep somebody waiting until it has proven itself."""
BEHIND = 0.5
"""For how many seconds of them it may be behind."""
LOOK_EVERY = 0.02
"""After how many seconds a replica that is behind is asked again, within the moment."""
PULSE_EVERY, LAST_PULSE = 1.0, 4.0
"""How often a replica that reads long has to give a sign of life; for how long nobody minds that there is none."""
LEAVE_ALONE = 10.0
"""For how many seconds a replica that was of no use is not asked."""

_PULSE = SQL("SELECT 1")
_STANDING = SQL("""
    SELECT pg_is_in_recovery(), system.system_identifier, pg_postmaster_start_time()::text, current_database()::text,
        history.timeline_id,
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0'::pg_lsn
            ELSE pg_current_wal_flush_lsn() - '0/0'::pg_lsn END::bigint
    FROM pg_control_system() AS system, pg_control_checkpoint() AS history
""")


class Standing(NamedTuple):
    """What a server says of itself; ``position`` is how far it has come in the write-ahead log, in bytes."""

    is_standby: bool
    cluster: int
    started: str
    database: str
    timeline: int
    position: int | None


class NotUsed(Exception):
    """The replica does not answer this time; the text ends the sentence "the replica is not used: …"."""


async def get_standing(tx: Connection) -> Standing:
    """What the server says of itself."""
    ((*said,),) = await tx.fetch(_STANDING)
    return Standing(*said)


def refuse(own: Standing, primary: Standing) -> None:
    """Refuse a server that is no replica of the primary. Raises NotUsed."""
    if own.cluster != primary.cluster:
        raise NotUsed("it belongs to another cluster than the database; name a standby of the database's own server")
    if not own.is_standby and own.started == primary.started:
        raise NotUsed("it is the primary itself; name a standby of it")
    if not own.is_standby:
        raise NotUsed("it is no standby any more: it was promoted; make a new standby, or name it as the database")
    if primary.is_standby:
        raise NotUsed("the database itself is a standby; name the primary as the database")
    if own.database != primary.database:
        raise NotUsed(f"it leads to the database {own.database} of the server, and not to {primary.database}")
    if own.timeline != primary.timeline:
        raise NotUsed(f"it is on timeline {own.timeline} still, and the primary on {primary.timeline}")


class Standby(PostgresDatabase):
    """The server of the replica."""

    def __init__(self, url: str, *, pooler: bool) -> None:
        if "target_session_attrs=" not in url:  # what of its hosts it may lead to: not to primaries only
            url += f"{'&' if '?' in url else '?'}target_session_attrs=any"
        super().__init__(url, pooler=pooler)
        # Where all sessions of a pooler read long, none is left for a sign of life: there it is the pooler's task.
        self._pulse = None if pooler else PostgresDatabase(url, most=1)

    async def read_after(self, primary: Standing, work: Work[T]) -> T:
        """Run reading work that misses nothing of what the primary had. Raises NotUsed, TimeoutError, Unavailable."""
        patience = asyncio.timeout(MOMENT)
        checked = partial(self._check_and_work, primary=primary, work=work, patience=patience)
        async with patience:
            return await self._answer(
                lambda: self._transact(READ, checked, more=ASIDE, longest=LONGEST_ASIDE + PATIENCE)
            )

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        if self._pulse is not None:
            await self._pulse.close()

    async def _check_and_work(
        self, tx: PostgresConnection, *, primary: Standing, work: Work[T], patience: asyncio.Timeout
    ) -> T:
        try:
            await self._catch_up(tx, primary)
            async with self._watched(patience):
                return await work(tx)
        except asyncpg.PostgresError as error:  # also where a long reading is in the way of what is to be replayed
            raise NotUsed(str(error)) from error

    async def _catch_up(self, tx: PostgresConnection, primary: Standing) -> None:
        """Wait until the replica has come as far as the primary had. Raises NotUsed where it does not."""
        deadline = time.monotonic() + BEHIND
        while True:
            own = await get_standing(tx)
            refuse(own, primary)
            # What is read from here on is younger than this position: a new transaction in the same session.
            await tx.run(f"COMMIT AND CHAIN{self._session}{ASIDE}")
            if (own.position or 0) >= (primary.position or 0):
                return
            if time.monotonic() > deadline:
                raise NotUsed("it lags behind the primary")
            await asyncio.sleep(LOOK_EVERY)

    @contextlib.asynccontextmanager
    async def _watched(self, patience: asyncio.Timeout) -> AsyncIterator[None]:
        """Be patient for as long as the server gives signs of life beside its work."""
        if self._pulse is None:
            patience.reschedule(None)
            yield
            return
        patience.reschedule(_in(LAST_PULSE))
        feeling = asyncio.create_task(self._feel(self._pulse, patience))
        try:
            yield
        finally:
            feeling.cancel()

    @staticmethod
    async def _feel(server: PostgresDatabase, patience: asyncio.Timeout) -> None:
        while not patience.expired():
            await asyncio.sleep(PULSE_EVERY)
            with contextlib.suppress(Unavailable):
                await server.look(_PULSE)
                if not patience.expired():
                    patience.reschedule(_in(LAST_PULSE))


def _in(seconds: float) -> float:
    """The moment in so many seconds, on the clock of the event loop."""
    return asyncio.get_running_loop().time() + seconds


class ReplicatedDatabase(PostgresDatabase):
    """The server engine with a replica for what may lag."""

    def __init__(self, url: str, replica_url: str, *, pooler: bool = False) -> None:
        super().__init__(url, pooler=pooler)
        self._standby = Standby(replica_url, pooler=pooler)
        self._fault: str | None = None
        self._ask_after = 0.0

    async def read_lagging(self, work: Work[T]) -> T:
        """See the protocol; the replica answers where it can, and the primary wherever it cannot."""
        if self._may_ask():
            try:
                answer = await self._standby.read_after(await self.read(get_standing), work)
            except (NotUsed, TimeoutError, Unavailable, asyncpg.PostgresError) as error:
                self._leave(error)
            else:
                self._trust()
                return answer
        return await self.read_aside(work)

    async def find_fault(self) -> str | None:
        """Why the replica is not used, as a sentence; None where it is."""
        await self.read_lagging(get_standing)
        return None if self._fault is None else f"The replica is not used: {self._fault}."

    async def close(self) -> None:
        """Close the connections to both."""
        await super().close()
        await self._standby.close()

    def _may_ask(self) -> bool:
        """Whether to ask the replica; one that was of no use last time is asked by one reading at a time."""
        now = time.monotonic()
        if self._fault is None:
            return True
        if now < self._ask_after:
            return False
        self._ask_after = now + LEAVE_ALONE
        return True

    def _leave(self, error: Exception) -> None:
        fault = str(error) if isinstance(error, NotUsed) else "it does not answer"
        if fault != self._fault:
            log.warning("the replica is not used, the primary answers for it: %s", fault)
        self._fault = fault
        self._ask_after = time.monotonic() + LEAVE_ALONE

    def _trust(self) -> None:
        if self._fault is not None:
            log.warning("the replica is used again")
        self._fault = None
