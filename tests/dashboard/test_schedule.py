"""One window on one date: closed, reopened, given other places, as a person does it."""

import re

from playwright.sync_api import Page, expect

from slotkeeper.domain.users import Role
from slotkeeper.operations.demo_clinic import EXAMPLE_WINDOW, VACCINATION
from tests.dashboard.screens import Screens, assert_sound

PLACE = f"/app/schedule/{EXAMPLE_WINDOW}/2026-06-08"
SCRIPT = "<script>document.title = 'caught'</script>"


def fact(page: Page, name: str) -> str:
    return page.locator(".facts div", has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def test_a_date_is_closed_with_a_reason_seen_by_another_and_taken_back(manager: Page, screens: Screens) -> None:
    manager.goto(PLACE)
    expect(manager.get_by_role("heading", level=1)).to_have_text("Monday, 8 June 2026, 09:00–11:00")
    assert fact(manager, "Status") == "open"
    manager.get_by_label("Reason", exact=True).fill("Dr Rao is ill")
    manager.get_by_role("button", name="Close this date").click()
    expect(manager.get_by_role("status")).to_contain_text("This date is closed.")
    assert fact(manager, "Status") == "closed"
    expect(manager.get_by_text("Reason: Dr Rao is ill")).to_be_visible()
    assert_sound(manager)
    desk = screens.open(Role.DESK)
    desk.goto("/app/board?date=2026-06-08")
    expect(desk.get_by_text("closed").first).to_be_visible()
    manager.get_by_role("button", name="Undo").click()
    expect(manager.get_by_role("button", name="Close this date")).to_be_visible()
    assert fact(manager, "Status") == "open"
    expect(desk.locator(".day").first.get_by_text("closed")).to_have_count(0)


def test_the_places_of_a_date_are_changed_and_what_was_typed_is_kept(manager: Page) -> None:
    manager.goto(PLACE)
    manager.get_by_label("Places", exact=True).fill("30")
    manager.get_by_label("AI places").fill("12")
    manager.get_by_label("Reason of the change").fill(SCRIPT)
    manager.get_by_role("button", name="Save the places").click()
    expect(manager.get_by_role("status")).to_contain_text("The places of this date are set.")
    assert fact(manager, "Places") == "30 (the week says 20)"
    assert fact(manager, "AI places") == "12"
    expect(manager.get_by_text(f"Reason: {SCRIPT}")).to_be_visible()
    assert manager.title() != "caught"
    manager.locator("form[action$='/places']").last.evaluate("form => form.noValidate = true")
    manager.get_by_label("Places", exact=True).fill("20000")
    manager.get_by_role("button", name="Save the places").click()
    expect(manager.get_by_role("alert")).to_contain_text("Write a whole number from 0 to 10000.")
    expect(manager.get_by_label("Places", exact=True)).to_have_value("20000")
    expect(manager.get_by_label("Reason", exact=True)).to_have_value(SCRIPT)
    assert_sound(manager)


def test_a_service_is_limited_closed_and_given_back(manager: Page) -> None:
    manager.goto(PLACE)
    expect(manager.get_by_text("A service's limit counts everybody's places")).to_be_visible()
    row = manager.locator(".services li", has_text="Vaccination")
    row.get_by_label("Limit").fill("5")
    row.get_by_label("Status").select_option("Closed")
    row.get_by_role("button", name="Save").click()
    expect(manager.get_by_role("status")).to_contain_text("Vaccination is changed on this date.")
    expect(row).to_contain_text(re.compile(r"closed · \d+ of 5 left"))
    assert fact(manager, "Status") == "open", "for the others it is"
    manager.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text(re.compile(r"open · \d+ of 20 left"))


def test_what_a_closure_forbids_is_said_with_its_name(manager: Page) -> None:
    manager.goto("/app/closures")
    manager.get_by_label("First date").fill("2026-06-08")
    manager.get_by_label("Last date").fill("2026-06-08")
    manager.get_by_label("Reason").fill("Founders' day")
    manager.get_by_role("button", name="Show whom it affects").click()
    manager.get_by_role("button", name="Close these dates").click()
    expect(manager.get_by_role("status")).to_be_visible()
    manager.goto(PLACE)
    expect(manager.get_by_text("A closure closes this date: Founders' day.")).to_be_visible()
    row = manager.locator(".services li", has_text="Vaccination")
    row.get_by_label("Status").select_option("Open")
    row.get_by_role("button", name="Save").click()
    expect(manager.get_by_role("alert")).to_contain_text("the closure 'Founders' day'")
    expect(row.get_by_label("Status")).to_have_value("OPEN")
    assert VACCINATION in manager.url
