"""Regenerate: first what would change, then the change itself, whose progress comes down the very answer to the form.

So it needs no job that outlives a request, and it does not matter which server process answers. Without a script the
answer is awaited and a page says that it is done; a script asks for lines of JSON and moves a bar by them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

from starlette.responses import StreamingResponse

from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import InvalidInput, SlotkeeperError
from slotkeeper.domain.model import Regenerated
from slotkeeper.domain.ranges import LONGEST_RANGE, date_range
from slotkeeper.operations import schedule
from slotkeeper.operations.acts import Replayed
from slotkeeper.operations.windows import list_windows
from slotkeeper.texts import N_

LINES = "application/x-ndjson"
"""What a script asks for: a line of JSON for each step."""
MOST_SHOWN = 200
"""How many changes are shown one by one."""
FIRST_ASKED = 30
"""How many dates after today the form asks for, unless somebody says otherwise."""

CHANGES = {"make": N_("made"), "write": N_("written"), "close": N_("closed"), "remove": N_("removed")}
"""What happens to a record."""

_running: set[asyncio.Task[None]] = set()
"""Work goes on where a browser goes away; a task that nobody holds may be swept away."""


async def show_regenerate(visit: Visit) -> Answer:
    """The form for the dates."""
    return _page(visit, {"preview": None})


async def regenerate(visit: Visit) -> Answer:
    """Show first what would change; then, when that was seen, do it."""
    first, last = _range(visit)
    if visit.form.fields.get("step") != "run":
        would = await schedule.regenerate(
            visit.db, visit.caller, date_from=first, date_to=last, dry_run=True, now=visit.now
        )
        return await _preview(visit, first, last, would)
    if visit.request.headers.get("accept") == LINES:
        lines = _lines(visit, first, last)
        return StreamingResponse(lines, media_type=LINES, headers={"x-accel-buffering": "no"})

    def told(done: Regenerated) -> Redirect:
        return Redirect("/regenerate", Flash(_said(visit, done)))

    done = await schedule.regenerate(
        visit.db, visit.once(told), date_from=first, date_to=last, dry_run=False, now=visit.now
    )
    return told(done)


async def _lines(visit: Visit, first: date, last: date) -> AsyncIterator[str]:
    """How far it is, and at the end what came of it, a line of JSON each."""
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def work() -> None:
        try:
            queue.put_nowait(await _run(visit, first, last, queue))
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(work())
    _running.add(task)
    task.add_done_callback(_running.discard)
    while (line := await queue.get()) is not None:
        yield json.dumps(line) + "\n"


async def _run(visit: Visit, first: date, last: date, queue: "asyncio.Queue[dict[str, Any] | None]") -> dict[str, Any]:
    """Do it, and tell of each step; what came of it as the last line."""

    def progress(done: int, total: int) -> None:
        said = visit.texts.gettext("%(done)s of %(total)s dates of windows", done=done, total=total)
        queue.put_nowait({"done": done, "total": total, "said": said})

    def told(done: Regenerated) -> Redirect:
        return Redirect("/regenerate", Flash(_said(visit, done)))

    try:
        done = await schedule.regenerate(
            visit.db,
            visit.once(told),
            date_from=first,
            date_to=last,
            dry_run=False,
            now=visit.now,
            progress=progress,
        )
    except SlotkeeperError as refusal:
        return {"refused": visit.texts.refusal(refusal)}
    except Replayed:
        return {"finished": visit.texts.gettext("It was done before.")}
    return {"finished": _said(visit, done)}


def _said(visit: Visit, done: Regenerated) -> str:
    say = visit.texts
    right = say.ngettext(
        "Done: %(num)s date of a window is as the weekly windows say.",
        "Done: %(num)s dates of windows are as the weekly windows say.",
        done.upserted,
    )
    parts = [right]
    if done.skipped:
        parts.append(
            say.ngettext(
                "%(num)s was kept closed, because something stands on it.",
                "%(num)s were kept closed, because something stands on them.",
                done.skipped,
            )
        )
    if done.errors:
        parts.append(say.ngettext("%(num)s could not be written.", "%(num)s could not be written.", done.errors))
    return " ".join(parts)


def _range(visit: Visit) -> tuple[date, date]:
    """The dates that were asked for. Raises InvalidInput."""
    form, say = visit.form, visit.texts.gettext
    first, last = form.date("date_from"), form.date("date_to")
    form.require_valid()
    try:
        return date_range(first, last)
    except InvalidInput:
        form.note("date_to", say("Not before the first date, and at most %(most)s dates in all.", most=LONGEST_RANGE))
        raise InvalidInput(form.details) from None


async def _preview(visit: Visit, first: date, last: date, would: Regenerated) -> Page:
    found = await list_windows(visit.db, visit.caller, branch_id=None, day=None, session=None, status=None)
    windows = {window.calendar_id: window for window in found}
    branches = {one.branch_id: one.name for one in visit.branches}
    changes = [
        (change, windows[change.calendar_id], CHANGES[change.change])
        for change in would.changes[:MOST_SHOWN]
        if change.calendar_id in windows
    ]
    values = {"would": would, "changes": changes, "branches": branches, "first": first, "last": last}
    return _page(visit, {"preview": values})


def _page(visit: Visit, values: dict[str, Any]) -> Page:
    on_today = today(visit.now, visit.zone)
    dates = {"today": on_today, "later": on_today + timedelta(days=FIRST_ASKED), "most": LONGEST_RANGE}
    return Page("regenerate.html", {**dates, "lines": LINES, **values})
