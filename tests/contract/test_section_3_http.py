"""Contract section 3 on the forms of requests and answers, sentence by sentence."""

import re

import httpx
import pytest

from tests.world import (
    AVAILABILITY,
    MONDAY,
    REGENERATE,
    TRACKING,
    WINDOWS,
    Client,
    World,
    good,
    refused,
)  # fmt: skip

GONE = "00000000-0000-4000-8000-000000000000"


# The envelope, headers, forms.


def test_success_is_true_first_and_failure_is_false_with_a_code_and_a_message(owner: Client) -> None:
    answer = good(owner.get(AVAILABILITY, date=MONDAY))
    assert next(iter(answer)) == "success"
    refused(owner.get(AVAILABILITY), 400, "VALIDATION_ERROR")
    refused(owner.get("/v1/nothing"), 404, "NOT_FOUND")


def test_a_validation_error_carries_a_detail_for_each_field_that_is_wrong(owner: Client) -> None:
    error = refused(owner.get(AVAILABILITY, date="soon", session="Night", branch_id="x"), 400, "VALIDATION_ERROR")
    assert {detail["field"] for detail in error["details"]} == {"date", "session", "branch_id"}
    error = refused(owner.post(REGENERATE, {"date_from": 7, "date_to": "x"}), 400, "VALIDATION_ERROR")
    assert {detail["field"] for detail in error["details"]} == {"date_from", "date_to"}


