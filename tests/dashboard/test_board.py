"""The board."""

from playwright.sync_api import Page, expect

from tests.dashboard.screens import assert_sound


def test_the_week_of_the_branch_is_the_first_page(receptionist: Page) -> None:
    receptionist.goto("/app")
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Week of Monday, 1 June 2026")
    expect(receptionist.locator(".day")).to_have_count(7)
    expect(receptionist.locator(".day[aria-current=date] h2")).to_have_text("Mon 1 Jun")
    expect(receptionist.locator(".day").first.locator(".card").first).to_contain_text("09:00–11:00")
    assert_sound(receptionist)


def test_another_branch_is_chosen_and_remembered(receptionist: Page) -> None:
    receptionist.goto("/app/board")
    assert receptionist.locator(".card").count() > 0
    expect(receptionist.get_by_role("button", name="Show")).to_have_count(0)
    receptionist.get_by_label("Branch").select_option("Riverside")
    receptionist.wait_for_url("**/board?branch=*")
    expect(receptionist.locator(".day").nth(1).locator(".card").first).to_contain_text("10:00–12:30")
    receptionist.goto("/app/board")
    expect(receptionist.get_by_label("Branch")).to_have_value("7c9e6679-7425-40de-944b-e07fc1f90ae7")
