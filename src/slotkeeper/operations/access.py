"""API keys: who asks, and what they may do (contract.md section 3)."""

import secrets
from collections.abc import Sequence

from slotkeeper.domain.access import (
    BASE62,
    KEY_PREFIX,
    SECRET_LENGTH,
    Caller,
    Scope,
    hash_key,
    make_key,
    operator,
    organization_of_key,
)
from slotkeeper.domain.errors import NotFound, Unauthorized
from slotkeeper.domain.model import ApiKey, Channel
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.availability import Proof, Question
from slotkeeper.operations.ids import new_id
from slotkeeper.store import access as store
from slotkeeper.store.database import Connection, Database


async def authenticate(db: Database, key: str | None, *, now: int, request_id: str = "") -> Caller:
    """Who holds a key, as the database has it at this moment, and asks by a request.

    Raises Unauthorized, with one answer for all: no key, an unknown, revoked or expired one.
    """
    org_id, key_hash = _identify(key)
    caller = await store.find_caller(db, org_id, key_hash, now=now, request_id=request_id)
    if caller is None:
        raise Unauthorized
    return caller


async def authenticate_for(
    db: Database, key: str | None, question: Question, *, now: int, request_id: str
) -> tuple[Caller, Proof]:
    """Who holds a key, and what proves a kept reply to a question fresh, read in one statement. Raises Unauthorized."""
    org_id, key_hash = _identify(key)
    found = await store.find_caller_and_revisions(
        db, org_id, key_hash, on=question.on, branch_id=question.branch_id, now=now, request_id=request_id
    )
    if found is None:
        raise Unauthorized
    return found


def _identify(key: str | None) -> tuple[str, str]:
    """The organization that a key's text carries, and the hash that the key is known by. Raises Unauthorized."""
    org_id = None if key is None else organization_of_key(key)
    if key is None or org_id is None:
        raise Unauthorized
    return org_id, hash_key(key)


async def create_key(
    db: Database,
    org_id: str,
    *,
    label: str,
    scopes: Sequence[Scope],
    channel: Channel,
    rate_limit: int,
    expires_at: int | None,
    now: int,
) -> tuple[ApiKey, str]:
    """Make a key; its text is returned here and nowhere else again, only its hash is stored."""
    text = make_key(org_id, "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH)))
    key = ApiKey(
        new_id(),
        label,
        f"{KEY_PREFIX}…{text[-4:]}",
        tuple(sorted(set(scopes))),
        channel,
        rate_limit,
        expires_at,
        None,
        now,
    )
    act = Act(operator(org_id), "keys.create", key.key_id, now)

    async def work(tx: Connection) -> None:
        await store.insert_key(tx, org_id, key, key_hash=hash_key(text))
        await act.note(tx, *changed(None, key))

    await act.write(db, work)
    return key, text


async def list_keys(db: Database, org_id: str) -> list[ApiKey]:
    """All keys of an organization, revoked and expired ones included, the oldest first."""
    return await db.read(lambda tx: store.list_keys(tx, org_id))


async def revoke_key(db: Database, org_id: str, key_id: str, *, now: int) -> ApiKey:
    """Revoke a key from the next request on; revoking again changes nothing. Raises NotFound."""
    act = Act(operator(org_id), "keys.revoke", key_id, now)

    async def work(tx: Connection) -> ApiKey:
        revoked = await store.revoke_key(tx, org_id, key_id, now=now)
        for key in await store.list_keys(tx, org_id):
            if key.key_id == key_id:
                if revoked:
                    await act.note(tx, None, {"revoked_at": key.revoked_at})
                return key
        raise NotFound(f"This organization has no API key with the id {key_id}; 'slotkeeper keys list' shows them.")

    return await act.write(db, work)
