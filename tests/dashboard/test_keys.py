"""Keys, as an admin makes, tries and revokes them."""

import shlex

import httpx
from playwright.sync_api import Page, expect

from slotkeeper.domain.users import Role
from tests.dashboard.desk import Desk
from tests.dashboard.screens import Screens, assert_sound


def make(page: Page, label: str = "Voice agent", *, expires: str = "") -> str:
    """Make a key that reads places and appointments; its text."""
    page.goto("/app/keys")
    page.get_by_role("link", name="Make a key").click()
    page.get_by_label("Name").fill(label)
    page.get_by_label("appointments:read").check()
    if expires:
        page.get_by_label("Last day").fill(expires)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"The new key '{label}'")
    return page.get_by_label("Key", exact=True).input_value()


def asked(desk: Desk, key: str) -> int:
    """What the interface answers to a key."""
    address = f"{desk.url}/v1/appointment-slots/availability?date=2026-06-01"
    return httpx.get(address, headers={"authorization": f"Bearer {key}"}).status_code


def test_a_key_is_shown_once_and_works(desk: Desk, admin: Page) -> None:
    admin.goto("/app/keys/new")
    text = make(admin)
    assert text.startswith("sk_live_")
    assert_sound(admin)
    assert asked(desk, text) == 200
    line = shlex.split(admin.get_by_label("A line for a terminal").input_value())
    assert line[:3] == ["curl", "-s", f"{desk.url}/v1/appointment-slots/availability?date=2026-06-02"]
    name, _, value = line[4].partition(": ")
    assert httpx.get(line[2], headers={name: value}).status_code == 200
    admin.get_by_role("link", name="To the keys").click()
    row = admin.get_by_role("row", name="Voice agent")
    expect(row).to_contain_text(f"sk_live_…{text[-4:]}")
    expect(row).to_contain_text("appointments:read, slots:read")
    expect(row).to_contain_text("valid")
    assert text not in admin.content()
    assert_sound(admin)


def test_the_button_copies_the_key(admin: Page) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = make(admin)
    admin.get_by_role("button", name="Copy").first.click()
    expect(admin.get_by_text("Copied")).to_be_visible()
    assert admin.evaluate("navigator.clipboard.readText()") == text


def test_a_page_that_is_loaded_again_makes_no_second_key_and_shows_none(admin: Page) -> None:
    text = make(admin)
    admin.reload()
    expect(admin.get_by_role("status")).to_contain_text("The key 'Voice agent' was made already")
    assert text not in admin.content()
    expect(admin.get_by_role("row", name="Voice agent")).to_have_count(1)


def test_a_revoked_key_is_refused_from_the_next_request_on(desk: Desk, admin: Page) -> None:
    text = make(admin)
    admin.goto("/app/keys")
    admin.get_by_role("link", name="Revoke: Voice agent").click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("Revoke the key 'Voice agent'?")
    assert asked(desk, text) == 200
    admin.get_by_role("button", name="Revoke it").click()
    expect(admin.get_by_role("status")).to_contain_text("The key 'Voice agent' is revoked")
    expect(admin.get_by_role("row", name="Voice agent")).to_contain_text("revoked on 1 Jun 2026")
    expect(admin.get_by_role("link", name="Revoke: Voice agent")).to_have_count(0)
    assert asked(desk, text) == 401


def test_a_key_is_valid_to_the_end_of_its_last_day(desk: Desk, admin: Page) -> None:
    text = make(admin, expires="2026-06-01")
    assert asked(desk, text) == 200
    desk.clock.advance(hours=11)  # midnight in the clinic's zone is 18:30 UTC
    assert asked(desk, text) == 401


def test_what_is_wrong_is_said_and_what_was_typed_stays(admin: Page) -> None:
    admin.goto("/app/keys/new")
    admin.get_by_label("Name").fill("<script>alert(1)</script>")
    admin.get_by_label("slots:read").uncheck()
    admin.get_by_label("Last day").evaluate("field => { field.removeAttribute('min'); field.value = '2026-05-31'; }")
    admin.get_by_role("button", name="Make the key").click()
    expect(admin.get_by_role("alert")).to_contain_text("What it may do: Choose at least one.")
    expect(admin.get_by_label("Name")).to_have_value("<script>alert(1)</script>")
    assert_sound(admin)
    admin.get_by_label("slots:read").check()
    admin.get_by_label("Last day").evaluate("field => field.removeAttribute('min')")
    admin.get_by_role("button", name="Make the key").click()
    expect(admin.get_by_role("alert")).to_contain_text("2026-05-31 is over in Asia/Kolkata")
    admin.get_by_label("Last day").fill("")
    admin.get_by_role("button", name="Make the key").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")


def test_without_a_script_the_key_is_there_to_be_selected(screens: Screens) -> None:
    page = screens.open(Role.ADMIN, java_script_enabled=False)
    assert make(page).startswith("sk_live_")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
