"""Contract section 5, sentence by sentence: calendar windows."""

from typing import Any

import pytest

from tests.world import MONDAY, TRACKING, WINDOWS, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
BODY = {"day": "monday", "session": "Morning", "start_time": "09:00", "end_time": "11:00", "max_slots": 20}
KEYS = [
    "slot_id", "calendar_id", "branch_id", "day", "session", "batch", "start_time", "end_time", "appointment_type",
    "max_slots", "ai_slots", "status", "created_at", "updated_at",
]  # fmt: skip


@pytest.fixture
def branch(owner: Client) -> str:
    return owner.branch("Main Street")


@pytest.fixture
def service(owner: Client, branch: str) -> str:
    assert branch
    return owner.service("General Checkup")


@pytest.fixture
def window(owner: Client, service: str) -> str:
    assert service
    return owner.window(batch_name="MA", ai_slots=10)


def shown(owner: Client, window: str) -> dict[str, Any]:
    return dict(good(owner.get(f"{WINDOWS}/{window}"))["data"])


# POST


def test_a_new_window_is_answered_201_with_exactly_the_documented_keys(owner: Client, branch: str) -> None:
    answer = good(owner.post(WINDOWS, BODY | {"ai_slots": 10, "batch_name": "MA", "branch_id": branch}), 201)
    assert list(answer) == ["success", "data"]
    data = answer["data"]
    assert list(data) == KEYS
    assert data["slot_id"] == data["calendar_id"]
    assert data == {
        "slot_id": data["calendar_id"], "calendar_id": data["calendar_id"], "branch_id": branch, "day": "monday",
        "session": "Morning", "batch": "MA", "start_time": "09:00", "end_time": "11:00", "appointment_type": None,
        "max_slots": 20, "ai_slots": 10, "status": "OPEN",
        "created_at": "2026-06-01T08:00:00.000Z", "updated_at": "2026-06-01T08:00:00.000Z",
    }  # fmt: skip


