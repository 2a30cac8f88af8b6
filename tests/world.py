"""A real Slotkeeper in process for one test: a database, the app over ASGI, a clock that the test moves.

The cast: the *owner* of a clinic with every scope, a *colleague* in the same clinic who may only read
slots, and an *outsider* who runs a clinic of their own. Everything that has an HTTP interface goes
through it; bookings go through ``operations.appointments``, holds and closures (whose interface comes
later) straight into the database (``tests/direct.py``).
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import httpx

from slotkeeper.app import create_app
from slotkeeper.domain import access
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.domain.model import ApiKey, AppointmentStatus, Channel
from slotkeeper.operations import access as key_operations
from slotkeeper.operations import appointments, directory, line, schedule
from slotkeeper.operations.appointments import Changing, NewAppointment
from slotkeeper.settings import Settings
from tests import direct
from tests.engines import open_url

T = TypeVar("T")
MONDAY = "2026-06-15"  # the date of the page's examples
START = "2026-06-01T08:00:00Z"  # a Monday too
EVERY_SCOPE = tuple(Scope)
WINDOWS = "/v1/appointment-slots"
AVAILABILITY = f"{WINDOWS}/availability"
TRACKING = f"{WINDOWS}/schedule-tracking"
REGENERATE = f"{WINDOWS}/regenerate"
APPOINTMENTS = "/v1/appointments"


def millis(text: str) -> int:
    """The instant of an ISO 8601 text with an offset."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


class MovableClock:
    """Stands still until a test moves it."""

    def __init__(self, at: str = START) -> None:
        self.now = millis(at)

    def __call__(self) -> int:
        return self.now

    def set(self, at: str) -> None:
        self.now = millis(at)

    def advance(self, **by: float) -> None:
        self.now += int(timedelta(**by) / timedelta(milliseconds=1))


class Client:
    """Somebody who talks to the interface with one key."""

    def __init__(self, world: "World", key: str | None, record: ApiKey | None = None) -> None:
        self.world, self.key, self.record = world, key, record

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; ``headers`` given here win over the key's own."""
        headers = {} if self.key is None else {"authorization": f"Bearer {self.key}"}
        headers |= dict(more.pop("headers", {}))
        return self.world.request(method, path, headers=headers, **more)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self.request("GET", path, params=parameters or None)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.request("POST", path, json=body) if body is not None else self.request("POST", path)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.request("PATCH", path, json=body)

    def slots(self, on: str = MONDAY, **filters: str) -> list[dict[str, Any]]:
        """The slots that availability lists."""
        return list(good(self.get(AVAILABILITY, date=on, **filters))["slots"])

    def records(self, first: str = MONDAY, last: str | None = None, **filters: str) -> list[dict[str, Any]]:
        """The schedule tracking records from first to last."""
        span = {"date_from": first} if last is None else {"date_from": first, "date_to": last}
        return list(good(self.get(TRACKING, **span, **filters))["data"])

    def branch(self, name: str, **fields: Any) -> str:
        return str(good(self.post("/v1/branches", {"name": name, **fields}), 201)["data"]["branch_id"])

    def service(self, name: str, **fields: Any) -> str:
        return str(good(self.post("/v1/services", {"name": name, **fields}), 201)["data"]["service_id"])

    def window(self, **fields: Any) -> str:
        """A calendar window, like the page's unless said otherwise; its id."""
        body = {"day": "monday", "session": "Morning", "start_time": "09:00", "end_time": "11:00", "max_slots": 20}
        return str(good(self.post(WINDOWS, body | fields), 201)["data"]["calendar_id"])

    def override(self, calendar_id: str, on: str, service_id: str | None = None, /, **fields: Any) -> httpx.Response:
        """PATCH the record of a service (4.3), or the window-date itself (4.5)."""
        kind, parts = ("days", [calendar_id, on]) if service_id is None else ("tracking", [calendar_id, on, service_id])
        return self.patch(f"{WINDOWS}/{kind}/{'||'.join(parts)}", fields)

    def regenerate(self, first: str, last: str | None = None, **more: Any) -> dict[str, Any]:
        """The answer of a regenerate without its ``success``."""
        span = {"date_from": first} if last is None else {"date_from": first, "date_to": last}
        answer = good(self.post(REGENERATE, span | more))
        return {name: value for name, value in answer.items() if name != "success"}


