"""The step: places taken, moved and freed for a list of requests of one organization (contract.md section 2).

Lock, read what depends on the locks, decide in the order of arrival, write. Each request is refused on its
own grounds and never sinks the others; nothing fails after the decision, so all that was decided is
written together and answered after the commit. The order of the locks is the same everywhere: windows,
window-dates by date and id, patients.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple

from slotkeeper.domain import booking
from slotkeeper.domain.booking import STANDING, Wish
from slotkeeper.domain.calendar import instant_of
from slotkeeper.domain.errors import DuplicateBooking, SlotkeeperError
from slotkeeper.domain.model import Appointment, AppointmentStatus, Branch, Channel, Configuration, Service, WindowDate
from slotkeeper.operations.projection import project_date
from slotkeeper.store import appointments as store
from slotkeeper.store import days
from slotkeeper.store.appointments import Patient, Standing
from slotkeeper.store.database import Connection
from slotkeeper.store.days import Place
from slotkeeper.store.projection import remove_records


class Facts(NamedTuple):
    """What an organization's requests are judged by; ``zones`` is each branch's own or the organization's."""

    configuration: Configuration
    branches: Sequence[Branch]
    services: Sequence[Service]
    zones: dict[str, str]
    now: int

    def instant(self, branch_id: str, on: date, wall_time: str) -> int:
        """The instant of a wall time of a branch."""
        return instant_of(on, wall_time, self.zones[branch_id])

    def is_standing(self, appointment: Appointment) -> bool:
        """Whether an appointment is still to come: the duplicate rule counts it."""
        at = self.instant(appointment.branch_id, appointment.date, appointment.wall_time)
        return appointment.status in STANDING and at >= self.now


class Draft(NamedTuple):
    """What a request asks for, as far as it can be said without locks.

    ``old`` is the appointment as it is stored, None for a new one; ``new`` what it is to become. With a
    ``wish`` its window-date is chosen under the locks: its own first where that fits, ``only`` that window
    where one is named.
    """

    new: Appointment
    channel: Channel
    old: Appointment | None = None
    wish: Wish | None = None
    only: str | None = None


Outcome = Appointment | SlotkeeperError


def _place(appointment: Appointment) -> Place:
    return appointment.date, appointment.calendar_id


def _keeps_place(appointment: Appointment | None) -> bool:
    return appointment is not None and appointment.status is not AppointmentStatus.CANCELLED


async def take_places(
    tx: Connection, org_id: str, drafts: Sequence[Draft | SlotkeeperError], facts: Facts
) -> list[Outcome]:
    """Do what can be done of each draft, in their order; what became of each."""
    wanted = [draft for draft in drafts if isinstance(draft, Draft)]
    candidates, made = await _find_candidates(tx, org_id, wanted, facts)
    old = {_place(draft.old) for draft in wanted if draft.old is not None and _needs_place(draft)}
    locked = await days.lock_places(tx, org_id, candidates | old, now=facts.now)
    claims = _claims(wanted, facts)
    standing = await _claim(tx, org_id, claims, facts)
    diary = _Diary({(at.date, at.calendar_id): (at, token) for at, token in locked}, standing, facts)
    outcomes = [draft if isinstance(draft, SlotkeeperError) else diary.enter(draft) for draft in drafts]
    await diary.write(tx, org_id)
    await _undo(tx, org_id, made - diary.used, claims.keys() - diary.standing)
    return outcomes


async def _undo(tx: Connection, org_id: str, records: AbstractSet[Place], patients: AbstractSet[Patient]) -> None:
    """Take away the records and claims that refused requests made: a refusal stores nothing."""
    if records:
        await remove_records(tx, org_id, records)
    if patients:
        await store.release(tx, org_id, patients)


def _needs_place(draft: Draft) -> bool:
    """Whether a draft takes a place, frees one, or may move."""
    return draft.wish is not None or _keeps_place(draft.old) != _keeps_place(draft.new)


async def _find_candidates(
    tx: Connection, org_id: str, drafts: Iterable[Draft], facts: Facts
) -> tuple[set[Place], set[Place]]:
    """The window-dates that fit the wishes, and those of them whose records were made for it on the spot."""
    wishes: dict[tuple[str, date], list[Draft]] = {}
    for draft in drafts:
        if draft.wish is not None:
            wishes.setdefault((draft.wish.branch_id, draft.wish.date), []).append(draft)
    places: set[Place] = set()
    made: set[Place] = set()
    for (branch_id, on), asking in sorted(wishes.items(), key=lambda item: item[0]):
        found = await days.list_on_date(tx, org_id, on=on, branch_id=branch_id, session=None, now=facts.now)
        for at in found.window_dates:
            if any(_may_take(at, draft) for draft in asking):
                places.add((on, at.calendar_id))
        for calendar_id in sorted(at.calendar_id for at in found.window_dates if not at.stored):
            if (on, calendar_id) in places:
                await project_date(tx, org_id, calendar_id, on, now=facts.now)
                made.add((on, calendar_id))
    return places, made


def _may_take(at: WindowDate, draft: Draft) -> bool:
    return draft.wish is not None and draft.only in (None, at.calendar_id) and booking.fits(at, draft.wish)


def _claims(drafts: Iterable[Draft], facts: Facts) -> dict[Patient, tuple[Patient, int, str]]:
    """The patients whose duplicates matter: each until when, and for which appointment."""
    if facts.configuration.allow_duplicate_booking:
        return {}
    return {
        store.patient_of(new): (
            store.patient_of(new),
            facts.instant(new.branch_id, new.date, new.wall_time),
            new.appointment_id,
        )
        for new in (draft.new for draft in drafts if _becomes_standing(draft, facts))
    }


