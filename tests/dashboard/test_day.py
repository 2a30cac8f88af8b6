"""A day as people work with it: booked, moved, completed, cancelled, confirmed again, found, printed, saved."""

import csv
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from slotkeeper.domain.users import Role
from slotkeeper.operations.demo_clinic import CHECKUP, EXAMPLE_WINDOW, MAIN_STREET
from tests.dashboard.desk import Desk
from tests.dashboard.screens import Screens, assert_sound

ON = "2026-06-08"
WINDOW = f"/app/day/{EXAMPLE_WINDOW}/{ON}"
FULL_DAY = f"/app/day/{ON}?branch={MAIN_STREET}"


def fill(page: Page, name: str, phone: str = "+91 98450 00001") -> None:
    page.get_by_label("Service").select_option(CHECKUP)
    page.get_by_label("Time").fill("09:30")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Phone").fill(phone)


def book(page: Page, name: str = "Zarina Wahab", phone: str = "+91 98450 00001") -> None:
    page.goto(WINDOW)
    fill(page, name, phone)
    page.get_by_role("button", name="Book this place").click()
    expect(line(page, name)).to_be_visible()


def line(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


def status(page: Page, name: str, text: str) -> None:
    expect(line(page, name).locator(".status")).to_have_text(text)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_whoever_stands_at_the_desk_is_booked(receptionist: Page) -> None:
    receptionist.goto(WINDOW)
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Monday, 8 June 2026, 09:00–11:00")
    expect(receptionist.get_by_role("main")).to_contain_text("14 places left")
    fill(receptionist, "Zarina <b>Wahab</b>")
    receptionist.get_by_label("Doctor").fill("Dr. Sen")
    receptionist.get_by_label("Notes").fill("walks with a stick")
    receptionist.get_by_role("button", name="Book this place").click()
    expect(receptionist.get_by_role("status")).to_contain_text("Booked for 09:30 on Monday, 8 June 2026.")
    made = line(receptionist, "Zarina <b>Wahab</b>")
    for text in ("09:30", "+91 98450 00001", "General Checkup", "confirmed", "at the desk", "Dr. Sen", "with a stick"):
        expect(made).to_contain_text(text)
    expect(made).to_contain_text("1 Jun 2026, 13:30")
    expect(receptionist.get_by_role("main")).to_contain_text("13 places left")
    receptionist.reload()
    expect(line(receptionist, "Zarina <b>Wahab</b>")).to_have_count(1)
    assert_sound(receptionist)


def test_a_double_click_and_a_reload_book_once(receptionist: Page) -> None:
    receptionist.goto(WINDOW)
    fill(receptionist, "Zarina Wahab")
    receptionist.get_by_role("button", name="Book this place").dblclick()
    expect(receptionist.locator("tr:target")).to_contain_text("Zarina Wahab")
    receptionist.reload()
    expect(line(receptionist, "Zarina Wahab")).to_have_count(1)


def test_the_last_place_goes_to_one_of_two_and_the_other_is_shown_the_way_out(screens: Screens) -> None:
    first, second = screens.open(Role.DESK), screens.open(Role.MANAGER)
    for page in (first, second):
        page.goto(WINDOW)
    for number in range(13):
        book(first, f"Number {number:02d}", f"+91 98450 100{number:02d}")
    book(first, "Zarina Wahab")
    fill(second, "Yusuf Pathan", "+91 98450 00002")
    second.get_by_label("Notes").fill("hurries")
    second.get_by_role("button", name="Book this place").click()
    expect(second.get_by_role("alert")).to_contain_text("All places are taken on 2026-06-08 (09:00–11:00)")
    expect(second.get_by_label("Name")).to_have_value("Yusuf Pathan")
    expect(second.get_by_label("Notes")).to_have_value("hurries")
    assert_sound(second)
    second.get_by_role("button", name=re.compile("Book Mon,? 8 Jun, 14:00")).click()
    expect(second.get_by_role("heading", level=1)).to_contain_text("14:00–16:00")
    expect(line(second, "Yusuf Pathan")).to_contain_text("hurries")
    first.reload()
    expect(first.get_by_role("main")).to_contain_text("0 places left · full")
    expect(line(first, "Yusuf Pathan")).to_have_count(0)


@pytest.mark.parametrize("has_script", [True, False])
def test_an_appointment_is_moved_by_picking_another_window(screens: Screens, has_script: bool) -> None:
    page = screens.open(Role.DESK, java_script_enabled=has_script)
    book(page)
    line(page, "Zarina Wahab").get_by_role("link", name="Move").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Move Zarina Wahab")
    page.get_by_label("Room from this day on").fill("2026-06-10")
    page.get_by_role("button", name="Show").last.click()
    page.get_by_role("link", name="14:00–16:00").nth(1).click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("14:00–16:00")
    page.get_by_label("New time").fill("15:40")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_role("status")).to_contain_text("Moved to 15:40 on")
    status(page, "Zarina Wahab", "moved here")
    page.goto(WINDOW)
    expect(line(page, "Zarina Wahab")).to_have_count(0)


def test_completed_confirmed_again_cancelled_and_taken_back(receptionist: Page) -> None:
    book(receptionist)
    receptionist.get_by_role("button", name="Complete Zarina Wahab").click()
    status(receptionist, "Zarina Wahab", "completed")
    receptionist.get_by_role("status").get_by_role("button", name="Confirm again").click()
    status(receptionist, "Zarina Wahab", "confirmed")
    receptionist.goto(FULL_DAY)
    line(receptionist, "Zarina Wahab").get_by_role("link", name="Cancel").click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Cancel Zarina Wahab?")
    receptionist.get_by_role("link", name="Keep it").click()
    status(receptionist, "Zarina Wahab", "confirmed")
    receptionist.goto(FULL_DAY)
    line(receptionist, "Zarina Wahab").get_by_role("link", name="Cancel").click()
    receptionist.get_by_role("button", name="Cancel the appointment").click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Monday, 8 June 2026 · Main Street")
    status(receptionist, "Zarina Wahab", "cancelled")
    receptionist.get_by_role("status").get_by_role("button", name="Confirm again").click()
    status(receptionist, "Zarina Wahab", "confirmed")


