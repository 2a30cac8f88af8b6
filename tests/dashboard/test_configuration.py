"""The configuration, branches and services, as an admin changes them."""

from playwright.sync_api import Page, expect

from slotkeeper.domain.access import operator
from slotkeeper.operations import directory
from tests.dashboard.desk import Desk
from tests.dashboard.screens import assert_sound


def test_the_rules_are_changed(desk: Desk, admin: Page) -> None:
    admin.goto("/app/board")
    admin.get_by_role("link", name="Configuration").click()
    admin.get_by_label("Time zone").fill("Asia/Colombo")
    admin.get_by_label("Hours before, to book").fill("2")
    admin.get_by_label("Days ahead, to book").fill("")
    admin.get_by_label("Appointments may be moved").uncheck()
    admin.get_by_label("Appointments get token numbers").check()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_have_text("The configuration was changed.")
    stored = desk.run(directory.get_configuration(desk.db, operator(desk.org_id)))
    assert (stored.timezone, stored.min_notice_hours, stored.max_advance_days) == ("Asia/Colombo", 2, None)
    assert (stored.allow_rescheduling, stored.allow_cancellation, stored.token_numbers) == (False, True, True)
    expect(admin.get_by_label("Appointments may be moved")).not_to_be_checked()
    expect(admin.get_by_label("Time zone")).to_have_value("Asia/Colombo")


def test_what_is_wrong_is_said_and_what_was_typed_stays(admin: Page) -> None:
    admin.goto("/app/configuration")
    admin.get_by_label("Time zone").fill("<script>alert(1)</script>")
    admin.get_by_label("Appointments may be moved").uncheck()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_contain_text("Write the name of a time zone, such as Europe/Berlin.")
    expect(admin.get_by_label("Time zone")).to_have_value("<script>alert(1)</script>")
    expect(admin.get_by_label("Appointments may be moved")).not_to_be_checked()
    assert_sound(admin)


def test_a_branch_is_opened_and_renamed(admin: Page, receptionist: Page) -> None:
    admin.goto("/app/configuration")
    admin.get_by_role("link", name="Open a branch").click()
    admin.get_by_label("Name").fill("main street")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_contain_text("There is already a branch named 'main street'")
    admin.get_by_label("Name").fill("<b>Hill</b>")
    admin.get_by_label("Time zone").fill("Asia/Colombo")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_have_text("<b>Hill</b> was opened.")
    admin.get_by_role("link", name="<b>Hill</b>").click()
    expect(admin.get_by_label("Time zone")).to_have_value("Asia/Colombo")
    admin.get_by_label("Name").fill("Hill")
    admin.get_by_label("Time zone").fill("")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_have_text("Hill was changed.")
    receptionist.goto("/app/board")
    receptionist.get_by_label("Branch").select_option("Hill")
    receptionist.wait_for_url("**/board?branch=*")


def test_a_service_is_added_renamed_and_taken_out(desk: Desk, admin: Page) -> None:
    admin.goto("/app/configuration")
    admin.get_by_role("link", name="Add a service").click()
    admin.get_by_label("Name").fill("Blood test")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_have_text("Blood test was added.")
    admin.get_by_role("link", name="Blood test").click()
    admin.get_by_label("Name").fill("Blood count")
    admin.get_by_label("It is offered").uncheck()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("listitem").filter(has_text="Blood count")).to_contain_text("not offered")
    found = desk.run(directory.list_services(desk.db, operator(desk.org_id)))
    assert [(one.name, one.active) for one in found if one.name.startswith("Blood")] == [("Blood count", False)]


def test_what_is_not_there_is_told_of(admin: Page) -> None:
    for noun in ("branches", "services"):
        admin.goto(f"/app/configuration/{noun}/00000000-0000-4000-8000-000000000000")
        expect(admin.get_by_role("heading", level=1)).to_have_text("There is nothing here")
