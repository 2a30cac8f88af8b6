"""Contract section 8: what can be booked next, and why something cannot; decided as a booking is."""

from typing import Any

import pytest

from slotkeeper.domain.model import Channel
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused

NEXT, EXPLAIN = f"{WINDOWS}/next-available", f"{WINDOWS}/explain"
TUESDAY = plus_days(MONDAY, 1)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OPENING = [
    "slot_id", "calendar_id", "branch_id", "appointment_type", "date", "day", "session", "batch", "start_time",
    "end_time", "available_slots",
]  # fmt: skip


class Clinic:
    """One branch, one service, a window on Monday mornings (two places, one of them for the AI)."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner = world, owner
        self.branch = owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=2, ai_slots=1)
        self.staff = world.key(cast.owner_org, channel=Channel.STAFF)
        self._people = 0

    def next(self, client: Client | None = None, /, **asked: Any) -> list[dict[str, Any]]:
        return list(good((client or self.owner).get(NEXT, **asked))["data"])

    def dates(self, client: Client | None = None, /, **asked: Any) -> list[str]:
        return [one["date"] for one in self.next(client, **asked)]

    def explain(self, client: Client | None = None, /, on: str = MONDAY, **asked: Any) -> dict[str, Any]:
        return good((client or self.owner).get(EXPLAIN, date=on, **asked))

    def reason(self, client: Client | None = None, /, on: str = MONDAY, **asked: Any) -> str:
        """The reason as a whole; what is said of a booking of the same key must agree with it."""
        said = self.explain(client, on, **asked)
        assert said["bookable"] is (said["reason_code"] == "OPEN")
        return str(said["reason_code"])

    def book(self, client: Client | None = None, /, at: str = f"{MONDAY}T09:30:00Z", **more: Any) -> Any:
        self._people += 1
        body = {
            "appointment_type": self.service,
            "appointment_date": at,
            "patient_name": f"Patient {self._people}",
            "parent_phone": f"+49 30 {self._people:06d}",
        }
        return (client or self.owner).post(APPOINTMENTS, body | more)


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_an_opening_has_exactly_its_keys_in_their_order(clinic: Clinic) -> None:
    answer = good(clinic.owner.get(NEXT, limit=1))
    assert list(answer) == ["success", "from", "to", "data"]
    assert (answer["from"], answer["to"]) == ("2026-06-01", "2026-06-30")
    (opening,) = answer["data"]
    assert list(opening) == OPENING
    assert opening["slot_id"] == f"{clinic.window}||2026-06-01||{clinic.service}"
    assert (opening["day"], opening["date"], opening["available_slots"]) == ("monday", "2026-06-01", 1)


def test_days_and_limit_bound_what_is_listed(clinic: Clinic) -> None:
    assert clinic.dates(days=14) == ["2026-06-01", "2026-06-08"]
    assert clinic.dates(limit=1) == ["2026-06-01"]
    assert clinic.dates(**{"from": MONDAY}, days=1) == [MONDAY]
    assert clinic.dates(**{"from": TUESDAY}, days=6) == []
    for wrong in ({"days": 0}, {"days": 367}, {"limit": 0}, {"limit": 51}, {"from": "2026-02-30"}):
        refused(clinic.owner.get(NEXT, **wrong), 400, "VALIDATION_ERROR")


def test_a_beginning_in_the_past_is_shown_as_it_was_asked_and_offers_nothing_past(clinic: Clinic) -> None:
    answer = good(clinic.owner.get(NEXT, **{"from": "2026-05-01"}, days=40))
    assert (answer["from"], answer["to"]) == ("2026-05-01", "2026-06-09")
    assert [one["date"] for one in answer["data"]] == ["2026-06-01", "2026-06-08"]


def test_dates_beyond_the_horizon_are_offered_too(clinic: Clinic) -> None:
    far = "2027-03-01"
    assert clinic.dates(**{"from": far}, days=1) == [far]
    assert clinic.owner.records(far) == [], "looking stores nothing"
    good(clinic.book(at=f"{far}T09:00:00Z"), 201)
    assert clinic.dates(**{"from": far}, days=8) == [plus_days(far, 7)]
    good(clinic.owner.post("/v1/closures", {"date_from": plus_days(far, 7), "reason": "Closed"}), 201)
    assert clinic.dates(**{"from": far}, days=8) == []


def test_openings_come_by_date_time_batch_and_id_and_only_for_services_that_are_offered(clinic: Clinic) -> None:
    late = clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00")
    early = [clinic.owner.window(batch_name=name, max_slots=3) for name in ("B", "A")]
    found = clinic.next(**{"from": MONDAY}, days=1)
    assert [one["calendar_id"] for one in found] == [clinic.window, early[1], early[0], late]
    assert [one["calendar_id"] for one in clinic.next(session="evening", days=1)] == [late]
    other = clinic.owner.service("Vaccination")
    only = clinic.owner.window(day="tuesday", appointment_type_id=other)
    assert [one["calendar_id"] for one in clinic.next(appointment_type="vaccination", **{"from": TUESDAY}, days=1)] == [
        only
    ]
    assert clinic.next(appointment_type="Checkup", **{"from": TUESDAY}, days=1) == []
    good(clinic.owner.patch(f"/v1/services/{other}", {"active": False}))
    assert clinic.next(appointment_type=other, **{"from": TUESDAY}, days=1) == []


def test_what_is_not_there_is_not_found(clinic: Clinic) -> None:
    refused(clinic.owner.get(NEXT, appointment_type="Nobody's"), 404, "NOT_FOUND")
    refused(clinic.owner.get(NEXT, branch_id=UNKNOWN), 404, "NOT_FOUND")
    refused(clinic.owner.get(EXPLAIN, date=MONDAY, appointment_type=UNKNOWN), 404, "NOT_FOUND")
    refused(clinic.owner.get(EXPLAIN, date=MONDAY, branch_id=UNKNOWN), 404, "NOT_FOUND")
    refused(clinic.owner.get(EXPLAIN, date=MONDAY, time="09:00", session="Morning"), 400, "VALIDATION_ERROR")


def test_each_channel_is_offered_what_it_can_take(clinic: Clinic) -> None:
    good(clinic.book(), 201)
    assert clinic.dates(**{"from": MONDAY}, days=1) == []
    assert clinic.reason() == "AI_LIMIT_REACHED"
    (opening,) = clinic.next(clinic.staff, **{"from": MONDAY}, days=1)
    assert opening["available_slots"] == 1
    assert clinic.reason(clinic.staff) == "OPEN"
    refused(clinic.book(), 409, "SLOT_FULL")
    good(clinic.book(clinic.staff), 201)
    assert (clinic.reason(), clinic.reason(clinic.staff)) == ("FULL", "FULL")
    assert clinic.next(clinic.staff, **{"from": MONDAY}, days=1) == []
    refused(clinic.book(clinic.staff), 409, "SLOT_FULL")


def test_a_hold_takes_its_place_from_what_is_offered_until_it_ends(clinic: Clinic) -> None:
    place = {"slot_id": f"{clinic.window}||{MONDAY}||{clinic.service}", "ttl_seconds": 60}
    good(clinic.owner.post("/v1/holds", place), 201)
    assert clinic.dates(**{"from": MONDAY}, days=1) == []
    assert clinic.reason() == "AI_LIMIT_REACHED"
    clinic.world.clock.advance(seconds=60)
    assert clinic.dates(**{"from": MONDAY}, days=1) == [MONDAY]
    assert clinic.reason() == "OPEN"


def test_a_window_under_way_is_offered_while_a_moment_of_it_can_be_booked(clinic: Clinic) -> None:
    clinic.world.clock.set(f"{MONDAY}T10:59:59.999Z")
    assert clinic.dates(days=1) == [MONDAY]
    assert clinic.reason() == "OPEN"
    assert clinic.reason(time="10:00") == "IN_THE_PAST"
    clinic.world.clock.advance(milliseconds=1)
    assert clinic.dates(days=1) == []
    assert clinic.reason() == "IN_THE_PAST"
    refused(clinic.book(at=f"{MONDAY}T10:59:59Z"), 422, "OUTSIDE_AVAILABILITY")


@pytest.mark.parametrize(
    ("rule", "reason"), [({"min_notice_hours": 24 * 20}, "TOO_SOON"), ({"max_advance_days": 7}, "TOO_FAR_AHEAD")]
)
def test_booking_rules_bind_the_ai_channel_here_as_in_a_booking(
    clinic: Clinic, rule: dict[str, int], reason: str
) -> None:
    good(clinic.owner.patch("/v1/appointment-config", rule))
    assert MONDAY not in clinic.dates()
    assert clinic.reason() == reason
    assert next(iter(rule)) in clinic.explain()["message"]
    assert clinic.reason(time="09:30") == reason
    assert next(iter(rule)) in refused(clinic.book(), 422, "NOT_ALLOWED_BY_POLICY")["message"]
    assert MONDAY in clinic.dates(clinic.staff)
    assert clinic.reason(clinic.staff) == "OPEN"
    good(clinic.book(clinic.staff), 201)


def test_notice_leaves_the_rest_of_a_window(clinic: Clinic) -> None:
    good(clinic.owner.patch("/v1/appointment-config", {"min_notice_hours": 2}))
    clinic.world.clock.set(f"{MONDAY}T08:30:00Z")
    assert clinic.dates(days=1) == [MONDAY]
    assert (clinic.reason(), clinic.reason(time="10:29"), clinic.reason(time="10:30")) == ("OPEN", "TOO_SOON", "OPEN")
    refused(clinic.book(at=f"{MONDAY}T10:29:00Z"), 422, "NOT_ALLOWED_BY_POLICY")
    good(clinic.book(at=f"{MONDAY}T10:30:00Z"), 201)


def test_each_reason_names_what_stands_in_the_way(clinic: Clinic) -> None:
    assert clinic.explain()["data"] == [
        {
            "slot_id": f"{clinic.window}||{MONDAY}||{clinic.service}",
            "reason_code": "OPEN",
            "message": "09:00–11:00 on 2026-06-15 has 1 place left.",
            "available_slots": 1,
        }
    ]
    good(clinic.owner.override(clinic.window, MONDAY, status="CLOSED", reason="A funeral"))
    assert clinic.reason() == "CLOSED_ON_DATE"
    assert "A funeral" in clinic.explain()["message"]
    closure = good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Corpus Christi"}), 201)["data"]
    assert clinic.reason() == "CLOSURE"
    assert "Corpus Christi" in clinic.explain()["message"]
    refused(clinic.book(), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.owner.request("DELETE", f"/v1/closures/{closure['closure_id']}"))
    good(clinic.owner.override(clinic.window, MONDAY, status=None))
    assert clinic.reason() == "OPEN"
    good(clinic.owner.override(clinic.window, MONDAY, clinic.service, status="CLOSED"))
    assert clinic.reason() == "CLOSED_ON_DATE"
    good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    assert clinic.reason() == "WINDOW_DISABLED"
    refused(clinic.book(), 422, "OUTSIDE_AVAILABILITY")


def test_no_window_is_no_window(clinic: Clinic) -> None:
    assert clinic.reason(on=TUESDAY) == "NO_WINDOW"
    assert clinic.reason(time="12:00") == "NO_WINDOW"
    assert clinic.reason(session="Evening") == "NO_WINDOW"
    assert clinic.explain(on=TUESDAY)["data"] == []
    assert clinic.reason(on="2026-05-25", time="09:30") == "IN_THE_PAST"


def test_a_service_that_is_not_offered_or_not_served_is_said_so(clinic: Clinic) -> None:
    other = clinic.owner.service("Vaccination")
    refused(clinic.owner.get(EXPLAIN, date=MONDAY), 400, "VALIDATION_ERROR")
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"appointment_type_id": other}))
    assert clinic.reason(appointment_type=clinic.service) == "SERVICE_NOT_OFFERED"
    assert clinic.reason(appointment_type=other) == "OPEN"
    refused(clinic.book(), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.owner.patch(f"/v1/services/{other}", {"active": False}))
    assert clinic.reason(appointment_type=other) == "SERVICE_NOT_OFFERED"
    refused(clinic.book(appointment_type=other), 422, "OUTSIDE_AVAILABILITY")


def test_the_reason_as_a_whole_is_that_of_the_window_nearest_to_a_booking(clinic: Clinic) -> None:
    closed = clinic.owner.window(batch_name="Z", start_time="08:00")
    good(clinic.owner.override(closed, MONDAY, status="CLOSED"))
    good(clinic.book(), 201)
    said = clinic.explain()
    assert said["reason_code"] == "AI_LIMIT_REACHED"
    assert [one["reason_code"] for one in said["data"]] == ["CLOSED_ON_DATE", "AI_LIMIT_REACHED"]


def test_a_window_in_the_skipped_hour_does_not_occur(owner: Client) -> None:
    owner.branch("Main Street", timezone="Europe/Berlin")
    owner.service("Checkup")
    window = {"day": "sunday", "start_time": "02:00", "end_time": "03:00"}
    assert owner.window(**window)
    said = good(owner.get(EXPLAIN, date="2027-03-28"))
    assert said["reason_code"] == "NO_WINDOW"
    assert "clocks go forward" in said["message"]
    assert good(owner.get(NEXT, **{"from": "2027-03-28"}, days=1))["data"] == []
    assert good(owner.get(NEXT, **{"from": "2027-04-04"}, days=1))["data"]


def test_where_branches_are_apart_each_has_its_own_today(world: World, owner: Client) -> None:
    owner.service("Checkup")
    west, east = (owner.branch(name, timezone=zone) for name, zone in (("W", "America/Lima"), ("E", "Asia/Tokyo")))
    for branch in (west, east):
        owner.window(branch_id=branch, start_time="20:00", end_time="23:00", session="Evening")
    world.clock.set("2026-06-16T02:00:00Z")  # 21:00 on Monday in Lima, 11:00 on Tuesday in Tokyo
    found = [(one["date"], one["branch_id"]) for one in good(owner.get(NEXT, days=8))["data"]]
    assert found == [(MONDAY, west), *((plus_days(MONDAY, 7), branch) for _, branch in found[1:])]
    assert {branch for _, branch in found[1:]} == {west, east}
    assert good(owner.get(NEXT, branch_id=east, days=1))["from"] == TUESDAY
    refused(owner.get(EXPLAIN, date=MONDAY), 400, "VALIDATION_ERROR")
