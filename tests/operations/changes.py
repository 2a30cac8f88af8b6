"""What people change about a clinic while others ask for its availability: visits of some steps each.

Every step shows in availability unless its name stands in UNSEEN. A step is a request that any server may get, or a
task of another process; the visit goes on with what became of it.
"""

import itertools
import random
from collections.abc import Callable, Generator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from slotkeeper.app import system_clock
from tests import direct
from tests.operations.hand import Outcome, Task, sent_behind
from tests.operations.hunt import Person
from tests.operations.wire import Ask
from tests.world import APPOINTMENTS, WINDOWS, Cast, Client, World

HOLDS = "/v1/holds"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Rest(NamedTuple):
    """For some seconds nobody writes anything."""

    seconds: float


class Step(NamedTuple):
    """What is done, and its name."""

    name: str
    act: Ask | Task | Rest


Visit = Generator[Step, Outcome, None]

REST = Step("rest", Rest(0.3))

UNSEEN = {
    "rest",
    "extend",
    "zone",
    "rules",
    "new service",
    "new key",
    "revoke",
    "checkpoint",
    "regenerate",
    "take away",
}
"""Steps that need not show: they change what is stored, and rarely or never what is said."""


class Clinic(NamedTuple):
    """Two branches with windows on one weekday and one on the next, and somebody else's clinic."""

    url: str
    org_id: str
    owner: Person
    others: list[Person]
    branches: list[str]
    services: list[str]
    windows: list[str]
    dates: list[str]

    @property
    def queries(self) -> list[str]:
        """What is asked for: the same dates in many ways, the first ones more often than the last."""
        (one, two), (checkup, eyes), (on, week, next_day, far, past) = self.branches, self.services, self.dates
        return [
            f"date={on}", f"date={on}&branch_id={one}", f"date={on}&session=Morning", f"date={far}",
            f"date={on}&appointment_type_id={checkup}", f"date={week}&branch_id={one}", f"date={week}",
            f"date={past}", f"date={on}&branch_id={two}", f"date={next_day}",
            f"date={far}&branch_id={one}&session=morning",
            f"date={on}&branch_id={one}&session=Morning&appointment_type_id={eyes}", f"date={on}&branch_id={UNKNOWN}",
        ]  # fmt: skip


def open_clinic(world: World, cast: Cast) -> Clinic:
    """Make the clinic in a world's database, at the present time; the world is closed."""
    try:
        world.clock.now = system_clock()
        owner, outsider = Client(world, cast.owner), Client(world, cast.outsider)
        branches = [owner.branch("One"), owner.branch("Two")]
        services = [owner.service("Checkup"), owner.service("Eyes")]
        first = datetime.now(UTC).date() + timedelta(days=8)
        on, next_day = (f"{first + timedelta(days=n):%A}".lower() for n in (0, 1))
        evening = {"session": "Evening", "start_time": "17:00", "end_time": "19:00"}
        windows = [
            owner.window(branch_id=branches[0], day=on, max_slots=900, ai_slots=800),
            owner.window(branch_id=branches[1], day=on, max_slots=900, **evening),
        ]
        owner.window(branch_id=branches[0], day=on, max_slots=900, appointment_type_id=services[0], **evening)
        owner.window(branch_id=branches[0], day=next_day, max_slots=900)
        owner.regenerate(str(first - timedelta(weeks=4)))
        outsider.branch("Elsewhere")
        outsider.window(day=on, max_slots=7)
        others = [
            Person(cast.colleague, cast.owner_org),
            Person(cast.outsider, cast.outsider_org),
            Person(world.key(cast.owner_org, []).key or "", cast.owner_org, may=False),
        ]
    finally:
        world.close(keep=True)
    # What proves an answer of one organization fresh is the same for the other's, where no record is stored.
    direct.change(world.url, "UPDATE organizations SET config_rev = 1000")
    dates = [str(first + timedelta(days=n)) for n in (0, 7, 1, 7 * 40, -7 * 4)]
    return Clinic(
        world.url, cast.owner_org, Person(cast.owner, cast.owner_org), others, branches, services, windows, dates
    )