async def _claim(
    tx: Connection, org_id: str, claims: dict[Patient, tuple[Patient, int, str]], facts: Facts
) -> list[Standing]:
    """Lock the patients whose duplicates matter; what stands for them."""
    if not claims:
        return []
    found = await store.claim(tx, org_id, list(claims.values()))
    return [one for one in found if facts.instant(one.branch_id, one.date, one.wall_time) >= facts.now]


def _becomes_standing(draft: Draft, facts: Facts) -> bool:
    return facts.is_standing(draft.new) and (draft.old is None or not facts.is_standing(draft.old))


class _Diary:
    """The locked window-dates with running counts, and what is to be written of the requests decided so far."""

    def __init__(self, locked: dict[Place, tuple[WindowDate, int]], standing: Iterable[Standing], facts: Facts) -> None:
        self._days = {place: at for place, (at, _) in locked.items()}
        self._tokens = {place: token for place, (_, token) in locked.items()}
        self._standing: dict[Patient, dict[str, tuple[date, str]]] = {}
        for one in standing:
            self._stand(one.patient, one.appointment_id, one.date, one.wall_time)
        self._facts = facts
        self._taken: Counter[Place] = Counter()
        self._given: Counter[Place] = Counter()
        self._made: dict[str, Appointment] = {}
        self._changed: dict[str, Appointment] = {}

    @property
    def used(self) -> set[Place]:
        """The window-dates on which somebody was entered; a token given to one who left again counts."""
        return {place for place, taken in self._taken.items() if taken} | {*self._given}

    @property
    def standing(self) -> set[Patient]:
        """The patients of whom an appointment stands."""
        return {patient for patient, found in self._standing.items() if found}

    def enter(self, draft: Draft) -> Outcome:
        """Decide one request; a refusal leaves everything as it is."""
        try:
            self._refuse_duplicate(draft)
            appointment = draft.new if draft.wish is None else self._choose(draft, draft.wish)
        except SlotkeeperError as refusal:
            return refusal
        if _keeps_place(draft.old) and draft.old is not None:
            self._count(_place(draft.old), -1)
        if _keeps_place(appointment):
            self._count(_place(appointment), 1)
        patient = store.patient_of(appointment)
        if self._facts.is_standing(appointment):
            self._stand(patient, appointment.appointment_id, appointment.date, appointment.wall_time)
        else:
            self._standing.get(patient, {}).pop(appointment.appointment_id, None)
        (self._made if draft.old is None else self._changed)[appointment.appointment_id] = appointment
        return appointment

    def _choose(self, draft: Draft, wish: Wish) -> Appointment:
        """The appointment on the window-date chosen for it."""
        fitting = [at for at in self._days.values() if _may_take(at, draft)]
        own = None if draft.old is None else self._days.get(_place(draft.old))
        if own is not None and own in fitting:
            fitting = [own, *(at for at in fitting if at is not own)]
            if _keeps_place(draft.old) and booking.is_open(own, wish):
                return self._on(draft, own)  # it has its place there already
        return self._on(draft, booking.choose(fitting, wish, draft.channel))

    def _on(self, draft: Draft, at: WindowDate) -> Appointment:
        stays = draft.old is not None and _place(draft.old) == (at.date, at.calendar_id)
        token = draft.new.token if stays else self._next_token((at.date, at.calendar_id))
        return draft.new._replace(calendar_id=at.calendar_id, session=at.session, batch=at.batch, token=token)

    def _next_token(self, place: Place) -> int | None:
        if not self._facts.configuration.token_numbers:
            return None
        token = self._tokens[place]
        self._tokens[place] += 1
        self._given[place] += 1
        return token

    def _count(self, place: Place, by: int) -> None:
        at = self._days.get(place)
        if at is not None:
            self._days[place] = at._replace(filled=at.filled + by)
            self._taken[place] += by

    def _stand(self, patient: Patient, appointment_id: str, on: date, wall_time: str) -> None:
        self._standing.setdefault(patient, {})[appointment_id] = (on, wall_time)

    def _refuse_duplicate(self, draft: Draft) -> None:
        """Raises DuplicateBooking that names the appointment that stands."""
        if self._facts.configuration.allow_duplicate_booking or not _becomes_standing(draft, self._facts):
            return
        for appointment_id, (on, wall_time) in self._standing.get(store.patient_of(draft.new), {}).items():
            if appointment_id != draft.new.appointment_id:
                raise DuplicateBooking(
                    f"This patient has the appointment {appointment_id} for the same service already, on {on} at "
                    f"{wall_time[:5]}; move or cancel that one instead."
                )

    async def write(self, tx: Connection, org_id: str) -> None:
        """Write what was decided, each kind in one statement."""
        if self._made:
            await store.insert_appointments(tx, org_id, list(self._made.values()))
        if self._changed:
            await store.update_appointments(tx, org_id, list(self._changed.values()))
        counts = {
            place: (self._taken[place], self._given[place])
            for place in self._taken.keys() | self._given.keys()
            if self._taken[place] or self._given[place]
        }
        if counts:
            await days.count_places(tx, org_id, counts)


Drafting = Callable[[Facts], Draft]


def draft_all(drafting: Iterable[Drafting], facts: Facts) -> list[Draft | SlotkeeperError]:
    """The drafts of some requests; a refusal stands in the place of each that cannot be drafted."""
    drafts: list[Draft | SlotkeeperError] = []
    for make in drafting:
        try:
            drafts.append(make(facts))
        except SlotkeeperError as refusal:
            drafts.append(refusal)
    return drafts
