"""A day past any browser: who may, what is sent twice, what is made inert, what is refused and how."""

import csv
import io
import re
from datetime import date

import httpx
import pytest

from slotkeeper.dashboard.spreadsheet import inert
from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role
from slotkeeper.operations.day import get_day, get_sheet
from tests.browsing import Browser, form_token, location
from tests.world import Cast, Client, World

ON = "2026-06-08"
SCRIPT = "<script>alert(1)</script>"


class Clinic:
    """A window of the owner's on Mondays from nine to eleven with room for two, and its page."""

    def __init__(self, browser: Browser, key: str) -> None:
        self.browser, self.client = browser, Client(browser.world, key)
        self.branch_id = self.client.branch("Main")
        self.service_id = self.client.service("Checkup")
        self.calendar_id = self.client.window(branch_id=self.branch_id, max_slots=2)
        self.path = f"/day/{self.calendar_id}/{ON}"
        self.people = 0

    def fields(self, **more: str) -> dict[str, str]:
        """What somebody types who books a new person."""
        self.people += 1
        phone = f"+49 151 {1234567 + self.people}"
        own = {"service": self.service_id, "time": "09:30", "patient_name": "Tara Das", "parent_phone": phone}
        return own | more

    def send(self, fields: dict[str, str], page: str | None = None, path: str | None = None) -> httpx.Response:
        """Send the form of the window's page, as it was shown or shown anew."""
        shown = self.browser.get(self.path).text if page is None else page
        found = re.search(r'name="once" value="([^"]+)"', shown)
        assert found is not None
        own = {"form_token": form_token(shown), "once": found[1]}
        return self.browser.request("POST", path or self.path, data=fields | own)

    def book(self, **more: str) -> str:
        """The id of a new appointment."""
        return location(self.send(self.fields(**more))).partition("#")[2]

    def stored(self) -> list[dict[str, str]]:
        """The appointments on the date, as the API has them."""
        answer = self.client.get("/v1/appointments", date=ON, expand="slot")
        return list(answer.json()["data"])


@pytest.fixture
def clinic(browser: Browser, cast: Cast) -> Clinic:
    browser.sign_in()
    return Clinic(browser, cast.owner)


@pytest.mark.parametrize("role", Role)
def test_every_role_books_moves_completes_confirms_and_cancels(browser: Browser, cast: Cast, role: Role) -> None:
    browser.sign_in(f"{role}@example.org")
    clinic = Clinic(browser, cast.owner)
    own = f"/appointment/{clinic.book()}"
    steps: tuple[tuple[str, dict[str, str], str], ...] = (
        (f"{own}/mark", {"status": "completed"}, "completed"),
        (f"{own}/mark", {"status": "confirmed"}, "confirmed"),
        (f"{own}/move/{clinic.calendar_id}/{ON}", {"time": "10:15"}, "rescheduled"),
        (f"{own}/cancel", {}, "cancelled"),
    )
    for path, fields, status in steps:
        assert location(clinic.send(fields, path=path)) == f"{clinic.path}#{own.rpartition('/')[2]}"
        assert [one["status"] for one in clinic.stored()] == [status]


