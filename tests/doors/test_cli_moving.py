"""``slotkeeper export`` and ``import``, as a person runs them: each a real process."""

import gzip
import json
import os
import pty
import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.doors.terminal import PATIENCE, SLOTKEEPER, Terminal

pytestmark = pytest.mark.slow

NEW = ("--database", "sqlite:///new.db")


@pytest.fixture
def clinic(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    (tmp_path / "windows.csv").write_text(
        "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type\n"
        "Main Street,monday,Morning,MA,09:00,11:00,20,10,\n"
    )
    terminal.done("windows", "import", "windows.csv")
    return terminal


def watched(terminal: Terminal, *arguments: str) -> str:
    """What a command shows on a terminal."""
    screen, own = pty.openpty()
    ended = subprocess.Popen(
        [*SLOTKEEPER, *arguments], cwd=terminal.folder, env=terminal.environment, stdout=own, stderr=own, stdin=own
    )
    os.close(own)
    shown = b""
    try:
        while piece := os.read(screen, 4096):
            shown += piece
    except OSError:
        pass  # the other end is closed
    os.close(screen)
    assert ended.wait(PATIENCE) == 0, shown
    return shown.decode()


@pytest.mark.parametrize("name", ["clinic.jsonl", "clinic.jsonl.gz"])
def test_an_organization_moves_into_a_database_that_is_made_for_it(clinic: Terminal, name: str) -> None:
    key = clinic.done("keys", "create", "--scopes", "slots:read").strip()
    shown = clinic.done("export", name)
    rows = int(re.fullmatch(r"Exported 1 organization, (\d+) rows, SHA-256 [0-9a-f]{64}\.\n", shown)[1])  # type: ignore[index]
    shown = clinic.done("import", name, *NEW)
    assert re.fullmatch(
        rf"Imported 'My Clinic' \(\S+\): {rows} rows, as it was at \S+Z\. Recounted, nothing differs\.\n", shown
    )
    assert clinic.json("check", *NEW) == {"differences": []}
    listed = [clinic.json("organizations", "list", *where) for where in ((), NEW)]
    assert listed[0] == listed[1]
    keys = [clinic.json("keys", "list", *where) for where in ((), NEW)]
    assert keys[0] == keys[1]
    assert key.endswith(keys[1]["keys"][0]["prefix"][-4:])
    shown = clinic.done("import", name, *NEW)
    assert "was imported from this file before: left as it is." in shown


def test_json_says_what_is_in_the_file_and_what_came_in(clinic: Terminal) -> None:
    made = clinic.json("export", "clinic.jsonl")
    assert list(made) == ["file", "organizations", "rows", "sha256"]
    (exported,) = made["organizations"]
    assert list(exported) == ["id", "name", "at", "rows"]
    assert made["rows"] == sum(exported["rows"].values())
    last = json.loads((clinic.folder / "clinic.jsonl").read_text().splitlines()[-1])
    assert last["sha256"] == made["sha256"]
    assert clinic.json("import", "clinic.jsonl", *NEW) == {"organizations": [exported | {"was_there": False}]}
    assert clinic.json("import", "clinic.jsonl", *NEW) == {"organizations": [exported | {"was_there": True}]}


def test_the_file_is_compressed_by_its_name_and_only_its_owner_may_read_it(clinic: Terminal) -> None:
    clinic.done("export", "clinic.jsonl.gz")
    clinic.done("export", "clinic.jsonl")
    packed, plain = clinic.folder / "clinic.jsonl.gz", clinic.folder / "clinic.jsonl"
    assert len(gzip.decompress(packed.read_bytes())) == len(plain.read_bytes())
    for file in (packed, plain):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(clinic.folder.glob(".*.part"))
    packed.rename(clinic.folder / "clinic.renamed")
    clinic.done("import", "clinic.renamed", *NEW)


def test_a_file_that_exists_is_never_written_over(clinic: Terminal) -> None:
    file = clinic.folder / "letter.txt"
    file.write_text("Dear receptionist")
    assert "letter.txt exists already: name another file" in clinic.refused("export", "letter.txt")
    assert file.read_text() == "Dear receptionist"


def test_an_export_that_is_refused_leaves_no_file(clinic: Terminal) -> None:
    assert "There is no organization 'Nobody'" in clinic.refused("export", "new.jsonl", "--organization", "Nobody")
    assert "no database at none.db" in clinic.refused("export", "new.jsonl", "--database", "sqlite:///none.db")
    assert "make it first" in clinic.refused("export", "none/new.jsonl")
    assert not [file for file in clinic.folder.iterdir() if "jsonl" in file.name]


def test_an_export_onto_a_full_disk_says_so_and_leaves_no_file(clinic: Terminal) -> None:
    with clinic.serving("--demo", "--database", "sqlite:///demo.db"):
        pass  # half a megabyte to export
    command = f"{' '.join(SLOTKEEPER)} export new.jsonl --database sqlite:///demo.db"
    ended = clinic.shell(f"ulimit -f 200; trap '' XFSZ; {command}")
    assert ended.returncode == 1
    assert re.fullmatch(r"Error: The output cannot be written: .+\.\n", ended.stderr)
    assert not [file for file in clinic.folder.iterdir() if "jsonl" in file.name]


def test_an_organization_moves_through_a_pipe(clinic: Terminal) -> None:
    command = " ".join(SLOTKEEPER)
    ended = clinic.shell(f"{command} export - | {command} import - {' '.join(NEW)}")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"Exported 1 organization, \d+ rows, SHA-256 [0-9a-f]{64}\.\n", ended.stderr)
    assert re.fullmatch(r"Imported 'My Clinic' .*nothing differs\.\n", ended.stdout)
    assert "so does the file '-'" in clinic.refused("export", "-", "--json", code=2)


