"""The people of the clinic, as an admin invites, changes and keeps them out."""

from playwright.sync_api import Page, expect

from slotkeeper.domain.users import Role
from tests.dashboard.desk import EMAILS, Desk
from tests.dashboard.screens import Screens, assert_sound

PASSWORD = "correct horse battery"


def invite(page: Page, name: str = "Tara Das", email: str = "tara@example.org", role: str = "desk") -> str:
    """Invite somebody; the address of their link."""
    page.goto("/app/people")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Role").select_option(role)
    page.get_by_role("button", name="Make the link").click()
    return page.get_by_label("Link", exact=True).input_value()


def come_in(page: Page, link: str, password: str = PASSWORD) -> None:
    page.goto(link)
    page.get_by_label("Password").fill(password)
    page.get_by_label("The same again").fill(password)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Week of")


def open_person(page: Page, name: str) -> None:
    page.goto("/app/people")
    page.get_by_role("link", name=f"Change: {name}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_somebody_is_invited_and_comes_in(desk: Desk, admin: Page, screens: Screens) -> None:
    admin.goto("/app/people/new")
    link = invite(admin, role="manager")
    assert link.startswith(f"{desk.url}/app/link/")
    assert_sound(admin)
    admin.goto("/app/people")
    expect(admin.get_by_role("row", name="Tara Das")).to_contain_text("has not chosen a password yet")
    assert link not in admin.content()
    tara = screens.open()
    come_in(tara, link)
    admin.reload()
    expect(admin.get_by_role("row", name="Tara Das")).to_contain_text("Manager")
    expect(admin.get_by_role("row", name="Tara Das")).to_contain_text("signs in")
    assert_sound(admin)


def test_a_page_that_is_loaded_again_invites_nobody_and_shows_no_link(admin: Page) -> None:
    link = invite(admin)
    admin.reload()
    expect(admin.get_by_role("status")).to_contain_text("The link for Tara Das was shown once")
    assert link not in admin.content()


def test_an_e_mail_that_is_taken_is_told_beside_what_was_typed(admin: Page) -> None:
    admin.goto("/app/people/new")
    admin.get_by_label("Name").fill("Somebody else")
    admin.get_by_label("E-mail").fill(EMAILS[Role.DESK].upper())
    admin.get_by_role("button", name="Make the link").click()
    expect(admin.get_by_role("alert")).to_contain_text("There is already a user with the e-mail")
    expect(admin.get_by_label("Name")).to_have_value("Somebody else")
    assert_sound(admin)


def test_another_role_holds_from_the_next_click_on(admin: Page, receptionist: Page) -> None:
    receptionist.goto("/app/keys")
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("This is not for you to do")
    expect(receptionist.get_by_role("link", name="Keys")).to_have_count(0)
    open_person(admin, "Meera Nair")
    assert_sound(admin)
    admin.get_by_label("Role").select_option("admin")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_have_text("Meera Nair was changed.")
    receptionist.reload()
    expect(receptionist.get_by_role("heading", level=1)).to_have_text("Keys")


def test_the_last_admin_stays_one_and_stays_in(admin: Page) -> None:
    open_person(admin, "Asha Rao")
    admin.get_by_label("Role").select_option("desk")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_contain_text(f"{EMAILS[Role.ADMIN]} is the only admin")
    expect(admin.get_by_label("Role")).to_have_value("desk")
    open_person(admin, "Asha Rao")
    admin.get_by_role("button", name="Disable").click()
    expect(admin.get_by_role("alert")).to_contain_text("make somebody else an admin first")
    assert_sound(admin)


def test_somebody_is_kept_out_and_let_in_again(admin: Page, receptionist: Page) -> None:
    receptionist.goto("/app/find")  # an open board would notice by itself
    open_person(admin, "Meera Nair")
    admin.get_by_role("button", name="Disable").click()
    expect(admin.get_by_role("status")).to_contain_text("Meera Nair cannot sign in any more")
    expect(admin.get_by_role("row", name="Meera Nair")).to_contain_text("disabled")
    receptionist.reload()
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Sign in")
    open_person(admin, "Meera Nair")
    assert_sound(admin)
    admin.get_by_role("button", name="Enable").click()
    expect(admin.get_by_role("status")).to_have_text("Meera Nair may sign in again.")


def test_a_new_link_takes_the_old_password_away(admin: Page, receptionist: Page) -> None:
    receptionist.goto("/app/find")  # an open board would notice by itself
    open_person(admin, "Meera Nair")
    admin.get_by_role("button", name="Make a new link").click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("A link for Meera Nair")
    link = admin.get_by_label("Link", exact=True).input_value()
    receptionist.reload()
    expect(receptionist.get_by_role("heading", level=1)).to_contain_text("Sign in")
    come_in(receptionist, link)


def test_a_name_with_a_script_in_it_is_a_name(admin: Page) -> None:
    name = "<script>alert(1)</script>"
    invite(admin, name=name)
    expect(admin.get_by_role("heading", level=1)).to_have_text(f"A link for {name}")
    open_person(admin, name)
    expect(admin.get_by_label("Name")).to_have_value(name)
