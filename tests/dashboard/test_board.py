"""The board: a week at a glance, live while others book, and the month."""

from datetime import date

from playwright.sync_api import Page, expect

from slotkeeper.domain.access import operator
from slotkeeper.domain.model import Status
from slotkeeper.domain.slot_ids import SlotId
from slotkeeper.domain.users import Role
from slotkeeper.operations import appointments, closures, overrides, users
from slotkeeper.operations.appointments import NewAppointment
from slotkeeper.operations.closures import NewClosure
from slotkeeper.operations.demo_clinic import CHECKUP, EXAMPLE_WINDOW, MAIN_STREET
from slotkeeper.operations.line import new_line
from slotkeeper.operations.overrides import DayChanges
from tests.dashboard.conftest import NewDesk
from tests.dashboard.desk import Desk
from tests.dashboard.screens import Screens, assert_sound
from tests.world import millis

MONDAY = date(2026, 6, 8)
CARD = f"#c-{MONDAY}-{EXAMPLE_WINDOW}"
NEXT_WEEK = f"/app/board?date={MONDAY}"


def book(desk: Desk, name: str) -> None:
    """Book a place of the first window of next Monday, by a program of the clinic."""
    instant = millis("2026-06-08T09:30:00+05:30")
    new = NewAppointment(CHECKUP, instant, name, "+91 98765 43210", MAIN_STREET, calendar_id=EXAMPLE_WINDOW)
    desk.run(appointments.book_appointment(new_line(desk.db), operator(desk.org_id), new, now=desk.clock()))


def test_the_week_of_the_branch_is_the_first_page(receptionist: Page) -> None:
    receptionist.goto("/app")
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Week of Monday, 1 June 2026")
    expect(receptionist.locator(".day")).to_have_count(7)
    expect(receptionist.locator(".day[aria-current=date] h2")).to_have_text("Mon 1 Jun")
    expect(receptionist.locator(".day").first.locator(".head")).to_contain_text("today")
    expect(receptionist.locator(".day").first.locator(".card").first).to_contain_text("09:00–11:00")
    assert_sound(receptionist)


def test_another_branch_is_chosen_and_remembered(receptionist: Page) -> None:
    receptionist.goto("/app/board")
    assert receptionist.locator(".card").count() > 0
    expect(receptionist.locator(".filters .no-script")).to_be_hidden()
    receptionist.get_by_label("Branch").select_option("Riverside")
    receptionist.wait_for_url("**/board?branch=*")
    expect(receptionist.locator(".day").nth(1).locator(".card").first).to_contain_text("10:00–12:30")
    receptionist.goto("/app/board")
    expect(receptionist.get_by_label("Branch")).to_have_value("7c9e6679-7425-40de-944b-e07fc1f90ae7")


def test_weeks_are_moved_by_keys_and_links(receptionist: Page) -> None:
    receptionist.goto("/app/board")

    def expect_week(on: str) -> None:
        expect(receptionist.get_by_role("heading", level=1)).to_have_text(f"Week of Monday, {on} 2026")
        receptionist.wait_for_load_state()  # the script listens then

    receptionist.keyboard.press("ArrowRight")
    expect_week("8 June")
    receptionist.keyboard.press("ArrowLeft")
    expect_week("1 June")
    receptionist.get_by_role("link", name="Week before").press("Enter")
    expect_week("25 May")
    receptionist.keyboard.press("t")
    expect_week("1 June")


def test_a_week_is_filtered_by_session_and_service(receptionist: Page) -> None:
    receptionist.goto(NEXT_WEEK)
    receptionist.get_by_label("Session").select_option("Afternoon")
    receptionist.wait_for_url("**session=Afternoon**")
    expect(receptionist.get_by_role("heading", level=3, name="Morning")).to_have_count(0)
    receptionist.get_by_label("Service").select_option("Vaccination")
    receptionist.wait_for_url("**service=*")
    expect(receptionist.locator(".card")).to_have_count(8)
    expect(receptionist.locator(".card", has_text="AV").first).to_contain_text("Vaccination")
    receptionist.keyboard.press("Tab")
    receptionist.locator("h1").click()
    receptionist.keyboard.press("ArrowRight")
    receptionist.wait_for_url("**date=2026-06-15*service=*")
    assert_sound(receptionist)


