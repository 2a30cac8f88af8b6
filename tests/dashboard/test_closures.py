"""Closures as a person makes and removes them."""

from playwright.sync_api import Page, expect

from slotkeeper.domain.users import Role
from tests.dashboard.screens import Screens, assert_sound

SCRIPT = "<script>document.title = 'caught'</script>"


def fill(page: Page, first: str, last: str, reason: str, branch: str = "Every branch") -> None:
    page.get_by_label("First date").fill(first)
    page.get_by_label("Last date").fill(last)
    page.get_by_label("Closed branch").select_option(branch)
    page.get_by_label("Reason").fill(reason)


def test_a_closure_first_shows_whom_it_affects_and_is_taken_back(manager: Page, screens: Screens) -> None:
    manager.goto("/app/closures")
    fill(manager, "2026-06-03", "2026-06-04", SCRIPT, "Main Street")
    manager.get_by_role("button", name="Show whom it affects").click()
    expect(manager.get_by_text("Somebody has to ring these patients.")).to_be_visible()
    assert manager.locator(".preview tbody tr").count() > 3
    expect(manager.locator(".preview tbody")).not_to_contain_text("Riverside")
    assert_sound(manager)
    desk = screens.open(Role.DESK)
    desk.goto("/app/board?date=2026-06-03")
    assert desk.locator(".day").nth(2).get_by_text("closed").count() == 0, "nothing is closed yet"
    manager.get_by_role("button", name="Close these dates").click()
    expect(manager.get_by_role("status")).to_contain_text("Wed, 3 Jun 2026 – Thu, 4 Jun 2026: closed.")
    expect(manager.locator(".closures li", has_text=SCRIPT)).to_contain_text("Main Street")
    assert manager.title() != "caught"
    expect(desk.locator(".day").nth(2).get_by_text("closed").first).to_be_visible()
    manager.get_by_role("button", name="Undo").click()
    expect(manager.get_by_role("status")).to_contain_text("is removed.")
    expect(manager.locator(".closures li", has_text=SCRIPT)).to_have_count(0)
    manager.get_by_role("button", name="Undo").click()
    expect(manager.locator(".closures li", has_text=SCRIPT)).to_have_count(1)


def test_what_is_wrong_is_said_beside_what_was_typed(manager: Page) -> None:
    manager.goto("/app/closures")
    fill(manager, "2026-06-04", "2026-06-03", "Too early")
    manager.get_by_role("button", name="Show whom it affects").click()
    expect(manager.get_by_role("alert")).to_contain_text("The last date must not be before the first.")
    expect(manager.get_by_label("Reason")).to_have_value("Too early")
    assert_sound(manager)
