"""The forms that change the schedule: who may send them, and what they do, without a screen."""

import json
import re

import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.users import Role
from slotkeeper.operations import schedule
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


def test_who_removes_a_closure_that_is_gone_reads_nothing_for_programs(browser: Browser) -> None:
    browser.sign_in("manager@example.org")
    answer = browser.post(f"/closures/{browser.org_id}/remove", {}, page="/password")
    assert answer.status_code == 404
    assert f"This organization has no closure with the id {browser.org_id}.</p>" in answer.text
    assert "/v1/" not in answer.text


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


WINDOW = {
    "day": "tuesday",
    "session": "Evening",
    "batch": "<b>",
    "start_time": "17:00",
    "end_time": "19:00",
    "max_slots": "9",
    "ai_slots": "",
    "service_id": "",
}
HEAD = "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type"


def windows_of(owner: Client) -> list[tuple[str, str, int, str]]:
    found = owner.get("/v1/appointment-slots").json()["data"]
    return [(one["day"], one["session"], one["max_slots"], one["status"]) for one in found]


@pytest.mark.parametrize("role", Role)
def test_windows_are_changed_by_managers_and_above_only(
    browser: Browser, owner: Client, window: str, role: Role
) -> None:
    browser.sign_in(f"{role}@example.org")
    status = 403 if role is Role.DESK else 303
    for below, fields in (("", WINDOW), (f"/{window}", WINDOW | {"day": "friday"}), (f"/{window}/disable", {})):
        assert browser.post(f"/windows{below}", fields, page="/password").status_code == status
    if role is Role.DESK:
        assert windows_of(owner) == [("monday", "Morning", 20, "OPEN")]
    else:
        assert windows_of(owner) == [("tuesday", "Evening", 9, "OPEN"), ("friday", "Evening", 9, "CLOSED")]
    assert browser.post(f"/windows/{window}/enable", {}, page="/password").status_code == status
    assert {one[3] for one in windows_of(owner)} == {"OPEN"}
    assert browser.get("/windows").status_code == (403 if role is Role.DESK else 200)


def test_a_window_is_added_to_the_branch_that_was_shown_whatever_another_tab_shows(
    browser: Browser, owner: Client
) -> None:
    other = owner.branch("Riverside")
    browser.sign_in("manager@example.org")
    page = browser.get("/windows").text
    action = re.search(r'action="/app(/windows\?branch=[^"]+)"', page)
    assert action is not None
    assert browser.get(f"/windows?branch={other}").status_code == 200
    led = send(browser, action[1].replace("&amp;", "&"), **WINDOW)
    assert led == action[1]
    assert owner.get("/v1/appointment-slots", branch_id=other).json()["data"] == []
    assert len(windows_of(owner)) == 1


def test_a_refused_row_that_is_not_shown_any_more_is_told_of(browser: Browser, owner: Client, window: str) -> None:
    other = owner.branch("Riverside")
    browser.sign_in("manager@example.org")
    for query in (f"?branch={other}", "?day=friday"):
        wrong = WINDOW | {"end_time": "16:00"}
        answer = browser.post(f"/windows/{window}{query}", wrong, page="/windows")
        assert answer.status_code == 400
        assert "must be later on the same day" in answer.text


@pytest.mark.parametrize("role", Role)
def test_files_are_imported_by_managers_and_above_only(browser: Browser, owner: Client, role: Role) -> None:
    browser.sign_in(f"{role}@example.org")
    content = f"{HEAD}\r\nMain Street,monday,Morning,MA,09:00,11:00,20,10,\r\n"
    would = browser.post("/windows/import", {"lines": content}, page="/password")
    assert would.status_code == (403 if role is Role.DESK else 200)
    assert windows_of(owner) == []
    done = browser.post("/windows/import", {"lines": content, "step": "import"}, page="/password")
    assert done.status_code == (403 if role is Role.DESK else 303)
    assert windows_of(owner) == ([] if role is Role.DESK else [("monday", "Morning", 20, "OPEN")])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"a;b\n", b"\x00", (HEAD + "\n").encode(), b'"'])
def test_what_is_no_such_file_is_refused_with_a_sentence(browser: Browser, owner: Client, content: bytes) -> None:
    del owner
    browser.sign_in("manager@example.org")
    token = {"form_token": form_token(browser.get("/windows/import").text)}
    answer = browser.request("POST", "/windows/import", data=token, files={"file": ("w.csv", content)})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_an_import_that_is_refused_at_the_end_leaves_nothing(browser: Browser, owner: Client) -> None:
    browser.sign_in("manager@example.org")
    content = f"{HEAD}\nMain Street,monday,Morning,MA,09:00,11:00,20,10,\nNowhere,monday,Morning,MA,09:00,11:00,2,1,\n"
    answer = browser.post("/windows/import", {"lines": content, "step": "import"})
    assert answer.status_code == 400
    assert "Line 3: This organization has no branch" in answer.text
    assert windows_of(owner) == []


def test_a_service_that_is_gone_does_not_lose_what_was_typed_elsewhere(
    browser: Browser, owner: Client, window: str
) -> None:
    browser.sign_in("manager@example.org")
    answer = browser.post(f"/windows/{window}", WINDOW | {"service_id": "x"}, page="/windows")
    assert answer.status_code == 400
    assert 'value="&lt;b&gt;"' in answer.text
    assert windows_of(owner) == [("monday", "Morning", 20, "OPEN")]


def dates(first: str, last: str, step: str) -> dict[str, str]:
    return {"date_from": first, "date_to": last, "step": step}


@pytest.mark.parametrize("role", Role)
def test_records_are_regenerated_by_managers_and_above_only(
    browser: Browser, owner: Client, window: str, role: Role
) -> None:
    del window
    browser.sign_in(f"{role}@example.org")
    far = ("2027-06-01", "2027-06-14")
    would = browser.post("/regenerate", dates(*far, ""), page="/password")
    assert would.status_code == (403 if role is Role.DESK else 200)
    assert owner.records(*far) == []
    done = browser.post("/regenerate", dates(*far, "run"), page="/password")
    assert done.status_code == (403 if role is Role.DESK else 303)
    assert len(owner.records(*far)) == (0 if role is Role.DESK else 4)


def test_a_script_is_told_of_each_step_of_a_regenerate(browser: Browser, owner: Client) -> None:
    for number in range(7):
        owner.window(day="monday", batch_name=f"B{number}")
    browser.sign_in("manager@example.org")
    sent = dates("2027-01-01", "2027-12-31", "run")
    answer = browser.post("/regenerate", sent, page="/regenerate", accept="application/x-ndjson")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *steps, last = [json.loads(line) for line in answer.text.splitlines()]
    done = [step["done"] for step in steps]
    assert len(done) > 1, "it takes several transactions"
    assert done == sorted(set(done))
    assert done[-1] == 364
    assert {step["total"] for step in steps} == {364}
    assert last == {"finished": "Done: 364 dates of windows are as the weekly windows say."}


def test_a_script_is_told_why_a_regenerate_broke_off(
    browser: Browser, window: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del window

    async def broken(*_: object, **__: object) -> None:
        raise Unavailable

    browser.sign_in("manager@example.org")
    monkeypatch.setattr(schedule, "regenerate", broken)
    sent = dates("2027-01-01", "2027-12-31", "run")
    answer = browser.post("/regenerate", sent, page="/regenerate", accept="application/x-ndjson")
    assert json.loads(answer.text) == {"refused": Unavailable().message}
