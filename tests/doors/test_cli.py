"""The command line (contract section 7), each command as a real process."""

import json
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slotkeeper import __version__
from slotkeeper.store.migrations import current_step
from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow

STEP = current_step()

COMMANDS = {
    (): [],
    ("serve",): ["--host", "--port", "--workers", "--demo", "--database"],
    ("migrate",): ["--distributed", "--database", "--json"],
    ("organizations", "create"): ["--timezone", "--database", "--json"],
    ("organizations", "list"): ["--database", "--json"],
    ("branches", "create"): ["--timezone", "--database", "--organization", "--json"],
    ("branches", "list"): ["--database", "--organization", "--json"],
    ("services", "create"): ["--database", "--organization", "--json"],
    ("services", "list"): ["--database", "--organization", "--json"],
    ("keys", "create"): [
        "--scopes",
        "--channel",
        "--rate-limit",
        "--expires",
        "--database",
        "--organization",
        "--json",
    ],
    ("keys", "list"): ["--database", "--organization", "--json"],
    ("keys", "revoke"): ["--database", "--organization", "--json"],
    ("windows", "import"): ["--dry-run", "--database", "--organization", "--json"],
    ("regenerate",): ["--from", "--to", "--dry-run", "--database", "--organization", "--json"],
    ("check",): ["--database", "--json"],
    ("export",): ["FILE", "--database", "--organization", "--json"],
    ("import",): ["FILE", "--name", "--start-over", "--database", "--json"],
    ("tools", "export"): ["--platform", "--url", "--scopes"],
    ("mcp",): ["--url", "--key"],
    ("bench",): ["--url", "--key", "--branch", "--date", "--book-into", "--svg", "--json"],
    ("patients", "erase"): ["--phone", "--name", "--dry-run", "--database", "--organization", "--json"],
}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def clinic(terminal: Terminal) -> Terminal:
    terminal.clinic()
    return terminal


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_says_what_the_command_does_with_an_example_and_what_it_prints(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    text = terminal.done(*command, "--help")
    assert text.startswith(f"Usage: slotkeeper {' '.join(command)}".rstrip())
    for option in COMMANDS[command]:
        assert option in text
    if command:
        assert re.search(rf"Example: +(KEY=\$\()?slotkeeper {' '.join(command)}", text), text
        assert "Prints " in text


def test_the_version_is_that_of_the_package(terminal: Terminal) -> None:
    assert terminal.done("--version") == f"slotkeeper {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["organisations"],
        ["organizations", "create"],
        ["organizations", "create", ""],
        ["organizations", "create", "line\nbreak"],
        ["organizations", "create", "x" * 101],
        ["organizations", "create", "A", "--timezone", "Europe/Berln"],
        ["keys", "create"],
        ["keys", "create", "--scopes", "slots:raed"],
        ["keys", "create", "--scopes", "slots:read", "--channel", "robot"],
        ["keys", "create", "--scopes", "slots:read", "--rate-limit", "-1"],
        ["keys", "create", "--scopes", "slots:read", "--expires", "2027-02-29"],
        ["keys", "revoke", "not-a-uuid"],
        ["regenerate"],
        ["regenerate", "--from", "1.6.2026"],
        ["regenerate", "--from", "2026-06-02", "--to", "2026-06-01"],
        ["regenerate", "--from", "2026-06-01", "--to", "2027-06-03"],
        ["windows", "import", "nowhere.csv"],
        ["patients", "erase", "--phone", "none"],
        ["serve", "--port", "eighty"],
        ["serve", "--port", "99999"],
        ["serve", "--port", "-1"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "65"],
        ["serve", "--database", "clinic.db"],
        ["check", "--database", "mysql://localhost/clinic"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_touches_nothing(terminal: Terminal, arguments: list[str]) -> None:
    terminal.refused(*arguments, code=2)
    assert list(terminal.folder.iterdir()) == []


def test_a_first_organization_makes_the_database_too(terminal: Terminal) -> None:
    made = terminal.json("organizations", "create", " My Clinic ", "--timezone", "Asia/Kolkata")
    assert (made["name"], made["timezone"]) == ("My Clinic", "Asia/Kolkata")
    assert terminal.json("organizations", "list") == {"organizations": [made]}
    assert (terminal.folder / "slotkeeper.db").exists()


@pytest.mark.parametrize("command", [["check"], ["branches", "list"], ["regenerate", "--from", "2026-06-15"]])
def test_on_an_empty_database_a_refusal_says_which_command_to_run(terminal: Terminal, command: list[str]) -> None:
    (terminal.folder / "slotkeeper.db").touch()
    assert "'slotkeeper migrate'" in terminal.refused(*command)
    assert terminal.done("migrate") == f"Migrated 0 to {STEP}.\n"
    if command != ["check"]:
        assert "'slotkeeper organizations create NAME'" in terminal.refused(*command)


def test_migrating_again_changes_nothing(terminal: Terminal) -> None:
    assert terminal.json("migrate") == {"from": 0, "to": STEP}
    assert terminal.json("migrate") == {"from": STEP, "to": STEP}


@pytest.mark.parametrize(
    ("step", "word"),
    [(STEP + 1, None), (STEP + 2, "install a newer Slotkeeper")],
    ids=["the next step", "the step after that"],
)
def test_a_program_runs_on_its_own_schema_step_and_the_next_one(clinic: Terminal, step: int, word: str | None) -> None:
    with sqlite3.connect(clinic.folder / "slotkeeper.db") as raw:
        raw.executemany(
            "INSERT INTO schema_steps VALUES (?, 'later', 0)", [(later,) for later in range(STEP + 1, step + 1)]
        )
    raw.close()
    if word is None:
        assert clinic.json("branches", "list")["branches"]
    else:
        assert word in clinic.refused("branches", "list")
        assert word in clinic.refused("serve", "--port", "0")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("sqlite:///nowhere/clinic.db", "does not exist"),
        ("sqlite:///.", "is a folder"),
        ("sqlite:///notes.txt", "not a SQLite database"),
        ("sqlite:///other.db", "database of another program"),
    ],
)
def test_a_database_that_cannot_be_is_refused_with_a_sentence(terminal: Terminal, url: str, word: str) -> None:
    (terminal.folder / "notes.txt").write_text("Remember the milk. " * 100, encoding="utf-8")
    with sqlite3.connect(terminal.folder / "other.db") as raw:
        raw.execute("CREATE TABLE notes (text TEXT)")
    raw.close()
    for command in (["check"], ["migrate"], ["organizations", "create", "A"], ["serve", "--port", "0"]):
        assert word in terminal.refused(*command, "--database", url)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://localhost", "names no database"),
        ("mysql://localhost/clinic", "sqlite:///file.db"),
        ("clinic.db", "sqlite:///file.db"),
        ("sqlite:///:memory:", "no plain file"),
    ],
)
def test_what_is_no_url_of_a_database_is_wrong_usage_as_a_flag_and_refused_as_a_variable(
    terminal: Terminal, url: str, word: str
) -> None:
    for command in (["check"], ["migrate"], ["organizations", "create", "A"], ["serve", "--port", "0"]):
        assert word in terminal.refused(*command, "--database", url, code=2)
        assert word in terminal.refused(*command, SLOTKEEPER_DATABASE_URL=url)