def test_closures_overrides_and_full_windows_are_said_in_words(receptionist: Page, desk: Desk) -> None:
    boss, now = operator(desk.org_id), desk.clock()
    reason = "<script>alert(1)</script>"
    new = NewClosure(MAIN_STREET, date(2026, 6, 9), date(2026, 6, 9), reason)
    desk.run(closures.create_closure(desk.db, boss, new, source="api", now=now))
    slot_id = SlotId(EXAMPLE_WINDOW, MONDAY)
    changes = DayChanges(status=Status.CLOSED, reason=reason)
    desk.run(overrides.update_day(desk.db, boss, slot_id, changes=changes, expect=lambda _: None, whole=False, now=now))
    receptionist.goto(NEXT_WEEK)
    expect(receptionist.locator(CARD)).to_contain_text("closed")
    expect(receptionist.locator(CARD)).to_contain_text(f"changed for this day: {reason}")
    expect(receptionist.locator(".day").nth(1).locator(".head")).to_contain_text(f"closed: {reason}")
    assert_sound(receptionist)
    receptionist.goto("/app/board/month?month=2026-06")
    expect(receptionist.locator("td", has_text="9 Jun").first).to_contain_text(f"closed: {reason}")
    expect(receptionist.locator("td[aria-current=date]")).to_contain_text("1 Jun")
    assert_sound(receptionist)
    receptionist.get_by_role("link", name="8 Jun", exact=True).click()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Week of Monday, 8 June 2026")


def test_two_people_see_what_is_booked_in_another_process(screens: Screens, new_desk: NewDesk) -> None:
    other = new_desk()
    pages = [screens.open(Role.DESK), screens.open(Role.MANAGER, other)]
    for page in pages:
        with page.expect_response("**/board/live**"):
            page.goto(NEXT_WEEK)
    before = pages[0].locator(CARD).inner_text()
    book(other, "Asha Rao")
    for page in pages:
        expect(page.locator(CARD)).not_to_have_text(before, timeout=3_000)
        expect(page.locator(f"{CARD}.fresh")).to_have_count(1)
    expect(pages[0].locator(".fresh")).to_have_count(1)


def test_where_events_do_not_come_through_it_is_asked(receptionist: Page, desk: Desk) -> None:
    receptionist.add_init_script("delete window.EventSource")
    with receptionist.expect_response("**/board/changes**") as asked:
        receptionist.goto(NEXT_WEEK)
    assert asked.value.status == 204
    before = receptionist.locator(CARD).inner_text()
    book(desk, "Asha Rao")
    expect(receptionist.locator(CARD)).not_to_have_text(before, timeout=10_000)


def test_a_board_ends_with_the_sign_in(screens: Screens, receptionist: Page, desk: Desk) -> None:
    screens.forgive("answered with 401")
    with receptionist.expect_response("**/board/live**"):
        receptionist.goto(NEXT_WEEK)
    boss = operator(desk.org_id)
    person = next(one for one in desk.run(users.list_users(desk.db, boss)) if one.role is Role.DESK)
    desk.run(users.disable_user(desk.db, boss, person.user_id, now=desk.clock()))
    receptionist.wait_for_url("**/sign-in**", timeout=20_000)


def test_an_open_board_does_not_keep_the_server_from_stopping(receptionist: Page, desk: Desk) -> None:
    with receptionist.expect_response("**/board/live**"):
        receptionist.goto(NEXT_WEEK)
    started = receptionist.evaluate("performance.now()")
    desk.stop()
    assert receptionist.evaluate("performance.now()") - started < 5_000