def test_branch_id_is_needed_only_with_several_branches(owner: Client, branch: str) -> None:
    assert good(owner.post(WINDOWS, BODY), 201)["data"]["branch_id"] == branch
    owner.branch("Second")
    error = refused(owner.post(WINDOWS, BODY | {"session": "Evening"}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["branch_id"]


def test_a_window_in_an_organization_without_a_branch_is_refused(owner: Client) -> None:
    assert owner.post(WINDOWS, BODY).status_code in (400, 404, 409)


def test_an_unknown_branch_or_service_is_404(owner: Client, branch: str) -> None:
    assert branch
    refused(owner.post(WINDOWS, BODY | {"branch_id": UNKNOWN}), 404, "NOT_FOUND")
    refused(owner.post(WINDOWS, BODY | {"appointment_type_id": UNKNOWN}), 404, "NOT_FOUND")
    refused(owner.post(WINDOWS, BODY | {"appointment_type_id": "No such service"}), 404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["day", "session", "start_time", "end_time", "max_slots"])
def test_these_fields_are_required(owner: Client, branch: str, name: str) -> None:
    assert branch
    body = {key: value for key, value in BODY.items() if key != name}
    error = refused(owner.post(WINDOWS, body), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day", "funday"), ("day", 1), ("day", None), ("session", "Night"), ("session", 0), ("start_time", "9:00"),
        ("end_time", "24:00"), ("max_slots", 0), ("max_slots", 10_001), ("max_slots", "20"), ("max_slots", 2.5),
        ("max_slots", None), ("ai_slots", -1), ("ai_slots", 21), ("ai_slots", "1"), ("batch_name", "x" * 33),
        ("batch_name", 5), ("branch_id", "main"), ("branch_id", 5), ("appointment_type_id", 5),
        ("end_time", "09:00"), ("end_time", "08:59"),
    ],
)  # fmt: skip
def test_a_field_out_of_its_range_is_400(owner: Client, branch: str, name: str, value: object) -> None:
    assert branch
    error = refused(owner.post(WINDOWS, BODY | {name: value}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [name]
    assert good(owner.get(WINDOWS))["data"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"max_slots": 1}, {"max_slots": 10_000}, {"ai_slots": 0}, {"ai_slots": 20}, {"batch_name": "x" * 32},
        {"start_time": "00:00", "end_time": "23:59"}, {"start_time": "09:00", "end_time": "09:01"},
    ],
)  # fmt: skip
def test_the_ends_of_each_range_are_taken(owner: Client, branch: str, fields: dict[str, Any]) -> None:
    assert branch
    data = good(owner.post(WINDOWS, BODY | fields), 201)["data"]
    fields = {{"batch_name": "batch"}.get(name, name): value for name, value in fields.items()}
    assert {name: data[name] for name in fields} == fields


def test_ai_slots_not_given_follows_max_slots_and_is_shown_as_it(owner: Client, branch: str) -> None:
    assert branch
    data = good(owner.post(WINDOWS, BODY), 201)["data"]
    assert data["ai_slots"] == 20
    data = good(owner.patch(f"{WINDOWS}/{data['slot_id']}", {"max_slots": 7}))["data"]
    assert (data["max_slots"], data["ai_slots"]) == (7, 7)


def test_the_service_may_be_given_as_uuid_or_name(owner: Client, service: str) -> None:
    for session, text in [("Morning", service), ("Afternoon", service.upper()), ("Evening", "general CHECKUP")]:
        data = good(owner.post(WINDOWS, BODY | {"session": session, "appointment_type_id": text}), 201)["data"]
        assert data["appointment_type"] == service


@pytest.mark.parametrize("text", ["evening", "EVENING"])
def test_a_session_is_read_in_any_case_and_written_like_evening(owner: Client, branch: str, text: str) -> None:
    assert branch
    assert good(owner.post(WINDOWS, BODY | {"session": text}), 201)["data"]["session"] == "Evening"


def test_the_same_branch_day_session_batch_and_service_twice_is_409_disabled_ones_included(
    owner: Client, branch: str, service: str, window: str
) -> None:
    same = BODY | {"batch_name": "MA", "start_time": "14:00", "end_time": "15:00"}
    refused(owner.post(WINDOWS, same), 409, "CONFLICT")
    good(owner.post(f"{WINDOWS}/{window}/disable"))
    refused(owner.post(WINDOWS, same), 409, "CONFLICT")
    other = owner.branch("Second")
    for fields in ({"day": "tuesday"}, {"session": "Evening"}, {"batch_name": "MB"}, {"batch_name": None},
                   {"appointment_type_id": service}, {"branch_id": other}):  # fmt: skip
        good(owner.post(WINDOWS, {"branch_id": branch} | same | fields), 201)


def test_two_windows_without_batch_and_service_are_the_same_too(owner: Client, branch: str) -> None:
    assert branch
    good(owner.post(WINDOWS, BODY), 201)
    refused(owner.post(WINDOWS, BODY), 409, "CONFLICT")


def test_a_new_window_has_records_at_once(owner: Client, window: str) -> None:
    assert [record["calendar_id"] for record in owner.records()] == [window]


# PATCH


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"day": "tuesday"}, {"day": "tuesday"}), ({"session": "evening"}, {"session": "Evening"}),
        ({"start_time": "08:00"}, {"start_time": "08:00"}), ({"end_time": "12:00"}, {"end_time": "12:00"}),
        ({"max_slots": 30}, {"max_slots": 30, "ai_slots": 10}), ({"ai_slots": 5}, {"ai_slots": 5}),
        ({"ai_slots": None}, {"ai_slots": 20}), ({"batch_name": "MB"}, {"batch": "MB"}),
        ({"batch_name": None}, {"batch": None}),
        ({"start_time": "14:00", "end_time": "16:00"}, {"start_time": "14:00", "end_time": "16:00"}),
    ],
)  # fmt: skip
def test_each_field_can_be_changed(owner: Client, window: str, world: World, fields: Any, expected: Any) -> None:
    before = shown(owner, window)
    world.clock.advance(hours=1)
    data = good(owner.patch(f"{WINDOWS}/{window}", fields))["data"]
    assert list(data) == KEYS
    assert data == before | expected | {"updated_at": "2026-06-01T09:00:00.000Z"}
    assert shown(owner, window) == data


def test_the_service_can_be_set_by_uuid_or_name_and_taken_off_with_null(
    owner: Client, service: str, window: str
) -> None:
    for value, expected in [(service, service), (None, None), ("General Checkup", service), (None, None)]:
        data = good(owner.patch(f"{WINDOWS}/{window}", {"appointment_type_id": value}))["data"]
        assert data["appointment_type"] == expected