def test_the_flag_wins_over_the_variable_and_the_variable_over_the_default(terminal: Terminal) -> None:
    terminal.done("organizations", "create", "By variable", SLOTKEEPER_DATABASE_URL="sqlite:///variable.db")
    terminal.done(
        "organizations", "create", "By flag", "--database", f"sqlite:///{terminal.folder}/flag.db",
        SLOTKEEPER_DATABASE_URL="sqlite:///variable.db",
    )  # fmt: skip
    assert "By variable" in terminal.done("organizations", "list", "--database", "sqlite:///variable.db")
    assert "By flag" in terminal.done("organizations", "list", "--database", "sqlite:///flag.db")
    assert not (terminal.folder / "slotkeeper.db").exists()


def test_a_misspelt_variable_is_refused_with_the_nearest_right_name(terminal: Terminal) -> None:
    assert "SLOTKEEPER_DATABASE_URL" in terminal.refused("check", SLOTKEEPER_DATABASE="sqlite:///x.db")


def test_the_organization_is_needless_only_while_there_is_one(clinic: Terminal) -> None:
    own = clinic.json("organizations", "list")["organizations"][0]["id"]
    clinic.done("organizations", "create", "Other Clinic")
    assert "--organization" in clinic.refused("branches", "list")
    assert clinic.json("branches", "list", "--organization", "OTHER clinic") == {"branches": []}
    for wanted in ("My Clinic", own, own.upper()):
        assert len(clinic.json("branches", "list", "--organization", wanted)["branches"]) == 1
    assert "There is no organization 'Nobody'" in clinic.refused("branches", "list", "--organization", "Nobody")


