"""Every page of the dashboard, by every role that may see it: accessible, fit for a phone, without a fault.

A page that is added to the table of routes is walked too; where it has places in its address, ``places`` says what
stands there, and a page with a place that nobody filled fails.
"""

from collections.abc import Sequence
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from slotkeeper.dashboard.routes import ROUTES
from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role
from slotkeeper.operations import access, appointments, closures, directory, sign_ins, users
from slotkeeper.operations.appointments import Search
from slotkeeper.operations.closures import NewClosure
from slotkeeper.operations.demo_clinic import CHECKUP, EXAMPLE_WINDOW, MAIN_STREET
from tests.dashboard.conftest import NewDesk
from tests.dashboard.desk import Desk
from tests.dashboard.screens import Screens, assert_sound
from tests.engines import SQLITE
from tests.walking import NO_PAGES, PAGES, address, seen_by

pytestmark = [pytest.mark.engines(SQLITE), pytest.mark.timeout(300)]

LONG = "Wolfeschlegelsteinhausenbergerdorff " * 2 + "Maria-Magdalena"
"""A name that fits nowhere by itself."""


@pytest.fixture
def places(desk: Desk) -> dict[str, str]:
    """What stands in the places of addresses, by the path as far as the place or by its name alone."""
    boss, now = operator(desk.org_id), desk.clock()
    closure = NewClosure(None, date(2026, 6, 17), date(2026, 6, 17), "Founders' day")
    desk.run(closures.create_closure(desk.db, boss, closure, source="api", now=now))
    wanted = Search(date(2026, 6, 8), date(2026, 6, 8), branch_id=MAIN_STREET)
    found, _ = desk.run(appointments.search_appointments(desk.db, boss, wanted, service=None, page=1, limit=1))
    invited = desk.run(users.create_user(desk.db, boss, email="x@sunrise.example", name=LONG, role=Role.DESK, now=now))
    return {
        "{clinic}": desk.org_id,
        "{secret}": invited.secret,
        "{calendar_id}": EXAMPLE_WINDOW,
        "{calendar}": EXAMPLE_WINDOW,
        "{date}": "2026-06-08",
        "{appointment}": found[0].appointment.appointment_id,
        "{key}": desk.run(access.list_keys(desk.db, boss))[0].key_id,
        "{user}": invited.user.user_id,
        "/configuration/branches/{id}": MAIN_STREET,
        "/configuration/services/{id}": CHECKUP,
    }


def walk(page: Page, paths: Sequence[str], places: dict[str, str]) -> None:
    for path in paths:
        answer = page.goto("/app" + address(path, places))
        assert answer is not None
        assert answer.status == 200, f"{path} answers {answer.status}"
        assert_sound(page)


def test_what_is_no_page_is_in_the_table_and_every_page_is_somebodys() -> None:
    assert {route.path for route in ROUTES if route.method == "GET"} >= NO_PAGES.keys()
    walked = {path for role in (None, *Role) for path in seen_by(role)}
    assert walked == {route.path for route in PAGES}


@pytest.mark.parametrize("role", [None, *Role])
def test_every_page_is_sound_for_every_role(screens: Screens, places: dict[str, str], role: Role | None) -> None:
    walk(screens.open(role), list(seen_by(role)), places)


def test_every_page_of_a_clinic_that_has_nothing_yet_is_sound(screens: Screens, new_desk: NewDesk) -> None:
    desk = new_desk()
    now = desk.clock()
    clinic = desk.run(directory.create_organization(desk.db, name=LONG, timezone="Europe/Lisbon", now=now))
    boss = operator(clinic.org_id)
    made = desk.run(users.create_user(desk.db, boss, email="new@example.org", name=LONG, role=Role.ADMIN, now=now))
    token = desk.run(sign_ins.use_link(desk.db, made.secret, password="correct horse battery", now=now))
    page = screens.open(None, desk)
    page.context.add_cookies([{"name": "slotkeeper_session", "value": token, "url": desk.url}])
    without = [path for path in seen_by(Role.ADMIN) if "{" not in path]
    needs_a_branch = {"/board", "/board/month", "/windows"}
    walk(page, [path for path in without if path not in needs_a_branch], {})
    for path in sorted(needs_a_branch):
        page.goto(f"/app{path}")
        expect(page.get_by_role("main")).to_contain_text("There is no branch yet.")
        assert_sound(page)
