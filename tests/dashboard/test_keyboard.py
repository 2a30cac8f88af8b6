"""Every task of the dashboard by keyboard alone, from the first page on."""

import re

import pytest
from playwright.sync_api import Page, expect

from slotkeeper.operations.demo_clinic import EXAMPLE_WINDOW, PHYSIOTHERAPY
from tests.dashboard.desk import Desk
from tests.dashboard.keyboard import Keyboard
from tests.engines import SQLITE

pytestmark = pytest.mark.engines(SQLITE)

ON = "2026-06-08"
DATE = f"/app/schedule/{EXAMPLE_WINDOW}/{ON}"
TWIN = "07072026"
"""The seventh of July, however a browser orders days and months."""


@pytest.fixture
def desk_keys(receptionist: Page) -> Keyboard:
    receptionist.goto("/app")
    return Keyboard(receptionist)


@pytest.fixture
def manager_keys(manager: Page) -> Keyboard:
    manager.goto("/app")
    return Keyboard(manager)


@pytest.fixture
def admin_keys(admin: Page) -> Keyboard:
    admin.goto("/app")
    return Keyboard(admin)


def test_weeks_are_moved_and_filtered(desk_keys: Keyboard) -> None:
    keys, page = desk_keys, desk_keys.page
    keys.press("ArrowRight")
    keys.sees("Week of Monday, 8 June 2026")
    keys.to("Session")
    keys.press("e")  # Evening
    page.wait_for_url("**session=Evening**")
    page.wait_for_load_state()
    expect(page.get_by_label("Session")).to_be_focused()
    expect(page.get_by_role("heading", level=3, name="Morning")).to_have_count(0)
    keys.to("Service")
    keys.press("p")  # Physiotherapy
    page.wait_for_url(f"**service={PHYSIOTHERAPY}")
    page.wait_for_load_state()
    keys.follow("Month", "June 2026", exact=True)
    keys.press("ArrowRight")
    keys.sees("July 2026")
    keys.follow("8 Jul", "Week of Monday, 6 July 2026")


def test_the_whole_day_is_opened_from_the_week_and_printed(desk_keys: Keyboard) -> None:
    keys, page = desk_keys, desk_keys.page
    keys.follow("Tue 2 Jun", "Tuesday, 2 June 2026 · Main Street")
    page.evaluate("window.print = () => document.body.setAttribute('data-printed', '')")
    keys.follow("Print the lists")
    expect(page.locator("body[data-printed]")).to_be_attached()
    keys.follow("Day after", "Wednesday, 3 June 2026 · Main Street")


def test_somebody_is_booked_moved_completed_and_cancelled(desk_keys: Keyboard) -> None:
    keys, page = desk_keys, desk_keys.page
    line = page.get_by_role("row").filter(has_text="Zarina Wahab")
    keys.follow("Tue 2 Jun", "Tuesday, 2 June 2026 · Main Street")
    keys.follow("Book 09:00–11:00", "Tuesday, 2 June 2026, 09:00–11:00")
    keys.to("Service")
    keys.press("g")  # General Checkup
    keys.fill("Name", "Zarina Wahab")
    keys.fill("Phone", "+91 98450 00001")
    keys.press("Enter")
    keys.told("Booked for 09:00")
    keys.follow("Complete Zarina Wahab")
    keys.told("Marked as completed.")
    keys.follow("Confirm again", exact=True)
    keys.told("Confirmed again.")
    keys.follow("Move Zarina Wahab", "Move Zarina Wahab")
    keys.follow("14:00–16:00")
    expect(page.get_by_label("New time")).to_be_visible()
    keys.to("New time")
    keys.type("0315PM")
    keys.press("Enter")
    keys.told("Moved to 15:15")
    keys.follow("Cancel Zarina Wahab", "Cancel Zarina Wahab?")
    keys.follow("Cancel the appointment")
    expect(line.locator(".status")).to_have_text("cancelled")


