"""Who is signed in, by which links people come in, and how often a password was tried.

Each statement is routed by the organization that a secret's text carries.
"""

from collections.abc import Sequence
from typing import NamedTuple

from slotkeeper.domain.sign_ins import WINDOW, Purpose
from slotkeeper.domain.users import Role, User
from slotkeeper.store.database import SQL, Connection, Database, pack
from slotkeeper.store.users import user_of

_SEEN = SQL("""
    SELECT u.user_id, u.email, u.name, u.role, u.language, u.password_hash IS NOT NULL, u.disabled_at, u.created_at,
           u.updated_at, s.created_at, s.seen_at, o.name
    FROM sign_ins s CROSS JOIN users u CROSS JOIN organizations o
    WHERE s.org_id = :org_id AND s.token_hash = :token_hash AND u.org_id = :org_id AND u.user_id = s.user_id
      AND u.disabled_at IS NULL AND o.org_id = :org_id
    @asked(token_hash TEXT)
""")

_STANDING = SQL("""
    SELECT s.token_hash, s.created_at, s.seen_at, u.role
    FROM @rows(:hashes, token_hash TEXT) t CROSS JOIN sign_ins s CROSS JOIN users u
    WHERE s.org_id = :org_id AND s.token_hash = t.token_hash AND u.org_id = :org_id AND u.user_id = s.user_id
      AND u.disabled_at IS NULL
""")

_INSERT = SQL("""
    INSERT INTO sign_ins (org_id, token_hash, user_id, created_at, seen_at)
    VALUES (:org_id, :token_hash, :user_id, :now, :now)
""")

_TOUCH = SQL("""
    UPDATE sign_ins SET seen_at = :now WHERE org_id = :org_id AND token_hash = :token_hash AND seen_at < :now
""")

_END = SQL("DELETE FROM sign_ins WHERE org_id = :org_id AND token_hash = :token_hash")

_END_ALL = SQL("DELETE FROM sign_ins WHERE org_id = :org_id AND user_id = :user_id")

_PURGE = SQL("DELETE FROM sign_ins WHERE org_id = :org_id AND (created_at <= :oldest OR seen_at <= :idle)")

_LINK = SQL("""
    SELECT user_id, purpose FROM links
    WHERE org_id = :org_id AND token_hash = :token_hash AND expires_at > :now
""")

_INSERT_LINK = SQL("""
    INSERT INTO links (org_id, token_hash, user_id, purpose, expires_at, created_at)
    VALUES (:org_id, :token_hash, :user_id, :purpose, :expires_at, :now)
""")

_USE_LINK = SQL("DELETE FROM links WHERE org_id = :org_id AND token_hash = :token_hash AND expires_at > :now")

_DROP_LINKS = SQL("DELETE FROM links WHERE org_id = :org_id AND user_id = :user_id")

_PURGE_LINKS = SQL("DELETE FROM links WHERE org_id = :org_id AND expires_at <= :now")

# The instant now is the end of a window that begins now, less its length.
_TRY = SQL(f"""
    INSERT INTO attempts (org_id, subject, tries, until)
    @values(subject TEXT, tries INTEGER, until INSTANT)
    ON CONFLICT (org_id, subject) DO UPDATE SET
        tries = CASE WHEN attempts.until <= excluded.until - {WINDOW} THEN 1 ELSE attempts.tries + 1 END,
        until = CASE WHEN attempts.until <= excluded.until - {WINDOW} THEN excluded.until ELSE attempts.until END
""")

_TRIES = SQL("""
    SELECT a.subject, a.tries, a.until
    FROM @rows(:subjects, subject TEXT) s CROSS JOIN attempts a
    WHERE a.org_id = :org_id AND a.subject = s.subject AND a.until > :now
""")

_FORGIVE = SQL("""
    UPDATE attempts SET tries = CASE WHEN subject = :address AND tries > 0 THEN tries - 1 ELSE 0 END
    WHERE org_id = :org_id AND subject IN (:both, :account, :address)
""")

_PURGE_TRIES = SQL("DELETE FROM attempts WHERE org_id = :org_id AND until <= :now")

_IS_WHOLE = SQL("""
    SELECT o.name FROM organizations o
    WHERE o.org_id = :org_id AND NOT EXISTS (
        SELECT 1 FROM imports i WHERE i.org_id = :org_id AND i.finished_at IS NULL
    )
""")

_SOME = SQL("""
    SELECT o.org_id FROM organizations o
    WHERE NOT EXISTS (SELECT 1 FROM imports i WHERE i.org_id = o.org_id AND i.finished_at IS NULL)
    LIMIT 2
""")


class Seen(NamedTuple):
    """A sign-in as it is stored: whose it is, since when, when it was last seen, and at which organization."""

    user: User
    created_at: int
    seen_at: int
    organization: str


