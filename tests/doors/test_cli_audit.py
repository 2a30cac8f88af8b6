"""``slotkeeper audit``, and what the command line itself leaves in the trail; each command as a real process."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors.terminal import Terminal

pytestmark = pytest.mark.slow

KEYS = [
    "audit_id", "at", "action", "subject", "key_id", "user_id", "channel", "request_id", "outcome", "before", "after",
]  # fmt: skip


@pytest.fixture
def clinic(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    return terminal


def listed(terminal: Terminal, *arguments: str) -> list[dict[str, Any]]:
    return list(terminal.json("audit", "list", *arguments)["entries"])


def test_what_is_done_at_the_command_line_stands_in_the_trail_as_done_by_nobodys_key(clinic: Terminal) -> None:
    key = clinic.json("keys", "create", "--scopes", "slots:read")
    for _ in range(2):
        clinic.done("keys", "revoke", key["id"])
    for _ in range(2):
        clinic.done("audit", "keep", "30")
    organization = clinic.json("organizations", "list")["organizations"][0]["id"]
    found = listed(clinic)
    assert [(one["action"], one["subject"]) for one in found[:3]] == [
        ("organizations.update", organization),
        ("keys.revoke", key["id"]),
        ("keys.create", key["id"]),
    ]
    assert [one["action"] for one in found[3:]] == ["services.create", "branches.create", "organizations.create"]
    assert found[-1]["subject"] == organization
    assert (found[0]["before"], found[0]["after"]) == ({"audit_keep_days": 730}, {"audit_keep_days": 30})
    for one in found:
        assert list(one) == KEYS
        assert (one["key_id"], one["user_id"], one["request_id"]) == (None, None, None)
        assert (one["channel"], one["outcome"]) == ("staff", "done")
    assert key["key"] not in str(found)
    assert key["key"][-30:] not in str(found)


def test_a_list_is_the_newest_by_limit_action_subject_and_dates(clinic: Terminal) -> None:
    for name in ("Dentist", "Vaccination"):
        clinic.done("services", "create", name)
    clinic.refused("services", "create", "dentist")
    found = listed(clinic, "--action", "services.create")
    assert [(one["outcome"], (one["after"] or {}).get("name")) for one in found] == [
        ("refused", None),
        ("done", "Vaccination"),
        ("done", "Dentist"),
        ("done", "General Checkup"),
    ]
    assert found[0]["after"] == {"code": "CONFLICT"}
    shown = clinic.json("audit", "list", "--action", "services.create", "--limit", "2")
    assert (shown["entries"], shown["total"]) == (found[:2], 4)
    assert listed(clinic, "--subject", found[2]["subject"].upper()) == [found[2]]
    assert listed(clinic, "--from", "2020-01-01", "--action", "services.create") == found
    assert listed(clinic, "--to", "2020-01-01") == []
    assert listed(clinic, "--from", "2100-01-01") == []


def test_for_a_person_a_list_is_a_table(clinic: Terminal) -> None:
    lines = clinic.done("audit", "list", "--limit", "1").splitlines()
    assert lines[0].split() == ["AT", "ACTION", "OUTCOME", "SUBJECT", "WHAT"]
    assert len(lines) == 2
    assert "services.create" in lines[1]
    assert "General Checkup" in lines[1]
    assert clinic.done("audit", "keep", "3650") == "Entries of the audit trail are kept for 3650 days (before: 730).\n"
    assert clinic.json("audit", "keep", "30") == {"from": 3650, "to": 30}


@pytest.mark.parametrize(
    "arguments",
    [
        ["keep"],
        ["keep", "0"],
        ["keep", "36501"],
        ["keep", "long"],
        ["list", "--from", "yesterday"],
        ["list", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    Terminal(tmp_path).refused("audit", *arguments, code=2)


@pytest.mark.parametrize("command", ["list", "keep"])
def test_every_help_has_an_example_and_says_what_is_printed(tmp_path: Path, command: str) -> None:
    text = Terminal(tmp_path).done("audit", command, "--help")
    assert f"Example:  slotkeeper audit {command}" in text
    assert "Prints " in text
    for option in ("--database", "--organization", "--json"):
        assert option in text


def test_organizations_are_apart(clinic: Terminal) -> None:
    clinic.done("organizations", "create", "Other Clinic")
    assert [one["action"] for one in listed(clinic, "--organization", "Other Clinic")] == ["organizations.create"]
    assert clinic.json("audit", "keep", "30", "--organization", "Other Clinic")["from"] == 730
    assert clinic.json("audit", "keep", "30", "--organization", "My Clinic")["from"] == 730
