"""The step: places taken, held, moved and freed for a list of requests of one organization (contract.md section 2).

Lock, read what depends on the locks, decide in the order of arrival, write. Each request is refused on its
own grounds and never sinks the others; nothing fails after the decision, so all that was decided is
written together and answered after the commit. The order of the locks is the same everywhere: requests, the
organization (whoever changes how it is set up), appointments, keys, windows, window-dates by date and id, patients.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple

from slotkeeper.domain import booking
from slotkeeper.domain.booking import Rules, Wish
from slotkeeper.domain.errors import DuplicateBooking, HoldExpired, SlotkeeperError, TooManyHolds
from slotkeeper.domain.model import Appointment, AppointmentStatus, Hold, WindowDate
from slotkeeper.operations.facts import Facts
from slotkeeper.operations.projection import project_date
from slotkeeper.operations.together import Stale
from slotkeeper.store import appointments as store
from slotkeeper.store import days, holds
from slotkeeper.store.appointments import Patient, Standing
from slotkeeper.store.database import Connection
from slotkeeper.store.days import Counted, Locked, Place
from slotkeeper.store.holds import Live
from slotkeeper.store.projection import remove_records

MOST_HOLDS = 20
"""How many live holds a key keeps at most."""


NOBODY = Patient("", "", "")
"""Whom a hold is for."""


class Draft(NamedTuple):
    """What a request asks for, as far as it can be said without locks.

    ``new`` is what an appointment is to become, ``old`` the appointment as it is stored, None for a new one;
    without ``new``, ``hold`` is to be taken. With a ``wish`` a window-date is chosen under the locks, among
    ``places``; an appointment's own first where it fits, unless it is to be ``only`` one of them. A new appointment
    with a ``hold`` confirms it, and has its place there. ``until`` is the instant of ``new``, ``patient`` whom it is
    for.
    """

    rules: Rules
    new: Appointment | None = None
    old: Appointment | None = None
    hold: Hold | None = None
    wish: Wish | None = None
    places: Sequence[Place] = ()
    only: bool = False
    until: int = 0
    patient: Patient = NOBODY


Outcome = Appointment | Hold | SlotkeeperError


def place_of(one: Appointment | Hold) -> Place:
    """The window-date that an appointment or a hold stands on."""
    return one.date, one.calendar_id


def keeps_place(appointment: Appointment | None) -> bool:
    """Whether an appointment counts."""
    return appointment is not None and appointment.status is not AppointmentStatus.CANCELLED


async def take_places(tx: Connection, org_id: str, drafts: Sequence[Draft], facts: Facts) -> list[Outcome]:
    """Do what can be done of each draft, in their order; what became of each."""
    keys = {draft.hold.key_id for draft in drafts if draft.hold is not None and draft.new is None}
    live = await holds.lock_keys(tx, org_id, keys, now=facts.now) if keys else {}
    candidates = {place for draft in drafts for place in draft.places}
    made = await _make_records(tx, org_id, candidates, facts)
    locked = await days.lock_places(tx, org_id, candidates | _own_places(drafts), now=facts.now)
    _require_all(candidates - made, locked, facts)
    confirmed = [draft.hold.hold_id for draft in drafts if draft.hold is not None and draft.new is not None]
    alive = await holds.get_holds(tx, org_id, confirmed) if confirmed else {}
    claims = _claims(drafts, facts)
    standing = await _claim(tx, org_id, claims, facts)
    diary = _Diary(locked, standing, alive, live, facts)
    outcomes = [diary.enter(draft) for draft in drafts]
    await diary.write(tx, org_id)
    standing_now = diary.standing
    await _undo(tx, org_id, made - diary.used, claims.keys() - standing_now, facts)
    kept = [claim for patient, claim in claims.items() if patient in standing_now]
    turned = diary.stand_before(kept)
    if turned:  # a refusal leaves the claim to the appointment that stands
        await store.claim(tx, org_id, turned)
    return outcomes


async def _make_records(tx: Connection, org_id: str, places: AbstractSet[Place], facts: Facts) -> set[Place]:
    """Make the records of window-dates that have none yet; which those were."""
    unknown = places - facts.known.stored
    if not unknown:
        return set()
    made = set(unknown - await days.list_existing(tx, org_id, unknown))
    for on, calendar_id in sorted(made, key=lambda place: (place[1], place[0])):
        await project_date(tx, org_id, calendar_id, on, now=facts.now)
    facts.known.stored.update(unknown - made)
    return made


def _require_all(places: AbstractSet[Place], locked: Iterable[Locked], facts: Facts) -> None:
    """Make sure that the records counted on are there. Raises Stale where another server has taken one away."""
    gone = places - {(at.date, at.calendar_id) for at, _ in locked}
    if gone:
        facts.known.stored.difference_update(gone)
        raise Stale


async def _undo(
    tx: Connection, org_id: str, records: AbstractSet[Place], patients: AbstractSet[Patient], facts: Facts
) -> None:
    """Take away the records and claims that refused requests made: a refusal stores nothing."""
    if records:
        facts.known.stored.difference_update(records)
        await remove_records(tx, org_id, records)
    if patients:
        await store.release(tx, org_id, patients)


def _own_places(drafts: Iterable[Draft]) -> set[Place]:
    """The window-dates on which drafts free, keep or turn a place that they have."""
    own: set[Place] = set()
    for draft in drafts:
        if draft.old is not None and (draft.wish is not None or keeps_place(draft.old) != keeps_place(draft.new)):
            own.add(place_of(draft.old))
        if draft.hold is not None and draft.new is not None:
            own.add(place_of(draft.hold))
    return own


def _claims(drafts: Iterable[Draft], facts: Facts) -> dict[Patient, tuple[Patient, int, str]]:
    """The patients whose duplicates matter: each until when, and for which appointment."""
    if facts.known.configuration.allow_duplicate_booking:
        return {}
    return {
        draft.patient: (draft.patient, draft.until, draft.new.appointment_id)
        for draft in drafts
        if draft.new is not None and _becomes_standing(draft, facts)
    }


async def _claim(
    tx: Connection, org_id: str, claims: dict[Patient, tuple[Patient, int, str]], facts: Facts
) -> list[Standing]:
    """Lock the patients whose duplicates matter; what stands for them."""
    if not claims:
        return []
    found = await store.claim(tx, org_id, list(claims.values()))
    return [one for one in found if facts.instant(one.branch_id, one.date, one.wall_time) >= facts.now]


def _will_stand(draft: Draft, facts: Facts) -> bool:
    return draft.new is not None and draft.new.status in booking.STANDING and draft.until >= facts.now


def _becomes_standing(draft: Draft, facts: Facts) -> bool:
    return _will_stand(draft, facts) and (draft.old is None or not facts.is_standing(draft.old))


class _Diary:
    """The locked window-dates with running counts, and what is to be written of the requests decided so far."""

    def __init__(
        self,
        locked: Iterable[Locked],
        standing: Iterable[Standing],
        alive: Mapping[str, Hold],
        live: Mapping[str, Live],
        facts: Facts,
    ) -> None:
        self._days: dict[Place, WindowDate] = {}
        self._tokens: dict[Place, int] = {}
        self._order: dict[Place, int] = {}
        for number, (at, token) in enumerate(locked):
            place = at.date, at.calendar_id
            self._days[place], self._tokens[place], self._order[place] = at, token, number
        self._standing: dict[Patient, dict[str, tuple[date, str, int]]] = {}
        for one in standing:
            until = facts.instant(one.branch_id, one.date, one.wall_time)
            self._stand(one.patient, one.appointment_id, one.date, one.wall_time, until)
        self._alive = dict(alive)
        self._live = {key_id: held.holds for key_id, held in live.items()}
        self._first_end = {key_id: held.first_end for key_id, held in live.items()}
        self._facts = facts
        self._taken: Counter[Place] = Counter()
        self._held: Counter[Place] = Counter()
        self._given: Counter[Place] = Counter()
        self._made: list[tuple[Appointment, Patient]] = []
        self._changed: dict[str, Appointment] = {}
        self._kept: list[Hold] = []
        self._confirmed: list[str] = []

    @property
    def used(self) -> set[Place]:
        """The window-dates on which somebody was entered; a token given to one who left again counts."""
        return {place for place in self._touched() if self._taken[place] or self._held[place] or self._given[place]}

    @property
    def standing(self) -> set[Patient]:
        """The patients of whom an appointment stands."""
        return {patient for patient, found in self._standing.items() if found}

    def stand_before(self, claims: Iterable[tuple[Patient, int, str]]) -> list[tuple[Patient, int, str]]:
        """The claims as they must be where one was made for an appointment that came to nothing."""
        return [
            (patient, until, standing)
            for patient, _, claimed in claims
            if claimed not in self._standing[patient]
            for standing, (_, _, until) in [next(iter(self._standing[patient].items()))]
        ]

    def enter(self, draft: Draft) -> Outcome:
        """Decide one request; a refusal leaves everything as it is."""
        try:
            if draft.new is None:
                return self._keep(draft)
            appointment = self._decide(draft, draft.new)
        except SlotkeeperError as refusal:
            return refusal
        if draft.old is not None and keeps_place(draft.old):
            self._count(place_of(draft.old), taken=-1)
        if keeps_place(appointment):
            self._count(place_of(appointment), taken=1)
        if _will_stand(draft, self._facts):
            self._stand(draft.patient, appointment.appointment_id, appointment.date, appointment.wall_time, draft.until)
        else:
            self._standing.get(draft.patient, {}).pop(appointment.appointment_id, None)
        if draft.old is None:
            self._made.append((appointment, draft.patient))
        else:
            self._changed[appointment.appointment_id] = appointment
        return appointment

    def _decide(self, draft: Draft, new: Appointment) -> Appointment:
        """What an appointment becomes. Raises whatever it is refused with."""
        if draft.hold is not None and draft.hold.hold_id not in self._alive:
            raise HoldExpired(hold_is_gone(draft.hold.hold_id))
        self._refuse_duplicate(draft, new)
        if draft.wish is None:
            return new
        if draft.hold is None:
            return self._choose(draft, new, draft.wish)
        at = self._days[place_of(draft.hold)]
        if not booking.is_open(at, draft.wish):
            raise draft.rules.refuse([], draft.wish)
        del self._alive[draft.hold.hold_id]
        self._confirmed.append(draft.hold.hold_id)
        self._count(place_of(draft.hold), held=-1)
        if draft.hold.key_id in self._live:
            self._live[draft.hold.key_id] -= 1
        return self._on(new, None, at)

    def _choose(self, draft: Draft, new: Appointment, wish: Wish) -> Appointment:
        """The appointment on the window-date chosen for it."""
        fitting = self._fitting(draft.places, wish)
        own = None if draft.old is None else self._days.get(place_of(draft.old))
        if own is not None and booking.fits(own, wish) and not (draft.only and own not in fitting):
            fitting = [own, *(at for at in fitting if at is not own)]
            if keeps_place(draft.old) and booking.is_open(own, wish):
                return self._on(new, draft.old, own)  # it has its place there already
        return self._on(new, draft.old, booking.choose(fitting, wish, draft.rules))

    def _fitting(self, places: Sequence[Place], wish: Wish) -> list[WindowDate]:
        """The locked window-dates that fit, in the order in which bookings try them."""
        known = [place for place in places if place in self._days]
        if len(known) > 1:
            known.sort(key=self._order.__getitem__)
        return [at for at in map(self._days.__getitem__, known) if booking.fits(at, wish)]

    def _on(self, new: Appointment, old: Appointment | None, at: WindowDate) -> Appointment:
        stays = old is not None and place_of(old) == (at.date, at.calendar_id)
        token = new.token if stays else self._next_token((at.date, at.calendar_id))
        return new._replace(calendar_id=at.calendar_id, session=at.session, batch=at.batch, token=token)

    def _keep(self, draft: Draft) -> Hold:
        """The hold on the window-date chosen for it. Raises whatever it is refused with."""
        if draft.hold is None or draft.wish is None:
            raise ValueError("a hold is asked for with a wish")
        hold, key_id = draft.hold, draft.hold.key_id
        if self._live.get(key_id, 0) >= MOST_HOLDS:
            raise TooManyHolds(MOST_HOLDS, max(1, -(-(self._first_end[key_id] - self._facts.now) // 1000)))
        at = booking.choose(self._fitting(draft.places, draft.wish), draft.wish, draft.rules)
        hold = hold._replace(
            calendar_id=at.calendar_id,
            branch_id=at.branch_id,
            session=at.session,
            batch=at.batch,
            start_time=at.start_time,
            end_time=at.end_time,
        )
        self._count(place_of(hold), held=1)
        self._live[key_id] = self._live.get(key_id, 0) + 1
        self._first_end[key_id] = min(hold.expires_at, self._first_end.get(key_id, hold.expires_at))
        self._kept.append(hold)
        return hold

    def _next_token(self, place: Place) -> int | None:
        if not self._facts.known.configuration.token_numbers:
            return None
        token = self._tokens[place]
        self._tokens[place] += 1
        self._given[place] += 1
        return token

    def _count(self, place: Place, *, taken: int = 0, held: int = 0) -> None:
        at = self._days.get(place)
        if at is not None:
            self._days[place] = at._replace(filled=at.filled + taken, holds=at.holds + held)
            self._taken[place] += taken
            self._held[place] += held

    def _stand(self, patient: Patient, appointment_id: str, on: date, wall_time: str, until: int) -> None:
        self._standing.setdefault(patient, {})[appointment_id] = (on, wall_time, until)

    def _refuse_duplicate(self, draft: Draft, new: Appointment) -> None:
        """Raises DuplicateBooking that names the appointment that stands."""
        if self._facts.known.configuration.allow_duplicate_booking or not _becomes_standing(draft, self._facts):
            return
        for appointment_id, (on, wall_time, _) in self._standing.get(draft.patient, {}).items():
            if appointment_id != new.appointment_id:
                raise DuplicateBooking(
                    f"This patient has the appointment {appointment_id} for the same service already, on {on} at "
                    f"{wall_time[:5]}; move or cancel that one instead."
                )

    def _touched(self) -> set[Place]:
        return self._taken.keys() | self._held.keys() | self._given.keys()

    async def write(self, tx: Connection, org_id: str) -> None:
        """Write what was decided, each kind in one statement."""
        if self._made:
            await store.insert_appointments(tx, org_id, self._made)
        if self._changed:
            await store.update_appointments(tx, org_id, list(self._changed.values()))
        if self._kept:
            await holds.insert_holds(tx, org_id, self._kept)
        if self._confirmed:
            await holds.delete_holds(tx, org_id, self._confirmed)
        counts = {
            place: Counted(self._taken[place], self._held[place], self._given[place]) for place in self._touched()
        }
        if counts:  # one that changed by nothing too: a hold in it may end at another moment now
            await days.count_places(tx, org_id, counts)


def hold_is_gone(hold_id: str) -> str:
    """The sentence for a hold that is no more."""
    return f"The hold {hold_id} ran out, was released, or was confirmed already; take a new one."
