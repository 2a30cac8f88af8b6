"""Contract section 8, sentence by sentence: holds asked for, extended and released."""

from typing import Any

import pytest

from tests.contract.clinic import HOLDS, UNKNOWN, Clinic
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def at(time: str, **more: Any) -> dict[str, Any]:
    """A hold for a time of the Monday."""
    return {"appointment_type": "Checkup", "appointment_date": f"{MONDAY}T{time}Z"} | more


@pytest.mark.parametrize(("ttl", "ends"), [(30, "08:00:30.000"), (900, "08:15:00.000")])
def test_a_hold_lasts_30_to_900_seconds(clinic: Clinic, ttl: int, ends: str) -> None:
    assert clinic.hold(ttl_seconds=ttl)["expires_at"] == f"2026-06-01T{ends}Z"


@pytest.mark.parametrize("ttl", [0, -30, 29, 901, 10**12, 60.5, True, "60", [60]])
def test_another_length_is_refused_for_a_new_hold_and_for_one_that_stands(clinic: Clinic, ttl: object) -> None:
    hold = clinic.hold()
    for answer in (clinic.ask(ttl_seconds=ttl), clinic.extend(hold, ttl_seconds=ttl)):
        error = refused(answer, 400, "VALIDATION_ERROR")
        assert [detail["field"] for detail in error["details"]] == ["ttl_seconds"]
    assert good(clinic.shown(hold))["data"] == hold
    assert clinic.counts() == (0, 1, 1)


def test_a_field_that_is_unknown_is_refused_with_those_that_would_be_right(clinic: Clinic) -> None:
    for answer in (clinic.ask(ttl=60), clinic.extend(clinic.hold(), ttl=60)):
        error = refused(answer, 400, "VALIDATION_ERROR")
        assert "ttl" in [detail["field"] for detail in error["details"]]
        assert "ttl_seconds" in str(error)


def test_ids_are_read_in_any_case_and_written_in_lower_case(clinic: Clinic) -> None:
    hold = clinic.hold(slot_id=clinic.slot_id.upper())
    assert hold["slot_id"] == clinic.slot_id
    assert hold["hold_id"] == hold["hold_id"].lower()
    upper = {"hold_id": hold["hold_id"].upper()}
    assert good(clinic.shown(upper))["data"] == hold
    assert good(clinic.extend(upper, ttl_seconds=300))["data"] == hold
    good(clinic.release(upper))
    refused(clinic.shown(hold), 404, "NOT_FOUND")


def test_two_parts_are_enough_where_the_window_serves_one_service(clinic: Clinic) -> None:
    clinic.limits(appointment_type_id=clinic.service)
    hold = clinic.hold(slot_id=f"{clinic.window}||{MONDAY}")
    assert (hold["slot_id"], hold["appointment_type"]) == (clinic.slot_id, clinic.service)


def test_a_service_beside_three_parts_must_be_the_same(clinic: Clinic) -> None:
    clinic.owner.service("Vaccination")
    assert clinic.hold(appointment_type="CHECKUP")["appointment_type"] == clinic.service
    refused(clinic.ask(appointment_type="Vaccination"), 400, "VALIDATION_ERROR")
    refused(clinic.ask(slot_id=f"{clinic.window}||{MONDAY}", appointment_type="Surgery"), 404, "NOT_FOUND")


