"""The command line and the server on PostgreSQL: the same commands, and one line for what keeps them from working."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import pytest

from slotkeeper.store.migrations import current_step
from tests import direct
from tests.doors.terminal import Terminal
from tests.engines import POSTGRES, empty_database
from tests.servers import PACKAGED, PASSWORD, server

pytestmark = pytest.mark.slow
SERVE = ["serve", "--port", "0"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with empty_database(POSTGRES, tmp_path) as url:
        yield url


@pytest.fixture
def terminal(tmp_path: Path, url: str) -> Terminal:
    return Terminal(tmp_path, url)


def with_user(url: str, user: str) -> str:
    return url.replace("://postgres@", f"://{user}@")


def get(url: str, key: str) -> Any:
    with urlopen(Request(url, headers={"authorization": f"Bearer {key}"}), timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("command", [["organizations", "create", "A"], ["check"], SERVE, [*SERVE, "--demo"]])
def test_nothing_but_migrate_makes_the_tables(terminal: Terminal, url: str, command: list[str]) -> None:
    assert "run 'slotkeeper migrate' first" in terminal.refused(*command)
    assert direct.rows(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    assert terminal.json("migrate") == {"from": 0, "to": current_step()}
    assert terminal.json("migrate") == {"from": current_step(), "to": current_step()}


def test_a_server_says_which_command_brings_an_older_database_up_to_date(terminal: Terminal, url: str) -> None:
    terminal.done("migrate")
    direct.change(url, "DELETE FROM schema_steps WHERE step = (SELECT max(step) FROM schema_steps)")
    assert "run 'slotkeeper migrate'" in terminal.refused(*SERVE)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_clinic_is_made_by_commands_and_served_by_one_process_or_several(terminal: Terminal, workers: str) -> None:
    terminal.done("migrate")
    terminal.clinic()
    (terminal.folder / "windows.csv").write_text(
        "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type\n"
        "Main Street,monday,Morning,MA,09:00,11:00,20,10,\n"
    )
    assert terminal.json("windows", "import", "windows.csv")["created"] == 1
    made = terminal.json("keys", "create", "--scopes", "slots:read", "--rate-limit", "0")
    key, key_id = made["key"], made["id"]
    with terminal.serving("--workers", workers) as (_, ready):
        answer = get(f"{ready['url']}/v1/appointment-slots/availability?date=2099-06-15", key)
        assert answer["slots"][0]["ai_slots"] == 10
        terminal.done("keys", "revoke", key_id)
        for _ in range(6):  # whichever process answers
            with pytest.raises(OSError, match="401"):
                get(f"{ready['url']}/v1/appointment-slots/availability?date=2099-06-15", key)
    assert terminal.json("check") == {"differences": []}


def test_the_demo_is_served_from_a_migrated_database(terminal: Terminal) -> None:
    terminal.done("migrate")
    with terminal.serving("--demo") as (_, ready):
        key = ready["demo"]["key"]
        monday = ready["demo"]["curl"].partition("date=")[2][:10]
        slots = get(f"{ready['url']}/v1/appointment-slots/availability?date={monday}&session=Morning", key)["slots"]
        assert slots


@pytest.fixture
def guest(url: str) -> Iterator[str]:
    """The URL of somebody who has to say a password."""
    running = server(PACKAGED)
    running.execute("DROP ROLE IF EXISTS guest")
    running.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    yield with_user(url, f"guest:{quote(PASSWORD, safe='')}")
    running.execute("DROP OWNED BY guest", urlsplit(url).path.lstrip("/"))
    running.execute("DROP ROLE guest")


def test_a_password_opens_the_database_and_is_never_shown(terminal: Terminal, url: str, guest: str) -> None:
    running = server(PACKAGED)
    running.execute("GRANT ALL ON SCHEMA public TO guest", urlsplit(url).path.lstrip("/"))
    ended = terminal.run("migrate", "--database", guest)
    assert ended.returncode == 0, ended.stderr
    with terminal.serving("--database", guest, "--log-level", "debug") as (process, ready):
        assert ready["database"] == with_user(url, "guest")
        process.terminate()
        said = "".join(process.communicate(timeout=30)) + json.dumps(ready)
    for secret in (PASSWORD, quote(PASSWORD, safe=""), "secret"):
        assert secret not in said
        assert secret not in ended.stdout + ended.stderr


def test_what_keeps_a_command_from_working_is_one_line_with_the_cause_and_the_cure(
    terminal: Terminal, url: str, guest: str
) -> None:
    terminal.done("migrate")
    name = urlsplit(url).path.lstrip("/")
    nowhere = "postgresql://postgres@127.0.0.1:1/clinic"
    causes = {
        with_user(url, "guest:wrong-secret"): ("refuses the password", "PGPASSWORD"),
        url.replace(name, "not_there"): ("is not there", "createdb"),
        nowhere: ("cannot be reached", "start the server"),
        "postgresql://postgres@host.invalid/clinic": ("cannot be found", "name of the host"),
        with_user(url, "stranger"): ("does not let this user in", "pg_hba.conf"),
        guest: ("does not allow this user what is needed", "owner of the database"),
    }
    for wrong, (cause, cure) in causes.items():
        for command in (["check"], ["migrate"], SERVE):
            line = terminal.refused(*command, "--database", wrong)
            assert cause in line, (wrong, line)
            assert cure in line
            assert "secret" not in line
    assert terminal.json("check") == {"differences": []}


def test_a_database_that_may_only_be_read_is_not_served(terminal: Terminal, url: str) -> None:
    terminal.done("migrate")
    terminal.clinic()
    name = urlsplit(url).path.lstrip("/")
    direct.change(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    for command in (SERVE, ["branches", "create", "Harbour"]):
        assert "may only be read" in terminal.refused(*command)
    assert "Main Street" in terminal.done("branches", "list")
