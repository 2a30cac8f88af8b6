"""The audit trail: who did what, and what a rule refused."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from slotkeeper.dashboard.visit import Answer, Page, Visit
from slotkeeper.domain.model import AuditEntry
from slotkeeper.domain.slot_ids import parse_date, parse_uuid
from slotkeeper.domain.texts import parse_text
from slotkeeper.operations import access, audit, directory, users
from slotkeeper.operations.audit import Wanted

ON_A_PAGE = 50
LAST_PAGE = 10**6
LONGEST_SUBJECT = 120


class Change(NamedTuple):
    """One thing that changed: empty where it was not there."""

    name: str
    before: str
    after: str


class Line(NamedTuple):
    """An entry as the page shows it: when, who and what by name, where they have one."""

    moment: str
    entry: AuditEntry
    who: str
    subject: str
    changes: list[Change]


class Names(NamedTuple):
    """What is called how: keys, people, and whatever else may be a subject, by id."""

    keys: Mapping[str, str]
    people: Mapping[str, str]
    subjects: Mapping[str, str]


async def show_audit(visit: Visit) -> Answer:
    """A page of the entries looked for, the newest first."""
    asked = {name: visit.query(name) or "" for name in ("from", "to", "subject", "who")}
    kind, _, chosen = asked["who"].partition(":")
    by = parse_uuid(chosen)
    first, last = parse_date(asked["from"]), parse_date(asked["to"])
    asked |= {"from": "" if first is None else str(first), "to": "" if last is None else str(last)}
    wanted = Wanted(
        first,
        last,
        subject=parse_text(asked["subject"], longest=LONGEST_SUBJECT),
        key_id=by if kind == "key" else None,
        user_id=by if kind == "person" else None,
    )
    page = _page(visit)
    entries, total = await audit.list_entries(visit.db, visit.caller, wanted, page=page, limit=ON_A_PAGE)
    names = await _names(visit)
    kept = {name: text for name, text in asked.items() if text}
    values = {
        "lines": [_line(visit, entry, names) for entry in entries],
        "total": total,
        "asked": asked,
        "names": names,
        "newer": _link(kept, page - 1) if page > 1 else None,
        "older": _link(kept, page + 1) if page * ON_A_PAGE < total else None,
    }
    return Page("audit.html", values)


async def _names(visit: Visit) -> Names:
    keys = {key.key_id: key.label for key in await access.list_keys(visit.db, visit.caller)}
    people = {user.user_id: user.name for user in await users.list_users(visit.db, visit.caller)}
    services = {service.service_id: service.name for service in await directory.list_services(visit.db, visit.caller)}
    branches = {branch.branch_id: branch.name for branch in visit.branches}
    organization = {visit.caller.org_id: visit.signed_in.organization}
    return Names(keys, people, {**keys, **people, **services, **branches, **organization})


def _line(visit: Visit, entry: AuditEntry, names: Names) -> Line:
    say = visit.texts.gettext
    if entry.user_id is not None:
        who = names.people.get(entry.user_id, entry.user_id)
    elif entry.key_id is not None:
        who = say("key %(label)s", label=names.keys.get(entry.key_id, entry.key_id))
    else:
        who = say("command line")
    subject = entry.subject or ""
    moment = visit.texts.moment(entry.at, visit.home_zone, seconds=True)
    return Line(moment, entry, who, names.subjects.get(subject, subject), _changes(entry, names))


def _changes(entry: AuditEntry, names: Names) -> list[Change]:
    before, after = entry.before or {}, entry.after or {}
    return [Change(name, _told(before.get(name), names), _told(after.get(name), names)) for name in {**before, **after}]


def _told(value: Any, names: Names) -> str:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_told(one, names) for one in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return names.subjects.get(text, text)


def _page(visit: Visit) -> int:
    given = visit.query("page") or ""
    return min(max(int(given), 1), LAST_PAGE) if given.isascii() and given.isdigit() and len(given) < 8 else 1


def _link(kept: Mapping[str, str], page: int) -> str:
    return "/audit?" + urlencode({**kept, "page": page})
