"""A database that the command line cannot work on: one line says the cause and the cure."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from slotkeeper.store.migrations import current_step
from tests.doors.terminal import SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow

STEP = current_step()
SERVE = ["serve", "--port", "0"]


@pytest.fixture
def clinic(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    return terminal


def make_unwritable(file: Path) -> None:
    """What the file says of itself: only a newer SQLite may write it. That binds the system's owner too."""
    content = bytearray(file.read_bytes())
    content[18] = 3
    file.write_bytes(content)


def damage(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:100] + b"\xa5" * (len(content) - 100))


def bar_the_log(file: Path) -> None:
    file.with_name(f"{file.name}-wal").mkdir()


@pytest.mark.parametrize("command", [["keys", "list"], ["check"], ["regenerate", "--from", "2026-06-15"]])
def test_where_there_is_no_database_a_refusal_says_what_makes_one_and_makes_none(
    tmp_path: Path, command: list[str]
) -> None:
    terminal = Terminal(tmp_path)
    line = terminal.refused(*command)
    assert "There is no database at slotkeeper.db" in line
    assert "'slotkeeper organizations create NAME'" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "commands", "cause", "cure"),
    [
        (make_unwritable, [["branches", "create", "B"], SERVE], "cannot be written", "writable for this user"),
        (damage, [["branches", "create", "B"], ["branches", "list"], SERVE, ["migrate"]], "is damaged", "backup"),
        (bar_the_log, [["branches", "list"], SERVE], "cannot be opened", "writable for this user"),
    ],
)
def test_a_database_that_cannot_be_worked_on_is_one_line_with_the_cause_and_the_cure(
    clinic: Terminal, spoil: Callable[[Path], None], commands: list[list[str]], cause: str, cure: str
) -> None:
    spoil(clinic.folder / "slotkeeper.db")
    for command in commands:
        line = clinic.refused(*command)
        assert f"The database slotkeeper.db {cause}" in line
        assert cure in line


def test_a_database_in_use_by_another_program_is_named_as_such(clinic: Terminal) -> None:
    with sqlite3.connect(clinic.folder / "slotkeeper.db") as raw:
        raw.execute("BEGIN EXCLUSIVE")
        assert "is in use by another program" in clinic.refused("branches", "create", "B")
        raw.rollback()
    raw.close()


def test_a_full_disk_under_the_output_is_one_line(clinic: Terminal) -> None:
    command = f"{' '.join(SLOTKEEPER)} keys list >/dev/full"
    ended = clinic.shell(command)
    assert ended.returncode == 1
    assert ended.stderr == "Error: The output cannot be written: no space left on device.\n"
    assert clinic.shell(f"{command} 2>&1").returncode == 1


@pytest.mark.parametrize("step", [STEP + 1, STEP + 2])
def test_migrate_accepts_the_next_schema_step_and_refuses_those_after_it(clinic: Terminal, step: int) -> None:
    with sqlite3.connect(clinic.folder / "slotkeeper.db") as raw:
        raw.executemany(
            "INSERT INTO schema_steps VALUES (?, 'later', 0)", [(later,) for later in range(STEP + 1, step + 1)]
        )
    raw.close()
    if step == STEP + 1:
        assert clinic.json("migrate") == {"from": step, "to": step}
    else:
        assert "install a newer Slotkeeper" in clinic.refused("migrate")
