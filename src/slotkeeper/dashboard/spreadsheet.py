"""Lists as CSV files that a spreadsheet opens, and takes nothing in them for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would run."""
MARK = "\ufeff"
"""By which spreadsheets know that a file is UTF-8."""


def answer(name: str, rows: Iterable[Sequence[object]]) -> Response:
    """Rows as a file of a name, to be saved."""
    text = io.StringIO()
    csv.writer(text).writerows([[inert(cell) for cell in row] for row in rows])
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(MARK + text.getvalue(), 200, headers, "text/csv; charset=utf-8")


def inert(cell: object) -> str:
    """A cell as text; one that would be a formula has an apostrophe before it."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
