"""The dashboard's door, past any browser: who is let in where, and what every answer says."""

import re

import pytest

from slotkeeper.dashboard.routes import ROUTES
from slotkeeper.dashboard.visit import Route
from slotkeeper.domain.users import SCOPES, Role
from slotkeeper.operations import sign_ins
from tests.browsing import PASSWORD, Browser, location
from tests.direct import ZERO
from tests.world import Cast, World

OPEN = {"", "/", "/static/{name}", "/sign-in", "/sign-in/{clinic}", "/link/{secret}"}
"""The paths that are open to everybody."""
CLOSED = [route for route in ROUTES if not route.is_open]
SCOPED = [route for route in CLOSED if route.scope is not None]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def name_of(route: Route) -> str:
    return f"{route.method}{route.path}"


def test_only_signing_in_and_files_are_open_to_everybody() -> None:
    assert {route.path for route in ROUTES if route.is_open} == OPEN


@pytest.mark.parametrize("route", CLOSED, ids=name_of)
def test_every_other_page_leads_a_stranger_to_the_sign_in_page(browser: Browser, route: Route) -> None:
    path = re.sub(r"\{\w+\}", "x", route.path)
    answer = browser.request(route.method, path)
    assert location(answer).startswith("/sign-in")
    assert answer.content == b""
    asked_by_script = browser.request(route.method, path, headers={"sec-fetch-mode": "cors"})
    assert asked_by_script.status_code == 401


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", SCOPED, ids=name_of)
def test_every_page_asks_for_its_scope_on_the_server(browser: Browser, route: Route, role: Role) -> None:
    browser.sign_in(f"{role}@example.org")
    path = re.sub(r"\{\w+\}", "x", route.path)
    answer = browser.request(route.method, path)
    if route.scope in SCOPES[role]:
        assert "Your role does not allow this" not in answer.text
    else:
        assert answer.status_code == 403
        assert "Your role does not allow this" in answer.text


@pytest.mark.parametrize("path", ["/board", "/sign-in", "/nothing", "/link/x", "/static/nothing.css", "/password", ""])
def test_every_answer_forbids_frames_scripts_and_strangers(browser: Browser, path: str) -> None:
    for is_signed_in in (False, True):
        if is_signed_in:
            browser.sign_in()
        answer = browser.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"].startswith("app_")


def test_a_page_has_nothing_inline(browser: Browser) -> None:
    browser.sign_in()
    for page in (browser.get("/board").text, browser.get("/password").text, browser.get("/nothing").text):
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|javascript:", page)


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/board?date=2026-06-08", "/board?date=2026-06-08"),
        ("//evil.example/", "/board"),
        ("/\\evil.example/", "/board"),
        ("https://evil.example/", "/board"),
        ("/sign-out", "/board"),
        ("/board\r\nset-cookie: a=b", "/board"),
        ("", "/board"),
    ],
)
def test_after_the_sign_in_one_of_our_pages_follows(browser: Browser, wanted: str, led: str) -> None:
    fields = {"email": "desk@example.org", "password": PASSWORD, "next": wanted}
    assert location(browser.post(f"/sign-in/{browser.org_id}", fields)) == led


def test_who_was_sent_to_sign_in_is_led_back(browser: Browser) -> None:
    to = location(browser.get("/password?a=b%20c"))
    assert to == "/sign-in?next=/password%3Fa%3Db%2520c"
    page = browser.get(to.replace("/sign-in", f"/sign-in/{browser.org_id}")).text
    assert 'name="next" value="/password?a=b%20c"' in page


@pytest.mark.parametrize(
    ("before", "led"),
    [
        ("http://desk.test/app/find?q=a%20b", "/sign-in?next=/find%3Fq%3Da%2520b&lost=1"),
        ("http://desk.test/app/board?date=2026-06-08", "/sign-in?next=/board%3Fdate%3D2026-06-08&lost=1"),
        ("http://desk.test/app/windows/x", "/sign-in?lost=1"),
        ("http://evil.example/elsewhere", "/sign-in?lost=1"),
        ("", "/sign-in?lost=1"),
    ],
)
def test_who_sent_a_form_too_late_is_told_and_led_back_to_its_page(browser: Browser, before: str, led: str) -> None:
    answer = browser.request("POST", "/closures", headers={"referer": before})
    assert location(answer) == led
    assert "what you sent was not done" in browser.get(f"/sign-in/{browser.org_id}?lost=1").text


