"""What the door does for every view: forms shown again, sent twice, undone; files; what keeps nobody signed in."""

import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import Response

from slotkeeper.dashboard.door import Dashboard
from slotkeeper.dashboard.refusals import Explained
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Route, Site, Undo, Visit
from slotkeeper.domain.access import Scope
from slotkeeper.domain.model import Branch, Session
from slotkeeper.domain.sign_ins import IDLE
from slotkeeper.operations import directory
from slotkeeper.operations.board import Boards
from slotkeeper.operations.facts import Knowledge
from slotkeeper.operations.line import new_line
from tests.browsing import Browser, form_token, location
from tests.world import Cast, Client, World


def page(words: str = "") -> Page:
    return Page("error.html", {"explained": Explained("Try", words), "is_ours": False})


async def show(visit: Visit) -> Answer:
    wrong = "; ".join(f"{detail.field}: {detail.message}" for detail in visit.form.details)
    return page(f"typed {visit.form.value('name', 'stored')!r}, refused {visit.refusal}, wrong {wrong}")


async def open_branch(visit: Visit) -> Answer:
    name = visit.form.text("name", longest=10)
    visit.form.choice("session", Session)
    visit.form.require_valid()

    def told(made: Branch) -> Redirect:
        undo = Undo("Take it back", "/try", {"name": "undone", "session": "Morning"})
        return Redirect(f"/try?branch={made.branch_id}", Flash(f"Opened <{made.name}>", undo))

    made = await directory.create_branch(visit.db, visit.once(told), name=name, timezone=None, now=visit.now)
    return told(made)


async def upload(visit: Visit) -> Answer:
    return Response(visit.form.files["file"])


async def ask(visit: Visit) -> Answer:
    return Response(visit.caller.user_id)


VIEWS = (
    Route("GET", "/try", show),
    Route("POST", "/try", open_branch, Scope.ADMIN),
    Route("POST", "/elsewhere", open_branch, again=show),
    Route("POST", "/nowhere", open_branch),
    Route("POST", "/upload", upload, largest=200_000),
    Route("GET", "/ask", ask, counts=False),
)


@pytest.fixture
def trying(browser: Browser, world: World, cast: Cast) -> Iterator[Browser]:
    """The admin's browser, at a dashboard with views of our own."""
    browser.sign_in("admin@example.org")
    site = Site(world.db, new_line(world.db), Knowledge(), world.clock, "", 0, Boards(world.db, world.clock))

    async def nothing(*_: object) -> None:
        raise AssertionError("all of these paths are the dashboard's")

    transport = httpx.ASGITransport(app=Dashboard(site, VIEWS).beside(nothing), raise_app_exceptions=False)
    made = Browser(world)
    made.http = httpx.AsyncClient(transport=transport, base_url="http://desk.test", cookies=browser.http.cookies)
    made.org_id = cast.owner_org
    yield made
    world.run(made.http.aclose())


