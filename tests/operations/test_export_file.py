"""The file of an export: what is written is read again, and what is not whole is nothing at all."""

import gzip
import hashlib
import io
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec
import pytest

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.operations.export_file import FORMAT, ExportFile, ExportWriter, Row, summarize
from slotkeeper.store.migrations import current_step
from slotkeeper.store.tables import MOVED, PAGE, Table

ORG = "11111111-1111-4111-8111-111111111111"
SAMPLES: dict[str, tuple[Any, ...]] = {
    "TEXT": (
        "",
        "NUL \0 inside",
        'quotes " \\ and \n lines \r\n',
        "line separators \u2028\u2029\x85",
        "👩🏽‍⚕️ Ünïcödé 李明",
        "[1]",
        '{"line":"end"}',
        None,
    ),
    "UUID": (ORG, None),
    "DATE": ("2026-06-15", "0001-01-01"),
    "INSTANT": (1_780_000_000_000, 0, -1, None),
    "INTEGER": (0, 1, -1, 2**53, -(2**63), 2**63 - 1, None),
    "BOOLEAN": (True, False),
}


def rows_of(table: Table, many: int) -> list[Row]:
    """Rows of every sample of each column's type."""
    return [
        tuple(SAMPLES[column.type][number % len(SAMPLES[column.type])] for column in table.columns)
        for number in range(many)
    ]


def written(many: int = 9, organizations: int = 2) -> tuple[bytes, dict[str, list[Row]]]:
    """A file whose every organization has some rows in each table, and those rows."""
    file = io.BytesIO()
    out = ExportWriter(file.write, program="0.1.0", at="2026-06-01T08:00:00.000Z")
    rows = {table.name: rows_of(table, many) for table in MOVED}
    for number in range(organizations):
        org_id = ORG.replace("1", str(number))
        out.begin(org_id, f"Clinic {number}", at="2026-06-01T08:00:01.000Z")
        for table in MOVED:
            out.table(table)
            out.add(table, rows[table.name][:5])
            out.add(table, rows[table.name][5:])
        out.end(org_id)
    out.footer()
    return file.getvalue(), rows


def read(stream: BinaryIO) -> list[dict[str, list[Row]]]:
    """The rows of each organization of a file."""
    file = ExportFile(stream)
    found = []
    for _ in file.organizations():
        rows: dict[str, list[Row]] = {table.name: [] for table in MOVED}
        for table, batch in file.batches():
            assert 0 < len(batch) <= PAGE
            rows[table.name] += batch
        found.append(rows)
    return found


def signed(*markers: Any) -> bytes:
    """Lines whose checksums are right, whatever they say; from the header to the footer."""
    lines = b"".join(msgspec.json.encode(marker) + b"\n" for marker in markers)
    footer = {"line": "footer", "organizations": 0, "rows": 0, "sha256": hashlib.sha256(lines).hexdigest()}
    return lines + msgspec.json.encode(footer) + b"\n"


def header(**fields: Any) -> dict[str, Any]:
    return {
        "line": "header",
        "slotkeeper_export": FORMAT,
        "schema_step": current_step(),
        "program": "9.9.9",
        "at": "2026-06-01T08:00:00.000Z",
    } | fields