@pytest.mark.parametrize("form", ["{window}", "{window}||monday||{service}", "{window}||{on}||", "{window}|{on}", "x"])
def test_a_slot_id_of_another_form_is_refused(clinic: Clinic, form: str) -> None:
    slot_id = form.format(window=clinic.window, on=MONDAY, service=clinic.service)
    refused(clinic.ask(slot_id=slot_id), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("field", ["appointment_date", "branch_id", "session", "batch"])
def test_a_slot_and_a_time_are_not_asked_for_together(clinic: Clinic, field: str) -> None:
    value = {"branch_id": clinic.branch, "session": "Morning", "batch": "MA"} | {"appointment_date": f"{MONDAY}T10:00Z"}
    answer = clinic.owner.post(HOLDS, {"slot_id": clinic.slot_id, field: value[field]})
    refused(answer, 400, "VALIDATION_ERROR")
    assert clinic.stored("holds") == 0


@pytest.mark.parametrize("body", [{}, {"ttl_seconds": 60}, {"appointment_type": "Checkup"}, {"slot_id": None}])
def test_a_hold_needs_a_slot_or_a_service_and_a_time(clinic: Clinic, body: dict[str, Any]) -> None:
    refused(clinic.owner.post(HOLDS, body), 400, "VALIDATION_ERROR")
    refused(clinic.owner.post(HOLDS, {"appointment_date": f"{MONDAY}T10:00:00Z"}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("how", ["closure", "day", "record", "disabled", "inactive", "another service"])
def test_what_takes_no_bookings_takes_no_holds(clinic: Clinic, how: str) -> None:
    if how == "closure":
        good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed"}), 201)
    elif how in {"day", "record"}:
        services = [clinic.service] if how == "record" else []
        good(clinic.owner.override(clinic.window, MONDAY, *services, status="CLOSED"))
    elif how == "disabled":
        good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    elif how == "inactive":
        good(clinic.owner.patch(f"/v1/services/{clinic.service}", {"active": False}))
    else:
        clinic.limits(appointment_type_id=clinic.owner.service("Vaccination"))
    before = clinic.dump()
    refused(clinic.ask(), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(**at("09:30")), 422, "OUTSIDE_AVAILABILITY")
    assert clinic.dump() == before


def test_a_hold_for_a_time_finds_its_window_as_a_booking_does(clinic: Clinic) -> None:
    early = clinic.owner.window(start_time="08:00", end_time="10:00", max_slots=1, session="Afternoon")
    found = [clinic.hold(**at("09:30"))["slot_id"][:36] for _ in range(3)]
    assert found == [early, clinic.window, clinic.window]
    refused(clinic.ask(**at("09:30")), 409, "SLOT_FULL")
    refused(clinic.ask(**at("11:00")), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(**at("09:30", session="Evening")), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(**at("09:30", batch="MB")), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(**at("09:30", appointment_type="Surgery")), 404, "NOT_FOUND")


def test_a_hold_for_a_time_is_on_the_branchs_clock_and_needs_the_branch_with_several(clinic: Clinic) -> None:
    tokyo = clinic.owner.branch("Tokyo", timezone="Asia/Tokyo")
    window = clinic.owner.window(branch_id=tokyo)
    moment = f"{plus_days(MONDAY, -1)}T20:15:00-04:00"
    refused(clinic.ask(**at("09:30")), 400, "VALIDATION_ERROR")
    refused(clinic.ask(**at("09:30", branch_id=UNKNOWN)), 404, "NOT_FOUND")
    hold = clinic.hold(**at("", branch_id=tokyo, appointment_date=moment))
    assert (hold["slot_id"][:36], hold["date"], hold["branch_id"]) == (window, MONDAY, tokyo)


def test_a_window_under_way_is_held_for_its_rest(clinic: Clinic) -> None:
    clinic.world.clock.set(f"{MONDAY}T10:59:59Z")
    refused(clinic.ask(**at("10:30")), 422, "OUTSIDE_AVAILABILITY")
    hold = clinic.hold(ttl_seconds=30)
    good(clinic.confirm(hold, appointment_date=f"{MONDAY}T10:59:59Z"), 201)
    clinic.world.clock.set(f"{MONDAY}T11:00:00Z")
    refused(clinic.ask(), 422, "OUTSIDE_AVAILABILITY")


def test_the_booking_rules_bind_the_holds_of_ai_keys_only(clinic: Clinic) -> None:
    clinic.rules(min_notice_hours=14 * 24 + 2)  # 10:00 on the Monday: in the window
    assert "min_notice_hours" in refused(clinic.ask(**at("09:59")), 422, "NOT_ALLOWED_BY_POLICY")["message"]
    good(clinic.release(clinic.hold(**at("10:00"))))
    good(clinic.release(clinic.hold()))
    clinic.rules(min_notice_hours=14 * 24 + 3)
    assert "min_notice_hours" in refused(clinic.ask(), 422, "NOT_ALLOWED_BY_POLICY")["message"]
    clinic.hold(clinic.staff)
    clinic.hold(clinic.staff, **at("09:30"))


def test_a_hold_counts_whatever_its_service_and_channel(clinic: Clinic) -> None:
    other = clinic.owner.service("Vaccination")
    good(clinic.owner.override(clinic.window, MONDAY, other, max_slots=1))
    hold = clinic.hold(clinic.staff)
    left = {record["appointment_type_id"]: record["available_slots"] for record in clinic.owner.records()}
    assert left == {clinic.service: 1, other: 0}
    third = f"{clinic.window}||{MONDAY}||{other}"
    refused(clinic.ask(clinic.staff, slot_id=third), 409, "SLOT_FULL")
    good(clinic.release(hold))
    clinic.hold(slot_id=third)
    assert clinic.counts() == (0, 1, 1)


def test_a_hold_is_seen_by_next_available_and_explain(clinic: Clinic) -> None:
    def openings() -> list[int]:
        data = good(clinic.owner.get(f"{WINDOWS}/next-available", **{"from": MONDAY, "days": 1}))["data"]
        return [one["available_slots"] for one in data]

    def reason() -> tuple[bool, str]:
        answer = good(clinic.owner.get(f"{WINDOWS}/explain", date=MONDAY))
        return answer["bookable"], answer["reason_code"]

    holds = []
    for seen in ([2], [1]):
        assert (openings(), reason()) == (seen, (True, "OPEN"))
        holds.append(clinic.hold(ttl_seconds=30))
    assert (openings(), reason()) == ([], (False, "FULL"))
    clinic.world.clock.advance(seconds=30)
    assert (openings(), reason()) == ([2], (True, "OPEN"))


@pytest.mark.parametrize("taker", ["booking", "hold"])
def test_the_place_of_a_dead_hold_is_taken_in_that_second_though_its_row_is_still_there(
    clinic: Clinic, taker: str
) -> None:
    clinic.limits(max_slots=1)
    clinic.hold(ttl_seconds=30)

    def take() -> Any:
        return clinic.owner.post(APPOINTMENTS, clinic.body()) if taker == "booking" else clinic.ask()

    clinic.world.clock.advance(seconds=29.999)
    refused(take(), 409, "SLOT_FULL")
    clinic.world.clock.advance(milliseconds=1)
    assert clinic.counts() == (0, 1, 1)
    assert clinic.stored("holds") == 1
    good(take(), 201)
    assert clinic.counts() == ((1, 0, 0) if taker == "booking" else (0, 0, 0))


def test_a_hold_has_no_end_to_give_back_after_it_ended(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=30)
    clinic.world.clock.advance(seconds=29.999)
    assert good(clinic.shown(hold))["data"] == hold
    clinic.world.clock.advance(milliseconds=1)
    refused(clinic.shown(hold), 404, "NOT_FOUND")
    refused(clinic.extend(hold, ttl_seconds=300), 409, "HOLD_EXPIRED")
    assert clinic.counts() == (0, 2, 2)


def test_extending_is_from_now_and_never_later_than_900_seconds_after_the_first_moment(clinic: Clinic) -> None:
    hold = clinic.hold()
    ends = []
    for _ in range(4):
        clinic.world.clock.advance(seconds=200)
        ends.append(good(clinic.extend(hold, ttl_seconds=250))["data"]["expires_at"][11:19])
    assert ends == ["08:07:30", "08:10:50", "08:14:10", "08:15:00"]
    shown = good(clinic.shown(hold))["data"]
    assert shown == hold | {"expires_at": "2026-06-01T08:15:00.000Z"}
    clinic.world.clock.advance(seconds=100)
    refused(clinic.extend(hold, ttl_seconds=30), 409, "HOLD_EXPIRED")


def test_extending_takes_no_place_and_needs_none(clinic: Clinic) -> None:
    hold = clinic.hold()
    clinic.hold()
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=0))
    good(clinic.extend(hold, ttl_seconds=900))
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=None))
    assert clinic.counts() == (0, 0, 0)


