"""Reports, as anybody of the clinic looks at them."""

import re
from datetime import date

import httpx
import pytest
from playwright.sync_api import Page, expect

from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role
from slotkeeper.operations import reports
from slotkeeper.operations.demo_clinic import CHECKUP, EXAMPLE_WINDOW, MAIN_STREET
from tests.dashboard.desk import Desk
from tests.dashboard.screens import Screens, assert_sound

PLOT = "img[src*='.svg']"
FIRST, LAST = date(2026, 5, 18), date(2026, 5, 31)


def all_are_drawn(page: Page) -> int:
    """Wait until every plot of a page is there; how many."""
    for number in range(page.locator(PLOT).count()):
        plot = page.locator(PLOT).nth(number)
        plot.scroll_into_view_if_needed()
        page.wait_for_function("plot => plot.complete && plot.naturalWidth > 0", arg=plot.element_handle())
    return page.locator(PLOT).count()


@pytest.mark.parametrize("role", Role)
def test_everybody_sees_plots_and_the_same_numbers_in_tables(desk: Desk, screens: Screens, role: Role) -> None:
    page = screens.open(role)
    page.goto("/app/board")
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_label("From")).to_have_value("2026-05-05")
    expect(page.get_by_label("To")).to_have_value("2026-06-01")
    assert all_are_drawn(page) == 4, "two branches, who booked, the next weeks; nobody was refused"
    caller = operator(desk.org_id)
    found = desk.run(reports.get_outlook(desk.db, caller, first=date(2026, 6, 1), weeks=1))[date(2026, 6, 1)]
    row = page.get_by_role("region", name="The next weeks").locator("tbody tr").first
    expect(row).to_contain_text("1 Jun 2026")
    expect(row.locator("td").first).to_have_text(str(found.filled))
    expect(row.locator("td").nth(1)).to_have_text(str(found.places - found.filled))


def test_the_range_is_chosen_by_keyboard(desk: Desk, receptionist: Page) -> None:
    receptionist.goto("/app/reports?from=2026-05-18")
    receptionist.get_by_label("To").fill("2026-05-31")
    receptionist.keyboard.press("Enter")
    receptionist.wait_for_url("**/reports?from=2026-05-18&to=2026-05-31")
    found = desk.run(reports.get_shares(desk.db, operator(desk.org_id), first=FIRST, last=LAST))
    assert sum(week.ai + week.staff for week in found.values()) > 0
    foot = receptionist.get_by_role("region", name="Who booked").locator("tfoot td")
    expect(foot.first).to_have_text(str(sum(week.ai for week in found.values())))
    expect(foot.nth(1)).to_have_text(str(sum(week.staff for week in found.values())))
    full = desk.run(reports.get_utilisation(desk.db, operator(desk.org_id), first=FIRST, last=LAST))
    row = receptionist.get_by_role("region", name="Main Street").get_by_role("row", name="Morning")
    cell = full[MAIN_STREET, "Morning", 0]
    expect(row.locator("td").first).to_contain_text(f"{cell.filled}/{cell.places}")


def test_a_time_without_places_says_so(receptionist: Page) -> None:
    receptionist.goto("/app/reports?from=2030-02-01&to=2030-01-01")
    expect(receptionist.get_by_text("There are no places in this time.")).to_be_visible()
    expect(receptionist.get_by_label("From")).to_have_value("2030-01-01")
    all_are_drawn(receptionist)
    assert_sound(receptionist)


def test_a_plot_stands_alone(receptionist: Page) -> None:
    """Opened by itself, where its own policy holds: no script, nothing from elsewhere."""
    receptionist.goto("/app/reports")
    addresses = receptionist.locator(PLOT).evaluate_all("plots => plots.map(plot => plot.src)")
    for address in addresses:
        answer = receptionist.request.get(address)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
        text = answer.text()
        assert "<script" not in text
        assert not re.search(r"(href|src)=\"(?!#)|url\((?!#)|@import", text)
        receptionist.goto(address)


def test_a_plot_is_dark_on_a_dark_screen(screens: Screens) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = screens.open(Role.MANAGER, color_scheme=scheme)
        page.goto("/app/reports/outlook.svg")
        grounds.append(page.locator(".background").first.evaluate("one => getComputedStyle(one).fill"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(28, 36, 41)"]


def test_a_branch_with_a_script_in_its_name_is_a_name(admin: Page) -> None:
    admin.goto("/app/configuration")
    admin.get_by_role("link", name="Riverside").click()
    admin.get_by_label("Name").fill("<script>alert(1)</script>")
    admin.get_by_role("button", name="Save").click()
    admin.goto("/app/reports")
    expect(admin.get_by_role("heading", level=3).last).to_have_text("Main Street")
    expect(admin.get_by_role("heading", level=3).first).to_have_text("<script>alert(1)</script>")


def refuse(desk: Desk, times: int) -> None:
    """Let a program ask for places on a day that has none left."""
    with httpx.Client(base_url=desk.url, headers={"authorization": f"Bearer {desk.demo.key}"}) as program:
        day = f"/v1/appointment-slots/days/{EXAMPLE_WINDOW}||2026-06-08"
        assert program.patch(day, json={"max_slots": 0}).status_code == 200
        for number in range(times):
            body = {
                "appointment_type": CHECKUP,
                "branch_id": MAIN_STREET,
                "appointment_date": "2026-06-08T09:30:00+05:30",
                "patient_name": f"Patient {number}",
                "parent_phone": f"+49151000{number:04d}",
            }
            answer = program.post("/v1/appointments", json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "SLOT_FULL")


def test_who_found_no_room_is_counted_as_soon_as_it_happens(desk: Desk, receptionist: Page) -> None:
    receptionist.goto("/app/reports")
    expect(receptionist.get_by_text("None in this time.")).to_be_visible()
    refuse(desk, 3)
    receptionist.reload()
    rows = receptionist.get_by_role("region", name="No room").get_by_role("row")
    expect(rows.nth(1)).to_have_text(re.compile(r"1 Jun 2026\s*3"))
    expect(rows).to_have_count(3)
    assert all_are_drawn(receptionist) == 5
    assert_sound(receptionist)
