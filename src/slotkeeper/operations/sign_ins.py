"""Signing in and out: by a password or a one-time link, throttled, and ended in time."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import InvalidInput, NotFound, TooManyTries
from slotkeeper.domain.sign_ins import (
    IDLE,
    LONGEST,
    SEEN_EVERY,
    Counter,
    Purpose,
    counters_of,
    has_ended,
    hash_secret,
    organization_of,
)
from slotkeeper.domain.users import Role, User, check_password, parse_email, staff
from slotkeeper.operations.acts import Act
from slotkeeper.operations.passwords import hash_password, is_password, is_weak
from slotkeeper.operations.users import new_secret
from slotkeeper.store import directory, users
from slotkeeper.store import sign_ins as store
from slotkeeper.store.database import Connection, Database

WRONG = "The e-mail or the password is not right."
USED_UP = "This link was used already, or has expired: ask an admin of your clinic for a new one."


class SignedIn(NamedTuple):
    """Who is signed in, and where; ``token`` is what the browser holds."""

    caller: Caller
    user: User
    organization: str
    token: str


class Link(NamedTuple):
    """Where a one-time link leads."""

    user: User
    purpose: Purpose
    organization: str


async def find_signed_in(
    db: Database, token: str, *, now: int, request_id: str = "", counts: bool = True
) -> SignedIn | None:
    """Who a token stands for at this moment, None where nobody. ``counts``: the request shows that they are there."""
    org_id = organization_of(token)
    if org_id is None:
        return None
    token_hash = hash_secret(token)
    seen = await store.find_sign_in(db, org_id, token_hash)
    if seen is None or has_ended(seen.created_at, seen.seen_at, now):
        return None
    if counts and now >= seen.seen_at + SEEN_EVERY:
        await db.write(partial(store.touch, org_id=org_id, token_hash=token_hash, now=now), brief=True, lasting=False)
    caller = staff(org_id, seen.user.user_id, seen.user.role, request_id)
    return SignedIn(caller, seen.user, seen.organization, token)


async def list_ended(db: Database, org_id: str, people: Collection[SignedIn], *, now: int) -> set[str]:
    """The tokens of those who are not signed in any more to an organization, or by another role: in one statement."""
    roles = {who.token: who.user.role for who in people}
    hashes = {hash_secret(token): token for token in roles}
    standing = await db.read(lambda tx: store.list_standing(tx, org_id, sorted(hashes)))
    ended = set()
    for token_hash, token in hashes.items():
        created_at, seen_at, role = standing.get(token_hash, (0, 0, None))
        if role != roles[token] or has_ended(created_at, seen_at, now):
            ended.add(token)
    return ended


async def find_organization(db: Database, org_id: str | None) -> tuple[str, str] | None:
    """The id and name of the organization to sign in to: the one of an id, or else the only one there is."""

    async def work(tx: Connection) -> tuple[str, str] | None:
        found = org_id or await store.find_only_organization(tx)
        name = None if found is None else await store.find_open(tx, found)
        return None if found is None or name is None else (found, name)

    return await db.read(work)


async def sign_in(
    db: Database, org_id: str, *, email: str, password: str, address: str, now: int, request_id: str = ""
) -> str:
    """Sign a person in; the new token. ``address`` is where they ask from.

    Raises InvalidInput with one sentence for whatever is wrong, TooManyTries, Unavailable.
    """
    counters = counters_of(email, address)
    await _admit(db, org_id, counters, now=now)
    named = parse_email(email) or ""  # what can be no e-mail is nobody's
    account = await db.read(lambda tx: users.find_account(tx, org_id, named))
    known = account.password_hash if account is not None and account.disabled_at is None else None
    if not await is_password(known, password) or account is None or known is None:
        raise InvalidInput.of("", WRONG)
    better = await hash_password(password) if is_weak(known) else known

    async def work(tx: Connection) -> str:
        if (
            await users.lock_account(tx, org_id, account.user_id) != account
            or await store.find_open(tx, org_id) is None
        ):
            raise InvalidInput.of("", WRONG)
        if better != known:
            await users.set_password(tx, org_id, account.user_id, better)
        await store.forgive_tries(tx, org_id, *(counter.subject for counter in counters))
        return await _begin(tx, org_id, account.user_id, now=now, request_id=request_id)

    return await db.write(work)


async def get_link(db: Database, secret: str, *, now: int) -> Link:
    """Where a one-time link leads, without using it up. Raises NotFound."""
    org_id = organization_of(secret)
    if org_id is None:
        raise NotFound(USED_UP)

    async def work(tx: Connection) -> Link:
        found = await store.find_link(tx, org_id, hash_secret(secret), now=now)
        user = None if found is None else await users.find_user(tx, org_id, found[0])
        organization = await store.find_open(tx, org_id)
        if found is None or user is None or user.disabled_at is not None or organization is None:
            raise NotFound(USED_UP)
        return Link(user, found[1], organization)

    return await db.read(work)


async def use_link(db: Database, secret: str, *, password: str, now: int, request_id: str = "") -> str:
    """Let the person of a link choose their password, once, and sign them in; the new token.

    Raises NotFound, InvalidInput for a weak password, Unavailable.
    """
    link = await get_link(db, secret, now=now)
    user = link.user
    org_id = organization_of(secret) or ""
    check_password(password, user)
    password_hash = await hash_password(password)

    async def work(tx: Connection) -> str:
        account = await users.lock_account(tx, org_id, user.user_id)
        if account is None or account.disabled_at is not None:
            raise NotFound(USED_UP)
        if not await store.use_link(tx, org_id, hash_secret(secret), now=now):
            raise NotFound(USED_UP)
        await _set_password(tx, org_id, user, password_hash, now=now, request_id=request_id)
        return await _begin(tx, org_id, user.user_id, now=now, request_id=request_id)

    return await db.write(work)


async def change_password(db: Database, who: SignedIn, *, current: str, password: str, address: str, now: int) -> str:
    """Give oneself another password; every sign-in ends, and a new one begins: its token.

    Raises InvalidInput, TooManyTries, Unavailable.
    """
    org_id, user = who.caller.org_id, who.user
    counters = counters_of(user.email, address)
    await _admit(db, org_id, counters, now=now)
    account = await db.read(lambda tx: users.find_account(tx, org_id, user.email))
    known = None if account is None else account.password_hash
    if account is None or not await is_password(known, current):
        raise InvalidInput.of("current", "This is not your password.")
    check_password(password, user)
    password_hash = await hash_password(password)

    async def work(tx: Connection) -> str:
        if await users.lock_account(tx, org_id, user.user_id) != account:
            raise InvalidInput.of("current", "This is not your password.")
        await store.forgive_tries(tx, org_id, *(counter.subject for counter in counters))
        await _set_password(tx, org_id, user, password_hash, now=now, request_id=who.caller.request_id)
        return await _begin(tx, org_id, user.user_id, now=now, request_id=who.caller.request_id)

    return await db.write(work)


async def sign_out(db: Database, who: SignedIn, *, now: int) -> None:
    """End a sign-in at once."""
    act = Act(who.caller, "sign_ins.end", who.user.user_id, now)

    async def work(tx: Connection) -> None:
        if await store.end(tx, who.caller.org_id, hash_secret(who.token)):
            await act.note(tx, None, None)

    await db.write(work)


async def forget_ended(db: Database, *, now: int) -> None:
    """Take away what counts no longer of sign-ins, links and tries."""
    for organization in await db.read(directory.list_organizations):
        await db.write(partial(store.purge, org_id=organization.org_id, oldest=now - LONGEST, idle=now - IDLE, now=now))


async def _begin(tx: Connection, org_id: str, user_id: str, *, now: int, request_id: str) -> str:
    """A new token in any case, so that one that somebody planted in a browser before is worth nothing."""
    token = new_secret(org_id)
    await store.insert_sign_in(tx, org_id, hash_secret(token), user_id, now=now)
    await Act(_oneself(org_id, user_id, request_id), "sign_ins.create", user_id, now).note(tx, None, None)
    return token


async def _set_password(
    tx: Connection, org_id: str, user: User, password_hash: str, *, now: int, request_id: str
) -> None:
    """A new password ends all that came in with the old one."""
    await users.set_password(tx, org_id, user.user_id, password_hash)
    await store.end_all(tx, org_id, user.user_id)
    await Act(_oneself(org_id, user.user_id, request_id), "users.set_password", user.user_id, now).note(tx, None, None)


def _oneself(org_id: str, user_id: str, request_id: str) -> Caller:
    return staff(org_id, user_id, Role.DESK, request_id)


async def _admit(db: Database, org_id: str, counters: Sequence[Counter], *, now: int) -> None:
    """Count a try, unless there were too many: then nothing is written, and nothing prolonged. Raises TooManyTries."""
    subjects = [counter.subject for counter in counters]
    _refuse(counters, await db.read(partial(store.list_tries, org_id=org_id, subjects=subjects, now=now)), 0, now=now)

    async def work(tx: Connection) -> dict[str, tuple[int, int]]:
        if await store.find_open(tx, org_id) is None:
            raise InvalidInput.of("", WRONG)
        await store.count_tries(tx, org_id, subjects, now=now)
        return await store.list_tries(tx, org_id, subjects, now=now)

    _refuse(counters, await db.write(work, lasting=False), 1, now=now)


def _refuse(counters: Sequence[Counter], tries: dict[str, tuple[int, int]], own: int, *, now: int) -> None:
    ends = [tries[subject][1] for subject, most in counters if subject in tries and tries[subject][0] >= most + own]
    if ends:
        raise TooManyTries(max(1, -(-(max(ends) - now) // 1000)))
