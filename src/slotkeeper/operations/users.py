"""The people who work with the dashboard: made, changed, reset and disabled by an admin."""

import secrets
from typing import NamedTuple, TypedDict

from slotkeeper.domain.access import BASE62, Caller, Scope
from slotkeeper.domain.errors import Conflict, NotFound
from slotkeeper.domain.sign_ins import LIVES, Purpose, hash_secret, make_secret
from slotkeeper.domain.users import Role, User
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.ids import new_id
from slotkeeper.store import sign_ins
from slotkeeper.store import users as store
from slotkeeper.store.database import Connection, Database


class UserChanges(TypedDict, total=False):
    """What may change of a person; ``language`` None follows the browser."""

    email: str
    name: str
    role: Role
    language: str | None


class Invited(NamedTuple):
    """A person, and the secret of the one-time link by which they choose a password; it is stored nowhere."""

    user: User
    secret: str
    expires_at: int


def new_secret(org_id: str) -> str:
    """A new secret of an organization."""
    return make_secret(org_id, "".join(secrets.choice(BASE62) for _ in range(40)))


async def create_user(
    db: Database, caller: Caller, *, email: str, name: str, role: Role, language: str | None = None, now: int
) -> Invited:
    """Make a person, who comes in by the link. Raises Conflict where one has that e-mail, compared caselessly."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    user = User(new_id(), email, name, role, language, False, None, now, now)
    act = Act(caller, "users.create", None, now)

    async def work(tx: Connection) -> Invited:
        _refuse_twin(email, await store.find_user_named(tx, org_id, email))
        await store.insert_user(tx, org_id, user)
        await act.note(tx, *changed(None, user), subject=user.user_id)
        return await _invite(tx, org_id, user, Purpose.INVITE, now=now)

    return await act.write(db, work, alone=True)


async def list_users(db: Database, caller: Caller) -> list[User]:
    """All people of the organization by e-mail, disabled ones included."""
    caller.require(Scope.ADMIN)
    return await db.read(lambda tx: store.list_users(tx, caller.org_id))


async def find_user(db: Database, caller: Caller, email_or_id: str) -> User:
    """The person of an e-mail or an id. Raises NotFound."""
    wanted = email_or_id.lower()
    for user in await list_users(db, caller):
        if wanted in {user.user_id, user.email.lower()}:
            return user
    raise NotFound(f"This organization has no user '{email_or_id}'; 'slotkeeper users list' shows those that it has.")


async def update_user(db: Database, caller: Caller, user_id: str, *, changes: UserChanges, now: int) -> User:
    """Change a person, from their next request on. Raises NotFound; Conflict for a twin, and for the last admin."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "users.update", user_id, now)

    async def work(tx: Connection) -> User:
        stored = await _require(tx, org_id, user_id)
        user = stored._replace(**changes)
        if user == stored:
            return stored
        twin = await store.find_user_named(tx, org_id, user.email)
        _refuse_twin(user.email, None if twin == user_id else twin)
        if user.role is not Role.ADMIN:
            await _keep_an_admin(tx, caller, stored)
        user = user._replace(updated_at=now)
        await store.update_user(tx, org_id, user)
        await act.note(tx, *changed(stored, user))
        return user

    return await act.write(db, work, alone=True)


async def reset_user(db: Database, caller: Caller, user_id: str, *, now: int) -> Invited:
    """Take a person's password away, end their sign-ins, and make a link to a new one. Raises NotFound, Conflict."""
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "users.reset", user_id, now)

    async def work(tx: Connection) -> Invited:
        stored = await _require(tx, org_id, user_id)
        if stored.disabled_at is not None:
            raise Conflict(f"{stored.email} is disabled: enable the user first.")
        await store.set_password(tx, org_id, user_id, None)
        await sign_ins.end_all(tx, org_id, user_id)
        user = stored._replace(has_password=False)
        await act.note(tx, *changed(stored, user))
        purpose = Purpose.RESET if stored.has_password else Purpose.INVITE
        return await _invite(tx, org_id, user, purpose, now=now)

    return await act.write(db, work, alone=True)


async def disable_user(db: Database, caller: Caller, user_id: str, *, now: int) -> User:
    """Keep a person out from the next request on. Raises NotFound, Conflict for the last admin."""
    return await _set_disabled(db, caller, user_id, now, now=now)


async def enable_user(db: Database, caller: Caller, user_id: str, *, now: int) -> User:
    """Let a person in again who was disabled, with the password they had. Raises NotFound."""
    return await _set_disabled(db, caller, user_id, None, now=now)


async def _set_disabled(db: Database, caller: Caller, user_id: str, disabled_at: int | None, *, now: int) -> User:
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "users.enable" if disabled_at is None else "users.disable", user_id, now)

    async def work(tx: Connection) -> User:
        stored = await _require(tx, org_id, user_id)
        if (stored.disabled_at is None) == (disabled_at is None):
            return stored
        if disabled_at is not None:
            await _keep_an_admin(tx, caller, stored)
            await sign_ins.end_all(tx, org_id, user_id)
        user = stored._replace(disabled_at=disabled_at, updated_at=now)
        await store.update_user(tx, org_id, user)
        await act.note(tx, *changed(stored, user))
        return user

    return await act.write(db, work, alone=True)


async def _invite(tx: Connection, org_id: str, user: User, purpose: Purpose, *, now: int) -> Invited:
    secret, expires_at = new_secret(org_id), now + LIVES[purpose]
    await sign_ins.insert_link(tx, org_id, hash_secret(secret), user.user_id, purpose, expires_at=expires_at, now=now)
    return Invited(user, secret, expires_at)


async def _require(tx: Connection, org_id: str, user_id: str) -> User:
    user = await store.find_user(tx, org_id, user_id)
    if user is None:
        raise NotFound(f"This organization has no user with the id {user_id}.")
    return user


def _refuse_twin(email: str, found: str | None) -> None:
    if found is not None:
        raise Conflict(f"There is already a user with the e-mail {email}; choose another one.")


async def _keep_an_admin(tx: Connection, caller: Caller, leaving: User) -> None:
    """Refuse to take the last admin's role away, unless at the command line, which needs none. Raises Conflict."""
    if leaving.role is not Role.ADMIN or not caller.id:
        return
    others = [
        user
        for user in await store.list_users(tx, caller.org_id)
        if user.role is Role.ADMIN and user.disabled_at is None and user.user_id != leaving.user_id
    ]
    if not others:
        raise Conflict(f"{leaving.email} is the only admin: make somebody else an admin first.")