def test_somebody_is_found(desk_keys: Keyboard) -> None:
    keys, page = desk_keys, desk_keys.page
    keys.follow("Find", "Find an appointment", exact=True)
    expect(page.get_by_label("Name or phone number")).to_be_focused()
    keys.type("55501 01140")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("1 appointment")
    keys.follow("Vikram Thomas", "Vikram Thomas")


def test_the_reports_are_those_of_other_dates(desk_keys: Keyboard) -> None:
    keys, page = desk_keys, desk_keys.page
    keys.follow("Reports", "Reports", exact=True)
    keys.to("To", exact=True)
    keys.type("05052026")
    keys.press("Enter")
    page.wait_for_url("**to=2026-05-05")


def test_a_date_is_closed_reopened_and_taken_back(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    keys.follow("09:00–11:00", "Monday, 1 June 2026, 09:00–11:00")
    keys.follow("Change this date", "Monday, 1 June 2026, 09:00–11:00")
    keys.fill("Reason", "Dr Rao is ill", exact=True)
    keys.press("Enter")
    keys.told("This date is closed.")
    keys.follow("Reopen this date")
    expect(page.get_by_role("button", name="Close this date")).to_be_visible()
    keys.follow("Undo")
    expect(page.get_by_role("button", name="Reopen this date")).to_be_visible()


def test_the_places_of_a_date_are_changed_with_a_reason_and_taken_back(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    page.goto(DATE)
    keys.fill("Places", "30", exact=True)
    keys.fill("AI places", "12")
    keys.fill("Reason of the change", "Two doctors")
    keys.press("Enter")
    keys.told("The places of this date are set.")
    expect(page.locator(".facts")).to_contain_text("30 (the week says 20)")
    keys.follow("Undo")
    expect(page.locator(".facts")).not_to_contain_text("the week says")


def test_one_service_is_closed_and_limited_on_a_date(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    page.goto(DATE)
    keys.to("Status – Vaccination")
    keys.press("c")  # Closed
    keys.fill("Limit – Vaccination", "5")
    keys.follow("Save – Vaccination")
    keys.told("Vaccination is changed on this date.")
    expect(page.locator(".services li", has_text="Vaccination")).to_contain_text(re.compile(r"closed · \d of 5 left"))


def test_a_closure_is_looked_at_made_and_removed(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    keys.follow("Schedule", "Weekly windows of Main Street", exact=True)
    keys.follow("Closures", "Closures", exact=True)
    for name in ("First date", "Last date"):
        keys.to(name)
        keys.type(TWIN)
    keys.to("Closed branch")
    keys.press("m")  # Main Street
    keys.fill("Reason", "Painters")
    keys.press("Enter")
    expect(page.locator(".preview")).to_be_focused()
    expect(page.locator(".preview")).to_contain_text("Close Tue, 7 Jul 2026?")
    keys.follow("Close these dates")
    keys.told("closed.")
    keys.follow("Remove – Tue, 7 Jul 2026, Painters")
    keys.told("is removed.")


def test_a_window_is_changed_in_its_row_and_taken_back(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    page.goto("/app/windows?day=monday")
    keys.fill("Places – Monday Morning MA", "25")
    keys.press("Enter")
    keys.told("is changed.")
    expect(page.locator(f"#window-{EXAMPLE_WINDOW} [name=max_slots]")).to_have_value("25")
    keys.follow("Undo")
    expect(page.locator(f"#window-{EXAMPLE_WINDOW} [name=max_slots]")).to_have_value("20")


def test_windows_are_imported_from_a_file(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    lines = (
        "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type\n"
        "Main Street,sunday,Morning,SU,09:00,11:00,5,,\n"
    )
    page.on("filechooser", lambda _: None)  # from now on, not only from a moment before the key
    page.goto("/app/windows/import")
    keys.to("CSV file")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files({"name": "w.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    keys.follow("Show what it would do")
    expect(page.locator(".preview")).to_be_focused()
    keys.follow("Import them all")
    keys.told("Imported: 1 new")


def test_dates_are_regenerated_after_a_look_with_a_bar_that_moves(manager_keys: Keyboard) -> None:
    keys, page = manager_keys, manager_keys.page
    page.goto("/app/regenerate")
    for name in ("First date", "Last date"):
        keys.to(name)
        keys.type("12122026")
    keys.press("Enter")
    expect(page.locator(".preview")).to_be_focused()
    keys.follow("Regenerate now")
    expect(page.locator("#progress").get_by_role("status")).to_contain_text("Done:")
    expect(page.get_by_role("progressbar")).to_be_visible()


def test_a_key_is_made_copied_and_revoked(admin_keys: Keyboard) -> None:
    keys, page = admin_keys, admin_keys.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keys.follow("Keys", "Keys", exact=True)
    keys.follow("Make a key", "Make a key")
    keys.fill("Name", "By hand")
    keys.to("appointments:write")
    keys.press("Space")
    keys.follow("Make the key", "The new key 'By hand'")
    keys.follow("Copy")
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label("Key", exact=True).input_value()
    keys.follow("To the keys", "Keys")
    keys.follow("Revoke: By hand", "Revoke the key 'By hand'?")
    keys.follow("Revoke it")
    keys.told("The key 'By hand' is revoked")


def test_a_person_is_invited_changed_and_disabled(admin_keys: Keyboard) -> None:
    keys = admin_keys
    keys.follow("People", "People", exact=True)
    keys.follow("Invite somebody", "Invite somebody")
    keys.fill("Name", "Tara Das")
    keys.fill("E-mail", "tara@example.org")
    keys.to("Role")
    keys.press("m")  # Manager
    keys.follow("Make the link", "A link for Tara Das")
    keys.follow("To the people", "People")
    keys.follow("Change: Tara Das", "Tara Das")
    keys.fill("Name", "Tara Bose")
    keys.press("Enter")
    keys.told("Tara Bose was changed.")
    keys.follow("Change: Tara Bose", "Tara Bose")
    keys.follow("Disable")
    keys.told("Tara Bose cannot sign in any more")


def test_the_configuration_is_changed_and_a_branch_opened(admin_keys: Keyboard) -> None:
    keys, page = admin_keys, admin_keys.page
    keys.follow("Configuration", "Configuration", exact=True)
    keys.fill("Hours before, to book", "2")
    keys.to("Appointments get token numbers")
    keys.press("Space")
    keys.follow("Save", exact=True)
    keys.told("The configuration was changed.")
    expect(page.get_by_label("Appointments get token numbers")).to_be_checked()
    keys.follow("Open a branch", "Open a branch")
    keys.fill("Name", "Hill")
    keys.press("Enter")
    keys.told("Hill was opened.")


def test_the_audit_trail_is_searched(admin_keys: Keyboard) -> None:
    keys, page = admin_keys, admin_keys.page
    keys.follow("Audit", "Audit trail", exact=True)
    keys.to("Who")
    keys.press("m")  # Meera Nair
    keys.follow("Show", exact=True)
    page.wait_for_url("**who=*")
    keys.told("entries")


def test_somebody_signs_in_and_out(visitor: Page, desk: Desk) -> None:
    visitor.goto("/app")
    keys = Keyboard(visitor)
    expect(visitor.get_by_label("E-mail")).to_be_focused()
    keys.type("meera@sunrise.example")
    keys.to("Password")
    keys.type("wrong")
    keys.press("Enter")
    expect(visitor.get_by_role("alert")).to_be_focused()
    keys.to("Password", exact=True)
    keys.press("Enter")  # the link to the field
    keys.type(desk.demo.password)
    keys.press("Enter")
    keys.sees("Week of Monday, 1 June 2026")
    keys.to("Meera Nair")
    keys.press("Enter")
    keys.follow("Sign out")
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("Sign in")
