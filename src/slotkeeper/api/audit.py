"""The audit trail (contract.md section 8)."""

from typing import Annotated, Any, Literal

from msgspec import Struct

from slotkeeper.api import fields
from slotkeeper.api.reading import read_query
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import Pagination, instant, pagination
from slotkeeper.domain.model import AuditEntry
from slotkeeper.operations import audit
from slotkeeper.operations.audit import Wanted


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which entries to list."""

    from_: Annotated[fields.DateOrMoment | None, "From this instant or date of the organization's zone on."] = None
    to: Annotated[fields.DateOrMoment | None, "Up to this instant, or to the end of this date."] = None
    action: Annotated[fields.Name | None, "Only this action, such as `appointments.create`."] = None
    subject: Annotated[fields.Name | None, "Only about this: an `appointment_id`, `slot_id`, `hold_id` …"] = None
    key_id: Annotated[fields.Uuid | None, "Only by this API key."] = None
    page: Annotated[fields.PageNumber, "Which page, from 1."] = 1
    limit: Annotated[fields.PageSize, "How many a page holds."] = 50


class EntryView(Struct, frozen=True, gc=False):
    """Who did what, or was refused it."""

    audit_id: fields.Uuid
    at: fields.Instant
    action: Annotated[str, "What was done, such as `days.update`."]
    subject: Annotated[str | None, "The id of what it is about; null where a refused request would have made it."]
    key_id: Annotated[fields.Uuid | None, "The API key; null for the command line."]
    user_id: Annotated[fields.Uuid | None, "The person, where one signed in."]
    channel: fields.ChannelWord
    request_id: Annotated[str | None, "The `X-Request-Id` of the request."]
    outcome: Literal["done", "refused"]
    before: Annotated[dict[str, Any] | None, "What changed, as it was before."]
    after: Annotated[dict[str, Any] | None, "What changed, as it is now; of a refusal its code, window, date, service."]


class AuditView(Struct, frozen=True):
    """One page of the audit trail, the newest first."""

    success: Literal[True]
    data: list[EntryView]
    pagination: Pagination


async def list_entries(request: Request) -> AuditView:
    """List every change, and every change that a rule refused, the newest first. Nothing of a patient stands in it."""
    query = read_query(AuditQuery, request.query)
    wanted = Wanted(query.from_, query.to, query.action, query.subject, query.key_id)
    entries, total = await audit.list_entries(request.db, request.caller, wanted, page=query.page, limit=query.limit)
    return AuditView(True, [_entry_view(entry) for entry in entries], pagination(query.page, query.limit, total))


def _entry_view(entry: AuditEntry) -> EntryView:
    return EntryView(entry.audit_id, instant(entry.at), *entry[2:])  # type: ignore[arg-type]  # in the same order