def refusal(file: bytes) -> str:
    """Why a file is no export."""
    with pytest.raises(InvalidInput) as found:
        summarize(io.BytesIO(file))
    return str(found.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("many", [0, 9, PAGE, PAGE * 2 + 1])
def test_what_is_written_is_read_again(pack: Callable[[bytes], bytes], many: int) -> None:
    file, rows = written(many)
    assert read(io.BytesIO(pack(file))) == [rows, rows]
    summary = summarize(io.BytesIO(pack(file)))
    assert [one.name for one in summary.organizations] == ["Clinic 0", "Clinic 1"]
    assert summary.rows == 2 * many * len(MOVED)
    assert [set(end.rows.values()) for end in summary.ends] == [{many}, {many}]


def test_a_file_is_lines_that_a_person_can_read() -> None:
    file, _ = written()
    lines = file.decode().split("\n")
    assert lines.pop() == ""
    assert all(isinstance(msgspec.json.decode(line), (dict, list)) for line in lines)
    assert "\0" not in file.decode()
    named = [msgspec.json.decode(line) for line in lines if '"line":"table"' in line]
    assert [one["name"] for one in named[: len(MOVED)]] == [table.name for table in MOVED]


def test_a_file_without_organizations_is_whole() -> None:
    assert summarize(io.BytesIO(signed(header()))).organizations == []


@pytest.mark.slow
def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    file, _ = written(1)
    ends = {
        *range(0, len(file), 5),
        *(place for place in range(len(file)) if file[place - 1] == ord("\n")),
        len(file) - 1,
    }
    for end in ends - {len(file)}:
        message = refusal(file[:end])
        assert "damaged or cut off at line" in message or "first line does not say so" in message


@pytest.mark.slow
def test_a_file_with_one_bit_that_is_another_is_refused_wherever_it_is() -> None:
    file, _ = written(1, organizations=1)
    for place in range(len(file)):
        changed = bytearray(file)
        changed[place] ^= 1 << (place % 8)
        refusal(bytes(changed))


def test_a_compressed_file_that_is_cut_off_or_changed_is_refused_or_says_the_same() -> None:
    """A few of its bits have no meaning: a time in its head, those that fill up the last byte."""
    file, rows = written(3, organizations=1)
    packed = gzip.compress(file)
    same = 0
    for place in range(len(packed)):
        refusal(packed[:place])
        changed = bytearray(packed)
        changed[place] ^= 1 << (place % 8)
        try:
            assert read(io.BytesIO(changed)) == [rows]
            same += 1
        except InvalidInput:
            pass
    assert same < 10


def test_lines_that_are_lost_doubled_or_exchanged_are_refused() -> None:
    lines = written(3)[0].splitlines(keepends=True)
    for place in range(len(lines)):
        refusal(b"".join(lines[:place] + lines[place + 1 :]))
        refusal(b"".join(lines[: place + 1] + lines[place:]))
        if place and lines[place] != lines[place - 1]:
            refusal(b"".join([*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]))


@pytest.mark.parametrize(("end", "more"), [(ORG, 1), (ORG.replace("1", "2"), 0)], ids=["counts", "id"])
def test_an_end_that_does_not_belong_to_its_organization_is_refused(end: str, more: int) -> None:
    file = io.BytesIO()
    out = ExportWriter(file.write, program="0.1.0", at="2026-06-01T08:00:00.000Z")
    out.begin(ORG, "Clinic", at="2026-06-01T08:00:01.000Z")
    for table in MOVED:
        out.table(table)
    out._counts["days"] += more
    out.rows += more
    out.end(end)
    out.footer()
    assert "damaged" in refusal(file.getvalue())


def test_what_follows_the_end_is_refused() -> None:
    file, _ = written()
    for more in (b"\n", b"x", file, b"[]\n"):
        assert "damaged" in refusal(file + more)


@pytest.mark.parametrize(
    "file", [b"", b"\n", b"branch,day,session\n", b"[]\n", b"{}\n", b'"x"\n', b"7\n", b"SQLite format 3\0\0", b"\xff\n"]
)
def test_what_is_no_export_is_called_so(file: bytes) -> None:
    assert refusal(file) == "This is no file of 'slotkeeper export': its first line does not say so."


def test_another_format_is_refused_with_what_to_do() -> None:
    message = refusal(signed(header(slotkeeper_export=FORMAT + 1, more="than we know")))
    assert f"has format {FORMAT + 1}" in message
    assert "install the Slotkeeper that made it (9.9.9), or a newer one" in message


def test_a_newer_schema_step_is_refused_with_what_to_do() -> None:
    step = current_step() + 1
    message = refusal(signed(header(schema_step=step)))
    assert f"made on schema step {step}, and this Slotkeeper runs on step {current_step()}" in message
    assert "install Slotkeeper 9.9.9 or a newer one" in message


def test_an_older_schema_step_is_read_where_its_columns_are_the_same_and_else_refused_with_what_to_do() -> None:
    older = header(schema_step=current_step() - 1)
    summarize(io.BytesIO(signed(older)))
    begin = {"line": "organization", "id": ORG, "name": "Clinic", "at": "2026-06-01T08:00:00.000Z"}
    table = {"line": "table", "name": "organizations", "columns": ["name"]}
    message = refusal(signed(older, begin, table))
    assert "which this Slotkeeper no longer reads: import it with Slotkeeper 9.9.9" in message
    assert "'slotkeeper migrate'" in message
    assert "damaged" in refusal(signed(header(), begin, table))


def test_a_row_that_does_not_fit_its_table_is_refused() -> None:
    begin = {"line": "organization", "id": ORG, "name": "Clinic", "at": "2026-06-01T08:00:00.000Z"}
    table = {"line": "table", "name": MOVED[0].name, "columns": MOVED[0].names}
    (row,) = rows_of(MOVED[0], 1)
    for wrong in (row[1:], (*row, 1), (7, *row[1:]), (*row[:-1], "soon")):
        assert "damaged or cut off at line 4" in refusal(signed(header(), begin, table, wrong))
