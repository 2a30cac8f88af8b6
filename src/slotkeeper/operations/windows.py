"""Calendar windows: made, changed, disabled, enabled, imported (contract.md sections 5 and 7).

Every change re-projects the window's records from its branch's today on, in the same transaction.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypedDict

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import Conflict, Detail, InvalidInput, NotFound
from slotkeeper.domain.model import Branch, Day, Service, Session, Status, Window, fold
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.directory import Item, pick
from slotkeeper.operations.ids import new_id
from slotkeeper.operations.projection import reproject
from slotkeeper.store import directory
from slotkeeper.store import windows as store
from slotkeeper.store.database import Connection, Database


class WindowChanges(TypedDict, total=False):
    """What a PATCH of a window may say; ``ai_slots`` None follows ``max_slots``."""

    day: Day
    session: Session
    start_time: str
    end_time: str
    max_slots: int
    ai_slots: int | None
    batch_name: str | None
    appointment_type_id: str | None


async def list_windows(
    db: Database,
    caller: Caller,
    *,
    branch_id: str | None,
    day: Day | None,
    session: Session | None,
    status: Status | None,
) -> list[Window]:
    """The windows that fit all filters given, disabled ones included."""
    caller.require(Scope.SLOTS_READ)
    enabled = None if status is None else status is Status.OPEN
    return await db.read(
        lambda tx: store.list_windows(tx, caller.org_id, branch_id=branch_id, day=day, session=session, enabled=enabled)
    )


async def get_window(db: Database, caller: Caller, calendar_id: str) -> Window:
    """The window of an id. Raises NotFound."""
    caller.require(Scope.SLOTS_READ)
    return await db.read(lambda tx: require_window(tx, caller.org_id, calendar_id, lock=False))


async def create_window(
    db: Database,
    caller: Caller,
    *,
    branch_id: str | None,
    day: Day,
    session: Session,
    start_time: str,
    end_time: str,
    max_slots: int,
    ai_slots: int | None,
    batch: str | None,
    service: str | None,
    now: int,
) -> Window:
    """Add a window. ``branch_id`` is needed only with several branches; ``service`` is a UUID or a name.

    Raises InvalidInput, NotFound for a branch or service that is not there, Conflict for a twin.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id = caller.org_id
    act = Act(caller, "windows.create", None, now)

    async def work(tx: Connection) -> Window:
        branch = choose_branch(await directory.list_branches(tx, org_id), branch_id)
        service_id = await _service_id(tx, org_id, service)
        window = Window(
            new_id(),
            branch.branch_id,
            day,
            session,
            batch,
            start_time,
            end_time,
            service_id,
            max_slots,
            ai_slots,
            True,
            now,
            now,
        )
        await act.note(tx, *changed(None, window), subject=window.calendar_id)
        return await add_window(tx, org_id, window, now=now)

    return await act.write(db, work, alone=True)


async def add_window(tx: Connection, org_id: str, window: Window, *, now: int) -> Window:
    """Store a new window with its records. Raises InvalidInput, Conflict for a twin."""
    check_window(window)
    await _refuse_twin(tx, org_id, window)
    await store.insert_window(tx, org_id, window)
    await _project(tx, org_id, window, now=now)
    return window


