"""Every form of the dashboard, found on its pages and held against the table of routes.

Whatever a person can type is typed as a script and a formula at once. Nowhere is it shown as anything but text, and in
no file does it begin a cell. A form that is added later is found by itself; one that is found on no page fails.
"""

import csv
import io
import re
from collections.abc import Iterator

import httpx
import pytest

from slotkeeper.dashboard.routes import ROUTES
from slotkeeper.dashboard.visit import PREFIX, Route
from slotkeeper.domain.access import Scope, operator
from slotkeeper.domain.users import Role
from slotkeeper.operations import users
from tests.browsing import PASSWORD, Browser
from tests.forms import OURS, Form, forms_of
from tests.walking import NO_PAGES, address, seen_by
from tests.world import Cast, Client, good

ON = "2026-06-08"
POSTS = [route for route in ROUTES if route.method == "POST"]
SECRET = {"/sign-in", "/sign-in/{clinic}", "/link/{secret}", "/password", "/sign-out"}
"""Forms about signing in: they keep no text that somebody is shown later, and end or replace the sign-in."""
SECRETS = {"password", "again", "current"}
NUMBER = re.compile(r"MARK(\d+)")
HEAD = "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type"


def name_of(route: Route) -> str:
    return f"{route.method}{route.path}"


def pattern_of(route: Route) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", PREFIX + route.path))


def route_of(action: str) -> Route:
    """The route that a form is sent to: one without places in its path comes first."""
    path = action.partition("?")[0]
    for route in sorted(POSTS, key=lambda one: one.path.count("{")):
        if pattern_of(route).fullmatch(path):
            return route
    raise AssertionError(f"a form is sent to {action}, which is in no table")


def is_sign_in(form: Form) -> bool:
    return route_of(form.action).path in SECRET


class Typist:
    """Goes through all pages, and types into every form that is found."""

    def __init__(self, browser: Browser, places: dict[str, str]) -> None:
        self.browser, self.places = browser, places
        self.sent: set[tuple[str, tuple[str, ...], str]] = set()
        self.taken: set[str] = set()
        self.kept: dict[int, str] = {}
        self.seen: set[int] = set()
        self.cells: list[str] = []
        self._count = 0

    def pages(self) -> Iterator[httpx.Response]:
        """All pages, and whatever else is answered but streams and files of our own."""
        for path in (*seen_by(Role.ADMIN), *(set(NO_PAGES) - {"/board/live", "/static/{name}", "", "/", "/day"})):
            yield self.look(self.browser.get(address(path, self.places)))
        for path in (f"/day/{ON}?as=csv", f"/day/{self.places['{calendar}']}/{ON}?as=csv", "/find?q=MARK&past=1"):
            yield self.look(self.browser.get(path))

    def look(self, answer: httpx.Response) -> httpx.Response:
        """Check that an answer has nothing in it that was typed to do harm."""
        assert answer.status_code < 500, answer.request.url
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/csv"):
            self.cells += [cell for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))) for cell in row]
        else:
            assert not re.search(r"<(script|img)>", answer.text), f"{answer.request.method} {answer.request.url}"
            assert not re.search(r'="[^"<>]*"[^\s/>?]', answer.text), f"an attribute is broken: {answer.request.url}"
        self.seen |= {int(number) for number in NUMBER.findall(answer.text)}
        return answer

    def type_everywhere(self) -> None:
        """Go through all pages until none has a form that was not sent yet."""
        before = -1
        while before != len(self.sent):
            before = len(self.sent)
            for page in self.pages():
                self._send_all(page.text)

    def _send_all(self, page: str) -> None:
        for form in forms_of(page):
            chosen = "|".join(one.value for one in form.controls.values() if one.kind == "button")
            step = "|".join(form.controls[name].value for name in ("step", "status") if name in form.controls)
            key = (route_of(form.action).path, form.typed, chosen + step)
            if key in self.sent or is_sign_in(form):
                continue
            self.sent.add(key)
            if form.typed:
                self._send(form, {name: self._mark() for name in form.typed})
            wanted = {name: self._value(form, name) for name in form.typed}
            answer = self._send(form, wanted)
            if answer.status_code in {200, 303}:
                self.taken.add(key[0])
            if answer.status_code == 303:
                for text in wanted.values() if form.is_judged else ():
                    self.kept |= {int(number): f"{form.action} {text}" for number in NUMBER.findall(text)}
                self.look(self.browser.get(answer.headers["location"].removeprefix(PREFIX)))
            elif answer.status_code == 200:
                self._send_all(answer.text)  # a preview, say
            elif answer.status_code == 409 and "seen" in form.typed:
                self.sent.discard(key)  # another form of this page changed what it is about: the next page has it anew

    def _send(self, form: Form, fields: dict[str, str]) -> httpx.Response:
        own = {name: form.controls[name].value for name in OURS if name in form.controls}
        return self.look(self.browser.request("POST", form.action.removeprefix(PREFIX), data=own | fields))

    def _mark(self) -> str:
        self._count += 1
        return f"=1+MARK{self._count}\"'><script><img>"

    def _value(self, form: Form, name: str) -> str:
        """Something that will be taken: the text itself wherever a text may stand."""
        control = form.controls[name]
        if name == "lines" and control.kind == "textarea":
            return f'{HEAD}\nMain,friday,Evening,"{self._mark().replace(chr(34), "")}",18:00,19:00,5,,\n'
        usual = {
            "email": f"mark{self._count}@example.org",
            "tel": f"+49 151 {7000000 + self._count}",
            "time": control.value or "09:45",
            "date": control.value or control.lowest or "2026-07-01",
            "number": control.value or "9",
            "select": next((one for one in (control.value, *control.options) if one), ""),
        }
        if name == "end_time":
            return control.value or "10:15"
        if name == "timezone":
            return control.value or "Europe/Lisbon"
        if control.kind in {"text", "search", "textarea"}:
            return self._mark()
        return usual.get(control.kind, control.value)


