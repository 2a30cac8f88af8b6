"""The CSV file of windows, for all doors: read to its end, with every line that is wrong (contract.md section 7)."""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import Detail, InvalidInput
from slotkeeper.domain.model import MOST_SLOTS, Day, Session
from slotkeeper.domain.texts import BATCH_LENGTH, parse_day, parse_session, parse_text, parse_wall_time
from slotkeeper.operations.window_import import Imported, ImportRow, import_windows
from slotkeeper.store.database import Database

HEADER = (
    "branch", "day", "session", "batch", "start_time", "end_time", "max_slots", "ai_slots", "appointment_type"
)  # fmt: skip

_COUNT = re.compile(r"\d{1,5}", re.ASCII)


class WindowFile(NamedTuple):
    """The rows that can be read, and what is wrong with the others."""

    rows: list[ImportRow]
    wrong: list[Detail]


def read_window_file(content: bytes) -> WindowFile:
    """Read a file in UTF-8, with or without a byte order mark, its lines ended as on any system.

    Raises InvalidInput where it is no such file at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput.of(f"line {line}", f"Line {line}: this is not UTF-8; save the file as CSV UTF-8.") from None
    records = _records(text)
    first = next(records, (1, []))
    if ";" in "".join(first[1]):
        raise InvalidInput.of(
            "line 1", f"Line 1: save the file with commas, not semicolons; the header is exactly '{','.join(HEADER)}'."
        )
    if tuple(first[1]) != HEADER:
        raise InvalidInput.of(
            "line 1", f"Line 1: the header must be exactly '{','.join(HEADER)}', not '{','.join(first[1])}'."
        )
    rows, wrong = [], []
    for line, cells in records:
        row, problems = _row(line, [cell.strip() for cell in cells])
        wrong += [Detail(f"line {line}", f"Line {line}: {problem}") for problem in problems]
        if row is not None:
            rows.append(row)
    if not rows and not wrong:
        raise InvalidInput.of("line 2", "Line 2: the file has no window, only the header.")
    return WindowFile(rows, wrong)


async def import_file(db: Database, caller: Caller, file: WindowFile, *, dry_run: bool, now: int) -> Imported:
    """Import the rows of a file, all or none.

    Raises InvalidInput with what is wrong in each line: what the file shows and what only the database knows.
    """
    wrong = list(file.wrong)
    try:
        imported = await import_windows(db, caller, file.rows, dry_run=dry_run or bool(wrong), now=now)
    except InvalidInput as error:
        wrong += error.details
    if wrong:
        raise InvalidInput(sorted(wrong, key=line_of))
    return imported


def line_of(detail: Detail) -> int:
    """The number of the line that a detail is about."""
    return int(detail.field.removeprefix("line "))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the line that it begins on; empty lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput.of(f"line {line}", f"Line {line}: this is not CSV ({error}).") from None


def _row(line: int, cells: list[str]) -> tuple[ImportRow | None, list[str]]:
    """The row of a record, or everything that is wrong with it."""
    if len(cells) != len(HEADER):
        return None, [f"a line has {len(HEADER)} fields with commas between them, this one has {len(cells)}."]
    branch, day_text, session_text, batch, start_time, end_time, max_slots, ai_slots, appointment_type = cells
    day, session = parse_day(day_text), parse_session(session_text)
    problems = []
    if day is None:
        problems.append(f"'day' must be one of {', '.join(Day)}, not '{day_text}'.")
    if session is None:
        problems.append(f"'session' must be one of {', '.join(Session)}, not '{session_text}'.")
    problems += _problems(batch, start_time, end_time, max_slots, ai_slots)
    if problems or day is None or session is None:
        return None, problems
    return ImportRow(
        line,
        branch,
        day,
        session,
        batch or None,
        start_time,
        end_time,
        int(max_slots),
        int(ai_slots) if ai_slots else None,
        appointment_type or None,
    ), []


def _problems(batch: str, start_time: str, end_time: str, max_slots: str, ai_slots: str) -> list[str]:
    problems = []
    if batch and parse_text(batch, longest=BATCH_LENGTH) is None:
        problems.append(f"'batch' must have at most {BATCH_LENGTH} printable characters.")
    for name, wall_time in (("start_time", start_time), ("end_time", end_time)):
        if parse_wall_time(wall_time) is None:
            problems.append(f"'{name}' must be HH:MM from 00:00 to 23:59, not '{wall_time}'.")
    if not _is_count(max_slots, least=1):
        problems.append(f"'max_slots' must be a whole number from 1 to {MOST_SLOTS}, not '{max_slots}'.")
    if ai_slots and not _is_count(ai_slots, least=0):
        problems.append(f"'ai_slots' must be a whole number from 0 to 'max_slots', or empty, not '{ai_slots}'.")
    return problems


def _is_count(text: str, *, least: int) -> bool:
    return bool(_COUNT.fullmatch(text)) and least <= int(text) <= MOST_SLOTS
