"""``windows import``: a CSV file as people really save it, all or nothing, every wrong line named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Day, Session
from slotkeeper.operations.window_file import HEADER, line_of, read_window_file
from tests.doors.terminal import Terminal

HEAD = ",".join(HEADER)
PAGE_ROW = "Main Street,monday,Morning,MA,09:00,11:00,20,10,"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    terminal = Terminal(tmp_path_factory.mktemp("clinic"))
    terminal.clinic()
    return terminal


def save(folder: Path, *rows: str, name: str = "windows.csv") -> str:
    (folder / name).write_bytes("\n".join([HEAD, *rows, ""]).encode())
    return name


def problems(content: bytes) -> list[str]:
    """What is wrong with a file, whether it can be read at all or not."""
    try:
        return [detail.message for detail in read_window_file(content).wrong]
    except InvalidInput as error:
        return [detail.message for detail in error.details]


def test_the_header_is_the_contracts() -> None:
    assert HEAD == "branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type"


@pytest.mark.slow
def test_windows_are_made_changed_and_left_alone_by_the_same_file(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    file = save(tmp_path, PAGE_ROW, "main street,TUESDAY,evening,,17:00,19:00,12,,general checkup")
    none = {"created": 0, "changed": 0, "unchanged": 0, "dry_run": False}
    assert terminal.json("windows", "import", file, "--dry-run") == none | {"created": 2, "dry_run": True}
    assert terminal.json("windows", "import", file) == none | {"created": 2}
    assert terminal.json("windows", "import", file) == none | {"unchanged": 2}
    file = save(
        tmp_path, PAGE_ROW.replace("20,10", "20,"), "Main Street,tuesday,Evening,,17:00,19:00,12,,General Checkup"
    )
    assert terminal.json("windows", "import", file) == none | {"changed": 1, "unchanged": 1}
    assert terminal.done("windows", "import", file) == "Imported: 0 new, 0 changed, 2 right already.\n"


@pytest.mark.slow
def test_every_wrong_line_is_named_and_nothing_is_imported(clinic: Terminal) -> None:
    file = save(
        clinic.folder,
        PAGE_ROW,
        "Nowhere,monday,Morning,MA,09:00,11:00,20,10,",
        "Main Street,moonday,Noon,MA,9:00,24:00,0,-1,",
        "Main Street,monday,Morning,MB,11:00,09:00,20,10,",
        "Main Street,monday,Morning,MC,09:00,11:00,20,21,",
        "Main Street,monday,Morning,MD,09:00,11:00,20,10,Astrology",
        "Main Street,monday,Morning,ME,09:00,11:00,20",
        PAGE_ROW,
    )
    ended = clinic.run("windows", "import", file)
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert lines[0] == "Error: 12 things are wrong, so nothing was changed:"
    assert [int(line.split(":")[0].removeprefix("Line ")) for line in lines[1:]] == [3, *[4] * 6, 5, 6, 7, 8, 9]
    assert "stands in line 2 already" in lines[-1]
    assert "0 right already" in clinic.done("windows", "import", save(clinic.folder, PAGE_ROW), "--dry-run")


@pytest.mark.slow
def test_a_refusal_speaks_of_the_files_columns(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    terminal.done("branches", "create", "Riverside")
    line = terminal.refused("windows", "import", save(tmp_path, PAGE_ROW.removeprefix("Main Street")))
    assert line.startswith("Error: Line 2: 'branch' is needed")


@pytest.mark.slow
def test_another_organizations_branch_is_no_branch(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    terminal.done("organizations", "create", "Other Clinic")
    branch = terminal.json("branches", "list", "--organization", "My Clinic")["branches"][0]["id"]
    for text in (branch, "Main Street"):
        file = save(tmp_path, PAGE_ROW.replace("Main Street", text))
        assert "Line 2: " in terminal.refused("windows", "import", file, "--organization", "Other Clinic")
    file = save(tmp_path, PAGE_ROW.replace("Main Street", branch.upper()))
    assert terminal.json("windows", "import", file, "--organization", "My Clinic")["created"] == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
def test_any_line_ending_and_a_byte_order_mark_are_read(ending: str, mark: str) -> None:
    content = (mark + ending.join([HEAD, "", PAGE_ROW, " , , , ,,,,,", "A,Friday,EVENING,,17:00,19:00,5,0,X"])).encode()
    file = read_window_file(content)
    assert file.wrong == []
    assert [row.line for row in file.rows] == [3, 5]
    assert (file.rows[1].day, file.rows[1].session, file.rows[1].ai_slots) == (Day.FRIDAY, Session.EVENING, 0)
    assert (file.rows[0].batch, file.rows[0].ai_slots, file.rows[0].appointment_type) == ("MA", 10, None)
    assert (file.rows[1].batch, file.rows[1].appointment_type) == (None, "X")


def test_a_quoted_field_may_hold_commas_quotes_and_lines_and_the_count_of_lines_stays_right() -> None:
    content = f'{HEAD}\n"Main ""East"", 2\nupstairs",monday,Morning,,09:00,11:00,20,,\nA,x,Morning,,09:00,11:00,20,,\n'
    file = read_window_file(content.encode())
    assert file.rows[0].branch == 'Main "East", 2\nupstairs'
    assert [detail.field for detail in file.wrong] == ["line 4"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Line 1: the header must be exactly"),
        (b"\n\n", "Line 1: the header must be exactly"),
        (HEAD.replace(",", ";").encode(), "Line 1: save the file with commas, not semicolons"),
        (HEAD.upper().encode(), "Line 1: the header must be exactly"),
        (f"{HEAD},notes\n".encode(), "Line 1: the header must be exactly"),
        (HEAD.encode(), "Line 2: the file has no window"),
        (f"{HEAD}\n{PAGE_ROW}\nM\xfcnchen".encode("latin-1"), "Line 3: this is not UTF-8"),
        (f'{HEAD}\n"Main Street,monday'.encode(), "Line 2: this is not CSV"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(content: bytes, sentence: str) -> None:
    (problem,) = problems(content)
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("monday", "", "day"),
        ("monday", "mon", "day"),
        ("Morning", "Night", "session"),
        ("MA", "M" * 33, "batch"),
        ("MA", "M\x00A", "batch"),
        ("09:00", "9:00", "start_time"),
        ("09:00", "09:00:00", "start_time"),
        ("11:00", "24:00", "end_time"),
        ("11:00", "١١:٠٠", "end_time"),
        ("20", "0", "max_slots"),
        ("20", "10001", "max_slots"),
        ("20", "2e1", "max_slots"),
        ("20", "٢٠", "max_slots"),
        ("20", "9" * 30, "max_slots"),
        ("20", "", "max_slots"),
        (",10,", ",-1,", "ai_slots"),
        (",10,", ",1.5,", "ai_slots"),
    ],
)
def test_a_field_that_is_no_value_is_named_with_what_would_be_right(old: str, new: str, word: str) -> None:
    (problem,) = problems(f"{HEAD}\n{PAGE_ROW.replace(old, new, 1)}\n".encode())
    assert problem.startswith(f"Line 2: '{word}' must ")


@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reader(content: bytes) -> None:
    for start in (b"", HEAD.encode() + b"\n"):
        assert problems(start + content) or read_window_file(start + content).rows


@given(st.lists(st.text(max_size=40), min_size=9, max_size=9))
def test_no_cells_whatever_break_the_reader(cells: list[str]) -> None:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    content = f"{HEAD}\n{PAGE_ROW}\n{quoted}".encode("utf-8", "replace")
    file = read_window_file(content)
    assert file.rows[0].line == 2
    assert {line_of(detail) for detail in file.wrong} <= {3}