@pytest.fixture
def typist(browser: Browser, cast: Cast) -> Typist:
    world, client = browser.world, Client(browser.world, cast.owner)
    branch_id, service_id = client.branch("Main"), client.service("Checkup")
    calendar_id = client.window(branch_id=branch_id)
    book = {"branch_id": branch_id, "appointment_type": service_id}
    book |= {"appointment_date": f"{ON}T09:30:00Z", "patient_name": "Tara Das", "parent_phone": "+49 151 1234567"}
    booked = good(client.post("/v1/appointments", book), 201)
    boss = operator(cast.owner_org)
    made = users.create_user(world.db, boss, email="new@example.org", name="New", role=Role.DESK, now=world.clock())
    browser.sign_in("admin@example.org")
    keys = browser.get("/keys").text
    found = re.search(r"/keys/([^/]+)/revoke", keys)
    assert found is not None
    places = {
        "{clinic}": cast.owner_org,
        "{calendar_id}": calendar_id,
        "{calendar}": calendar_id,
        "{date}": ON,
        "{appointment}": booked["data"]["appointment_id"],
        "{key}": found[1],
        "{user}": world.run(made).user.user_id,
        "/configuration/branches/{id}": branch_id,
        "/configuration/services/{id}": service_id,
    }
    return Typist(browser, places)


def test_whatever_is_typed_anywhere_is_shown_as_text_and_is_no_formula(typist: Typist) -> None:
    typist.type_everywhere()
    for _ in typist.pages():
        pass
    assert typist.taken == {route.path for route in POSTS} - SECRET, "each form is on a page, and was taken from there"
    unseen = {text for number, text in typist.kept.items() if number not in typist.seen}
    assert not unseen, "what was kept is shown somewhere, or this test has seen nothing"
    assert len([cell for cell in typist.cells if "MARK" in cell]) > 3
    assert [cell for cell in typist.cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_forms_about_signing_in_show_what_was_typed_as_text_and_no_password(browser: Browser, cast: Cast) -> None:
    typist = Typist(browser, {})
    boss, world = operator(cast.owner_org), browser.world
    made = users.create_user(world.db, boss, email="new@example.org", name="<img>", role=Role.DESK, now=world.clock())
    pages = [f"/sign-in/{cast.owner_org}?next=%22><script><img>", f"/link/{world.run(made).secret}"]
    reached = set()
    for path in (*pages, "/password"):
        if path == "/password":
            browser.sign_in()
        page = typist.look(browser.get(path))
        for form in [one for one in forms_of(page.text) if not one.action.endswith("/sign-out")]:
            reached.add(route_of(form.action).path)
            marks = {name: typist._mark() for name in form.typed}
            answer = typist._send(form, marks)
            assert answer.status_code == 400
            for name in SECRETS & marks.keys():
                assert NUMBER.findall(marks[name])[0] not in NUMBER.findall(answer.text)
    assert reached == SECRET - {"/sign-in", "/sign-out"}, "one shows no form, and the other takes nothing"


@pytest.mark.parametrize("route", POSTS, ids=name_of)
def test_no_form_is_taken_without_its_token_or_from_another_site(browser: Browser, route: Route) -> None:
    browser.sign_in("admin@example.org")
    path = re.sub(r"\{\w+\}", "x", route.path)
    token = next(form for form in forms_of(browser.get("/password").text)).controls["form_token"].value
    without = browser.request("POST", path, data={"password": PASSWORD})
    foreign = browser.request(
        "POST",
        path,
        data={"form_token": token},
        headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    )
    for answer in (without, foreign):
        assert answer.status_code == 403
        assert "does not belong to this sign-in" in answer.text
    assert browser.get("/password").status_code == 200


@pytest.mark.parametrize("route", [route for route in POSTS if route.path not in SECRET], ids=name_of)
def test_every_form_asks_for_a_scope_that_may_change_something(route: Route) -> None:
    assert route.scope in {Scope.SLOTS_WRITE, Scope.APPOINTMENTS_WRITE, Scope.ADMIN}
