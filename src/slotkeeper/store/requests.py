"""The answers of requests with an Idempotency-Key, per API key (contract.md section 6)."""

from collections.abc import Sequence
from typing import NamedTuple

from slotkeeper.store.database import SQL, Connection, Value, pack

# A row without an answer is the lock of one request: a twin waits here until the first is committed, or gone. One
# that is older than answers are kept counts as not there. What is selected comes from tables: a distributed database
# does not know the type of a parameter there, and so it runs whole on the organization's node.
_CLAIM = SQL("""
    INSERT INTO requests (org_id, key_id, idempotency_key, fingerprint, created_at)
    SELECT o.org_id, r.key_id, r.idempotency_key, r.fingerprint, r.created_at
    FROM organizations o
    CROSS JOIN @rows(:requests, key_id UUID, idempotency_key TEXT, fingerprint TEXT, created_at INSTANT) r
    WHERE o.org_id = :org_id
    ON CONFLICT (org_id, key_id, idempotency_key) DO UPDATE SET
        fingerprint = excluded.fingerprint, status = NULL, answer = NULL, created_at = excluded.created_at
    WHERE requests.created_at <= :expired
""")

_ANSWERED = SQL("""
    SELECT q.idempotency_key, q.fingerprint, q.status, q.answer
    FROM @rows(:keys, idempotency_key TEXT) r CROSS JOIN requests q
    WHERE q.org_id = :org_id AND q.key_id = :key_id AND q.idempotency_key = r.idempotency_key
      AND q.status IS NOT NULL AND q.created_at > :expired
""")

_ANSWER = SQL("""
    INSERT INTO requests (org_id, key_id, idempotency_key, fingerprint, status, answer, created_at)
    @values(key_id UUID, idempotency_key TEXT, fingerprint TEXT, status INTEGER, answer TEXT, created_at INSTANT)
    ON CONFLICT (org_id, key_id, idempotency_key) DO UPDATE SET
        fingerprint = excluded.fingerprint, status = excluded.status, answer = excluded.answer,
        created_at = excluded.created_at
""")

_REPLACE = SQL("""
    UPDATE requests SET answer = :answer
    @each(key_id UUID, idempotency_key TEXT, answer TEXT)
    WHERE org_id = :org_id AND key_id = :key_id AND idempotency_key = :idempotency_key
""")

_FORGET = SQL("""
    DELETE FROM requests
    @each(key_id UUID, idempotency_key TEXT)
    WHERE org_id = :org_id AND key_id = :key_id AND idempotency_key = :idempotency_key AND status IS NULL
""")

# The age is asked for twice: a new request may take a row over while this statement waits for it.
_PURGE = SQL("""
    DELETE FROM requests
    WHERE org_id = :org_id AND (key_id, idempotency_key) IN (
        SELECT key_id, idempotency_key FROM requests
        WHERE org_id = :org_id AND created_at <= :expired ORDER BY created_at LIMIT :most
    )
    AND created_at <= :expired
""")

_MENTIONING = SQL("""
    SELECT key_id, idempotency_key, status, answer FROM requests
    WHERE org_id = :org_id AND status IS NOT NULL AND answer LIKE '%' || :text || '%'
    ORDER BY key_id, idempotency_key
""")


class Keyed(NamedTuple):
    """A request by its API key and its own key; ``fingerprint`` is of method, path and body."""

    key_id: str
    idempotency_key: str
    fingerprint: str


class Answered(NamedTuple):
    """A request that had its effect, and the answer that it got."""

    request: Keyed
    status: int
    answer: str


async def claim(
    tx: Connection, org_id: str, wanted: Sequence[Keyed], *, now: int, expired: int
) -> dict[tuple[str, str], Answered]:
    """Lock some requests; those of them that were answered after ``expired``, by API key and their own key."""
    requests = pack([(*one, now) for one in sorted(wanted)])
    if await tx.lock(_CLAIM, org_id=org_id, requests=requests, expired=expired) == len(wanted):
        return {}  # each was new, or is asked anew after its time
    return await find_answers(tx, org_id, wanted, expired=expired)


async def find_answers(
    tx: Connection, org_id: str, wanted: Sequence[Keyed], *, expired: int
) -> dict[tuple[str, str], Answered]:
    """Those of some requests that were answered after ``expired``, by API key and their own key."""
    found: dict[tuple[str, str], Answered] = {}
    for key_id in sorted({one.key_id for one in wanted}):
        keys = pack([(one.idempotency_key,) for one in wanted if one.key_id == key_id])
        for idempotency_key, *rest in await tx.fetch(
            _ANSWERED, org_id=org_id, key_id=key_id, keys=keys, expired=expired
        ):
            fingerprint, status, answer = rest
            found[key_id, idempotency_key] = Answered(Keyed(key_id, idempotency_key, fingerprint), status, answer)
    return found


async def keep_answers(tx: Connection, org_id: str, answers: Sequence[Answered], *, now: int) -> None:
    """Store what some claimed requests are answered with."""
    await tx.insert(_ANSWER, org_id, [(*one.request, one.status, one.answer, now) for one in answers])


async def replace_answers(tx: Connection, org_id: str, answers: Sequence[Answered]) -> None:
    """Store other texts of answers that are kept."""
    rows: list[dict[str, Value]] = [
        {
            "org_id": org_id,
            "key_id": one.request.key_id,
            "idempotency_key": one.request.idempotency_key,
            "answer": one.answer,
        }
        for one in answers
    ]
    await tx.execute_each(_REPLACE, rows)


async def forget(tx: Connection, org_id: str, refused: Sequence[Keyed]) -> None:
    """Give up the claims of requests that were refused: their retry is judged afresh."""
    rows: list[dict[str, Value]] = [
        {"org_id": org_id, "key_id": one.key_id, "idempotency_key": one.idempotency_key} for one in refused
    ]
    await tx.execute_each(_FORGET, rows)


async def purge(tx: Connection, org_id: str, *, expired: int, most: int) -> int:
    """Take away what nobody may ask for any more, the oldest first and at most some; how many."""
    return await tx.execute(_PURGE, org_id=org_id, expired=expired, most=most)


async def list_mentioning(tx: Connection, org_id: str, text: str) -> list[Answered]:
    """The requests whose answer contains a text without wildcards, such as an id."""
    return [
        Answered(Keyed(key_id, idempotency_key, ""), status, answer)
        for key_id, idempotency_key, status, answer in await tx.fetch(_MENTIONING, org_id=org_id, text=text)
    ]