@pytest.mark.parametrize("path", ["", "/mark", "/cancel", "/move"])
def test_a_role_without_the_scope_is_refused_by_the_server(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    own, page = f"/appointment/{clinic.book()}", clinic.browser.get(clinic.path).text
    paths = {"": clinic.path, "/move": f"{own}/move/{clinic.calendar_id}/{ON}"}
    reading = {role: frozenset({"slots:read", "appointments:read"}) for role in Role}
    monkeypatch.setattr("slotkeeper.domain.users.SCOPES", reading)
    answer = clinic.send(clinic.fields(status="completed"), page, paths.get(path, own + path))
    assert answer.status_code == 403
    assert "Your role does not allow this" in answer.text
    shown = clinic.browser.get(clinic.path).text
    assert "Book this place" not in shown
    assert "Complete" not in shown
    assert [one["status"] for one in clinic.stored()] == ["confirmed"]


def test_a_form_without_its_token_books_nothing(clinic: Clinic) -> None:
    for fields in (clinic.fields(), clinic.fields(form_token="x")):
        assert clinic.browser.request("POST", clinic.path, data=fields).status_code == 403
    assert clinic.stored() == []


def test_a_form_that_is_sent_twice_books_once_and_leads_to_the_same_line(clinic: Clinic) -> None:
    page, fields = clinic.browser.get(clinic.path).text, clinic.fields()
    clinic.client.patch("/v1/appointment-config", {"allow_duplicate_booking": True})
    first, second = (clinic.send(fields, page) for _ in range(2))
    assert location(first) == location(second)
    assert len(clinic.stored()) == 1
    assert location(clinic.send(fields)) != location(first), "a page that was loaded anew books anew"


def test_a_refusal_says_why_keeps_what_was_typed_and_offers_what_has_room(clinic: Clinic) -> None:
    for _ in range(2):
        clinic.book()
    later = clinic.client.window(branch_id=clinic.branch_id, session="Evening", start_time="17:00", end_time="18:00")
    fields = clinic.fields(patient_name="Zoya <i>", notes="by bus", assigned_doctor="Dr. Who")
    answer = clinic.send(fields)
    assert answer.status_code == 409
    assert "All places are taken on 2026-06-08 (09:00–11:00); choose another time." in answer.text
    for typed in ("Zoya &lt;i&gt;", "by bus", "Dr. Who", fields["parent_phone"]):
        assert f'value="{typed}"' in answer.text
    found = re.search(rf'formaction="/app(/day/{later}/{ON})" formnovalidate name="offered" value="17:00"', answer.text)
    assert found is not None
    assert location(clinic.send(fields | {"offered": "17:00"}, answer.text, found[1])).startswith(found[1])
    assert [one["appointment_date"] for one in clinic.stored()][-1].startswith(f"{ON}T17:00")


def test_what_explain_knows_is_told_beside_the_refusal(clinic: Clinic) -> None:
    page = clinic.browser.get(clinic.path).text
    clinic.client.post("/v1/closures", {"date_from": ON, "date_to": ON, "reason": "Roof <repairs>"})
    answer = clinic.send(clinic.fields(), page)
    assert answer.status_code == 422
    assert "No open window of this branch serves this service" in answer.text
    assert "/v1/" not in answer.text, "that is for programs"
    assert "is closed (Roof &lt;repairs&gt;, 2026-06-08 to 2026-06-08)" in answer.text


def test_a_duplicate_leads_to_what_stands(clinic: Clinic) -> None:
    fields = clinic.fields()
    standing = location(clinic.send(fields)).partition("#")[2]
    answer = clinic.send(fields)
    assert answer.status_code == 409
    assert f"has the appointment {standing}" in answer.text
    assert 'href="/app/find?q=%2B49%20151%20' in answer.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"time": "11:00"}, "Choose a time of this window: 09:00 to 10:59."),
        ({"time": "half past"}, "Write a time such as 09:30."),
        ({"patient_name": " "}, "Fill this in."),
        ({"parent_phone": "none"}, "Write a phone number of 6 to 15 digits."),
        ({"service": "checkup"}, "Choose one of these."),
        ({"notes": "x" * 2001}, "Write at most 2000 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(clinic: Clinic, typed: dict[str, str], said: str) -> None:
    answer = clinic.send(clinic.fields(**typed))
    assert answer.status_code == 400
    assert said in answer.text
    assert clinic.stored() == []


def test_a_move_goes_to_the_window_that_was_picked_and_to_no_other(clinic: Clinic) -> None:
    own = f"/appointment/{clinic.book()}"
    twin = clinic.client.window(branch_id=clinic.branch_id, session="Afternoon")  # at the same hours
    to = f"{own}/move/{twin}/{ON}"
    assert location(clinic.send({"time": "09:30"}, path=to)).startswith(f"/day/{twin}/{ON}#")
    clinic.book()
    clinic.book()
    back = f"{own}/move/{clinic.calendar_id}/{ON}"
    answer = clinic.send({"time": "09:45"}, path=back)
    assert answer.status_code == 409
    assert "All places are taken" in answer.text
    assert 'value="09:45"' in answer.text
    assert {one["slot_id"].partition("||")[0] for one in clinic.stored() if one["appointment_id"] in own} == {twin}


def test_scripts_are_shown_and_never_run(clinic: Clinic) -> None:
    own = f"/appointment/{clinic.book(patient_name=SCRIPT, notes=SCRIPT, assigned_doctor=SCRIPT)}"
    pages = (clinic.path, f"/day/{ON}", own, f"{own}/cancel", f"{own}/move", f"{own}/move/{clinic.calendar_id}/{ON}")
    for path in (*pages, "/find?q=%3Cscript%3E"):
        shown = clinic.browser.get(path).text
        assert SCRIPT not in shown, path
        assert "&lt;script&gt;" in shown, path


@pytest.mark.parametrize("path", ["/day/{calendar}/{on}?as=csv", "/day/{on}?as=csv&branch={branch}"])
def test_a_formula_is_inert_in_the_file_of_the_list(clinic: Clinic, path: str) -> None:
    clinic.book(patient_name="=1+1", notes="@SUM(A1)", assigned_doctor="-2")
    answer = clinic.browser.get(path.format(calendar=clinic.calendar_id, on=ON, branch=clinic.branch_id))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="day-{ON}.csv"'
    head, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    line = dict(zip(head, row, strict=True))
    assert (line["Name"], line["Notes"], line["Doctor"]) == ("'=1+1", "'@SUM(A1)", "'-2")
    assert line["Phone"].startswith("'+49")
    assert (line["Time"], line["Status"], line["Channel"]) == ("09:30", "confirmed", "at the desk")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_cell_that_would_be_a_formula_is_marked(text: str) -> None:
    assert inert(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", " =1", "09:30", "1"])
def test_any_other_cell_is_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("tara", 1),
        ("RA DA", 1),
        ("das tara", 1),
        ("ta  das", 1),
        ("tara menon", 0),
        ("zo 0 men", 1),
        ("tara devi das", 0),
        ("0151 1234568", 1),
        ("151-1234568", 1),
        ("%%", 0),
        ("__", 0),
        ("100%", 1),
        ("nobody", 0),
    ],
)
def test_somebody_is_found_by_a_part_of_the_name_or_of_the_number(clinic: Clinic, said: str, count: int) -> None:
    clinic.book()
    clinic.book(patient_name="Zoya 100% Menon")
    shown = clinic.browser.request("GET", "/find", params={"q": said}).text
    assert f">{count} appointment" in shown