async def update_window(
    db: Database,
    caller: Caller,
    calendar_id: str,
    *,
    changes: WindowChanges,
    expect: Callable[[Window], None],
    whole: bool,
    now: int,
) -> Window:
    """Change a window; what equals the stored value has no effect. The result must satisfy the rules of a new one.

    ``whole``: the client sends the window back as it was shown, so an ``ai_slots`` that follows keeps following.
    Raises NotFound, InvalidInput, Conflict for a twin.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id = caller.org_id
    act = Act(caller, "windows.update", calendar_id, now, {"window": calendar_id})

    async def work(tx: Connection) -> Window:
        stored = await require_window(tx, org_id, calendar_id, lock=True)
        expect(stored)
        if whole and changes.get("ai_slots") == shown_ai_slots(stored):
            changes.pop("ai_slots")
        window = await _changed(tx, org_id, stored, changes)
        if window == stored:
            return stored
        await act.note(tx, *changed(stored, window))
        return await replace_window(tx, org_id, window, now=now)

    return await act.write(db, work, alone=True)


async def set_enabled(db: Database, caller: Caller, calendar_id: str, *, enabled: bool, now: int) -> Window:
    """Enable or disable a window; doing it twice changes nothing. Its bookings stay. Raises NotFound."""
    caller.require(Scope.SLOTS_WRITE)
    org_id = caller.org_id
    action = "windows.enable" if enabled else "windows.disable"
    act = Act(caller, action, calendar_id, now, {"window": calendar_id})

    async def work(tx: Connection) -> Window:
        stored = await require_window(tx, org_id, calendar_id, lock=True)
        if stored.enabled == enabled:
            return stored
        window = stored._replace(enabled=enabled, updated_at=now)
        await store.update_window(tx, org_id, window)
        await _project(tx, org_id, window, now=now)
        await act.note(tx, *changed(stored, window))
        return window

    return await act.write(db, work, alone=True)


async def _changed(tx: Connection, org_id: str, stored: Window, changes: WindowChanges) -> Window:
    window = stored
    if "day" in changes:
        window = window._replace(day=changes["day"])
    if "session" in changes:
        window = window._replace(session=changes["session"])
    if "start_time" in changes:
        window = window._replace(start_time=changes["start_time"])
    if "end_time" in changes:
        window = window._replace(end_time=changes["end_time"])
    if "max_slots" in changes:
        window = window._replace(max_slots=changes["max_slots"])
    if "ai_slots" in changes:
        window = window._replace(ai_slots=changes["ai_slots"])
    if "batch_name" in changes:
        window = window._replace(batch=changes["batch_name"])
    if "appointment_type_id" in changes:
        window = window._replace(service_id=await _service_id(tx, org_id, changes["appointment_type_id"]))
    return window


async def replace_window(tx: Connection, org_id: str, window: Window, *, now: int) -> Window:
    """Store a changed window with its records. Raises InvalidInput, Conflict for a twin."""
    check_window(window)
    await _refuse_twin(tx, org_id, window)
    window = window._replace(updated_at=now)
    await store.update_window(tx, org_id, window)
    await _project(tx, org_id, window, now=now)
    return window


async def _project(tx: Connection, org_id: str, window: Window, *, now: int) -> None:
    await directory.touch(tx, org_id)
    await reproject(tx, org_id, [window.calendar_id], window.branch_id, now=now)


def shown_ai_slots(window: Window) -> int:
    """``ai_slots`` as answers show it: ``max_slots`` where the window was made without one."""
    return window.max_slots if window.ai_slots is None else window.ai_slots


def check_window(window: Window) -> None:
    """The rules across fields of a window. Raises InvalidInput."""
    wrong = []
    if window.end_time <= window.start_time:
        wrong.append(
            Detail(
                "end_time",
                f"'end_time' must be later on the same day than 'start_time' ({window.start_time}), "
                f"not {window.end_time}.",
            )
        )
    if window.ai_slots is not None and window.ai_slots > window.max_slots:
        wrong.append(
            Detail(
                "ai_slots",
                f"'ai_slots' must be from 0 to 'max_slots' ({window.max_slots}), and it is {window.ai_slots}: "
                f"send 'ai_slots' of at most {window.max_slots}, or null to let it follow 'max_slots', too.",
            )
        )
    if wrong:
        raise InvalidInput(wrong)


async def require_window(tx: Connection, org_id: str, calendar_id: str, *, lock: bool) -> Window:
    """The window of an id. Raises NotFound."""
    window = await store.find_window(tx, org_id, calendar_id, lock=lock)
    if window is None:
        raise no_such_window(calendar_id)
    return window


def no_such_window(calendar_id: str) -> NotFound:
    """The refusal of a window that is not there."""
    return NotFound(
        f"This organization has no calendar window with the id {calendar_id}; "
        "'GET /v1/appointment-slots' lists those that it has."
    )


async def _refuse_twin(tx: Connection, org_id: str, window: Window) -> None:
    twin = await store.find_twin(tx, org_id, window)
    if twin is not None and twin.calendar_id != window.calendar_id:
        state = "" if twin.enabled else " (it is disabled: enable it instead)"
        raise Conflict(
            f"The window {twin.calendar_id} has the same branch, day, session, batch and service already{state}; "
            "change that one, or give this one another 'batch_name'."
        )


def choose_branch(branches: Sequence[Branch], branch_id: str | None) -> Branch:
    """The branch of an id; without one, the only one there is. Raises NotFound, InvalidInput where it is needed."""
    if branch_id is not None:
        return pick(branches, branch_id, "branch")
    if not branches:
        raise NotFound("This organization has no branch yet: make one first.")
    if len(branches) > 1:
        names = ", ".join(f"{branch.branch_id} ({branch.name})" for branch in branches)
        raise InvalidInput.of("branch_id", f"'branch_id' is needed, because there are several branches: {names}.")
    return branches[0]


def choose_service(services: Sequence[Service], name_or_id: str) -> Service:
    """The service of a UUID or a name, compared case-insensitively. Raises NotFound."""
    return choose_named(services, name_or_id, "service")


def choose_named(items: Sequence[Item], name_or_id: str, noun: str) -> Item:
    """The branch or service of a UUID or a name, compared case-insensitively. Raises NotFound."""
    wanted, folded = parse_uuid(name_or_id), fold(name_or_id)
    for item in items:
        if item[0] == wanted or _fold_name(item.name) == folded:
            return item
    raise NotFound(f"This organization has no {noun} '{name_or_id}'; use the UUID or the name of one that it has.")


_fold_name = lru_cache(maxsize=4096)(fold)


async def _service_id(tx: Connection, org_id: str, name_or_id: str | None) -> str | None:
    if name_or_id is None:
        return None
    return choose_service(await directory.list_services(tx, org_id), name_or_id).service_id
