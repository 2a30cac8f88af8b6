"""The line: bookings, changes of appointments and holds, which wait together for their common commit.

Each goes through the same step: claim its Idempotency-Key, draft it, take places, note it in the audit trail,
store its answer; all members of a group in one transaction.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from slotkeeper.domain.calendar import instant_of
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import Appointment, AuditEntry, Hold
from slotkeeper.operations.acts import Act, changed, claim, settle
from slotkeeper.operations.facts import Facts, Knowledge
from slotkeeper.operations.places import Draft, take_places
from slotkeeper.operations.together import Together
from slotkeeper.store import appointments, audit, holds, windows
from slotkeeper.store.database import Connection, Database

Drafting = Callable[[Facts], Draft]


class Asked(NamedTuple):
    """One request of the line, and the appointment, hold or window that it names by id."""

    act: Act
    draft: Drafting
    appointment_id: str | None = None
    hold_id: str | None = None
    calendar_id: str | None = None


class Shown(NamedTuple):
    """An appointment with the time zone of its branch, from which its instant follows."""

    appointment: Appointment
    timezone: str

    @property
    def instant(self) -> int:
        """When it is, in milliseconds UTC."""
        return instant_of(self.appointment.date, self.appointment.wall_time, self.timezone)


Done = Shown | Hold
Line = Together[Asked, Done]


def new_line(db: Database) -> Line:
    """The line in which a server process's requests wait for their common commit."""
    return Together(db, partial(do_together, Knowledge()))


async def ask(line: Line, asked: Asked) -> Done:
    """What became of a request, once that is durable. Raises what it was refused with, or Replayed."""
    caller = asked.act.caller
    # Neither two changes of one appointment nor two requests with one key may share a group: the later must see
    # what became of the earlier.
    apart: list[Hashable] = []
    if asked.appointment_id is not None:
        apart.append(asked.appointment_id)
    if caller.once is not None:
        apart.append((caller.id, caller.once.key))
    return await line.ask(caller.org_id, asked, now=asked.act.now, apart=apart)


async def do_together(
    knowledge: Knowledge, tx: Connection, org_id: str, asked: Sequence[Asked], now: int
) -> list[Done | Exception]:
    """The step for a list of requests: what became of each."""
    answered = await claim(tx, org_id, [one.act.caller for one in asked], now=now)
    facts = await _look_up(knowledge, tx, org_id, asked, now=now)
    drafted: list[Draft | Exception] = []
    for place, one in enumerate(asked):
        drafted.append(answered[place] if place in answered else await _draft(tx, org_id, one, facts))
    drafts = [draft for draft in drafted if isinstance(draft, Draft)]
    outcomes = iter(await take_places(tx, org_id, drafts, facts))
    results = [next(outcomes) if isinstance(draft, Draft) else draft for draft in drafted]
    entries = [_entry(*noted, facts) for noted in zip(asked, drafted, results, strict=True)]
    await audit.insert_entries(tx, org_id, [entry for entry in entries if entry is not None])
    done = [Shown(one, facts.known.zones[one.branch_id]) if isinstance(one, Appointment) else one for one in results]
    await settle(tx, org_id, [(one.act.caller, result) for one, result in zip(asked, done, strict=True)], now=now)
    return done


async def _look_up(knowledge: Knowledge, tx: Connection, org_id: str, asked: Sequence[Asked], *, now: int) -> Facts:
    known = await knowledge.get(tx, org_id)
    appointment_ids = {one.appointment_id for one in asked if one.appointment_id is not None}
    hold_ids = {one.hold_id for one in asked if one.hold_id is not None}
    calendar_ids = {one.calendar_id for one in asked if one.calendar_id is not None}
    kept = await holds.get_holds(tx, org_id, hold_ids) if hold_ids else {}
    named = await windows.get_windows(tx, org_id, calendar_ids, lock=False) if calendar_ids else []
    return Facts(
        known,
        now,
        await appointments.get_appointments(tx, org_id, appointment_ids, lock=True) if appointment_ids else {},
        kept,
        {window.calendar_id: window for window in named},
        frozenset([hold_id for hold_id in hold_ids - kept.keys() if await once_was(tx, org_id, hold_id)]),
    )


async def once_was(tx: Connection, org_id: str, hold_id: str) -> bool:
    """Whether a hold that is not there was there once, as the audit trail knows."""
    return await audit.knows(tx, org_id, action="holds.create", subject=hold_id)


async def _draft(tx: Connection, org_id: str, asked: Asked, facts: Facts) -> Draft | SlotkeeperError:
    """A request as a draft with the window-dates that may fit it, or the refusal of one that cannot be drafted."""
    try:
        draft = asked.draft(facts)
    except SlotkeeperError as refusal:
        return refusal
    if draft.wish is None or draft.places:
        return draft
    return draft._replace(places=await facts.known.list_places(tx, org_id, draft.wish))


def _entry(
    asked: Asked, draft: Draft | Exception, result: Appointment | Hold | Exception, facts: Facts
) -> AuditEntry | None:
    """The entry of a request in the audit trail; None where nothing changed, or no rule refused it."""
    if isinstance(result, SlotkeeperError):
        return asked.act._replace(about=_about(asked, draft, facts)).refused(result)
    if isinstance(result, Exception):
        return None
    if isinstance(result, Hold):
        return asked.act.done(*changed(None, result), subject=result.hold_id)
    before, after = changed(draft.old if isinstance(draft, Draft) else None, result)
    if isinstance(draft, Draft) and draft.hold is not None:
        after["hold_id"] = draft.hold.hold_id
    return asked.act.done(before, after, subject=result.appointment_id) if before or after else None


def _about(asked: Asked, draft: Draft | Exception, facts: Facts) -> Mapping[str, Any]:
    """Window, date and service of a request that was refused, as far as they are known."""
    if isinstance(draft, Draft) and draft.wish is not None:
        window = draft.places[0][1] if len(draft.places) == 1 else None
        about = {"window": window, "date": draft.wish.date, "service": draft.wish.service_id}
    else:
        old = facts.appointments.get(asked.appointment_id or "") or facts.holds.get(asked.hold_id or "")
        if old is None:
            return asked.act.about or {}
        about = {"window": old.calendar_id, "date": old.date, "service": old.service_id}
    return {name: value for name, value in about.items() if value is not None}
