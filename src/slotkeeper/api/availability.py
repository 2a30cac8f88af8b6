"""Availability and schedule tracking: what can be booked (contract.md sections 4.1 and 4.2)."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec

from slotkeeper.api import fields
from slotkeeper.api.reading import read_query
from slotkeeper.api.request import Page, Request
from slotkeeper.api.schemas import AvailabilityView, Data, RecordView, record_view, slot_view
from slotkeeper.domain.model import Slot, TrackingRecord
from slotkeeper.domain.ranges import date_range
from slotkeeper.operations import availability
from slotkeeper.operations.availability import Question

_encode = msgspec.json.Encoder().encode

MANY = 2_000
"""More records than this are written out in a thread, so that other requests go on meanwhile."""


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which slots to list."""

    date: Annotated[fields.Date, "The date to check."]
    branch_id: Annotated[fields.Uuid | None, "Only the windows of this branch."] = None
    session: Annotated[fields.Session | None, "Only the windows of this session; read in any case."] = None
    appointment_type_id: Annotated[
        fields.Uuid | None, "Only the windows that serve this service, with numbers and status as for it."
    ] = None


class TrackingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to list."""

    date_from: Annotated[fields.Date, "The first date."]
    date_to: Annotated[
        fields.Date | None, "The last date: not before `date_from`, at most 366 days in all. Default: `date_from`."
    ] = None
    branch_id: Annotated[fields.Uuid | None, "Only the windows of this branch."] = None
    appointment_type_id: Annotated[fields.Uuid | None, "Only the records of this service."] = None
    session: Annotated[fields.Session | None, "Only the windows of this session; read in any case."] = None


async def get_availability(request: Request) -> Page:
    """List every enabled window of the date's weekday that is open for at least one service on that date.

    Full windows are listed too, with 0 available.
    """
    question = read_question(request.query)
    if request.proof is None or request.asked is None:
        raise ValueError("availability is asked for with the proof that the door reads")
    reply = await request.site.replies.get(
        request.db, request.caller, question, request.proof, request.asked, now=request.now
    )
    return Page("application/json", reply)


def read_question(raw: bytes) -> Question:
    """What a query string asks of availability. Raises InvalidInput."""
    query = read_query(AvailabilityQuery, raw)
    return Question(query.date, query.branch_id, query.session, query.appointment_type_id)


def write_availability(question: Question, slots: Sequence[Slot]) -> bytes:
    """The answer to a question about availability."""
    return _encode(AvailabilityView(True, question.on, [slot_view(slot) for slot in slots]))


async def list_tracking(request: Request) -> Data[list[RecordView]] | Page:
    """List the stored records, one for each window, date and service that the window serves.

    Records are kept for the branch's today and the dates after it up to the organization's `horizon_days`.
    """
    query = read_query(TrackingQuery, request.query)
    date_from, date_to = date_range(query.date_from, query.date_to)
    records = await availability.list_tracking(
        request.db,
        request.caller,
        date_from=date_from,
        date_to=date_to,
        branch_id=query.branch_id,
        service_id=query.appointment_type_id,
        session=query.session,
        now=request.now,
    )
    if len(records) <= MANY:
        return _shown(records)
    return await asyncio.to_thread(lambda: Page("application/json", msgspec.json.encode(_shown(records))))


def _shown(records: Sequence[TrackingRecord]) -> Data[list[RecordView]]:
    return Data(True, [record_view(record) for record in records])
