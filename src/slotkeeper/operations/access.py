"""API keys: who asks, and what they may do (contract.md section 3)."""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta

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
from slotkeeper.domain.calendar import instant_of, today
from slotkeeper.domain.errors import InvalidInput, NotFound, Unauthorized
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
    who: Caller | str,
    *,
    label: str,
    scopes: Sequence[Scope],
    channel: Channel,
    rate_limit: int,
    expires_at: int | None,
    now: int,
) -> tuple[ApiKey, str]:
    """Make a key; its text is returned here and nowhere else again, only its hash is stored.

    ``who`` is the admin who asks, or the id of an organization for the one at the command line.
    Raises InvalidInput for scopes that the admin does not have.
    """
    caller = _asking(who)
    org_id, beyond = caller.org_id, sorted(set(scopes) - caller.scopes)
    if beyond:
        raise InvalidInput.of("scopes", f"A key has no scopes that its maker lacks: leave out {', '.join(beyond)}.")
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
    act = Act(caller, "keys.create", key.key_id, now)

    async def work(tx: Connection) -> ApiKey:
        await store.insert_key(tx, org_id, key, key_hash=hash_key(text))
        await act.note(tx, *changed(None, key))
        return key

    return await act.write(db, work), text


def end_of_key(last: date, timezone: str, *, now: int) -> int:
    """The instant at which a key's last day ends. Raises InvalidInput for a day that is over."""
    if last < today(now, timezone):
        raise InvalidInput.of("expires", f"{last} is over in {timezone}: give the last day on which the key is valid.")
    return instant_of(last + timedelta(days=1), "00:00", timezone)


async def list_keys(db: Database, who: Caller | str) -> list[ApiKey]:
    """All keys of an organization, revoked and expired ones included, the oldest first."""
    org_id = _asking(who).org_id
    return await db.read(lambda tx: store.list_keys(tx, org_id))


async def revoke_key(db: Database, who: Caller | str, key_id: str, *, now: int) -> ApiKey:
    """Revoke a key from the next request on; revoking again changes nothing. Raises NotFound."""
    caller = _asking(who)
    org_id = caller.org_id
    act = Act(caller, "keys.revoke", key_id, now)

    async def work(tx: Connection) -> ApiKey:
        revoked = await store.revoke_key(tx, org_id, key_id, now=now)
        for key in await store.list_keys(tx, org_id):
            if key.key_id == key_id:
                if revoked:
                    await act.note(tx, None, {"revoked_at": key.revoked_at})
                return key
        raise NotFound(f"This organization has no API key with the id {key_id}; 'slotkeeper keys list' shows them.")

    return await act.write(db, work)


def _asking(who: Caller | str) -> Caller:
    """The admin who asks, or else the one at the command line. Raises InsufficientScope."""
    caller = operator(who) if isinstance(who, str) else who
    caller.require(Scope.ADMIN)
    return caller