class Changes:
    """The visits that are made to a clinic; ``people`` are those who ask, more of whom come and go."""

    def __init__(self, clinic: Clinic, people: list[Person]) -> None:
        self.clinic, self.people = clinic, people
        self.numbers = itertools.count(1)

    def visits(self) -> list[Callable[[], Visit]]:
        """Visits of all kinds, which may be made at the same time."""
        return [
            self.book, self.hold, self.confirm, self.let_run_out, self.override_day, self.override_record, self.close,
            self.switch_service, self.change_window, self.switch_window, self.add_window, self.forget_record,
            self.rearrange, self.tidy_up,
        ]  # fmt: skip

    def comings(self) -> list[Callable[[], Visit]]:
        """Visits after which there is somebody else who asks, or somebody less."""
        return [self.lend_key, self.revoke_key]

    def book(self) -> Visit:
        told = yield Step("book", self._booking(self._what(0)))
        if told.status == 201:
            path = f"{APPOINTMENTS}/{told.body['appointment_id']}"
            yield Step("move", Ask("PATCH", path, {"appointment_date": f"{self.clinic.dates[1]}T09:30:00Z"}))
            yield Step("cancel", Ask("PATCH", path, {"status": "cancelled"}))
            yield Step("confirm again", Ask("PATCH", path, {"status": "confirmed"}))

    def hold(self) -> Visit:
        told = yield Step("hold", Ask("POST", HOLDS, self._what(0) | {"ttl_seconds": 300}))
        if told.status == 201:
            path = f"{HOLDS}/{told.body['data']['hold_id']}"
            yield Step("extend", Ask("PATCH", path, {"ttl_seconds": 600}))
            yield Step("release", Ask("DELETE", path))

    def confirm(self) -> Visit:
        told = yield Step("hold", Ask("POST", HOLDS, self._what(1) | {"ttl_seconds": 300}))
        if told.status == 201:
            what = {"hold_id": told.body["data"]["hold_id"]}
            yield Step("confirm", self._booking(what | {"appointment_date": f"{self.clinic.dates[1]}T09:45:00Z"}))

    def let_run_out(self) -> Visit:
        """Holds that end some hundred milliseconds later, with other changes in between, and without any."""
        for behind in (random.randint(29_400, 29_980), 29_850):
            ask = Ask("POST", HOLDS, self._what(0) | {"ttl_seconds": 30})
            yield Step("short hold", sent_behind(ask, self.clinic.owner.key, behind=behind))
        yield REST

    def override_day(self) -> Visit:
        path = f"{WINDOWS}/days/{self.clinic.windows[0]}||{self.clinic.dates[0]}"
        yield Step("override day", Ask("PATCH", path, {"max_slots": 1_000 + next(self.numbers)}))
        yield Step("close day", Ask("PATCH", path, {"status": "CLOSED"}))
        yield Step("take override off", Ask("PATCH", path, {"status": None, "max_slots": None}))

    def override_record(self) -> Visit:
        parts = self.clinic.windows[0], self.clinic.dates[0], self.clinic.services[0]
        path = f"{WINDOWS}/tracking/{'||'.join(parts)}"
        yield Step("override record", Ask("PATCH", path, {"max_slots": 3_000 + next(self.numbers)}))
        yield Step("take record's override off", Ask("PATCH", path, {"max_slots": None}))

    def close(self) -> Visit:
        for on in (self.clinic.dates[0], self.clinic.dates[3]):
            body = {"branch_id": self.clinic.branches[0], "date_from": on, "date_to": on, "reason": "Holiday"}
            told = yield Step("close", Ask("POST", "/v1/closures", body))
            yield Step("reopen", Ask("DELETE", f"/v1/closures/{told.body['data']['closure_id']}"))

    def switch_service(self) -> Visit:
        for service in self.clinic.services:
            yield Step("service off", Ask("PATCH", f"/v1/services/{service}", {"active": False}))
        for service in self.clinic.services:
            yield Step("service on", Ask("PATCH", f"/v1/services/{service}", {"active": True}))

    def change_window(self) -> Visit:
        path = f"{WINDOWS}/{random.choice(self.clinic.windows)}"
        yield Step("change window", Ask("PATCH", path, {"max_slots": 900 + next(self.numbers)}))
        yield Step("change time", Ask("PATCH", path, {"start_time": f"08:{next(self.numbers) % 60:02d}"}))
        # A record of a past date stays as it was until then: nothing but its own revision tells of this.
        yield Step("regenerate the past", Ask("POST", f"{WINDOWS}/regenerate", {"date_from": self.clinic.dates[4]}))

    def switch_window(self) -> Visit:
        path = f"{WINDOWS}/{self.clinic.windows[1]}"
        yield Step("disable", Ask("POST", f"{path}/disable"))
        yield Step("enable", Ask("POST", f"{path}/enable"))

    def add_window(self) -> Visit:
        day = f"{date.fromisoformat(self.clinic.dates[0]):%A}".lower()
        body = {"branch_id": self.clinic.branches[1], "day": day, "session": "Afternoon", "start_time": "13:00",
                "end_time": "14:00", "max_slots": 5, "batch_name": f"B{next(self.numbers)}"}  # fmt: skip
        told = yield Step("new window", Ask("POST", WINDOWS, body))
        yield Step("disable", Ask("POST", f"{WINDOWS}/{told.body['data']['slot_id']}/disable"))

    def forget_record(self) -> Visit:
        """A record of a window that is no more is taken away, and with it its revision."""
        window, far = self.clinic.windows[1], self.clinic.dates[3]
        path = f"{WINDOWS}/days/{window}||{far}"
        yield Step("override far day", Ask("PATCH", path, {"max_slots": 2_000 + next(self.numbers)}))
        yield Step("disable", Ask("POST", f"{WINDOWS}/{window}/disable"))
        yield Step("take away", Ask("PATCH", path, {"max_slots": None}))
        yield Step("regenerate", Ask("POST", f"{WINDOWS}/regenerate", {"date_from": far}))
        yield Step("enable", Ask("POST", f"{WINDOWS}/{window}/enable"))

    def rearrange(self) -> Visit:
        """What belongs to the configuration without being said, and a regenerate of all."""
        branch = f"/v1/branches/{self.clinic.branches[1]}"
        yield Step("zone", Ask("PATCH", branch, {"timezone": "Asia/Kolkata"}))
        yield Step("zone", Ask("PATCH", branch, {"timezone": None}))
        days = random.choice((60, 90, 120))
        yield Step("rules", Ask("PATCH", "/v1/appointment-config", {"horizon_days": days, "token_numbers": days > 90}))
        yield Step(
            "new service", Ask("POST", "/v1/services", {"name": f"Service {next(self.numbers)}", "active": False})
        )
        span = {"date_from": self.clinic.dates[0], "date_to": self.clinic.dates[1]}
        yield Step("regenerate", Ask("POST", f"{WINDOWS}/regenerate", span))

    def tidy_up(self) -> Visit:
        for how in ("PASSIVE", "RESTART", "TRUNCATE"):
            yield Step("checkpoint", Task("checkpoint", {"how": how}))

    def lend_key(self) -> Visit:
        """Somebody asks with a key that ends soon, without any write."""
        told = yield Step("new key", Task("new key", {"org_id": self.clinic.org_id, "lasts": random.randint(200, 400)}))
        self.people.append(Person(told.body["key"], self.clinic.org_id, ends=told.body["expires_at"]))
        yield REST

    def revoke_key(self) -> Visit:
        told = yield Step("new key", Task("new key", {"org_id": self.clinic.org_id, "lasts": None}))
        self.people.append(Person(told.body["key"], self.clinic.org_id, key_id=told.body["key_id"]))
        for _ in range(4):
            yield Step("checkpoint", Task("checkpoint", {"how": "PASSIVE"}))
        yield Step("revoke", Task("revoke", {"org_id": self.clinic.org_id, "key_id": told.body["key_id"]}))

    def _what(self, date_number: int) -> dict[str, Any]:
        """A place of the first window on a date."""
        return {
            "branch_id": self.clinic.branches[0],
            "appointment_type": self.clinic.services[0],
            "appointment_date": f"{self.clinic.dates[date_number]}T09:30:00Z",
        }

    def _booking(self, what: dict[str, Any]) -> Ask:
        who = {"patient_name": f"Patient {next(self.numbers)}", "parent_phone": "+49 30 1234567"}
        return Ask("POST", APPOINTMENTS, what | who)
