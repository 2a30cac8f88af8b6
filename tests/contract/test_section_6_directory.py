"""Contract section 6 as far as it is about services, branches and configuration."""

from typing import Any

import pytest

from tests.world import Client, World, good, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SERVICE_KEYS = ["service_id", "name", "active", "created_at", "updated_at"]
BRANCH_KEYS = ["branch_id", "name", "timezone", "created_at", "updated_at"]
DEFAULTS = {
    "timezone": "UTC", "allow_cancellation": True, "cancellation_notice_hours": 0, "allow_rescheduling": True,
    "allow_duplicate_booking": False, "min_notice_hours": 0, "max_advance_days": None, "token_numbers": False,
    "horizon_days": 90,
}  # fmt: skip
KINDS = ["services", "branches"]


def test_a_service_is_exactly_these_keys(owner: Client) -> None:
    answer = good(owner.post("/v1/services", {"name": "Checkup"}), 201)
    assert list(answer) == ["success", "data"]
    assert list(answer["data"]) == SERVICE_KEYS
    assert answer["data"]["name"] == "Checkup"
    assert answer["data"]["active"] is True
    listed = good(owner.get("/v1/services"))
    assert list(listed)[:2] == ["success", "data"]
    assert listed["data"] == [answer["data"]]


def test_a_branch_is_exactly_these_keys_and_timezone_null_means_the_organizations(owner: Client) -> None:
    answer = good(owner.post("/v1/branches", {"name": "Main"}), 201)
    assert list(answer["data"]) == BRANCH_KEYS
    assert answer["data"]["timezone"] is None
    assert good(owner.get("/v1/branches"))["data"] == [answer["data"]]


