"""Closures: listed, added after a look at whom they affect, removed."""

from datetime import date, timedelta
from typing import Any

from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Undo, Visit
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import Closure
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.domain.texts import REASON_LENGTH
from slotkeeper.operations import closures
from slotkeeper.operations.appointments import list_appointments
from slotkeeper.operations.closures import EVERY, NewClosure
from slotkeeper.texts import Texts

MOST_NAMED = 200
"""How many of the appointments in the way are named."""


async def show_closures(visit: Visit) -> Answer:
    """The closures of today and later, or all of them, and the form for another."""
    return await _page(visit, {"preview": None})


async def add_closure(visit: Visit) -> Answer:
    """Show first whom a closure would affect; then, when that was seen, close its dates."""
    form = visit.form
    branch_id = form.id("branch_id") if form.fields.get("branch_id") else None
    date_from, date_to = form.date("date_from"), form.date("date_to")
    reason = form.text("reason", longest=REASON_LENGTH)
    if not form.details and date_to < date_from:
        form.note("date_to", visit.texts.gettext("The last date must not be before the first."))
    form.require_valid()
    new = NewClosure(branch_id, date_from, date_to, reason)
    if form.fields.get("step") != "close":
        return await _preview(visit, new)

    def told(made: Closure) -> Redirect:
        said = visit.texts.gettext("%(dates)s: closed.", dates=dates_of(visit.texts, made))
        undo = Undo(visit.texts.gettext("Undo"), f"/closures/{made.closure_id}/remove", {})
        return Redirect("/closures", Flash(said, undo))

    return told(await closures.create_closure(visit.db, visit.once(told), new, source="dashboard", now=visit.now))


async def remove_closure(visit: Visit) -> Answer:
    """Open the dates of a closure again. Raises NotFound."""
    closure_id = parse_uuid(visit.target("closure_id"))
    if closure_id is None:
        raise NotFound(visit.texts.gettext("The address leads nowhere: it may be mistyped, or out of date."))
    closure = await closures.get_closure(visit.db, visit.caller, closure_id)
    again = {
        "step": "close",
        "branch_id": closure.branch_id or "",
        "date_from": str(closure.date_from),
        "date_to": str(closure.date_to),
        "reason": closure.reason,
    }
    said = visit.texts.gettext("The closure of %(dates)s is removed.", dates=dates_of(visit.texts, closure))
    told = Redirect("/closures", Flash(said, Undo(visit.texts.gettext("Undo"), "/closures", again)))
    await closures.delete_closure(visit.db, visit.once(lambda _: told), closure_id, now=visit.now)
    return told


def dates_of(texts: Texts, closure: Closure | NewClosure) -> str:
    """The dates of a closure as people write them."""
    first, last = texts.date(closure.date_from, "yMMMEd"), texts.date(closure.date_to, "yMMMEd")
    return first if closure.date_from == closure.date_to else f"{first} – {last}"


async def _preview(visit: Visit, new: NewClosure) -> Page:
    affected = await closures.preview_closure(visit.db, visit.caller, new, now=visit.now)
    named = await list_appointments(visit.db, visit.caller, affected[:MOST_NAMED])
    values = {"new": new, "dates": dates_of(visit.texts, new), "count": len(affected), "named": named}
    return await _page(visit, {"preview": values})


async def _page(visit: Visit, values: dict[str, Any]) -> Page:
    on_today = today(visit.now, visit.zone)
    # A branch elsewhere may still have yesterday.
    first: date | None = None if visit.query("all") else on_today - timedelta(days=1)
    found, _ = await closures.list_closures(
        visit.db, visit.caller, branch_id=None, date_from=first, date_to=None, page=1, limit=EVERY
    )
    listed = [(one, dates_of(visit.texts, one)) for one in found]
    branches = {one.branch_id: one.name for one in visit.branches}
    shown = {"closures": listed, "names": branches, "today": on_today, "longest": REASON_LENGTH}
    return Page("closures.html", shown | {"shows_all": first is None} | values)
