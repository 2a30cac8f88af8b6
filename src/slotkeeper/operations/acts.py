"""Acts: a change that takes effect once, however often it is asked for, and is noted in the audit trail.

Every operation that changes something is done through an act: what it changes, its entry in the audit trail and
the answer to its Idempotency-Key are one transaction (contract.md sections 6 and 8). A refusal by a rule is
noted too, and stores no answer: its retry is judged afresh.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from slotkeeper.domain.access import Caller
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.errors import Conflict, Kind, SlotkeeperError
from slotkeeper.domain.model import AuditEntry
from slotkeeper.operations.ids import new_ordered_id
from slotkeeper.store import audit, directory, requests
from slotkeeper.store.database import Connection, Database, Work
from slotkeeper.store.requests import Answered, Keyed

T = TypeVar("T")

DAY = 86_400_000
KEPT = DAY
"""For how many milliseconds an answer is kept for its Idempotency-Key."""

RULES = (Kind.CONFLICT, Kind.UNPROCESSABLE)
"""The kinds of refusals that the audit trail notes: those by a rule."""

KEY_CLASH = (
    "This Idempotency-Key was used for another request within the last 24 hours; "
    "send every new request with a key of its own."
)

PRIVATE = "(private)"
"""What stands in the audit trail for a text about a patient."""

_INSTANTS = frozenset({"expires_at", "revoked_at"})
_UNNOTED = frozenset({"created_at", "updated_at", "patient_name", "parent_phone"})


class Record(Protocol):
    """A value of the domain: a NamedTuple."""

    def _asdict(self) -> dict[str, Any]: ...


class Replayed(Exception):
    """The request had its effect before: this is the answer that it got. No refusal, but no new effect either."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(status)
        self.status = status
        self.answer = answer


class _Told(NamedTuple):
    """What is told to a request that was answered already, or that clashes with another."""

    answer: Replayed | SlotkeeperError


