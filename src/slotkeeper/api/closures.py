"""Closures: dates on which a branch, or every branch, takes no bookings (contract.md section 8)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Struct

from slotkeeper.api import fields
from slotkeeper.api.reading import read_body, read_id, read_query
from slotkeeper.api.request import Page, Request
from slotkeeper.api.schemas import Data, DoneView, Pagination, instant, pagination
from slotkeeper.domain.model import Closure
from slotkeeper.operations import closures
from slotkeeper.operations.closures import NewClosure


class NewClosureBody(Struct, frozen=True, kw_only=True):
    """What to close."""

    branch_id: Annotated[fields.Uuid | None, "Only this branch; null or left out: every branch."] = None
    date_from: Annotated[fields.Date, "The first date, on the branch's calendar."]
    date_to: Annotated[fields.Date | None, "The last date, not before `date_from`. Default: `date_from`."] = None
    reason: Annotated[fields.Reason, "What the staff and the callers are told."]
    dry_run: Annotated[fields.Flag, "Change nothing, and say which appointments it would affect."] = False


class ClosuresQuery(Struct, frozen=True, kw_only=True):
    """Which closures to list."""

    branch_id: Annotated[fields.Uuid | None, "Only those that close this branch."] = None
    date_from: Annotated[fields.Date | None, "Only those that reach to this date or beyond it."] = None
    date_to: Annotated[fields.Date | None, "Only those that begin on this date or before it."] = None
    page: Annotated[fields.PageNumber, "Which page, from 1."] = 1
    limit: Annotated[fields.PageSize, "How many a page holds."] = 50


class ClosureView(Struct, frozen=True):
    """Dates, both ends included, on which no bookings are taken."""

    closure_id: Annotated[fields.Uuid | None, "null in a dry run."]
    branch_id: Annotated[fields.Uuid | None, "null: every branch."]
    date_from: fields.Date
    date_to: fields.Date
    reason: str
    source: Annotated[str, "`api`, `cli`, `dashboard`, `ics` or `holidays`."]
    created_at: fields.Instant


class PreviewView(Struct, frozen=True):
    """What a closure would do; nothing was changed."""

    success: Literal[True]
    data: ClosureView
    affected: Annotated[list[fields.AppointmentId], "The appointments still to come on its dates, by date and time."]


class ClosuresView(Struct, frozen=True):
    """One page of closures, the earliest first."""

    success: Literal[True]
    data: list[ClosureView]
    pagination: Pagination


async def create_closure(request: Request) -> Data[ClosureView] | Page:
    """Close some dates. Appointments on them stay, and nothing is booked there until the closure is removed.

    With `dry_run` nothing changes, and the answer (200) has `affected`: the appointments still to come on the dates.
    """
    body = read_body(NewClosureBody, request.body)
    new = NewClosure(body.branch_id, body.date_from, body.date_to or body.date_from, body.reason)
    if not body.dry_run:
        caller = request.once(body, _shown)
        return _shown(await closures.create_closure(request.db, caller, new, source="api", now=request.now))
    affected = await closures.preview_closure(request.db, request.caller, new, now=request.now)
    would = ClosureView(None, *new, "api", instant(request.now))
    return Page("application/json", msgspec.json.encode(PreviewView(True, would, affected)), status=200)


async def list_closures(request: Request) -> ClosuresView:
    """List the closures, the earliest first."""
    query = read_query(ClosuresQuery, request.query)
    found, total = await closures.list_closures(
        request.db,
        request.caller,
        branch_id=query.branch_id,
        date_from=query.date_from,
        date_to=query.date_to,
        page=query.page,
        limit=query.limit,
    )
    return ClosuresView(True, [closure_view(one) for one in found], pagination(query.page, query.limit, total))


async def get_closure(request: Request) -> Data[ClosureView]:
    """Show one closure."""
    closure_id = read_id("closure_id", request.target)
    return _shown(await closures.get_closure(request.db, request.caller, closure_id))


async def delete_closure(request: Request) -> DoneView:
    """Remove a closure: its dates are open again, as far as nothing else closes them."""
    closure_id = read_id("closure_id", request.target)
    await closures.delete_closure(request.db, request.caller, closure_id, now=request.now)
    return DoneView(True)


def closure_view(closure: Closure) -> ClosureView:
    """A closure."""
    return ClosureView(*closure[:-1], instant(closure.created_at))


def _shown(closure: Closure) -> Data[ClosureView]:
    return Data(True, closure_view(closure))