def test_a_whole_hold_sent_back_changes_only_its_length(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=60)
    assert good(clinic.extend(hold, **hold, ttl_seconds=120))["data"]["expires_at"] == "2026-06-01T08:02:00.000Z"
    refused(clinic.extend(hold, ttl_seconds=120, batch="MB"), 400, "VALIDATION_ERROR")
    for body in ({}, {"batch": "MA"}):
        refused(clinic.extend(hold, **body), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("gone", ["ran out", "released", "confirmed"])
def test_a_hold_that_is_gone_is_404_to_see_409_to_extend_and_200_to_release(clinic: Clinic, gone: str) -> None:
    hold = clinic.hold(ttl_seconds=30)
    if gone == "ran out":
        clinic.world.clock.advance(seconds=30)
    elif gone == "released":
        good(clinic.release(hold))
    else:
        good(clinic.confirm(hold), 201)
    filled = 1 if gone == "confirmed" else 0
    for _ in range(2):
        refused(clinic.shown(hold), 404, "NOT_FOUND")
        refused(clinic.extend(hold, ttl_seconds=60), 409, "HOLD_EXPIRED")
        assert good(clinic.release(hold)) == {"success": True}
        assert clinic.counts() == (filled, 2 - filled, 2 - filled)


def test_a_whole_hold_sent_back_after_it_ran_out_is_expired_too(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=30)
    clinic.world.clock.advance(seconds=30)
    refused(clinic.extend(hold, **hold, ttl_seconds=60), 409, "HOLD_EXPIRED")


def test_an_id_that_never_was_a_hold_is_404_to_see_and_extend_and_200_to_release(clinic: Clinic) -> None:
    never: dict[str, Any] = {"hold_id": UNKNOWN}
    refused(clinic.shown(never), 404, "NOT_FOUND")
    refused(clinic.extend(never, ttl_seconds=60), 404, "NOT_FOUND")
    assert good(clinic.release(never)) == {"success": True}
    for malformed in ({"hold_id": "monday"}, {"hold_id": clinic.window[:-1]}):
        refused(clinic.shown(malformed), 400, "VALIDATION_ERROR")
        refused(clinic.extend(malformed, ttl_seconds=60), 400, "VALIDATION_ERROR")
        refused(clinic.release(malformed), 400, "VALIDATION_ERROR")
