"""``slotkeeper users``: people made, listed, reset, disabled and enabled, each as a real process."""

import re
from pathlib import Path

import pytest

from tests.doors.terminal import Terminal

pytestmark = pytest.mark.slow

LINK = r"http://127\.0\.0\.1:8000/app/link/[0-9a-f]{32}_[0-9A-Za-z]{40}"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    made = Terminal(tmp_path)
    made.clinic()
    return made


def states(terminal: Terminal) -> dict[str, str]:
    return {one["email"]: one["state"] for one in terminal.json("users", "list")["users"]}


def test_creating_prints_the_link_alone_and_the_rest_beside(terminal: Terminal) -> None:
    ended = terminal.run("users", "create", "asha@example.org", "--name", "Asha Rao", "--role", "manager")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(LINK, ended.stdout.strip())
    assert "once, until" in ended.stderr
    assert "SLOTKEEPER_PUBLIC_URL" in ended.stderr
    (user,) = terminal.json("users", "list")["users"]
    assert (user["email"], user["name"], user["role"], user["state"]) == (
        "asha@example.org",
        "Asha Rao",
        "manager",
        "invited",
    )


def test_the_link_is_as_browsers_reach_the_dashboard(terminal: Terminal) -> None:
    ended = terminal.run("users", "create", "asha@example.org", SLOTKEEPER_PUBLIC_URL="https://desk.example.org")
    assert ended.stdout.startswith("https://desk.example.org/app/link/")
    assert "SLOTKEEPER_PUBLIC_URL" not in ended.stderr


def test_with_json_it_is_one_object(terminal: Terminal) -> None:
    made = terminal.json("users", "create", "asha@example.org", "--language", "en-GB")
    assert re.fullmatch(LINK, made["link"])
    assert (made["name"], made["role"], made["language"], made["state"]) == ("asha", "desk", "en-GB", "invited")
    assert made["sign_in"].startswith("http://127.0.0.1:8000/app/sign-in/")
    assert made["expires_at"] > made["created_at"]


def test_a_person_is_reset_disabled_and_enabled_by_e_mail_or_id(terminal: Terminal) -> None:
    made = terminal.json("users", "create", "asha@example.org", "--role", "admin")
    again = terminal.json("users", "reset", "Asha@example.org")
    assert again["id"] == made["id"]
    assert again["link"] != made["link"]
    assert "Disabled the user asha@example.org" in terminal.done("users", "disable", made["id"])
    assert states(terminal) == {"asha@example.org": "disabled"}
    assert "is disabled" in terminal.refused("users", "reset", "asha@example.org")
    assert "Enabled the user asha@example.org" in terminal.done("users", "enable", "asha@example.org")
    assert states(terminal) == {"asha@example.org": "invited"}
    assert "users.disable" in terminal.done("audit", "list")


def test_what_cannot_be_is_refused_in_a_line(terminal: Terminal) -> None:
    terminal.done("users", "create", "asha@example.org")
    assert "already a user" in terminal.refused("users", "create", "ASHA@example.org")
    assert "no user 'ravi@example.org'" in terminal.refused("users", "disable", "ravi@example.org")
    assert "is no e-mail address" in terminal.refused("users", "create", "asha", code=2)
    assert "is no language tag" in terminal.refused("users", "create", "a@b.org", "--language", "e", code=2)


def test_the_list_is_a_table(terminal: Terminal) -> None:
    terminal.done("users", "create", "zoe@example.org", "--name", "Zoë")
    terminal.done("users", "create", "asha@example.org")
    header, *rows = terminal.done("users", "list").splitlines()
    assert header.split() == ["ID", "E-MAIL", "ROLE", "STATE", "NAME"]
    assert [row.split()[1:] for row in rows] == [
        ["asha@example.org", "desk", "invited", "asha"],
        ["zoe@example.org", "desk", "invited", "Zoë"],
    ]
