"""The audit trail, as an admin reads it."""

from playwright.sync_api import Page, expect

from slotkeeper.dashboard.audit import ON_A_PAGE
from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role, staff
from slotkeeper.operations import directory, users
from tests.dashboard.desk import EMAILS, Desk
from tests.dashboard.screens import assert_sound


def rename(desk: Desk, name: str) -> str:
    """Let Asha add a service and rename it; its id."""
    asha = desk.run(users.find_user(desk.db, operator(desk.org_id), EMAILS[Role.ADMIN]))
    caller = staff(desk.org_id, asha.user_id, Role.ADMIN)
    now = desk.clock()
    made = desk.run(directory.create_service(desk.db, caller, name=f"Old {name}", now=now))
    changes: directory.ServiceChanges = {"name": name, "active": False}
    work = directory.update_service(
        desk.db, caller, made.service_id, changes=changes, expect=lambda _: None, now=now + 1
    )
    desk.run(work)
    return made.service_id


def test_the_newest_is_first_with_who_and_what_changed(desk: Desk, admin: Page) -> None:
    rename(desk, "Blood test")
    admin.goto("/app/board")
    admin.get_by_role("link", name="Audit").click()
    row = admin.locator("tbody tr").first
    expect(row).to_contain_text("1 Jun 2026")
    expect(row).to_contain_text("Asha Rao")
    expect(row).to_contain_text("services.update")
    expect(row).to_contain_text("Blood test")
    expect(row.locator("dl > div").first).to_have_text("name Old Blood test → Blood test")
    expect(row.locator("dl > div").nth(1)).to_have_text("active true → false")
    assert_sound(admin)


def test_it_is_searched_by_date_subject_and_person(desk: Desk, admin: Page) -> None:
    service_id = rename(desk, "Blood test")
    admin.goto("/app/audit")
    admin.get_by_label("Id of what it is about").fill(service_id.upper())
    admin.get_by_role("button", name="Show").click()
    expect(admin.get_by_role("status")).to_have_text("2 entries")
    expect(admin.get_by_label("Id of what it is about")).to_have_value(service_id.upper())
    admin.get_by_label("Who").select_option("Meera Nair")
    admin.get_by_role("button", name="Show").click()
    expect(admin.get_by_role("status")).to_have_text("0 entries")
    assert_sound(admin)
    admin.get_by_role("link", name="All").click()
    admin.get_by_label("Who").select_option("Asha Rao")
    admin.get_by_label("From").fill("2026-06-01")
    admin.get_by_label("To").fill("2026-06-01")
    admin.get_by_role("button", name="Show").click()
    expect(admin.locator("tbody tr").first).to_contain_text("services.update")
    admin.get_by_label("From").fill("2026-06-02")
    admin.get_by_label("To").fill("")
    admin.get_by_role("button", name="Show").click()
    expect(admin.get_by_role("status")).to_have_text("0 entries")


def test_it_is_read_page_by_page(desk: Desk, admin: Page) -> None:
    for number in range(ON_A_PAGE // 2 + 1):
        rename(desk, f"Service {number}")
    admin.goto("/app/audit")
    admin.get_by_label("From").fill("2026-06-01")
    admin.get_by_role("button", name="Show").click()
    expect(admin.locator("tbody tr")).to_have_count(ON_A_PAGE)
    expect(admin.get_by_role("link", name="Newer")).to_have_count(0)
    admin.get_by_role("link", name="Older").focus()
    admin.keyboard.press("Enter")
    expect(admin.get_by_label("From")).to_have_value("2026-06-01")
    expect(admin.get_by_role("link", name="Newer")).to_be_visible()
    assert admin.locator("tbody tr").count() < ON_A_PAGE


def test_what_was_refused_is_there_with_its_code(admin: Page) -> None:
    admin.goto("/app/configuration/services/new")
    admin.get_by_label("Name").fill("Vaccination")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_contain_text("already a service")
    admin.goto("/app/audit")
    row = admin.locator("tbody tr").first
    expect(row).to_contain_text("refused")
    expect(row).to_contain_text("code CONFLICT")


def test_what_is_looked_for_is_shown_as_text(admin: Page) -> None:
    admin.goto('/app/audit?subject="><script>alert(1)</script>&from=x&to=y&who=key:x&page=-1')
    expect(admin.get_by_label("Id of what it is about")).to_have_value('"><script>alert(1)</script>')
