"""The board: all window-dates of a branch-week in one statement, and whether anything on some of them has changed."""

import json
from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.model import Session, WindowDate
from slotkeeper.store.database import SQL, Connection, Row, pack
from slotkeeper.store.days import overrides_of
from slotkeeper.store.rows import id_of, key_of

# Records are found by their dates and told by their own branch: a window that moved on has left booked ones behind.
_SPAN = SQL("""
    SELECT d.calendar_id, d.date, d.session, d.batch, d.start_time, d.end_time, d.service_id, d.max_slots, d.ai_slots,
           d.covered, d.filled,
           CASE WHEN d.held > 0 THEN (
               SELECT count(*) FROM holds h
               WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id AND h.expires_at > :now
           ) ELSE 0 END,
           CASE WHEN d.overridden THEN (
               SELECT @list(o.service_id, o.status, o.max_slots, o.ai_slots, o.reason) FROM overrides o
               WHERE o.org_id = :org_id AND o.date = d.date AND o.calendar_id = d.calendar_id
           ) END,
           d.rev, (SELECT o.config_rev FROM organizations o WHERE o.org_id = :org_id)
    FROM days d
    WHERE d.org_id = :org_id AND d.date BETWEEN :date_from AND :date_to AND d.branch_id = :branch_id
    ORDER BY d.date, d.start_time, d.batch, d.calendar_id
""")

_CLOSED = SQL("""
    SELECT date_from, date_to, reason
    FROM closures
    WHERE org_id = :org_id AND date_to >= :date_from AND date_from <= :date_to
      AND branch_id IN (:branch_id, :every_branch)
    ORDER BY date_from, closure_id
""")

# One row for each week: its dates are gone through once for all branches, by the index whatever else a server may think
# of it. A hold's end writes nothing, so live holds are counted.
_REVISIONS = SQL("""
    SELECT p.date_from, p.date_to, (SELECT o.config_rev FROM organizations o WHERE o.org_id = :org_id), (
               SELECT @list(b.branch_id, b.records, b.revs, b.holds) FROM (
                   SELECT d.branch_id, count(*) AS records, sum(d.rev) AS revs, sum(
                              CASE WHEN d.held > 0 THEN (
                                  SELECT count(*) FROM holds h
                                  WHERE h.org_id = :org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
                                    AND h.expires_at > :now
                              ) ELSE 0 END
                          ) AS holds
                   FROM days d
                   WHERE d.org_id = :org_id AND d.date BETWEEN p.date_from AND p.date_to
                   GROUP BY d.branch_id
               ) b
           )
    FROM @rows(:weeks, date_from DATE, date_to DATE) p
""")

# The same of several organizations.
_REVISIONS_OF_ALL = SQL("""
    SELECT p.org_id, p.date_from, p.date_to, (SELECT o.config_rev FROM organizations o WHERE o.org_id = p.org_id), (
               SELECT @list(b.branch_id, b.records, b.revs, b.holds) FROM (
                   SELECT d.branch_id, count(*) AS records, sum(d.rev) AS revs, sum(
                              CASE WHEN d.held > 0 THEN (
                                  SELECT count(*) FROM holds h
                                  WHERE h.org_id = p.org_id AND h.date = d.date AND h.calendar_id = d.calendar_id
                                    AND h.expires_at > :now
                              ) ELSE 0 END
                          ) AS holds
                   FROM days d
                   WHERE d.org_id = p.org_id AND d.date BETWEEN p.date_from AND p.date_to
                   GROUP BY d.branch_id
               ) b
           )
    FROM @rows(:weeks, org_id UUID, date_from DATE, date_to DATE) p
""")

Revision = tuple[int, ...]
"""How many records a span has, the sum of their revisions, their live holds, and the configuration's revision.

Nothing at all where it has no records.

Equal at two moments only if nothing that the board shows has changed: a revision never falls, and no record goes away
without a change of the configuration's.
"""


class Span(NamedTuple):
    """The dates of a branch that a board shows, both ends included."""

    branch_id: str
    date_from: date
    date_to: date


Place = tuple[str, Span]
"""A span, and the organization whose branch it is of."""


class Stored(NamedTuple):
    """What is stored of a span: its window-dates by date and time, the dates and reasons of closures, its revision."""

    window_dates: list[WindowDate]
    closures: list[tuple[date, date, str]]
    revision: Revision


async def read_span(tx: Connection, org_id: str, span: Span, *, now: int) -> Stored:
    """All of a branch's stored window-dates on some dates, closed ones included."""
    dates = {"date_from": span.date_from.isoformat(), "date_to": span.date_to.isoformat()}
    rows = await tx.fetch(_SPAN, org_id=org_id, branch_id=span.branch_id, now=now, **dates)
    closed = await tx.fetch(_CLOSED, org_id=org_id, branch_id=span.branch_id, every_branch=key_of(None), **dates)
    return Stored(
        [_window_date(row, span.branch_id) for row in rows],
        [(date.fromisoformat(first), date.fromisoformat(last), reason) for first, last, reason in closed],
        (len(rows), sum(row[13] for row in rows), sum(row[11] for row in rows), rows[0][14]) if rows else (),
    )


async def list_revisions(tx: Connection, places: Collection[Place], *, now: int) -> dict[Place, Revision]:
    """The revision of each of some spans: one statement, however many they are and whosever they are.

    About one organization it is one that a distributed database sends to one node.
    """
    weeks = sorted({(org_id, span.date_from.isoformat(), span.date_to.isoformat()) for org_id, span in places})
    org_ids = {org_id for org_id, *_ in weeks}
    if len(org_ids) == 1:
        own = org_ids.pop()
        dates = pack([dates for _, *dates in weeks])
        rows = [(own, *row) for row in await tx.fetch(_REVISIONS, org_id=own, weeks=dates, now=now)]
    else:
        rows = [tuple(row) for row in await tx.fetch(_REVISIONS_OF_ALL, weeks=pack(weeks), now=now)]
    found = {
        (org_id, branch_id, first, last): (records, revs, holds, config_rev)
        for org_id, first, last, config_rev, branches in rows
        for branch_id, records, revs, holds in json.loads(branches or "[]")
    }
    return {
        (org_id, span): found.get((org_id, span.branch_id, span.date_from.isoformat(), span.date_to.isoformat()), ())
        for org_id, span in places
    }


def _window_date(row: Row, branch_id: str) -> WindowDate:
    calendar_id, on, session, batch, start, end, service_id, max_slots, ai_slots, covered, filled, holds = row[:12]
    return WindowDate(
        calendar_id,
        date.fromisoformat(on),
        branch_id,
        Session(session),
        batch or None,
        start,
        end,
        id_of(service_id),
        max_slots,
        ai_slots,
        bool(covered),
        filled,
        holds,
        overrides_of(row[12]),
        0,
        0,
    )