def test_branches_and_services_are_made_listed_and_unique_by_name(clinic: Terminal) -> None:
    made = clinic.json("branches", "create", "Riverside", "--timezone", "Asia/Kathmandu")
    assert made["timezone"] == "Asia/Kathmandu"
    assert [one["name"] for one in clinic.json("branches", "list")["branches"]] == ["Main Street", "Riverside"]
    assert "already a branch named" in clinic.refused("branches", "create", "RIVERSIDE")
    assert clinic.json("services", "create", "Vaccination")["active"] is True
    assert [one["name"] for one in clinic.json("services", "list")["services"]] == ["General Checkup", "Vaccination"]
    assert "already a service named" in clinic.refused("services", "create", "vaccination")


def test_a_key_is_printed_alone_on_stdout_and_shown_once(clinic: Terminal) -> None:
    ended = clinic.run("keys", "create", "--scopes", "slots:read")
    assert re.fullmatch(r"sk_live_[0-9a-f]{32}_[0-9A-Za-z]{32,}\n", ended.stdout)
    assert "not shown again" in ended.stderr
    assert ended.stdout.strip() not in clinic.done("keys", "list") + clinic.done("keys", "list", "--json")


def test_a_key_has_what_was_asked_for(clinic: Terminal) -> None:
    made = clinic.json(
        "keys", "create", "--scopes", "slots:write, slots:read", "--channel", "staff", "--rate-limit", "0",
        "--label", "front desk",
    )  # fmt: skip
    assert made["key"].startswith("sk_live_")
    assert made["scopes"] == ["slots:read", "slots:write"]
    assert (made["channel"], made["rate_limit"], made["expires_at"]) == ("staff", 0, None)
    plain = clinic.json("keys", "create", "--scopes", "admin")
    assert (plain["channel"], plain["rate_limit"], plain["expires_at"]) == ("ai", 60, None)


def test_a_key_is_valid_to_the_end_of_its_last_day_in_the_organizations_zone(clinic: Terminal) -> None:
    made = clinic.json("keys", "create", "--scopes", "slots:read", "--expires", "2030-06-30")
    assert made["expires_at"] == "2030-06-30T22:00:00.000Z"
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    assert "is over" in clinic.refused("keys", "create", "--scopes", "slots:read", "--expires", yesterday)


def test_a_key_that_is_given_in_the_place_of_its_id_is_not_echoed(clinic: Terminal) -> None:
    key = clinic.json("keys", "create", "--scopes", "slots:read")["key"]
    sentence = clinic.refused("keys", "revoke", key, code=2)
    assert f"'{key[:16]}…' is no id" in sentence
    assert key[-32:-8] not in sentence


def test_a_revoked_key_says_so_and_another_organizations_key_is_none(clinic: Terminal) -> None:
    made = clinic.json("keys", "create", "--scopes", "slots:read")
    clinic.done("organizations", "create", "Other Clinic")
    inside = ["--organization", "My Clinic"]
    assert "no API key" in clinic.refused("keys", "revoke", made["id"], "--organization", "Other Clinic")
    assert clinic.json("keys", "revoke", made["id"].upper(), *inside)["revoked_at"] is not None
    first = clinic.json("keys", "list", *inside)["keys"][0]
    assert clinic.json("keys", "revoke", made["id"], *inside) == first
    assert "revoked" in clinic.done("keys", "list", *inside)


