"""Whose forms are taken: cookies, tokens, where a form comes from, what it may be."""

import re

import pytest

from slotkeeper.operations import sign_ins
from tests.browsing import PASSWORD, Browser, form_token, location
from tests.world import Cast, World


def test_cookies_are_kept_from_scripts_and_other_sites(browser: Browser) -> None:
    answer = browser.sign_in()
    set_cookies = answer.headers.get_list("set-cookie")
    assert len(set_cookies) >= 2
    for cookie in set_cookies:
        assert re.fullmatch(
            r"slotkeeper_\w+=.*; HttpOnly; (expires=[^;]+; )?Max-Age=\d+; Path=/; SameSite=lax", cookie
        ), cookie


@pytest.mark.usefixtures("people")
def test_over_https_cookies_are_bound_to_it_and_to_the_host(world: World, cast: Cast) -> None:
    browser = Browser(world, base="https://desk.test", public_url="https://desk.test")
    browser.org_id = cast.owner_org
    answer = browser.sign_in()
    assert location(answer) == "/board"
    for cookie in answer.headers.get_list("set-cookie"):
        assert re.match(r"__Host-slotkeeper_\w+=", cookie), cookie
        assert "; Secure" in cookie
        assert "Domain" not in cookie
    assert browser.get("/board").status_code in (200, 404)
    world.run(browser.http.aclose())


def test_a_planted_token_is_worth_nothing_after_the_sign_in(browser: Browser) -> None:
    planted = "0" * 32 + "_" + "a" * 40
    browser.http.cookies.set("slotkeeper_session", planted, domain="desk.test")
    before = browser.http.cookies.get("slotkeeper_session")
    browser.sign_in()
    after = browser.http.cookies.get("slotkeeper_session")
    assert before == planted
    assert after not in (None, planted)
    again = browser.world.run(sign_ins.find_signed_in(browser.world.db, planted, now=browser.world.clock()))
    assert again is None


def test_each_sign_in_has_a_token_of_its_own(browser: Browser) -> None:
    tokens = set()
    for _ in range(3):
        browser.sign_in()
        tokens.add(browser.http.cookies.get("slotkeeper_session"))
        browser.http.cookies.delete("slotkeeper_session")
    assert len(tokens) == 3


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 86, "AAAA"])
def test_a_form_without_its_token_is_refused(browser: Browser, token: str) -> None:
    browser.sign_in()
    answer = browser.request("POST", "/sign-out", data={"form_token": token})
    assert answer.status_code == 403
    assert "does not belong to this sign-in" in answer.text
    assert browser.get("/password").status_code == 200, "and nobody was signed out"


def test_a_token_of_another_sign_in_is_refused(browser: Browser, world: World) -> None:
    other = Browser(world)
    other.org_id = browser.org_id
    other.sign_in("admin@example.org")
    stolen = form_token(other.get("/password").text)
    browser.sign_in()
    assert browser.request("POST", "/sign-out", data={"form_token": stolen}).status_code == 403
    own = form_token(browser.get("/password").text)
    assert location(browser.request("POST", "/sign-out", data={"form_token": own})) == "/sign-in"
    world.run(other.http.aclose())


def test_a_token_looks_different_each_time(browser: Browser) -> None:
    browser.sign_in()
    assert len({form_token(browser.get("/password").text) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://desk.test"}, True),
        ({"origin": "http://DESK.test"}, True),
        ({"origin": "http://desk.test.evil.example"}, False),
        ({"origin": "http://desk.test:81"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://["}, False),
    ],
)
def test_a_form_of_another_site_is_refused_even_with_its_token(
    browser: Browser, headers: dict[str, str], is_taken: bool
) -> None:
    browser.sign_in()
    answer = browser.post("/sign-out", {}, page="/password", **headers)
    assert answer.status_code == (303 if is_taken else 403)


def test_a_form_without_a_sign_in_leads_to_it_whatever_its_referer_says(browser: Browser) -> None:
    for referer in ("http://[", "http://[/app/board", "x", ""):
        answer = browser.request("POST", "/sign-out", headers={"referer": referer})
        assert location(answer) == "/sign-in?lost=1"
        assert answer.headers["x-frame-options"] == "DENY"


def test_signing_in_is_as_safe_from_other_sites(browser: Browser) -> None:
    fields = {"email": "desk@example.org", "password": PASSWORD}
    assert browser.request("POST", f"/sign-in/{browser.org_id}", data=fields).status_code == 403
    assert browser.sign_in(**{"sec-fetch-site": "cross-site"}).status_code == 403


def test_what_is_said_on_the_next_page_cannot_be_put_into_a_cookie_by_somebody_else(browser: Browser) -> None:
    browser.sign_in()
    forged = "AAAA.WyIvYm9hcmQiLCBbIllvdSBvd2UgdXMiLCBudWxsXV0"
    for value in (forged, "", ".", "%E9.%E9", forged.replace("AAAA", "")):
        browser.http.cookies.set("slotkeeper_flash", value, domain="desk.test")
        answer = browser.get("/password")
        assert answer.status_code == 200
        assert "You owe us" not in answer.text


def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    answer = browser.request("POST", "/sign-in", data={"email": "x" * 70_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("content", [b"--x\r\nbroken", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"])
def test_a_form_that_cannot_be_read_is_refused(browser: Browser, content: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert browser.request("POST", "/sign-in", content=content, headers=headers).status_code in (400, 403)
