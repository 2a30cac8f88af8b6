"""Two people at once: a form whose page shows what is not so any more changes nothing, and says how it stands now."""

import re

import httpx
import pytest

from slotkeeper.dashboard.visit import PREFIX
from tests.browsing import Browser, form_token, location
from tests.doors.test_dashboard_day import ON, Clinic
from tests.forms import Form, forms_of
from tests.world import Cast

SAID = "This was changed meanwhile"


@pytest.fixture
def clinic(browser: Browser, cast: Cast) -> Clinic:
    browser.sign_in("manager@example.org")
    return Clinic(browser, cast.owner)


def form_at(clinic: Clinic, page: str, action: str) -> Form:
    """The form of a page that is sent somewhere, as it was when the page was loaded."""
    shown = clinic.browser.get(page).text
    return next(one for one in forms_of(shown) if one.action.partition("?")[0] == PREFIX + action)


def send(clinic: Clinic, form: Form, **typed: str) -> httpx.Response:
    """Send a form as it was shown, but for what is typed, as a press of its button on a page of its own does."""
    fields = {name: control.value for name, control in form.controls.items() if name != "once"} | typed
    fields["form_token"] = form_token(clinic.browser.get("/password").text)
    return clinic.browser.request("POST", form.action.removeprefix(PREFIX), data=fields)


def test_whoever_was_moved_meanwhile_is_neither_cancelled_nor_moved_nor_completed(clinic: Clinic) -> None:
    own = f"/appointment/{clinic.book()}"
    to = f"{own}/move/{clinic.calendar_id}/{ON}"
    pages = ((f"{own}/cancel", f"{own}/cancel"), (to, to), (own, f"{own}/mark"))
    stale = [form_at(clinic, page, action) for page, action in pages]
    assert location(send(clinic, form_at(clinic, to, to), time="10:45")), "somebody else's, sent at once"
    for form in stale:
        answer = send(clinic, form)
        assert answer.status_code == 409
        assert SAID in answer.text
        assert "10:45" in answer.text, "where they stand now"
        assert [one["status"] for one in clinic.stored()] == ["rescheduled"]
    assert location(send(clinic, form_at(clinic, f"{own}/cancel", f"{own}/cancel")))
    assert [one["status"] for one in clinic.stored()] == ["cancelled"]


def test_a_move_that_is_sent_twice_is_no_change_of_somebody_elses(clinic: Clinic) -> None:
    to = f"/appointment/{clinic.book()}/move/{clinic.calendar_id}/{ON}"
    form = form_at(clinic, to, to)
    first, second = (send(clinic, form, time="10:30") for _ in range(2))
    assert location(first) == location(second)
    assert [one["appointment_date"][11:16] for one in clinic.stored()] == ["10:30"]


def places_of(clinic: Clinic) -> int:
    return int(clinic.client.slots(ON)[0]["max_slots"])


def test_a_row_of_the_table_does_not_undo_what_somebody_else_saved(clinic: Clinic) -> None:
    action = f"/windows/{clinic.calendar_id}"
    stale = form_at(clinic, "/windows", action)
    clinic.browser.world.clock.now += 1_000
    clinic.client.patch(f"/v1/appointment-slots/{clinic.calendar_id}", {"max_slots": 40})
    answer = send(clinic, stale, batch="B1")
    assert answer.status_code == 409
    assert SAID in answer.text
    assert places_of(clinic) == 40
    again = next(one for one in forms_of(answer.text) if one.action.partition("?")[0] == PREFIX + action)
    assert again.controls["max_slots"].value == "40", "it is shown as it stands"
    assert location(send(clinic, again, batch="B1"))
    assert (places_of(clinic), clinic.client.slots(ON)[0]["batch"]) == (40, "B1")


def test_an_undo_of_a_window_leaves_what_somebody_else_saved_since(clinic: Clinic) -> None:
    action, clock = f"/windows/{clinic.calendar_id}", clinic.browser.world.clock
    clock.now += 1_000
    done = location(send(clinic, form_at(clinic, "/windows", action), max_slots="30"))
    undo = form_at(clinic, done, action)  # it stands first on the page
    assert undo.controls["max_slots"].value == "2"
    clock.now += 1_000
    clinic.client.patch(f"/v1/appointment-slots/{clinic.calendar_id}", {"max_slots": 40})
    assert send(clinic, undo).status_code == 409
    assert places_of(clinic) == 40


@pytest.mark.parametrize(
    ("below", "mine", "theirs"),
    [
        ("/places", {"max_slots": "30"}, {"max_slots": "7", "places_reason": "One doctor is ill"}),
        ("/status", {"status": "CLOSED"}, {"status": "", "reason": "It opens after all"}),
        ("/services/{service}", {"service_limit": "1"}, {"service_status": "CLOSED"}),
    ],
)
def test_neither_a_stale_form_nor_an_undo_takes_back_what_somebody_else_did_to_a_date(
    clinic: Clinic, below: str, mine: dict[str, str], theirs: dict[str, str]
) -> None:
    place = f"/schedule/{clinic.calendar_id}/{ON}"
    action = place + below.format(service=clinic.service_id)
    stale = form_at(clinic, place, action)
    undo = form_at(clinic, location(send(clinic, stale, **mine)), action)  # it stands first on the page
    page = clinic.browser.get(place).text
    other = next(one for one in forms_of(page) if one.action == PREFIX + action)
    assert location(send(clinic, other, **theirs))
    kept = clinic.client.records(ON), clinic.client.slots(ON)
    for form in (stale, undo) if below != "/status" else (undo,):
        answer = send(clinic, form, **({} if form is undo else mine))
        assert answer.status_code == 409
        assert SAID in answer.text
        assert (clinic.client.records(ON), clinic.client.slots(ON)) == kept


def test_an_undo_in_time_still_takes_a_change_back(clinic: Clinic) -> None:
    place = f"/schedule/{clinic.calendar_id}/{ON}"
    done = location(send(clinic, form_at(clinic, place, f"{place}/places"), max_slots="30"))
    undo = form_at(clinic, done, f"{place}/places")
    assert location(send(clinic, undo)) == place
    assert places_of(clinic) == 2
    assert send(clinic, undo).status_code == 409, "pressed twice"


@pytest.mark.parametrize("page", ["/board", "/board/month", f"/day/{ON}", "/windows", "{window}", "{schedule}"])
def test_a_tab_stays_at_its_branch_while_another_tab_is_at_another(clinic: Clinic, page: str) -> None:
    own = {"window": clinic.path, "schedule": f"/schedule/{clinic.calendar_id}/{ON}"}
    other = clinic.client.branch("Riverside")
    clinic.browser.get(f"/board?branch={clinic.branch_id}")
    shown = clinic.browser.get(page.format(**own)).text
    links = set(re.findall(rf'href="{PREFIX}(/(?:board|day|windows)(?:/month|/\d[\d-]+)?(?:\?[^"]*)?)"', shown))
    pages = {link for link in links if "as=csv" not in link and link != "/board"}  # which is the clinic's name
    assert len(pages) >= 3
    astray = []
    for link in pages:
        clinic.browser.get(f"/board?branch={other}")
        answer = clinic.browser.get(link.replace("&amp;", "&"))
        if answer.status_code == 303:
            answer = clinic.browser.get(location(answer))
        if f'<option value="{clinic.branch_id}" selected>' not in answer.text:
            astray.append(link)
    assert astray == []