def test_regenerate_prints_the_counters_of_the_interface_and_with_dry_run_the_changes(clinic: Terminal) -> None:
    counters = {"processed": 0, "skipped": 0, "errors": 0, "upserted": 0}
    assert clinic.json("regenerate", "--from", "2026-06-15") == counters
    (clinic.folder / "w.csv").write_text(
        "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type\n"
        + "".join(
            f",{day},Morning,,09:00,11:00,20,10,\n"
            for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        ),
        encoding="utf-8",
    )
    clinic.done("windows", "import", "w.csv")
    span = ["--from", "2026-06-15", "--to", "2026-06-30"]
    planned = clinic.json("regenerate", *span, "--dry-run")
    assert len(planned.pop("changes")) == 16
    assert planned == {"processed": 16, "skipped": 0, "errors": 0, "upserted": 16}
    lines = clinic.done("regenerate", *span, "--dry-run").splitlines()
    assert lines[0] == "Nothing was changed; it would be: 16 processed, 16 upserted, 0 skipped, 0 errors."
    assert len(lines) == 17
    for _ in range(2):
        ended = clinic.run("regenerate", *span)
        assert ended.stdout == "16 processed: 16 upserted, 0 skipped, 0 errors.\n"
        assert ended.stderr == "", "no progress bar in a pipe"
    assert clinic.json("regenerate", *span, "--dry-run")["changes"] == []


def test_check_ends_with_1_where_a_count_is_not_what_its_appointments_say(terminal: Terminal) -> None:
    with terminal.serving("--demo"):
        pass
    assert "Every stored count" in terminal.done("check")
    assert terminal.json("check") == {"differences": []}
    with sqlite3.connect(terminal.folder / "slotkeeper.db") as raw:
        raw.execute(
            "UPDATE days SET filled = filled + 1"
            " WHERE (date, calendar_id) IN (SELECT date, calendar_id FROM days LIMIT 1)"
        )
    raw.close()
    ended = terminal.run("check", "--json")
    assert ended.returncode == 1
    (difference,) = json.loads(ended.stdout)["differences"]
    assert difference["what"] == "filled"
    assert difference["stored"] == difference["counted"] + 1


def test_a_person_is_erased_everywhere_and_the_counts_stay(terminal: Terminal) -> None:
    with terminal.serving("--demo"):
        pass
    with sqlite3.connect(terminal.folder / "slotkeeper.db") as raw:
        name, phone = raw.execute("SELECT patient_name, parent_phone FROM appointments LIMIT 1").fetchone()
    raw.close()
    assert "No appointment" in terminal.refused("patients", "erase", "--phone", phone, "--name", "Somebody Else")
    person = ["patients", "erase", "--phone", phone.replace(" ", "-"), "--name", name.upper()]
    assert terminal.json(*person, "--dry-run") == {"erased": 1, "names": [name], "dry_run": True}
    assert terminal.done(*person, "--dry-run") == (
        f"Nothing was changed; it would erase 1 appointment of 1 person: {name}.\n"
    )
    assert terminal.json(*person) == {"erased": 1, "dry_run": False}
    assert "No appointment" in terminal.refused("patients", "erase", "--phone", phone)
    assert terminal.json("check") == {"differences": []}


def test_a_closed_pipe_is_quiet(clinic: Terminal) -> None:
    process = subprocess.Popen(
        [*SLOTKEEPER, "organizations", "list"],
        cwd=clinic.folder, env=clinic.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(PATIENCE) in {0, 1}


def test_a_progress_bar_is_drawn_on_a_terminal(clinic: Terminal) -> None:
    (clinic.folder / "w.csv").write_text(
        "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type\n"
        ",monday,Morning,,09:00,11:00,20,10,\n",
        encoding="utf-8",
    )
    clinic.done("windows", "import", "w.csv")
    script = (
        "import pty, sys\n"
        "command = ['-m', 'slotkeeper', 'regenerate', '--from', '2026-06-01', '--to', '2027-06-01']\n"
        "sys.exit(pty.spawn([sys.executable, *command]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=clinic.folder, env=clinic.environment, capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    assert "100%" in ended.stdout
    assert "53 processed: 53 upserted" in ended.stdout