def test_bodies_take_name_and_active_or_timezone(owner: Client) -> None:
    assert good(owner.post("/v1/services", {"name": "A", "active": False}), 201)["data"]["active"] is False
    branch = good(owner.post("/v1/branches", {"name": "B", "timezone": "Asia/Kolkata"}), 201)["data"]
    assert branch["timezone"] == "Asia/Kolkata"
    refused(owner.post("/v1/services", {"name": "C", "timezone": "UTC"}), 400, "VALIDATION_ERROR")
    refused(owner.post("/v1/branches", {"name": "C", "active": True}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_unique_in_an_organization_in_any_case_and_width(owner: Client, outsider: Client, kind: str) -> None:
    good(owner.post(f"/v1/{kind}", {"name": "Straße Ⅳ"}), 201)
    for same in ("Straße Ⅳ", "STRASSE IV", "strasse iv", "ＳＴＲＡＳＳＥ Ⅳ"):
        refused(owner.post(f"/v1/{kind}", {"name": same}), 409, "CONFLICT")
    good(owner.post(f"/v1/{kind}", {"name": "Straße V"}), 201)
    good(outsider.post(f"/v1/{kind}", {"name": "Straße Ⅳ"}), 201)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["", "   ", None, 7, ["A"], True, "a\x00b", "x" * 100_000])
def test_a_name_must_be_a_text_that_says_something(owner: Client, kind: str, name: object) -> None:
    assert owner.post(f"/v1/{kind}", {"name": name}).status_code in (400, 413)
    assert good(owner.get(f"/v1/{kind}"))["data"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_required_of_a_new_one(owner: Client, kind: str) -> None:
    error = refused(owner.post(f"/v1/{kind}", {}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["name"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("services", {"name": "New"}), ("services", {"active": False}), ("branches", {"name": "New"}),
     ("branches", {"timezone": "Europe/Berlin"})],
)  # fmt: skip
def test_each_field_can_be_changed(owner: Client, world: World, kind: str, fields: dict[str, Any]) -> None:
    made = good(owner.post(f"/v1/{kind}", {"name": "Old"}), 201)["data"]
    world.clock.advance(hours=1)
    changed = good(owner.patch(f"/v1/{kind}/{next(iter(made.values()))}", fields))["data"]
    assert changed == made | fields | {"updated_at": "2026-06-01T09:00:00.000Z"}
    assert list(changed) == list(made)
    assert good(owner.get(f"/v1/{kind}"))["data"] == [changed]


def test_a_branchs_timezone_null_gives_it_back_to_the_organization(owner: Client) -> None:
    branch = owner.branch("Main", timezone="Asia/Kolkata")
    assert good(owner.patch(f"/v1/branches/{branch}", {"timezone": None}))["data"]["timezone"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_patch_needs_a_field_a_real_id_and_a_free_name(owner: Client, kind: str) -> None:
    one, two = (
        next(iter(good(owner.post(f"/v1/{kind}", {"name": name}), 201)["data"].values())) for name in ("One", "Two")
    )
    refused(owner.patch(f"/v1/{kind}/{one}", {}), 400, "VALIDATION_ERROR")
    refused(owner.patch(f"/v1/{kind}/{UNKNOWN}", {"name": "X"}), 404, "NOT_FOUND")
    refused(owner.patch(f"/v1/{kind}/one", {"name": "X"}), 400, "VALIDATION_ERROR")
    refused(owner.patch(f"/v1/{kind}/{one}", {"name": "TWO"}), 409, "CONFLICT")
    assert good(owner.patch(f"/v1/{kind}/{one}", {"name": "ONE"}))["data"]["name"] == "ONE", "its own name is free"
    assert two


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "", "+05:30", "Europe", "../etc/passwd", 5, "europe/berlin\x00", "x" * 500]
)
def test_a_timezone_is_a_known_iana_name(owner: Client, zone: object) -> None:
    error = refused(owner.post("/v1/branches", {"name": "Main", "timezone": zone}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["timezone"]
    refused(owner.patch("/v1/appointment-config", {"timezone": zone}), 400, "VALIDATION_ERROR")


def test_the_configuration_has_exactly_these_keys_and_its_defaults_refuse_nothing(owner: Client) -> None:
    answer = good(owner.get("/v1/appointment-config"))
    assert list(answer) == ["success", "data"]
    assert list(answer["data"]) == list(DEFAULTS)
    assert answer["data"] == DEFAULTS


@pytest.mark.parametrize(
    "fields",
    [
        {"timezone": "Asia/Kolkata"}, {"allow_cancellation": False}, {"cancellation_notice_hours": 8760},
        {"allow_rescheduling": False}, {"allow_duplicate_booking": True}, {"min_notice_hours": 48},
        {"max_advance_days": 0}, {"max_advance_days": 730}, {"max_advance_days": None}, {"token_numbers": True},
        {"horizon_days": 0}, {"horizon_days": 730}, {"min_notice_hours": 1, "horizon_days": 10},
    ],
)  # fmt: skip
def test_each_setting_can_be_changed(owner: Client, outsider: Client, fields: dict[str, Any]) -> None:
    assert good(owner.patch("/v1/appointment-config", fields))["data"] == DEFAULTS | fields
    assert good(owner.get("/v1/appointment-config"))["data"] == DEFAULTS | fields
    assert good(outsider.get("/v1/appointment-config"))["data"] == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allow_cancellation", None), ("allow_cancellation", 1), ("cancellation_notice_hours", -1),
        ("cancellation_notice_hours", 8761), ("allow_duplicate_booking", "true"), ("min_notice_hours", -1),
        ("min_notice_hours", 1.5), ("max_advance_days", -1), ("max_advance_days", 731), ("token_numbers", 0),
        ("horizon_days", 731), ("timezone", None), ("unknown", 1),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_range_is_400(owner: Client, name: str, value: object) -> None:
    error = refused(
        owner.patch("/v1/appointment-config", {name: value, "horizon_days": 5} | {name: value}), 400, "VALIDATION_ERROR"
    )
    assert [detail["field"] for detail in error["details"]] == [name]
    assert good(owner.get("/v1/appointment-config"))["data"] == DEFAULTS


def test_a_change_of_the_configuration_needs_a_field(owner: Client) -> None:
    refused(owner.patch("/v1/appointment-config", {}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("kind", KINDS)
def test_one_organizations_list_shows_nothing_of_another(owner: Client, outsider: Client, kind: str) -> None:
    good(owner.post(f"/v1/{kind}", {"name": "Ours"}), 201)
    assert good(outsider.get(f"/v1/{kind}"))["data"] == []
