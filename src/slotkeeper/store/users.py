"""The people who work with the dashboard."""

from typing import NamedTuple

from slotkeeper.domain.model import fold
from slotkeeper.domain.users import Role, User
from slotkeeper.store.database import SQL, Connection, Row

_COLUMNS = """
    SELECT user_id, email, name, role, language, password_hash IS NOT NULL, disabled_at, created_at, updated_at
    FROM users
"""

_USERS = SQL(_COLUMNS + " WHERE org_id = :org_id ORDER BY folded_email")

_USER = SQL(_COLUMNS + " WHERE org_id = :org_id AND user_id = :user_id")

_NAMED = SQL("SELECT user_id FROM users WHERE org_id = :org_id AND folded_email = :folded_email")

_ACCOUNT = SQL("SELECT user_id, password_hash, disabled_at FROM users WHERE org_id = :org_id AND folded_email = :email")

_LOCK = SQL("SELECT password_hash, disabled_at FROM users WHERE org_id = :org_id AND user_id = :user_id @lock")

_INSERT = SQL("""
    INSERT INTO users (org_id, user_id, email, folded_email, name, role, language, created_at, updated_at)
    VALUES (:org_id, :user_id, :email, :folded_email, :name, :role, :language, :created_at, :updated_at)
""")

_UPDATE = SQL("""
    UPDATE users SET
        email = :email, folded_email = :folded_email, name = :name, role = :role, language = :language,
        disabled_at = :disabled_at, updated_at = :updated_at
    WHERE org_id = :org_id AND user_id = :user_id
""")

_SET_PASSWORD = SQL("UPDATE users SET password_hash = :password_hash WHERE org_id = :org_id AND user_id = :user_id")


class Account(NamedTuple):
    """What a sign-in is judged by; ``password_hash`` None where there is no password yet."""

    user_id: str
    password_hash: str | None
    disabled_at: int | None


async def list_users(tx: Connection, org_id: str) -> list[User]:
    """All people of an organization by e-mail, disabled ones included."""
    return [user_of(row) for row in await tx.fetch(_USERS, org_id=org_id)]


async def find_user(tx: Connection, org_id: str, user_id: str) -> User | None:
    """One person."""
    row = await tx.fetch_one(_USER, org_id=org_id, user_id=user_id)
    return None if row is None else user_of(row)


async def find_user_named(tx: Connection, org_id: str, email: str) -> str | None:
    """The id of the person with an e-mail, compared case-insensitively."""
    row = await tx.fetch_one(_NAMED, org_id=org_id, folded_email=fold(email))
    return None if row is None else row[0]


async def find_account(tx: Connection, org_id: str, email: str) -> Account | None:
    """What signing in with an e-mail is judged by."""
    row = await tx.fetch_one(_ACCOUNT, org_id=org_id, email=fold(email))
    return None if row is None else Account(*row)


async def lock_account(tx: Connection, org_id: str, user_id: str) -> Account | None:
    """The same of a person, who stays so until the transaction ends."""
    row = await tx.fetch_one(_LOCK, org_id=org_id, user_id=user_id)
    return None if row is None else Account(user_id, *row)


async def insert_user(tx: Connection, org_id: str, user: User) -> None:
    """Store a new person, without a password."""
    values = user._asdict()
    for name in ("has_password", "disabled_at"):
        del values[name]
    await tx.execute(_INSERT, org_id=org_id, folded_email=fold(user.email), **values)


async def update_user(tx: Connection, org_id: str, user: User) -> None:
    """Store what a person is now, but for the password."""
    values = user._asdict()
    for name in ("has_password", "created_at"):
        del values[name]
    await tx.execute(_UPDATE, org_id=org_id, folded_email=fold(user.email), **values)


async def set_password(tx: Connection, org_id: str, user_id: str, password_hash: str | None) -> None:
    """Give a person another password, or none."""
    await tx.execute(_SET_PASSWORD, org_id=org_id, user_id=user_id, password_hash=password_hash)


def user_of(row: Row) -> User:
    """The person of a row."""
    user_id, email, name, role, language, has_password, *rest = row
    return User(user_id, email, name, Role(role), language, bool(has_password), *rest)