def test_the_whole_day_shows_all_windows_in_order_and_leads_on(receptionist: Page) -> None:
    receptionist.goto("/app/board")
    receptionist.get_by_role("navigation", name="Main").get_by_role("link", name="Today").click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Monday, 1 June 2026 · Main Street")
    texts = receptionist.get_by_role("heading", level=2).all_inner_texts()
    assert texts == ["09:00–11:00 · Morning · MA", "14:00–16:00 · Afternoon · AA", "17:00–19:00 · Evening · EA"]
    receptionist.get_by_role("link", name="Day after").click()
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Tuesday, 2 June 2026")
    expect(receptionist.get_by_role("heading", level=2)).to_have_count(4)
    receptionist.get_by_role("link", name="Book 14:00–16:00").click()
    expect(receptionist.get_by_label("Time")).to_have_value("14:00")
    receptionist.get_by_label("Branch").select_option("Riverside")
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Tuesday, 2 June 2026 · Riverside")


def test_somebody_who_is_there_is_booked_for_a_moment_from_now(receptionist: Page, desk: Desk) -> None:
    desk.clock.now += 63 * 60_000  # 14:33 at the clinic
    receptionist.goto("/app/day")
    receptionist.get_by_role("link", name="14:00–16:00", exact=True).click()
    expect(receptionist.get_by_label("Time")).to_have_value("14:35")
    receptionist.goto(f"/app/day/{EXAMPLE_WINDOW}/2026-06-01")
    expect(receptionist.get_by_role("button", name="Book this place")).to_have_count(0)


def test_somebody_is_found_by_name_and_by_phone(receptionist: Page) -> None:
    book(receptionist)
    receptionist.get_by_role("link", name="Find", exact=True).click()
    for said in ("zarina", "98450-00001"):
        receptionist.get_by_label("Name or phone number").fill(said)
        press(receptionist, "Enter")
        expect(receptionist.get_by_role("heading", level=2)).to_have_text("1 appointment")
        expect(line(receptionist, "Zarina Wahab")).to_contain_text("8 Jun 2026, 09:30")
    assert_sound(receptionist)
    receptionist.get_by_role("link", name="Zarina Wahab").click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Zarina Wahab")
    receptionist.get_by_role("button", name="Complete").click()
    status(receptionist, "Zarina Wahab", "completed")


def test_what_is_found_comes_in_pages(receptionist: Page) -> None:
    receptionist.goto("/app/find")
    receptionist.get_by_label("Name or phone number").fill("an")
    receptionist.get_by_label("Also what is past").check()
    receptionist.get_by_role("button", name="Find").click()
    expect(receptionist.get_by_role("row")).to_have_count(21)
    receptionist.get_by_role("link", name="Next page").click()
    expect(receptionist.get_by_role("navigation", name="Pages")).to_contain_text("Page 2 of")
    expect(receptionist.get_by_label("Also what is past")).to_be_checked()
    assert_sound(receptionist)


def test_the_doctor_gets_a_clean_list_each_window_on_a_page_of_its_own(receptionist: Page) -> None:
    book(receptionist, "Never Comes", "+91 98450 00009")
    line(receptionist, "Never Comes").get_by_role("link", name="Cancel").click()
    receptionist.get_by_role("button", name="Cancel the appointment").click()
    receptionist.goto(FULL_DAY)
    expect(receptionist.get_by_role("button", name="Print the lists")).to_be_visible()
    receptionist.emulate_media(media="print")
    expect(receptionist.get_by_role("navigation")).to_have_count(0)
    expect(receptionist.get_by_role("button")).to_have_count(0)
    expect(receptionist.get_by_role("link", name="Save as CSV")).to_have_count(0)
    expect(line(receptionist, "Never Comes")).to_have_count(0)
    expect(receptionist.locator(".on-paper").first).to_contain_text("Main Street · Sunrise Family Clinic")
    expect(receptionist.get_by_role("columnheader", name="Patient").first).to_be_visible()
    receptionist.emulate_media(media=None)
    printed = receptionist.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= receptionist.locator(".sheet").count() == 3


def test_the_list_is_saved_with_formulas_made_inert(receptionist: Page) -> None:
    book(receptionist, "=1+1")
    with receptionist.expect_download() as saved:
        receptionist.get_by_role("link", name="Save as CSV").click()
    assert saved.value.suggested_filename == f"day-{ON}.csv"
    rows = list(csv.DictReader(saved.value.path().read_text("utf-8-sig").splitlines()))
    assert [row["Name"] for row in rows if row["Phone"] == "'+91 98450 00001"] == ["'=1+1"]
    assert len(rows) >= 7


def test_a_script_in_any_field_is_text_and_nothing_runs(receptionist: Page) -> None:
    script = "<script>document.title='run'</script>"
    receptionist.goto(WINDOW)
    fill(receptionist, script)
    receptionist.get_by_label("Doctor").fill(script)
    receptionist.get_by_label("Notes").fill(script)
    receptionist.get_by_role("button", name="Book this place").click()
    expect(line(receptionist, script)).to_be_visible()
    receptionist.get_by_role("link", name=script, exact=True).click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text(script)
    receptionist.goto("/app/find?q=%3Cscript")
    expect(line(receptionist, script)).to_be_visible()
    assert "run" not in receptionist.title().split(" ·")[0].split()