class Act(NamedTuple):
    """Who does what to what, and when. ``about`` is what a refusal is noted with: window, date and service."""

    caller: Caller
    action: str
    subject: str | None
    now: int
    about: Mapping[str, Any] | None = None

    async def write(self, db: Database, work: Work[T], *, alone: bool = False) -> T:
        """Do the work in one durable transaction.

        ``alone`` is for what changes how the organization is set up: no two of these at once, because what one of
        them reads (branches, services, windows, closures) the other may be about to change.
        Raises Replayed where the same request had its effect before, Conflict where its Idempotency-Key
        belongs to another one, and whatever the work raises.
        """

        async def whole(tx: Connection) -> T | _Told:
            found = await claim(tx, self.caller.org_id, [self.caller], now=self.now)
            if found:  # told after the commit only, which waits until what it tells of is as durable as it has to be
                return _Told(found[0])
            if alone:
                await directory.lock_organization(tx, self.caller.org_id)
            result = await work(tx)
            await settle(tx, self.caller.org_id, [(self.caller, result)], now=self.now)
            return result

        try:
            done = await db.write(whole)
            if isinstance(done, _Told):
                raise done.answer
            return done
        except SlotkeeperError as refusal:
            await self._note_refusal(db, refusal)
            raise

    async def require_new(self, db: Database) -> None:
        """Make sure, before work that takes several transactions, that the same request had no effect before.

        Raises Replayed, Conflict as ``write`` does.
        """
        keyed = keyed_by(self.caller)
        if keyed is None:
            return
        expired = self.now - KEPT
        if not await db.read(lambda tx: requests.find_answers(tx, self.caller.org_id, [keyed], expired=expired)):
            return
        found = await db.write(
            lambda tx: requests.claim(tx, self.caller.org_id, [keyed], now=self.now, expired=expired)
        )
        for answered in found.values():
            told = _told(keyed, answered)
            if isinstance(told, SlotkeeperError):
                await self._note_refusal(db, told)
            raise told

    async def _note_refusal(self, db: Database, refusal: SlotkeeperError) -> None:
        entry = self.refused(refusal)
        if entry is not None:
            await db.write(lambda tx: audit.insert_entries(tx, self.caller.org_id, [entry]))

    async def note(
        self,
        tx: Connection,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        *,
        subject: str | None = None,
    ) -> None:
        """Note in the audit trail that it was done, in the same transaction."""
        await audit.insert_entries(tx, self.caller.org_id, [self.done(before, after, subject=subject)])

    def done(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, subject: str | None = None
    ) -> AuditEntry:
        """The entry of an act that was done; ``subject`` where its id is new."""
        return self._entry("done", subject or self.subject, before or None, after or None)

    def refused(self, refusal: SlotkeeperError) -> AuditEntry | None:
        """The entry of an act that a rule refused, None where it was no rule."""
        if refusal.kind not in RULES:
            return None
        return self._entry("refused", self.subject, None, {"code": refusal.code, **(self.about or {})})

    def _entry(
        self, outcome: str, subject: str | None, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> AuditEntry:
        caller = self.caller
        return AuditEntry(
            new_ordered_id(self.now),
            self.now,
            self.action,
            subject,
            caller.key_id or None,
            caller.user_id or None,
            caller.channel,
            caller.request_id or None,
            outcome,
            _written(before),
            _written(after),
        )


def _written(values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What changed as the trail writes it: instants as everywhere else in the interface."""
    if values is None or not _INSTANTS & values.keys():
        return values
    return {
        name: iso_instant(value) if name in _INSTANTS and value is not None else value for name, value in values.items()
    }


def changed(before: Record | None, after: Record | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two values of a kind, None for one that is not there; nothing of a patient."""
    if before is None or after is None:
        return _whole(before), _whole(after)
    old, new = before._asdict(), after._asdict()
    names = [name for name in new if name not in _UNNOTED and old[name] != new[name]]
    return _noted({name: old[name] for name in names}), _noted({name: new[name] for name in names})


def _whole(record: Record | None) -> dict[str, Any]:
    """A record as the trail holds it: all that it has, but for absent values."""
    if record is None:
        return {}
    values = record._asdict().items()
    return _noted({name: value for name, value in values if value is not None and name not in _UNNOTED})


def _noted(values: dict[str, Any]) -> dict[str, Any]:
    """Values as the trail holds them: of a text about a patient only that there is one."""
    if values.get("notes") is not None:
        values["notes"] = PRIVATE
    return values


def keyed_by(caller: Caller) -> Keyed | None:
    """The request of a caller as it is stored, None where it carries no Idempotency-Key."""
    if caller.once is None:
        return None
    return Keyed(caller.id, caller.once.key, caller.once.fingerprint)


async def claim(
    tx: Connection, org_id: str, callers: Sequence[Caller], *, now: int
) -> dict[int, Replayed | SlotkeeperError]:
    """Lock the requests of some callers; by place in the list, those that are answered already or that clash."""
    wanted = {place: keyed for place, keyed in enumerate(map(keyed_by, callers)) if keyed is not None}
    if not wanted:
        return {}
    found = await requests.claim(tx, org_id, list(wanted.values()), now=now, expired=now - KEPT)
    return {place: _told(keyed, found[keyed[:2]]) for place, keyed in wanted.items() if keyed[:2] in found}


def _told(keyed: Keyed, answered: Answered) -> Replayed | SlotkeeperError:
    if answered.request.fingerprint == keyed.fingerprint:
        return Replayed(answered.status, answered.answer)
    return Conflict(KEY_CLASH)


async def settle(tx: Connection, org_id: str, results: Sequence[tuple[Caller, Any]], *, now: int) -> None:
    """Store the answers to claimed requests; one whose result is an exception gives its claim up."""
    kept: list[Answered] = []
    refused: list[Keyed] = []
    for caller, result in results:
        keyed = keyed_by(caller)
        if keyed is None or caller.once is None:
            continue
        if isinstance(result, Exception):
            refused.append(keyed)
        else:
            kept.append(Answered(keyed, *caller.once.answer(result)))
    if kept:
        await requests.keep_answers(tx, org_id, kept, now=now)
    if refused:
        await requests.forget(tx, org_id, refused)
