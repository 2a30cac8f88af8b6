"""The board: a week of one branch."""

from datetime import date, timedelta

from slotkeeper.dashboard.visit import Answer, Page, Visit
from slotkeeper.domain.calendar import today
from slotkeeper.domain.slot_ids import parse_date
from slotkeeper.operations.board import get_week


async def show_board(visit: Visit) -> Answer:
    """The week of a date, by default the branch's today."""
    on_today = today(visit.now, visit.zone)
    monday = _monday(parse_date(visit.query("date") or "") or on_today)
    week = await get_week(visit.db, visit.caller, branch_id=visit.place.branch_id, monday=monday, now=visit.now)
    return Page("board.html", {"week": week, "monday": monday, "today": on_today})


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())