def once_of(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def send(trying: Browser, fields: dict[str, str], path: str = "/try", *, page: str | None = None) -> httpx.Response:
    shown = trying.get("/try").text if page is None else page
    own = {"form_token": form_token(shown), "once": once_of(shown)}
    return trying.request("POST", path, data={"session": "Morning"} | fields | own)


def names(trying: Browser) -> list[str]:
    found = re.findall(r"<option [^>]*>\s*([^<]*?)\s*</option>", trying.get("/try").text)
    return sorted(found)


def test_what_was_done_is_said_once_on_the_next_page_with_its_undo(trying: Browser) -> None:
    send(trying, {"name": "First"})
    to = location(send(trying, {"name": "Second"}))
    shown = trying.get(to).text
    assert "Opened &lt;Second&gt;" in shown
    assert "Take it back" in shown
    assert '<input type="hidden" name="name" value="undone">' in shown
    assert "Opened" not in trying.get(to).text
    assert names(trying) == ["First", "Second"]


def test_a_form_that_is_sent_twice_has_its_effect_once_and_leads_to_the_same_place(trying: Browser) -> None:
    send(trying, {"name": "First"})
    shown = trying.get("/try").text
    first, second = (send(trying, {"name": "Second"}, page=shown) for _ in range(2))
    assert location(first) == location(second)
    assert "Opened &lt;Second&gt;" in trying.get("/try").text
    assert names(trying) == ["First", "Second"]


def test_a_form_that_was_changed_after_going_back_is_another_one(trying: Browser) -> None:
    shown = trying.get("/try").text
    for name in ("First", "Second"):
        assert location(send(trying, {"name": name}, page=shown)).startswith("/try?branch=")
    assert names(trying) == ["First", "Second"]


def test_what_a_reader_refuses_is_shown_beside_what_was_typed(trying: Browser) -> None:
    answer = send(trying, {"name": "much too long a name", "session": "Night"})
    assert answer.status_code == 400
    assert "typed &#39;much too long a name&#39;" in answer.text
    assert "name: Write at most 10 characters, on one line.; session: Choose one of these." in answer.text


def test_what_an_operation_refuses_is_shown_with_its_own_sentence_and_status(trying: Browser) -> None:
    send(trying, {"name": "First"})
    answer = send(trying, {"name": "FIRST"})
    assert answer.status_code == 409
    assert "typed &#39;FIRST&#39;" in answer.text
    assert "There is already a branch named &#39;FIRST&#39;" in answer.text


def test_a_page_that_is_shown_for_the_first_time_shows_what_is_stored(trying: Browser) -> None:
    assert "typed &#39;stored&#39;" in trying.get("/try").text


def test_another_page_may_show_the_form_again(trying: Browser) -> None:
    answer = send(trying, {"name": ""}, "/elsewhere")
    assert answer.status_code == 400
    assert "name: Fill this in." in answer.text


def test_where_no_page_shows_the_form_the_refusal_has_one_of_its_own(trying: Browser) -> None:
    answer = send(trying, {"name": ""}, "/nowhere")
    assert answer.status_code == 400
    assert "Something is not right" in answer.text
    assert "Fill this in." in answer.text


def test_a_file_is_taken_up_to_the_size_that_the_table_says(trying: Browser) -> None:
    token = {"form_token": form_token(trying.get("/try").text)}
    for size, status in ((150_000, 200), (200_000, 413)):
        answer = trying.request("POST", "/upload", data=token, files={"file": ("a.csv", b"x" * size)})
        assert answer.status_code == status
    assert trying.request("POST", "/upload", data=token, files={"file": ("a.csv", b"a,b\n")}).content == b"a,b\n"


def test_what_a_page_asks_for_by_itself_keeps_nobody_signed_in(trying: Browser, world: World) -> None:
    for _ in range(3):
        world.clock.now += IDLE // 3
        answer = trying.get("/ask", **{"sec-fetch-mode": "cors"})
    assert answer.status_code == 401


def test_a_branch_of_another_organization_cannot_be_chosen(trying: Browser, world: World, cast: Cast) -> None:
    own = location(send(trying, {"name": "Own"})).partition("branch=")[2]
    foreign = Client(world, cast.outsider).branch("Theirs")
    for asked in (foreign, "x", own):
        answer = trying.request("GET", f"/try?branch={asked}")
        assert answer.status_code == 200
        assert "Theirs" not in answer.text


@pytest.mark.parametrize("page", ["/board?date=2027-06-07", "/board/month?month=2027-06"])
def test_beyond_what_is_stored_nothing_is_said_to_have_no_windows(browser: Browser, cast: Cast, page: str) -> None:
    client = Client(browser.world, cast.owner)
    client.branch("Main")
    client.service("Checkup")
    client.window()
    browser.sign_in()
    shown = browser.get(page).text
    assert "this page has every window. A later day has its windows too" in shown
    assert "No windows" not in shown
    assert "places left" in browser.get("/day/2027-06-07").text, "there is room"
    near = browser.get("/board").text
    assert "this page has every window. A later day has its windows too" not in near
    assert "No windows" in near
