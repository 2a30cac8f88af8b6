"""The forms that change the schedule: who may send them, and what they do, without a screen."""

import pytest

from slotkeeper.domain.users import Role
from tests.browsing import Browser, form_token, location
from tests.world import Cast, Client, World, plus_days

MONDAY = "2026-06-08"


@pytest.fixture
def owner(world: World, cast: Cast) -> Client:
    """The clinic of the people who sign in, with one branch and two services."""
    client = Client(world, cast.owner)
    client.branch("Main Street")
    client.service("Checkup")
    client.service("Vaccination")
    return client


@pytest.fixture
def window(owner: Client) -> str:
    """A window on Mondays."""
    return owner.window(day="monday", max_slots=20, ai_slots=10)


def send(browser: Browser, path: str, **fields: str) -> str:
    """Send a form with the token that any page of the person has; where it led."""
    return location(browser.post(path, fields, page="/password"))


@pytest.mark.parametrize("role", Role)
def test_a_date_is_changed_by_managers_and_above_only(browser: Browser, owner: Client, window: str, role: Role) -> None:
    browser.sign_in(f"{role}@example.org")
    place = f"/schedule/{window}/{MONDAY}"
    service_id = owner.records(MONDAY)[0]["appointment_type_id"]
    forms = {
        "/status": {"status": "CLOSED", "reason": ""},
        "/places": {"max_slots": "7", "ai_slots": "", "places_reason": ""},
        f"/services/{service_id}": {"service_status": "CLOSED", "service_limit": ""},
    }
    before = owner.records(MONDAY)
    for below, fields in forms.items():
        answer = browser.post(place + below, fields, page="/password")
        assert answer.status_code == (403 if role is Role.DESK else 303)
    assert browser.get(place).status_code == (403 if role is Role.DESK else 200)
    if role is Role.DESK:
        assert owner.records(MONDAY) == before
    else:
        assert {(one["status"], one["max_slots"]) for one in owner.records(MONDAY)} == {("CLOSED", 7)}


@pytest.mark.parametrize("role", Role)
def test_dates_are_closed_by_managers_and_above_only(browser: Browser, owner: Client, role: Role) -> None:
    browser.sign_in(f"{role}@example.org")
    fields = {"step": "close", "branch_id": "", "date_from": MONDAY, "date_to": MONDAY, "reason": "Holiday"}
    status = 403 if role is Role.DESK else 303
    assert browser.post("/closures", fields, page="/password").status_code == status
    found = owner.get("/v1/closures").json()["data"]
    assert [one["source"] for one in found] == ([] if role is Role.DESK else ["dashboard"])
    made = found[0]["closure_id"] if found else "x"
    assert browser.post(f"/closures/{made}/remove", {}, page="/password").status_code == status
    assert owner.get("/v1/closures").json()["data"] == []


def test_a_preview_closes_nothing(browser: Browser, owner: Client) -> None:
    browser.sign_in("manager@example.org")
    fields = {"branch_id": "", "date_from": MONDAY, "date_to": plus_days(MONDAY, 3), "reason": "Holiday"}
    answer = browser.post("/closures", fields)
    assert answer.status_code == 200
    assert "No appointment stands on these dates." in answer.text
    assert owner.get("/v1/closures").json()["data"] == []


def test_another_clinics_window_is_not_there(browser: Browser, world: World, cast: Cast, owner: Client) -> None:
    del owner
    theirs = Client(world, cast.outsider)
    theirs.branch("Theirs")
    place = f"/schedule/{theirs.window(day='monday')}/{MONDAY}"
    browser.sign_in("admin@example.org")
    assert browser.get(place).status_code == 404
    token = form_token(browser.get("/password").text)
    for below, fields in (("/status", {"status": "CLOSED"}), ("/places", {"max_slots": "1"})):
        answer = browser.request("POST", place + below, data=fields | {"form_token": token})
        assert answer.status_code == 404
    assert theirs.slots(MONDAY)[0]["status"] == "OPEN"


@pytest.mark.parametrize("place", ["x/2026-06-08", "{window}/x", "{window}/2026-06-09", "{window}/2026-06-31"])
def test_an_address_of_no_window_date_leads_nowhere(browser: Browser, window: str, place: str) -> None:
    browser.sign_in("manager@example.org")
    assert browser.get(f"/schedule/{place.format(window=window)}").status_code == 404


def test_undo_sends_back_what_was_there_before(browser: Browser, owner: Client, window: str) -> None:
    browser.sign_in("manager@example.org")
    place = f"/schedule/{window}/{MONDAY}"
    send(browser, place + "/places", max_slots="30", ai_slots="5", places_reason="More doctors")
    page = browser.get(send(browser, place + "/places", max_slots="3", ai_slots="", places_reason="")).text
    for name, value in (("max_slots", "30"), ("ai_slots", "5"), ("places_reason", "More doctors")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert owner.slots(MONDAY)[0]["max_slots"] == 3


def test_a_date_beyond_the_horizon_is_shown_and_changed(browser: Browser, owner: Client, window: str) -> None:
    browser.sign_in("manager@example.org")
    far = "2027-06-07"
    assert owner.records(far) == []
    assert browser.get(f"/schedule/{window}/{far}").status_code == 200
    send(browser, f"/schedule/{window}/{far}/status", status="CLOSED", reason="")
    assert {one["status"] for one in owner.records(far)} == {"CLOSED"}


def test_a_disabled_window_says_why_a_date_with_bookings_is_closed(
    browser: Browser, world: World, cast: Cast, owner: Client, window: str
) -> None:
    world.book(cast.owner_org, window, MONDAY, owner.records(MONDAY)[0]["appointment_type_id"])
    owner.post(f"/v1/appointment-slots/{window}/disable")
    browser.sign_in("manager@example.org")
    assert "No enabled weekly window covers this date" in browser.get(f"/schedule/{window}/{MONDAY}").text
    assert "it is disabled" in browser.get(f"/schedule/{window}/{plus_days(MONDAY, 7)}").text