def test_a_reader_who_has_seen_enough_ends_an_export_quietly(clinic: Terminal) -> None:
    ended = clinic.shell(f"{' '.join(SLOTKEEPER)} export - | head -c 20")
    assert ended.stdout == '{"line":"header","sl'
    assert "Traceback" not in ended.stderr


def test_all_organizations_are_exported_where_none_is_named(clinic: Terminal) -> None:
    clinic.done("organizations", "create", "Other Clinic")
    assert "Exported 2 organizations" in clinic.done("export", "all.jsonl")
    made = clinic.json("export", "one.jsonl", "--organization", "other clinic")
    assert [one["name"] for one in made["organizations"]] == ["Other Clinic"]
    assert "Imported 'Third Clinic'" in clinic.done("import", "one.jsonl", "--name", "Third Clinic", *NEW)
    assert "is in this database already" in clinic.refused("import", "all.jsonl", *NEW)
    assert len(clinic.json("organizations", "list", *NEW)["organizations"]) == 1


def test_a_file_that_is_none_is_refused_and_no_organization_is_made(clinic: Terminal) -> None:
    assert "no file of 'slotkeeper export'" in clinic.refused("import", "windows.csv", *NEW)
    assert "no file of 'slotkeeper export'" in clinic.refused("import", "slotkeeper.db", *NEW)
    clinic.done("export", "clinic.jsonl")
    file = clinic.folder / "clinic.jsonl"
    file.write_bytes(file.read_bytes()[:-10])
    assert "damaged or cut off at line" in clinic.refused("import", "clinic.jsonl", *NEW)
    assert clinic.json("organizations", "list", *NEW) == {"organizations": []}
    assert "does not exist" in clinic.refused("import", "nowhere.jsonl", *NEW, code=2)


def test_a_progress_bar_is_shown_on_a_terminal_only(clinic: Terminal) -> None:
    assert re.search(r"Exporting.*100%", watched(clinic, "export", "clinic.jsonl"), re.DOTALL)
    assert re.search(r"Importing.*100%", watched(clinic, "import", "clinic.jsonl", *NEW), re.DOTALL)
    for ended in (
        clinic.run("export", "again.jsonl"),
        clinic.run("import", "again.jsonl", "--database", "sqlite:///2"),
    ):
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_server_on_the_new_database_takes_the_old_key_as_soon_as_all_is_there(clinic: Terminal) -> None:
    key = clinic.done("keys", "create", "--scopes", "slots:read,appointments:read").strip()
    clinic.done("export", "clinic.jsonl")
    with clinic.serving(*NEW) as (_, ready):
        ask = f"curl -s -o answer.json -w '%{{http_code}}' {ready['url']}/v1/services -H 'Authorization: Bearer {key}'"
        assert clinic.shell(ask).stdout == "401"
        clinic.done("import", "clinic.jsonl", *NEW)
        assert clinic.shell(ask).stdout == "200"
    assert json.loads((clinic.folder / "answer.json").read_text())["data"][0]["name"] == "General Checkup"