def test_at_least_one_field_is_needed(owner: Client, window: str) -> None:
    refused(owner.patch(f"{WINDOWS}/{window}", {}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"start_time": "11:00"}, {"start_time", "end_time"}), ({"end_time": "09:00"}, {"start_time", "end_time"}),
        ({"max_slots": 9}, {"max_slots", "ai_slots"}), ({"ai_slots": 21}, {"ai_slots", "max_slots"}),
        ({"max_slots": None}, {"max_slots"}), ({"day": None}, {"day"}), ({"max_slots": 0}, {"max_slots"}),
    ],
)  # fmt: skip
def test_the_result_must_satisfy_the_rules_of_post(owner: Client, window: str, fields: Any, wrong: set[str]) -> None:
    before = shown(owner, window)
    error = refused(owner.patch(f"{WINDOWS}/{window}", fields), 400, "VALIDATION_ERROR")
    assert {detail["field"] for detail in error["details"]} <= wrong
    assert shown(owner, window) == before


def test_fewer_places_than_the_ai_share_say_what_to_send_with_them(owner: Client, window: str) -> None:
    error = refused(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 5}), 400, "VALIDATION_ERROR")
    assert "send 'ai_slots' of at most 5, or null" in error["message"]
    good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 5, "ai_slots": None}))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "CLOSED"}, "/disable' and '…/enable' set it"), ({"batch": "XX"}, "'batch_name' sets it"),
        ({"appointment_type": UNKNOWN}, "'appointment_type_id' sets it"),
        ({"filled_slots": 3}, "counts follow the appointments and cannot be set"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_set_names_what_sets_it(
    owner: Client, window: str, fields: dict[str, Any], said: str
) -> None:
    for answer in (owner.patch(f"{WINDOWS}/{window}", fields), owner.post(WINDOWS, BODY | fields)):
        assert said in refused(answer, 400, "VALIDATION_ERROR")["message"]


def test_an_id_that_is_not_there_says_where_the_ids_are(owner: Client) -> None:
    for method, path, listing in (
        ("GET", f"{WINDOWS}/{UNKNOWN}", WINDOWS),
        ("PATCH", f"/v1/services/{UNKNOWN}", "/v1/services"),
        ("PATCH", f"/v1/branches/{UNKNOWN}", "/v1/branches"),
    ):
        more = {} if method == "GET" else {"json": {"name": "A"}}
        error = refused(owner.request(method, path, **more), 404, "NOT_FOUND")
        assert f"'GET {listing}' lists those that it has" in error["message"]


def test_a_change_into_another_windows_place_is_409(owner: Client, window: str) -> None:
    other = owner.window(batch_name="MB")
    refused(owner.patch(f"{WINDOWS}/{other}", {"batch_name": "MA"}), 409, "CONFLICT")
    assert shown(owner, other)["batch"] == "MB"
    assert window


@pytest.mark.parametrize("change", ["patch", "disable", "enable", "get"])
@pytest.mark.parametrize("form", ["{w}", "{w}||{d}", "{w}||{d}||{s}", "{w}%7C%7C{d}"])
def test_slot_id_may_be_plain_two_part_or_three_part_and_the_first_segment_counts(
    owner: Client, window: str, change: str, form: str
) -> None:
    path = f"{WINDOWS}/{form.format(w=window, d='2031-01-01', s=UNKNOWN)}"
    answer = {
        "patch": lambda: owner.patch(path, {"max_slots": 40}),
        "disable": lambda: owner.post(f"{path}/disable"),
        "enable": lambda: owner.post(f"{path}/enable"),
        "get": lambda: owner.get(path),
    }[change]()
    assert good(answer)["data"]["calendar_id"] == window


@pytest.mark.parametrize("form", ["x", "{w}||", "{w}||2026-02-30", "{w}||{d}||x", "{w}||{d}||{s}||{s}", "{w}|{d}"])
def test_every_part_of_slot_id_must_be_well_formed(owner: Client, window: str, form: str) -> None:
    path = f"{WINDOWS}/{form.format(w=window, d=MONDAY, s=UNKNOWN)}"
    for answer in (owner.patch(path, {"max_slots": 5}), owner.post(f"{path}/disable"), owner.post(f"{path}/enable"),
                   owner.get(path)):  # fmt: skip
        error = refused(answer, 400, "VALIDATION_ERROR")
        assert [detail["field"] for detail in error["details"]] == ["slot_id"]


def test_an_unknown_window_is_404(owner: Client, window: str) -> None:
    path = f"{WINDOWS}/{UNKNOWN}"
    for answer in (owner.patch(path, {"max_slots": 5}), owner.post(f"{path}/disable"), owner.post(f"{path}/enable"),
                   owner.get(path)):  # fmt: skip
        refused(answer, 404, "NOT_FOUND")
    assert window


# Disable, enable, list


def test_a_window_is_open_while_enabled_and_closed_while_disabled(owner: Client, window: str) -> None:
    for _ in range(2):
        assert good(owner.post(f"{WINDOWS}/{window}/disable"))["data"]["status"] == "CLOSED"
    assert shown(owner, window)["status"] == "CLOSED"
    for _ in range(2):
        answer = good(owner.post(f"{WINDOWS}/{window}/enable"))
        assert (list(answer["data"]), answer["data"]["status"]) == (KEYS, "OPEN")


def test_a_disabled_window_leaves_availability_and_its_bookings_stay(
    owner: Client, service: str, window: str, world: World, cast: Cast
) -> None:
    world.book(cast.owner_org, window, MONDAY, service)
    good(owner.post(f"{WINDOWS}/{window}/disable"))
    assert owner.slots() == []
    (record,) = good(owner.get(TRACKING, date_from="2026-06-01", date_to="2026-12-31"))["data"]
    assert (record["date"], record["filled_slots"], record["status"]) == (MONDAY, 1, "CLOSED")
    good(owner.post(f"{WINDOWS}/{window}/enable"))
    assert (owner.slots()[0]["filled_slots"], owner.records()[0]["status"]) == (1, "OPEN")
    assert len(owner.records("2026-06-01", "2026-12-31")) == 13


def test_windows_are_listed_and_filtered_by_branch_day_session_and_status(
    owner: Client, branch: str, window: str
) -> None:
    other = owner.branch("Second")
    evening = owner.window(branch_id=other, session="Evening", day="tuesday")
    good(owner.post(f"{WINDOWS}/{evening}/disable"))
    answer = good(owner.get(WINDOWS))
    assert list(answer)[:2] == ["success", "data"]
    assert [list(one) for one in answer["data"]] == [KEYS, KEYS]
    for filters, expected in [
        ({}, {window, evening}), ({"branch_id": branch}, {window}), ({"day": "tuesday"}, {evening}),
        ({"day": "monday"}, {window}), ({"session": "evening"}, {evening}), ({"status": "OPEN"}, {window}),
        ({"status": "CLOSED"}, {evening}), ({"branch_id": UNKNOWN}, set()), ({"day": "tuesday", "status": "OPEN"},
        set()),
    ]:  # fmt: skip
        listed = {one["calendar_id"] for one in good(owner.get(WINDOWS, **filters))["data"]}
        assert listed == expected, filters
    for name in ("branch_id", "day", "session", "status"):
        refused(owner.get(WINDOWS, **{name: "x"}), 400, "VALIDATION_ERROR")


def test_a_change_re_projects_the_windows_records_from_the_branchs_today_on(
    owner: Client, window: str, world: World
) -> None:
    world.clock.set("2026-06-08T12:00:00Z")
    good(owner.patch(f"{WINDOWS}/{window}", {"day": "wednesday", "end_time": "12:00"}))
    first = [record["date"] for record in owner.records("2026-06-01", "2026-06-30")]
    assert first == ["2026-06-01", "2026-06-10", "2026-06-17", "2026-06-24"]
    assert {record["end_time"] for record in owner.records("2026-06-10", "2026-06-30")} == {"12:00"}


def test_a_change_reaches_records_beyond_the_horizon(
    owner: Client, service: str, window: str, world: World, cast: Cast
) -> None:
    far = plus_days(MONDAY, 7 * 30)
    world.book(cast.owner_org, window, far, service)
    good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 25}))
    assert owner.records(far)[0]["max_slots"] == 25
    good(owner.post(f"{WINDOWS}/{window}/disable"))
    assert (owner.records(far)[0]["status"], owner.records(far)[0]["filled_slots"]) == ("CLOSED", 1)


def test_a_refused_change_leaves_window_and_records_as_they_were(owner: Client, window: str) -> None:
    before = (shown(owner, window), owner.records("2026-06-01", "2026-12-31"))
    refused(owner.patch(f"{WINDOWS}/{window}", {"day": "friday", "max_slots": 0}), 400, "VALIDATION_ERROR")
    refused(owner.patch(f"{WINDOWS}/{window}", {"day": "friday", "appointment_type_id": UNKNOWN}), 404, "NOT_FOUND")
    assert (shown(owner, window), owner.records("2026-06-01", "2026-12-31")) == before
