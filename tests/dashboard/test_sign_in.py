"""Signing in as people do it: by link, by password, wrongly, too often; signed out, ended, and by whom."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from slotkeeper.domain.access import operator
from slotkeeper.domain.sign_ins import IDLE
from slotkeeper.domain.users import Role
from slotkeeper.operations import users
from slotkeeper.operations.demo_clinic import EXAMPLE_WINDOW
from tests.dashboard.conftest import NewDesk
from tests.dashboard.desk import EMAILS, Desk
from tests.dashboard.screens import Screens, assert_accessible, assert_sound
from tests.dashboard.screens import sign_in as start_session

PASSWORD = "correct horse battery"


def invite(desk: Desk, role: Role = Role.DESK) -> str:
    """The path of a new person's one-time link."""
    made = users.create_user(
        desk.db, operator(desk.org_id), email="tara@example.org", name="Tara Das", role=role, now=desk.clock()
    )
    return f"/app/link/{desk.run(made).secret}"


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose(page: Page, password: str, again: str | None = None) -> None:
    page.get_by_label("Password").fill(password)
    page.get_by_label("The same again").fill(password if again is None else again)
    page.get_by_role("button", name="Save and sign in").click()


def on_the_board(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text("Week of")


def test_a_person_comes_in_by_a_link_and_later_by_the_password(desk: Desk, screens: Screens) -> None:
    link = invite(desk)
    first = screens.open()
    first.goto(link)
    expect(first.get_by_role("heading", level=1)).to_have_text("Welcome, Tara Das")
    choose(first, PASSWORD)
    on_the_board(first)
    expect(first.locator("header")).to_contain_text("Tara Das")
    first.goto(link)
    expect(first.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    expect(first.get_by_role("main")).to_contain_text("ask an admin of your clinic for a new one")
    second = screens.open()
    second.goto("/app")
    sign_in(second, "Tara@Example.org", PASSWORD)
    on_the_board(second)


def test_what_is_wrong_with_a_new_password_stands_beside_it(desk: Desk, visitor: Page) -> None:
    visitor.goto(invite(desk))
    choose(visitor, PASSWORD, "something else")
    summary = visitor.get_by_role("alert")
    expect(summary).to_contain_text("The same again: This is not the same password.")
    expect(summary).to_be_focused()
    assert_sound(visitor)
    summary.get_by_role("link").click()
    expect(visitor.get_by_label("The same again")).to_be_focused()
    choose(visitor, "too short")
    expect(visitor.get_by_label("Password")).to_have_accessible_description(
        "At least 10 characters; several words make a good one. A password has 10–200 characters; several words make"
        " a good one."
    )
    choose(visitor, PASSWORD)
    on_the_board(visitor)


def test_the_sign_in_page_is_for_everybody(visitor: Page) -> None:
    visitor.goto("/app/board?date=2026-06-08")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Sign in to Sunrise Family Clinic")
    expect(visitor.get_by_label("E-mail")).to_be_focused()


def test_by_keyboard_alone_and_back_to_the_page_that_was_asked_for(desk: Desk, visitor: Page) -> None:
    visitor.goto("/app/board?date=2026-06-08")
    expect(visitor.get_by_label("E-mail")).to_be_focused()  # the browser does so a moment after it has loaded
    visitor.keyboard.type(EMAILS[Role.DESK])
    visitor.keyboard.press("Tab")
    visitor.keyboard.type(desk.demo.password)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Week of Monday, 8 June 2026")
    visitor.wait_for_load_state()
    visitor.keyboard.press("Tab")
    expect(visitor.get_by_role("link", name="Skip to the content")).to_be_focused()
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("main")).to_be_focused()


def test_a_wrong_password_is_told_with_the_e_mail_kept(desk: Desk, visitor: Page) -> None:
    visitor.goto("/app/sign-in")
    sign_in(visitor, EMAILS[Role.DESK], "not my password")
    expect(visitor.get_by_role("alert")).to_contain_text("The e-mail or the password is not right.")
    expect(visitor.get_by_label("E-mail")).to_have_value(EMAILS[Role.DESK])
    expect(visitor.get_by_label("Password")).to_have_value("")
    assert_sound(visitor)
    sign_in(visitor, EMAILS[Role.DESK], desk.demo.password)
    on_the_board(visitor)


def test_after_too_many_attempts_one_waits_on_every_server(desk: Desk, new_desk: NewDesk, screens: Screens) -> None:
    other = new_desk()
    here, there = screens.open(), screens.open(desk=other)
    for page in (here, there):
        page.goto("/app/sign-in")
    for number in range(5):
        page = (here, there)[number % 2]
        sign_in(page, EMAILS[Role.DESK], "not my password")
        expect(page.get_by_role("alert")).to_contain_text("is not right")
    for page in (here, there):
        sign_in(page, EMAILS[Role.DESK], desk.demo.password)
        expect(page.get_by_role("alert")).to_contain_text("too many attempts to sign in")
        expect(page.get_by_role("alert")).to_contain_text("try again in 15 minutes")
    assert_accessible(here)
    desk.clock.advance(minutes=15)
    sign_in(here, EMAILS[Role.DESK], desk.demo.password)
    on_the_board(here)


def test_signing_out_leads_to_the_sign_in_page_and_back_leads_nowhere(receptionist: Page) -> None:
    receptionist.goto("/app/board")
    receptionist.get_by_text("Meera Nair").click()
    assert_sound(receptionist)
    receptionist.get_by_role("button", name="Sign out").click()
    expect(receptionist.get_by_role("status")).to_have_text("You are signed out.")
    receptionist.reload()
    expect(receptionist.get_by_role("status")).to_have_count(0)
    receptionist.go_back()
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Sign in")


def test_a_sign_in_that_ended_asks_for_the_password_again(desk: Desk, receptionist: Page) -> None:
    receptionist.goto("/app/board")
    on_the_board(receptionist)
    desk.clock.now += IDLE
    receptionist.goto("/app/board?date=2026-06-15")
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Sign in")
    sign_in(receptionist, EMAILS[Role.DESK], desk.demo.password)
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Week of Monday, 15 June 2026")


@pytest.mark.parametrize("has_script", [True, False])
def test_what_was_typed_when_the_sign_in_had_ended_is_not_lost(desk: Desk, screens: Screens, has_script: bool) -> None:
    page = screens.open(Role.DESK, java_script_enabled=has_script)
    page.goto(f"/app/day/{EXAMPLE_WINDOW}/2026-06-08")
    page.get_by_label("Service").select_option("Vaccination")
    page.get_by_label("Name").fill("Zarina Wahab")
    page.get_by_label("Phone").fill("+91 98450 00001")
    desk.clock.now += IDLE
    page.get_by_role("button", name="Book this place").click()
    expect(page.get_by_role("status")).to_contain_text("what you sent was not done")
    sign_in(page, "somebody@example.org", "wrong")
    sign_in(page, EMAILS[Role.DESK], desk.demo.password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Monday, 8 June 2026, 09:00–11:00")
    if has_script:
        expect(page.get_by_text("What you typed is back.")).to_be_visible()
        expect(page.get_by_label("Name")).to_have_value("Zarina Wahab")
        assert_sound(page)
        page.get_by_role("button", name="Book this place").click()
        expect(page.get_by_role("row").filter(has_text="Zarina Wahab")).to_contain_text("Vaccination")
        page.reload()
        expect(page.get_by_label("Name")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_new_password_signs_every_other_browser_out(desk: Desk, screens: Screens, receptionist: Page) -> None:
    other = screens.open(Role.DESK)
    other.goto("/app/board")
    receptionist.goto("/app/password")
    for label, text in (
        ("Your password now", desk.demo.password),
        ("New password", PASSWORD),
        ("The same again", PASSWORD),
    ):
        receptionist.get_by_label(label).fill(text)
    receptionist.get_by_role("button", name="Change password").click()
    expect(receptionist.get_by_role("status")).to_contain_text("Your password was changed")
    on_the_board(receptionist)
    other.reload()
    expect(other.get_by_role("heading", level=1)).to_contain_text("Sign in")
    sign_in(other, EMAILS[Role.DESK], PASSWORD)
    on_the_board(other)


def test_somebody_who_is_disabled_is_out_with_the_next_click(desk: Desk, receptionist: Page) -> None:
    receptionist.goto("/app/find")  # an open board would notice by itself
    caller = operator(desk.org_id)
    meera = desk.run(users.find_user(desk.db, caller, EMAILS[Role.DESK]))
    desk.run(users.disable_user(desk.db, caller, meera.user_id, now=desk.clock()))
    receptionist.get_by_role("link", name="Week", exact=True).click()
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Sign in")
    sign_in(receptionist, EMAILS[Role.DESK], desk.demo.password)
    expect(receptionist.get_by_role("alert")).to_contain_text("is not right")


def test_a_form_of_another_sign_in_is_refused(desk: Desk, receptionist: Page) -> None:
    """The page stays open while somebody else signs in at the same browser."""
    receptionist.goto("/app/board")
    start_session(receptionist.context, desk, Role.ADMIN)
    receptionist.get_by_text("Meera Nair").click()
    receptionist.get_by_role("button", name="Sign out").click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("This is not for you to do")
    assert_sound(receptionist)
    receptionist.goto("/app/board")
    expect(receptionist.locator("header")).to_contain_text("Asha Rao")


@contextmanager
def trap(content: str) -> Iterator[int]:
    """A web server with one page, which is not ours; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running.server_port
        running.shutdown()


@pytest.mark.parametrize(
    ("host", "heading"),
    [("127.0.0.1", "This is not for you to do"), ("localhost", "Week of Monday, 1 June 2026")],
    ids=["same-site", "cross-site"],
)
def test_a_page_of_somebody_else_cannot_send_our_forms(
    desk: Desk, screens: Screens, receptionist: Page, host: str, heading: str
) -> None:
    """Another port is the same site, where cookies go along; from another site they do not, so nobody is signed in."""
    screens.forgive("asked of another host")
    receptionist.context.unroute_all()
    with trap(f'<form method="post" action="{desk.path("/sign-out")}"><button>Win</button></form>') as port:
        receptionist.goto(f"http://{host}:{port}/")
        receptionist.get_by_role("button", name="Win").click()
        expect(receptionist.get_by_role("heading", level=1)).to_have_text(heading)
    receptionist.goto(desk.path("/board"))
    on_the_board(receptionist)


def test_no_other_page_can_put_ours_into_a_frame(desk: Desk, screens: Screens, receptionist: Page) -> None:
    screens.forgive("frame-ancestors|X-Frame-Options")
    receptionist.context.unroute_all()
    frames = f'<iframe src="{desk.url}/healthz"></iframe><iframe src="{desk.path("/board")}"></iframe>'
    with trap(frames) as port:
        receptionist.goto(f"http://127.0.0.1:{port}/")
        framed, ours = receptionist.frames[1:]
        assert framed.url == f"{desk.url}/healthz", "what does not forbid it is shown in a frame"
        assert ours.url.startswith("chrome-error:")
        expect(receptionist.frame_locator("iframe >> nth=1").locator("body")).not_to_contain_text("Week of")


def test_no_script_of_a_page_reads_the_cookie(receptionist: Page) -> None:
    receptionist.goto("/app/board")
    assert receptionist.evaluate("document.cookie") == ""


@pytest.mark.parametrize("role", Role)
def test_everybody_signs_in_with_the_demos_password(desk: Desk, visitor: Page, role: Role) -> None:
    visitor.goto("/app")
    sign_in(visitor, EMAILS[role], desk.demo.password)
    on_the_board(visitor)


def test_without_a_script_all_of_it_works(desk: Desk, screens: Screens) -> None:
    page = screens.open(java_script_enabled=False)
    page.goto("/app")
    sign_in(page, EMAILS[Role.DESK], desk.demo.password)
    page.get_by_label("Branch").select_option("Riverside")
    page.get_by_role("banner").get_by_role("button", name="Show").click()
    expect(page.get_by_label("Branch")).to_have_value("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    page.get_by_text("Meera Nair").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")


def test_the_dates_are_those_of_the_readers_language(screens: Screens) -> None:
    american = screens.open(Role.DESK, locale="en-US")
    american.goto("/app/board")
    expect(american.get_by_role("heading", level=1)).to_have_text("Week of Monday, June 1, 2026")
    expect(american.locator(".card").first).to_contain_text("9:00")
    other = screens.open(Role.DESK, locale="xx")
    other.goto("/app/board")
    expect(other.get_by_role("heading", level=1)).to_have_text("Week of Monday, 1 June 2026")


def test_a_watcher_sees_what_a_page_must_not_do(screens: Screens, visitor: Page) -> None:
    visitor.goto("/app/sign-in")
    visitor.evaluate("fetch('https://example.org/').catch(() => null)")
    visitor.evaluate("fetch('/app/nothing').catch(() => null)")
    visitor.evaluate("setTimeout(() => { throw new Error('on purpose') })")
    visitor.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
    visitor.wait_for_timeout(200)
    faults = "\n".join(screens.faults())
    for told in ("connect-src", "answered with 404", "on purpose", "script-src"):
        assert told in faults
    screens.forgive("")