async def find_sign_in(db: Database, org_id: str, token_hash: str) -> Seen | None:
    """The sign-in of a token, as long as its person is not disabled; it may have ended by itself."""
    row = await db.look(_SEEN, org_id=org_id, token_hash=token_hash)
    return None if row is None else Seen(user_of(row[:9]), *row[9:])


async def list_standing(tx: Connection, org_id: str, token_hashes: Sequence[str]) -> dict[str, tuple[int, int, Role]]:
    """Of some sign-ins those whose person is not disabled: when they began and were last seen, and the role."""
    rows = await tx.fetch(_STANDING, org_id=org_id, hashes=pack([(one,) for one in token_hashes]))
    return {token_hash: (created_at, seen_at, Role(role)) for token_hash, created_at, seen_at, role in rows}


async def insert_sign_in(tx: Connection, org_id: str, token_hash: str, user_id: str, *, now: int) -> None:
    """Let a token stand for a person from now on."""
    await tx.execute(_INSERT, org_id=org_id, token_hash=token_hash, user_id=user_id, now=now)


async def touch(tx: Connection, org_id: str, token_hash: str, *, now: int) -> None:
    """Write down that a sign-in was used."""
    await tx.execute(_TOUCH, org_id=org_id, token_hash=token_hash, now=now)


async def end(tx: Connection, org_id: str, token_hash: str) -> bool:
    """End a sign-in, and whether there was one."""
    return bool(await tx.execute(_END, org_id=org_id, token_hash=token_hash))


async def end_all(tx: Connection, org_id: str, user_id: str) -> None:
    """End every sign-in of a person, and let their links lead nowhere."""
    await tx.execute(_END_ALL, org_id=org_id, user_id=user_id)
    await tx.execute(_DROP_LINKS, org_id=org_id, user_id=user_id)


async def insert_link(
    tx: Connection, org_id: str, token_hash: str, user_id: str, purpose: Purpose, *, expires_at: int, now: int
) -> None:
    """Let a link lead to a person's new password."""
    await tx.execute(
        _INSERT_LINK, org_id=org_id, token_hash=token_hash, user_id=user_id, purpose=purpose,
        expires_at=expires_at, now=now,
    )  # fmt: skip


async def find_link(tx: Connection, org_id: str, token_hash: str, *, now: int) -> tuple[str, Purpose] | None:
    """Whose link it is and what for; None where it was used, or has expired."""
    row = await tx.fetch_one(_LINK, org_id=org_id, token_hash=token_hash, now=now)
    return None if row is None else (row[0], Purpose(row[1]))


async def use_link(tx: Connection, org_id: str, token_hash: str, *, now: int) -> bool:
    """Use a link up, and whether it was there to be used: of two at once, one finds it gone."""
    return bool(await tx.execute(_USE_LINK, org_id=org_id, token_hash=token_hash, now=now))


async def count_tries(tx: Connection, org_id: str, subjects: Sequence[str], *, now: int) -> None:
    """Count one more try by each of some subjects."""
    await tx.insert(_TRY, org_id, [(subject, 1, now + WINDOW) for subject in sorted(subjects)])


async def list_tries(tx: Connection, org_id: str, subjects: Sequence[str], *, now: int) -> dict[str, tuple[int, int]]:
    """How many tries were counted by subjects within their windows, and when those end."""
    packed = pack([(subject,) for subject in subjects])
    rows = await tx.fetch(_TRIES, org_id=org_id, subjects=packed, now=now)
    return {subject: (tries, until) for subject, tries, until in rows}


async def forgive_tries(tx: Connection, org_id: str, both: str, account: str, address: str) -> None:
    """Take back what was counted before the right password: all of the account's, one of the address's."""
    await tx.execute(_FORGIVE, org_id=org_id, both=both, account=account, address=address)


async def find_open(tx: Connection, org_id: str) -> str | None:
    """The name of an organization that people may sign in to: one that an import has not brought in whole is not."""
    row = await tx.fetch_one(_IS_WHOLE, org_id=org_id)
    return None if row is None else row[0]


async def find_only_organization(tx: Connection) -> str | None:
    """The id of the organization, where there is only one."""
    rows = await tx.fetch(_SOME)
    return rows[0][0] if len(rows) == 1 else None


async def purge(tx: Connection, org_id: str, *, oldest: int, idle: int, now: int) -> None:
    """Take away the sign-ins begun or last used long ago, links that have expired, and tries that count no longer."""
    await tx.execute(_PURGE, org_id=org_id, oldest=oldest, idle=idle)
    await tx.execute(_PURGE_LINKS, org_id=org_id, now=now)
    await tx.execute(_PURGE_TRIES, org_id=org_id, now=now)