def test_a_wrong_password_keeps_the_e_mail_and_forgets_the_password(browser: Browser) -> None:
    answer = browser.sign_in('"><script>alert(1)</script>', "my wrong password")
    assert answer.status_code == 400
    assert "The e-mail or the password is not right." in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert "my wrong password" not in answer.text


def test_too_many_attempts_are_told_when_to_come_back(browser: Browser) -> None:
    for _ in range(5):
        assert browser.sign_in(password="wrong").status_code == 400
    answer = browser.sign_in()
    assert answer.status_code == 429
    assert "try again in 15 minutes" in answer.text


@pytest.mark.usefixtures("people")
def test_behind_proxies_attempts_are_counted_by_the_address_that_the_outermost_of_ours_noted(
    world: World, cast: Cast
) -> None:
    browser = Browser(world, proxies=2)
    browser.org_id = cast.owner_org
    for number in range(5):
        forged = f"10.9.9.{number}, 192.0.2.1, 10.0.0.1"
        assert browser.sign_in(password="wrong", **{"x-forwarded-for": forged}).status_code == 400
    assert browser.sign_in(**{"x-forwarded-for": "192.0.2.1, 10.0.0.1"}).status_code == 429
    assert browser.sign_in(**{"x-forwarded-for": "192.0.2.2, 10.0.0.1"}).status_code == 303
    world.run(browser.http.aclose())


def test_without_proxies_what_a_client_says_of_its_address_counts_for_nothing(browser: Browser) -> None:
    for number in range(5):
        browser.sign_in(password="wrong", **{"x-forwarded-for": f"192.0.2.{number}"})
    assert browser.sign_in(**{"x-forwarded-for": "192.0.2.9"}).status_code == 429


def test_where_there_are_several_organizations_the_address_says_which(browser: Browser, cast: Cast) -> None:
    assert "Which clinic?" in browser.get("/sign-in").text
    assert "Sign in to Husky Clinic" in browser.get(f"/sign-in/{cast.owner_org}").text
    assert "There is no clinic at this address" in browser.get(f"/sign-in/{ZERO}").text
    assert "There is no clinic at this address" in browser.get("/sign-in/x").text
    browser.sign_in()
    browser.post("/sign-out", {}, page="/password")
    assert "Sign in to Husky Clinic" in browser.get("/sign-in").text, "the browser knows it now"


def test_the_key_of_one_organization_opens_no_other(browser: Browser, cast: Cast) -> None:
    browser.org_id = cast.outsider_org
    assert browser.sign_in().status_code == 400


def test_a_sign_out_ends_the_sign_in_on_the_server_too(browser: Browser) -> None:
    browser.sign_in()
    token = browser.http.cookies.get("slotkeeper_session")
    answer = browser.post("/sign-out", {}, page="/password")
    assert "You are signed out." in browser.get("/sign-in").text
    assert browser.http.cookies.get("slotkeeper_session") is None, answer.headers
    browser.http.cookies.set("slotkeeper_session", token or "", domain="desk.test")
    assert location(browser.get("/password")).startswith("/sign-in")


def test_a_name_is_shown_as_text(browser: Browser) -> None:
    browser.sign_in()
    assert "&lt;b&gt;desk&lt;/b&gt;" in browser.get("/password").text


def test_an_address_that_leads_nowhere_is_told_of_on_a_page(browser: Browser) -> None:
    for path in ("/nothing", "/board/", "/static/app.css", "/link"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is nothing here" in answer.text


def test_what_is_not_below_the_prefix_is_the_interfaces(world: World, browser: Browser) -> None:
    for path in ("/apple", "/", "/ap", "/App"):
        answer = world.run(browser.http.get(path))
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_another_method_is_told_which_are_right(browser: Browser) -> None:
    answer = browser.request("DELETE", "/sign-in")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_head_says_what_get_would_and_no_more(browser: Browser) -> None:
    got, head = browser.get("/sign-in"), browser.request("HEAD", "/sign-in")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_what_goes_wrong_inside_is_a_page_with_its_number(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(sign_ins, "get_link", fail)
    answer = browser.get("/link/x")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "secret of the house" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


def test_static_files_stay_in_the_browser_for_good(browser: Browser) -> None:
    page = browser.get("/sign-in").text
    names = re.findall(r'"/app(/static/[\w.]+)"', page)
    assert len(names) == 3
    for name in names:
        answer = browser.get(name)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in answer.headers
    assert browser.get(names[1]).headers["content-encoding"] == "gzip"


def test_a_page_is_compressed_for_who_takes_it(browser: Browser) -> None:
    path = f"/sign-in/{browser.org_id}"
    plain = browser.get(path, **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = browser.get(path, **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.text) == len(plain.text)
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
