"""The weekly windows as a person changes them."""

import re

from playwright.sync_api import FilePayload, Locator, Page, expect

from slotkeeper.domain.users import Role
from slotkeeper.operations.demo_clinic import EXAMPLE_WINDOW
from tests.dashboard.screens import Screens, assert_sound

SCRIPT = "<script>alert(1)</script>"


def row(page: Page, calendar_id: str = EXAMPLE_WINDOW) -> Locator:
    return page.locator(f"#window-{calendar_id}")


def save(one: Locator) -> None:
    one.get_by_role("button", name=re.compile("^Save")).click()


def test_a_window_is_changed_in_its_row_seen_by_another_and_taken_back(manager: Page, screens: Screens) -> None:
    manager.goto("/app/windows")
    assert manager.locator(".windows tr[id]").count() == 22
    own = row(manager)
    own.get_by_label("To").fill("11:30")
    own.get_by_label("Batch").fill(SCRIPT)
    save(own)
    expect(manager.get_by_role("status")).to_contain_text("is changed.")
    expect(own.get_by_label("Batch")).to_have_value(SCRIPT)
    desk = screens.open(Role.DESK)
    desk.goto("/app/board?date=2026-06-08")
    card = desk.locator(".day").first.locator(".card").first
    expect(card).to_contain_text("09:00–11:30")
    manager.get_by_role("button", name="Undo").click()
    expect(own.get_by_label("To")).to_have_value("11:00")
    expect(own.get_by_label("Batch")).to_have_value("MA")
    expect(card).to_contain_text("09:00–11:00")


def test_what_is_refused_stands_beside_the_row_and_what_was_typed_is_kept(manager: Page) -> None:
    manager.goto("/app/windows?day=monday")
    own = row(manager)
    own.get_by_label("To").fill("08:00")
    own.get_by_label("AI places").fill("50")
    save(own)
    expect(own.get_by_role("alert")).to_contain_text("must be later on the same day")
    expect(own.get_by_role("alert")).to_be_focused()
    expect(own.get_by_label("To")).to_have_value("08:00")
    expect(own.get_by_label("AI places")).to_have_value("50")
    expect(manager.get_by_role("alert")).to_have_count(1)
    assert_sound(manager)
    own.get_by_label("To").fill("11:00")
    own.get_by_label("AI places").fill("10")
    own.get_by_label("Session").select_option("Afternoon")
    own.get_by_label("Batch").fill("AA")
    save(own)
    expect(own.get_by_role("alert")).to_contain_text("has the same branch, day, session, batch and service already")
    expect(own.get_by_label("Batch")).to_have_value("AA")


def test_a_window_is_added_disabled_and_enabled_by_keyboard_alone(manager: Page) -> None:
    manager.goto("/app/windows?day=sunday")
    new = manager.locator(".new-window")
    new.get_by_label("Batch").focus()
    for text, after in (("SU", "From"), ("0900AM", "To"), ("1030AM", "Places")):
        manager.keyboard.type(text)
        for _ in range(4):  # a time has several stops of its own
            manager.keyboard.press("Tab")
            if new.get_by_label(after, exact=True).evaluate("element => element === document.activeElement"):
                break
        expect(new.get_by_label(after, exact=True)).to_be_focused()
    manager.keyboard.type("8")
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("status")).to_contain_text("Sunday Morning SU is added.")
    for button, said in (("Disable", "is disabled."), ("Enable", "is enabled.")):
        wanted = manager.locator(".windows").get_by_role("button", name=re.compile(f"^{button} – Sunday"))
        wanted.focus()
        manager.keyboard.press("Enter")
        expect(manager.get_by_role("status")).to_contain_text(said)
    assert_sound(manager)


def test_a_new_window_that_is_refused_is_kept_above_the_table(manager: Page) -> None:
    manager.goto("/app/windows?day=monday")
    new = manager.locator(".new-window")
    for label, value in (("Batch", "MA"), ("From", "09:00"), ("To", "11:00"), ("Places", "5")):
        new.get_by_label(label, exact=True).fill(value)
    manager.get_by_role("button", name="Add the window").click()
    expect(manager.get_by_role("alert")).to_contain_text("already")
    expect(new.get_by_label("Batch")).to_have_value("MA")
    assert row(manager).locator("[name=max_slots]").input_value() == "20"


def test_the_link_of_a_window_leads_to_its_next_date(manager: Page) -> None:
    manager.goto("/app/windows?day=tuesday")
    manager.get_by_role("link", name=re.compile("Change only Tue 2 Jun – Tuesday Morning MA")).click()
    expect(manager.get_by_role("heading", level=1)).to_have_text("Tuesday, 2 June 2026, 09:00–11:00")


HEAD = "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type"
LINES = f"""{HEAD}
Main Street,monday,Morning,MA,09:00,11:00,25,10,
Main Street,sunday,Morning,=1+1,09:00,11:00,5,,
"""


def test_a_file_shows_what_it_would_do_before_anything_is_done(manager: Page, screens: Screens) -> None:
    manager.goto("/app/windows/import")
    file: FilePayload = {"name": "w.csv", "mimeType": "text/csv", "buffer": LINES.encode()}
    manager.get_by_label("CSV file", exact=True).set_input_files(file)
    manager.get_by_role("button", name="Show what it would do").click()
    preview = manager.locator(".preview")
    expect(preview).to_contain_text("It would be 1 new, 1 changed, 0 right already.")
    expect(preview.get_by_role("row", name=re.compile("^2 changed"))).to_contain_text("25 (was 20)")
    expect(preview).to_contain_text("=1+1")
    assert_sound(manager)
    other = screens.open(Role.MANAGER)
    other.goto("/app/windows?day=monday")
    expect(row(other).locator("[name=max_slots]")).to_have_value("20")
    manager.get_by_role("button", name="Import them all").focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("status")).to_contain_text("Imported: 1 new, 1 changed, 0 right already.")
    expect(row(manager).locator("[name=max_slots]")).to_have_value("25")


def test_a_file_with_a_wrong_line_changes_nothing_and_is_mended_in_place(manager: Page) -> None:
    manager.goto("/app/windows/import")
    lines = manager.get_by_label("Or its lines")
    lines.fill(LINES.replace("sunday", "someday") + f"{SCRIPT},monday,Evening,X,17:00,18:00,5,,\n")
    manager.get_by_role("button", name="Show what it would do").click()
    alert = manager.get_by_role("alert")
    expect(alert).to_contain_text("Line 3: 'day' must be one of")
    expect(alert).to_contain_text(f"Line 4: This organization has no branch '{SCRIPT}'")
    assert_sound(manager)
    assert "someday" in lines.input_value()
    lines.fill(LINES)
    manager.get_by_role("button", name="Show what it would do").click()
    expect(manager.locator(".preview")).to_contain_text("It would be 1 new, 1 changed, 0 right already.")