def test_every_answer_carries_x_request_id(owner: Client, nobody: Client) -> None:
    answers = [
        owner.get(AVAILABILITY, date=MONDAY),
        nobody.get(AVAILABILITY),
        owner.get("/nowhere"),
        owner.post(AVAILABILITY),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


def test_the_callers_own_request_id_comes_back_where_it_is_sane(owner: Client) -> None:
    answer = owner.request("GET", AVAILABILITY, headers={"x-request-id": "order-4711.a_B"})
    assert answer.headers["x-request-id"] == "order-4711.a_B"


@pytest.mark.parametrize("text", [b"", b"x" * 5000, b"a\tb", b"caf\xe9", b"\x7f", b"<script>alert(1)</script>\x01"])
def test_a_request_id_that_is_not_sane_is_replaced_by_ours(owner: Client, text: bytes) -> None:
    answer = owner.request("GET", AVAILABILITY, params={"date": MONDAY}, headers={"x-request-id": text})
    assert answer.status_code == 200
    assert re.fullmatch(r"[!-~]{8,128}", answer.headers["x-request-id"])
    assert answer.headers["x-request-id"].encode() != text


def test_json_is_in_utf_8(owner: Client) -> None:
    owner.branch("Straße 東京 🩺")
    answer = owner.get("/v1/branches")
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert "Straße 東京 🩺".encode() in answer.content


def test_instants_are_iso_8601_utc_with_milliseconds_and_z(owner: Client, world: World) -> None:
    world.clock.advance(milliseconds=7)
    made = good(owner.post("/v1/branches", {"name": "Main"}), 201)["data"]
    assert made["created_at"] == "2026-06-01T08:00:00.007Z" == made["updated_at"]


@pytest.mark.parametrize(
    "text",
    ["2026-6-15", "15-06-2026", "2026-02-29", "2026-13-01", "1999-12-31", "2101-01-01", "20260615",
     "2026-06-15T00:00:00Z",
     " 2026-06-15", "2026-06-15 ", "today", "２０２６-06-15", "2026-06-15\n", "0", "-2026-06-15"],
)  # fmt: skip
def test_dates_are_strict_and_real_and_between_2000_and_2100(owner: Client, text: str) -> None:
    error = refused(owner.get(AVAILABILITY, date=text), 400, "VALIDATION_ERROR")
    assert "YYYY-MM-DD" in error["message"]
    refused(owner.get(TRACKING, date_from=text), 400, "VALIDATION_ERROR")
    refused(owner.post(REGENERATE, {"date_from": text}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("text", ["2000-01-01", "2024-02-29", "2100-12-31"])
def test_every_real_date_of_those_years_is_read(owner: Client, text: str) -> None:
    assert good(owner.get(AVAILABILITY, date=text))["date"] == text


@pytest.mark.parametrize(
    "text", ["9:00", "09:0", "24:00", "23:60", "0900", "09:00:00", "09:00 ", "９:00", "", 900, None]
)
def test_wall_times_are_hh_mm(owner: Client, text: object) -> None:
    owner.branch("Main")
    body = {"day": "monday", "session": "Morning", "start_time": text, "end_time": "23:59", "max_slots": 5}
    error = refused(owner.post(WINDOWS, body), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["start_time"]


def test_uuids_are_read_in_any_case_and_written_in_lower_case(owner: Client) -> None:
    branch, service = owner.branch("Main"), owner.service("Checkup")
    window = owner.window(branch_id=branch.upper())
    assert len(owner.slots(branch_id=branch.upper())) == 1
    (record,) = owner.records(appointment_type_id=service.upper())
    data = good(owner.patch(f"{WINDOWS}/tracking/{record['slot_id'].upper()}", {"status": "CLOSED"}))["data"]
    assert data["slot_id"] == f"{window}||{MONDAY}||{service}" == data["slot_id"].lower()


def test_unknown_query_parameters_are_ignored(owner: Client) -> None:
    good(owner.get(AVAILABILITY, date=MONDAY, utm_source="mail", Date="x"))


@pytest.mark.parametrize("name", ["date", "branch_id", "session", "appointment_type_id"])
def test_a_query_parameter_given_twice_is_400(owner: Client, name: str) -> None:
    value = {"date": MONDAY, "session": "Morning"}.get(name, GONE)
    parameters = [("date", MONDAY)] * (name != "date") + [(name, value), (name, value)]
    error = refused(
        owner.request("GET", AVAILABILITY, params=httpx.QueryParams(tuple(parameters))), 400, "VALIDATION_ERROR"
    )
    assert [detail["field"] for detail in error["details"]] == [name]


def test_an_optional_query_parameter_given_empty_counts_as_not_given(owner: Client) -> None:
    owner.branch("Main")
    owner.window()
    good(owner.get(AVAILABILITY, date=MONDAY, branch_id="", session="", appointment_type_id=""))
    good(owner.get(TRACKING, date_from=MONDAY, date_to="", branch_id="", appointment_type_id="", session=""))
    assert len(good(owner.get(WINDOWS, branch_id="", day="", session="", status=""))["data"]) == 1
    refused(owner.get(AVAILABILITY, date=""), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", [AVAILABILITY, TRACKING, WINDOWS, "/v1/branches", f"{WINDOWS}/{GONE}"])
def test_a_trailing_slash_is_404_and_no_redirect(owner: Client, path: str) -> None:
    refused(owner.get(f"{path}/", date=MONDAY, date_from=MONDAY), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "name", "allowed"),
    [("PATCH", "availability", "GET"), ("PATCH", "schedule-tracking", "GET"), ("GET", "regenerate", "POST"),
     ("PATCH", "regenerate", "POST")],
)  # fmt: skip
def test_fixed_names_win_over_slot_id(owner: Client, method: str, name: str, allowed: str) -> None:
    answer = owner.request(method, f"{WINDOWS}/{name}", json={"max_slots": 5})
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert allowed in answer.headers["allow"]


# Bodies.


def test_unknown_body_fields_are_400_and_the_message_lists_the_fields_that_would_be_right(owner: Client) -> None:
    error = refused(owner.post(REGENERATE, {"date_from": MONDAY, "date_too": MONDAY}), 400, "VALIDATION_ERROR")
    assert "date_too" in error["message"]
    assert all(name in error["message"] for name in ("date_from", "date_to", "dry_run"))
    error = refused(owner.post("/v1/services", {"name": "A", "colour": "red"}), 400, "VALIDATION_ERROR")
    assert all(name in error["message"] for name in ("colour", "name", "active"))


def test_a_whole_record_sent_back_by_patch_has_no_effect_but_for_what_was_changed(owner: Client, world: World) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    window = owner.window(ai_slots=10, batch_name="MA")
    world.clock.advance(hours=1)
    slot, record, rule = owner.slots()[0], owner.records()[0], good(owner.get(f"{WINDOWS}/{window}"))["data"]
    for path, whole in [(f"days/{slot['slot_id']}", slot), (f"tracking/{record['slot_id']}", record), (window, rule)]:
        assert good(owner.patch(f"{WINDOWS}/{path}", whole))["data"] == whole
        assert good(owner.patch(f"{WINDOWS}/{path}", whole | {"max_slots": 15}))["data"]["max_slots"] == 15
        assert good(owner.patch(f"{WINDOWS}/{path}", {"max_slots": 20}))["data"]["max_slots"] == 20
    for kind in ("branches", "services"):
        (whole,) = good(owner.get(f"/v1/{kind}"))["data"]
        assert good(owner.patch(f"/v1/{kind}/{next(iter(whole.values()))}", whole))["data"] == whole
    config = good(owner.get("/v1/appointment-config"))["data"]
    assert good(owner.patch("/v1/appointment-config", config))["data"] == config


def test_what_was_sent_back_unchanged_sets_no_override(owner: Client) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    window = owner.window(ai_slots=10)
    slot, record = owner.slots()[0], owner.records()[0]
    good(owner.patch(f"{WINDOWS}/tracking/{record['slot_id']}", record))
    good(owner.patch(f"{WINDOWS}/days/{slot['slot_id']}", slot))
    good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 33}))
    assert owner.records()[0]["max_slots"] == 33


def test_a_window_that_follows_max_slots_still_does_after_it_was_sent_back(owner: Client) -> None:
    owner.branch("Main")
    window = owner.window()
    whole = good(owner.get(f"{WINDOWS}/{window}"))["data"]
    assert whole["ai_slots"] == 20
    good(owner.patch(f"{WINDOWS}/{window}", whole))
    assert good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 30}))["data"]["ai_slots"] == 30


@pytest.mark.parametrize("name", ["calendar_id", "session", "date", "start_time", "appointment_type_name", "slot_id"])
def test_a_read_only_field_with_another_value_than_stored_is_400(owner: Client, name: str) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    owner.window()
    (record,) = owner.records()
    path = f"{WINDOWS}/tracking/{record['slot_id']}"
    error = refused(owner.patch(path, {"max_slots": 3, name: "Evening"}), 400, "VALIDATION_ERROR")
    assert name in error["message"]
    assert owner.records() == [record]
