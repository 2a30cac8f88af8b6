"""Windows from a CSV file: first what it would do, line by line; then all of it or nothing."""

from typing import Any

from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.operations.window_file import HEADER, import_file, read_window_file
from slotkeeper.operations.window_import import Imported, Outcome
from slotkeeper.texts import N_

LARGEST_FILE = 128 * 1024
"""The largest file in bytes, with what the form needs around it: some 3,000 windows.

On SQLite all other writes wait while one transaction tries them; larger files are for the command line.
"""
MOST_SHOWN = 500
"""How many lines of a file are shown."""

WORDS = {"created": N_("new"), "changed": N_("changed"), "unchanged": N_("right already")}
"""What an import does to a window."""


async def show_import(visit: Visit) -> Answer:
    """The form for a file, or for its lines, which stay there when they are refused."""
    del visit
    return _page({"preview": None})


async def import_windows(visit: Visit) -> Answer:
    """Show first what a file would do; then, when that was seen, do it."""
    content = _content(visit)
    file = read_window_file(content)
    if visit.form.fields.get("step") != "import":
        would = await import_file(visit.db, visit.caller, file, dry_run=True, now=visit.now)
        return _page({"preview": would, "lines": [_line(one) for one in would.outcomes[:MOST_SHOWN]]})

    def told(done: Imported) -> Redirect:
        said = visit.texts.gettext(
            "Imported: %(created)s new, %(changed)s changed, %(unchanged)s right already.",
            created=done.created,
            changed=done.changed,
            unchanged=done.unchanged,
        )
        return Redirect("/windows", Flash(said))

    return told(await import_file(visit.db, visit.once(told), file, dry_run=False, now=visit.now))


def _content(visit: Visit) -> bytes:
    """The file that was chosen, or else the lines that were typed; they stay in the form. Raises InvalidInput."""
    file = visit.form.files.get("file", b"")
    if file:
        visit.form.fields["lines"] = file.decode("utf-8-sig", errors="replace")
        return file
    typed = visit.form.fields.get("lines", "")
    if not typed.strip():
        raise InvalidInput.of("file", visit.texts.gettext("Choose a file, or write its lines."))
    return typed.encode(errors="replace")


def _line(outcome: Outcome) -> dict[str, Any]:
    """One line of the preview: what it says, and what stands there now where that differs."""
    row, before = outcome.row, outcome.before
    named = ("start_time", "end_time", "max_slots", "ai_slots")
    was = {} if before is None else {name: getattr(before, name) for name in named}
    cells = [(name, getattr(row, name), was.get(name, getattr(row, name))) for name in named]
    return {"row": row, "word": WORDS[outcome.word], "cells": cells}


def _page(values: dict[str, Any]) -> Page:
    return Page("window_import.html", {"header": ",".join(HEADER), "most": MOST_SHOWN} | values)