def test_the_doctor_and_the_notes_are_changed_and_taken_out(clinic: Clinic) -> None:
    own = f"/appointment/{clinic.book(notes='by bus')}"
    for doctor, notes in (("Dr. Sen", "walks <slowly>"), ("", "")):
        fields = {"assigned_doctor": doctor, "notes": notes}
        assert location(clinic.send(fields, path=f"{own}/details")) == own
        stored = clinic.stored()[0]
        assert (stored["assigned_doctor"], stored["notes"]) == (doctor or None, notes or None)
        assert f'name="notes" type="text" value="{notes.replace("<", "&lt;").replace(">", "&gt;")}"' in (
            clinic.browser.get(own).text
        )
    answer = clinic.send({"assigned_doctor": "x" * 101, "notes": "kept"}, path=f"{own}/details")
    assert answer.status_code == 400
    assert 'value="kept"' in answer.text


def test_a_window_that_is_over_offers_no_booking_and_says_so(clinic: Clinic) -> None:
    assert "#book" in clinic.browser.get(f"/day/{ON}?branch={clinic.branch_id}").text
    clinic.browser.world.clock.now += 10 * 86_400_000
    clinic.browser.sign_in()
    day = clinic.browser.get(f"/day/{ON}?branch={clinic.branch_id}").text
    assert "#book" not in day
    assert "· over" in day
    window = clinic.browser.get(clinic.path).text
    assert "This window is over" in window
    assert "Book this place" not in window


def test_who_is_past_is_found_where_that_is_asked_for(clinic: Clinic) -> None:
    clinic.book()
    clinic.browser.world.clock.now += 10 * 86_400_000
    clinic.browser.sign_in()
    assert "0 appointments" in clinic.browser.get("/find?q=tara").text
    assert "1 appointment" in clinic.browser.get("/find?q=tara&past=1").text


@pytest.mark.parametrize(
    "query", ["q=tara&page=0", "q=tara&page=x", "q=tara&page=99999", "q=%00%00", "q=%ED%A0%80a", "q="]
)
def test_whatever_is_asked_for_finds_a_page(clinic: Clinic, query: str) -> None:
    assert clinic.browser.get(f"/find?{query}").status_code == 200


def test_what_is_not_there_leads_nowhere(clinic: Clinic, cast: Cast) -> None:
    foreign = Client(clinic.browser.world, cast.outsider)
    theirs = foreign.window(branch_id=foreign.branch("Theirs"))
    for path in (
        "/day/x",
        "/day/2026-02-30",
        f"/day/x/{ON}",
        f"/day/{theirs}/{ON}",
        f"/day/{clinic.calendar_id}/2026-06-09",
        "/appointment/x",
        "/appointment/x%00",
        "/appointment/x/move",
        f"/appointment/x/move/{clinic.calendar_id}/{ON}",
    ):
        assert clinic.browser.get(path).status_code == 404, path


def test_another_branch_chosen_above_a_window_shows_its_day(clinic: Clinic) -> None:
    other = clinic.client.branch("Other")
    assert location(clinic.browser.get(f"{clinic.path}?branch={other}")) == f"/day/{ON}"
    assert clinic.browser.get(f"{clinic.path}?branch={clinic.branch_id}").status_code == 200


def test_a_day_beyond_the_horizon_has_its_windows_too(clinic: Clinic) -> None:
    far = "2027-06-07"
    shown = clinic.browser.get(f"/day/{clinic.calendar_id}/{far}").text
    assert "2 places left" in shown
    assert location(clinic.send(clinic.fields(), path=f"/day/{clinic.calendar_id}/{far}"))


def test_the_operation_lists_each_window_with_its_own_people(clinic: Clinic, world: World, cast: Cast) -> None:
    evening = clinic.client.window(branch_id=clinic.branch_id, session="Evening", start_time="17:00", end_time="18:00")
    made = clinic.book()
    caller, on, now = operator(cast.owner_org), date.fromisoformat(ON), world.clock()
    sheets = world.run(get_day(world.db, caller, branch_id=clinic.branch_id, on=on, now=now))
    assert [sheet.slot.calendar_id for sheet in sheets] == [clinic.calendar_id, evening]
    assert [[one.appointment_id for one in sheet.appointments] for sheet in sheets] == [[made], []]
    assert [sheet.left for sheet in sheets] == [1, 20]
    assert world.run(get_sheet(world.db, caller, calendar_id=clinic.calendar_id, on=on, now=now)) == sheets[0]
