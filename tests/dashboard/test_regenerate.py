"""Regenerate as a person does it: looked at first, then done, with a bar that moves."""

from playwright.sync_api import Page, expect

from slotkeeper.domain.users import Role
from tests.dashboard.screens import Screens, assert_sound


def look(page: Page, first: str, last: str) -> None:
    page.goto("/app/regenerate")
    page.get_by_label("First date").fill(first)
    page.get_by_label("Last date").fill(last)
    page.get_by_role("button", name="Show what would change").click()


def test_what_would_change_is_seen_first_and_then_a_bar_moves(manager: Page) -> None:
    manager.goto("/app/regenerate")
    look(manager, "2026-10-01", "2027-09-30")
    expect(manager.locator(".preview tbody tr")).to_have_count(200)
    expect(manager.locator(".preview tbody tr").first).to_contain_text("no record is stored")
    expect(manager.locator(".preview")).to_contain_text("more")
    assert_sound(manager)
    begin = manager.get_by_role("button", name="Regenerate now")
    begin.focus()
    manager.keyboard.press("Enter")
    status = manager.locator("#progress").get_by_role("status")
    expect(status).to_contain_text("Done:")
    bar = manager.get_by_role("progressbar")
    most = bar.evaluate("bar => bar.max")
    assert most > 1_000
    assert bar.evaluate("bar => bar.value") == most
    assert_sound(manager)
    look(manager, "2026-10-01", "2027-09-30")
    expect(manager.locator(".preview")).to_contain_text("Nothing would change.")


def test_without_a_script_a_page_says_when_it_is_done(screens: Screens) -> None:
    page = screens.open(Role.MANAGER, java_script_enabled=False)
    look(page, "2026-10-01", "2026-10-07")
    page.get_by_role("button", name="Regenerate now").click()
    expect(page.get_by_role("status")).to_contain_text("dates of windows are as the weekly windows say.")
    look(page, "2026-10-01", "2026-10-07")
    expect(page.locator(".preview")).to_contain_text("Nothing would change.")


def test_dates_that_cannot_be_are_refused_beside_what_was_typed(manager: Page) -> None:
    look(manager, "2026-10-07", "2026-10-01")
    expect(manager.get_by_role("alert").first).to_contain_text("Not before the first date, and at most 366 dates")
    expect(manager.get_by_label("First date")).to_have_value("2026-10-07")
    assert_sound(manager)


def test_a_sign_in_that_ended_meanwhile_leads_to_the_sign_in_page(manager: Page, screens: Screens) -> None:
    look(manager, "2026-10-01", "2026-10-07")
    manager.context.clear_cookies()
    screens.forgive("answered with 401")
    manager.get_by_role("button", name="Regenerate now").click()
    expect(manager.get_by_role("heading", level=1)).to_contain_text("Sign in")