def good(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The JSON of an answer that must have succeeded."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    body: dict[str, Any] = answer.json()
    assert body["success"] is True, body
    return body


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The ``error`` of an answer that must have been refused just so, in the one envelope."""
    assert answer.status_code == status, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    )
    body = answer.json()
    assert list(body) == ["success", "error"], body
    assert body["success"] is False, body
    error: dict[str, Any] = body["error"]
    wanted = ["code", "message", "details"] if code == "VALIDATION_ERROR" else ["code", "message"]
    assert list(error) == wanted, error
    assert error["code"] == code, error
    assert isinstance(error["message"], str), error
    assert error["message"].strip(), error
    if code == "VALIDATION_ERROR":
        assert error["details"], error
        assert all(list(detail) == ["field", "message"] and detail["message"] for detail in error["details"]), error
    assert answer.headers["x-request-id"], "every answer carries X-Request-Id"
    return error


class Cast(NamedTuple):
    """Who is in the prepared database: organization ids and keys."""

    owner_org: str
    outsider_org: str
    owner: str
    colleague: str
    outsider: str


class World:
    """One running Slotkeeper on its own database, which is given back at the end."""

    def __init__(self, url: str, *, at: str = START, give_back: Callable[[str], None] | None = None) -> None:
        self.url = url
        self._give_back = give_back
        self.clock = MovableClock(at)
        self.runner = asyncio.Runner()
        self.db = open_url(url)
        self.app = create_app(self.db, Settings(database_url=url), clock=self.clock)
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://slotkeeper.test")
        self._people = itertools.count(1)
        self._line: line.Line | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Drive one operation to its end."""
        return self.runner.run(work)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.run(self.http.request(method, path, **more))

    def close(self, *, keep: bool = False) -> None:
        """Stop; with ``keep`` others go on with the database."""
        self.run(self.http.aclose())
        self.run(self.db.close())
        self.runner.close()
        if self._give_back is not None and not keep:
            self._give_back(self.url)

    def organization(self, name: str, timezone: str = "UTC") -> str:
        made = self.run(directory.create_organization(self.db, name=name, timezone=timezone, now=self.clock()))
        return made.org_id

    def key(
        self,
        org_id: str,
        scopes: Sequence[Scope] = EVERY_SCOPE,
        *,
        channel: Channel = Channel.AI,
        rate_limit: int = 0,
        expires_at: int | None = None,
    ) -> Client:
        record, text = self.run(
            key_operations.create_key(
                self.db,
                org_id,
                label="test",
                scopes=list(scopes),
                channel=channel,
                rate_limit=rate_limit,
                expires_at=expires_at,
                now=self.clock(),
            )
        )
        return Client(self, text, record)

    def clinic(self, name: str, timezone: str = "UTC") -> Client:
        """A new organization's key with every scope."""
        return self.key(self.organization(name, timezone))

    def roll_forward(self) -> int:
        return self.run(schedule.roll_forward(self.db, now=self.clock()))

    def book(
        self,
        org_id: str,
        calendar_id: str,
        on: str,
        service_id: str,
        *,
        wall_time: str = "09:00",
        channel: Channel = Channel.STAFF,
    ) -> str:
        """Book a place for a new person; the appointment's id. Raises what the operation raises."""
        caller = Caller(org_id, "", access.operator(org_id).scopes, channel, 0)
        person = next(self._people)
        new = NewAppointment(
            service_id,
            self.instant(org_id, calendar_id, on, wall_time),
            f"Patient {person}",
            f"+49151{person:07d}",
            self._branch(org_id, calendar_id),
            calendar_id=calendar_id,
        )
        made = self.run(appointments.book_appointment(self.app_line(), caller, new, now=self.clock()))
        return made.appointment.appointment_id

    def try_book(self, *who: str, **more: Any) -> str:
        """Like book; the code of the refusal, or ``BOOKED``."""
        try:
            self.book(*who, **more)
        except SlotkeeperError as refusal:
            return refusal.code
        return "BOOKED"

    def cancel(self, org_id: str, appointment_id: str) -> None:
        change = Changing(appointment_id, {"status": AppointmentStatus.CANCELLED}, lambda *_: None)
        self.run(appointments.change_appointment(self.app_line(), access.operator(org_id), change, now=self.clock()))

    def app_line(self) -> line.Line:
        """The line in which bookings wait."""
        if self._line is None:
            self._line = line.new_line(self.db)
        return self._line

    def _branch(self, org_id: str, calendar_id: str) -> str:
        rows = direct.rows(
            self.url, "SELECT branch_id FROM windows WHERE org_id = ? AND calendar_id = ?", org_id, calendar_id
        )
        return str(rows[0][0])

    def instant(self, org_id: str, calendar_id: str, on: str, wall_time: str) -> int:
        """The instant of a wall time of a window's branch."""
        sql = (
            "SELECT coalesce(b.timezone, o.timezone) FROM branches b JOIN organizations o ON o.org_id = b.org_id"
            " WHERE b.org_id = ? AND b.branch_id = ?"
        )
        zone = direct.rows(self.url, sql, org_id, self._branch(org_id, calendar_id))[0][0]
        moment = datetime.combine(date.fromisoformat(on), time.fromisoformat(wall_time), tzinfo=ZoneInfo(zone))
        return int(moment.timestamp() * 1000)


def keys_in_order(value: Mapping[str, Any]) -> list[str]:
    """The keys of a JSON object as they were sent."""
    return list(value)


def plus_days(on: str, days: int) -> str:
    return (date.fromisoformat(on) + timedelta(days=days)).isoformat()


def utc_today(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()
