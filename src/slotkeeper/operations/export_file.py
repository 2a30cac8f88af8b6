"""The file of an export: lines of JSON that a person can read, checked to the last byte.

    {"line":"header","slotkeeper_export":1,"schema_step":…,"program":…,"at":…}
    {"line":"organization","id":…,"name":…,"at":…}           for each organization
    {"line":"table","name":"services","columns":[…]}           for each of its tables, parents before children
    ["…","Checkup","checkup",true,…]                           for each row
    {"line":"end","id":…,"rows":{…},"sha256":…}              of the organization's lines before it
    {"line":"footer","organizations":…,"rows":…,"sha256":…}  of all lines before it

Values are what the columns hold: text, whole numbers, true and false, null. Instants in rows are milliseconds UTC.
What ends before its footer, or differs from it in one byte, is no export.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import msgspec

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.store.database import Value
from slotkeeper.store.migrations import current_step
from slotkeeper.store.tables import MOVED, PAGE, Table

FORMAT = 1
LONGEST_LINE = 64 * 1024 * 1024
GZIP = b"\x1f\x8b"
NO_EXPORT = "This is no file of 'slotkeeper export': its first line does not say so."

Row = tuple[Value, ...]


class Header(msgspec.Struct, tag_field="line", tag="header", forbid_unknown_fields=True):
    """What the file is; ``schema_step`` is the step whose columns its rows have."""

    slotkeeper_export: int
    schema_step: int
    program: str
    at: str


class Begin(msgspec.Struct, tag_field="line", tag="organization", forbid_unknown_fields=True):
    """An organization begins: as it was at one moment."""

    id: str
    name: str
    at: str


class Columns(msgspec.Struct, tag_field="line", tag="table", forbid_unknown_fields=True):
    """The rows of a table begin; the organization's id is not repeated in them."""

    name: str
    columns: tuple[str, ...]


class End(msgspec.Struct, tag_field="line", tag="end", forbid_unknown_fields=True):
    """An organization ends, with how many rows of each table it had."""

    id: str
    rows: dict[str, int]
    sha256: str


class Footer(msgspec.Struct, tag_field="line", tag="footer", forbid_unknown_fields=True):
    """The file ends."""

    organizations: int
    rows: int
    sha256: str


Marker = Header | Begin | Columns | End | Footer

_markers: msgspec.json.Decoder[Marker] = msgspec.json.Decoder(Marker)
_encoder = msgspec.json.Encoder()
_TYPES: dict[str, Any] = {"INTEGER": int, "INSTANT": int, "BOOLEAN": bool}
_rows = {
    table.name: msgspec.json.Decoder(
        tuple[tuple(_TYPES.get(column.type, str) | None for column in table.columns)]  # type: ignore[misc]
    )
    for table in MOVED
}


class ExportWriter:
    """Writes an export from its header to its footer through a function that takes bytes."""

    def __init__(self, write: Callable[[bytes], object], *, program: str, at: str) -> None:
        self._write = write
        self._whole, self._part = hashlib.sha256(), hashlib.sha256()
        self._organizations = self.rows = 0
        self._counts: dict[str, int] = {}
        self._put(Header(FORMAT, current_step(), program, at))

    def begin(self, org_id: str, name: str, *, at: str) -> None:
        """Begin an organization."""
        self._part = hashlib.sha256()
        self._counts = {}
        self._put(Begin(org_id, name, at))

    def table(self, table: Table) -> None:
        """Begin a table; tables come in the order of MOVED."""
        self._counts[table.name] = 0
        self._put(Columns(table.name, table.names))

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Some more rows of the table."""
        self._counts[table.name] += len(rows)
        self.rows += len(rows)
        self._take(_encoder.encode_lines(rows))

    def end(self, org_id: str) -> dict[str, int]:
        """End the organization; how many rows of each table it had."""
        self._organizations += 1
        self._put(End(org_id, self._counts, self._part.hexdigest()))
        return self._counts

    def footer(self) -> str:
        """End the file; its digest."""
        digest = self._whole.hexdigest()
        self._put(Footer(self._organizations, self.rows, digest))
        return digest

    def _put(self, marker: Marker) -> None:
        self._take(_encoder.encode(marker) + b"\n")

    def _take(self, lines: bytes) -> None:
        self._whole.update(lines)
        self._part.update(lines)
        self._write(lines)


class Summary(NamedTuple):
    """What a whole file holds: its organizations, and how many rows of each table each of them has."""

    digest: str
    organizations: list[Begin]
    ends: list[End]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(sum(end.rows.values()) for end in self.ends)


def summarize(stream: BinaryIO) -> Summary:
    """Read a file to its end, so that nothing is done with one that is not whole. Raises InvalidInput."""
    file = ExportFile(stream)
    organizations: list[Begin] = []
    ends: list[End] = []
    for begin in file.organizations():
        for _ in file.batches():
            pass
        organizations.append(begin)
        ends.append(file.end)
    return Summary(file.footer.sha256, organizations, ends)


class ExportFile:
    """An export, read once from its beginning.

    For each of ``organizations()`` its ``batches()`` have to be read to the end; ``end`` and ``footer`` are there
    after what they close, and only if it was whole. Everything raises InvalidInput that says what to do.
    """

    end: End
    footer: Footer

    def __init__(self, stream: BinaryIO) -> None:
        stream.seek(0)
        start = stream.read(len(GZIP))
        stream.seek(0)
        self._stream: BinaryIO = gzip.GzipFile(fileobj=stream) if start == GZIP else stream  # type: ignore[assignment]
        self._number = 0
        self._whole, self._part = hashlib.sha256(), hashlib.sha256()
        self._line = b""
        self._next()
        self.header = self._header()

    def organizations(self) -> Iterator[Begin]:
        """Each organization in its turn, and at last the footer."""
        organizations = rows = 0
        while isinstance(marker := self._marker(), Begin):
            self._part = hashlib.sha256()
            self._take()
            yield marker
            if self.end.id != marker.id:
                raise self._damaged()
            organizations += 1
            rows += sum(self.end.rows.values())
        if marker != Footer(organizations, rows, self._whole.hexdigest()):
            raise self._damaged()
        self._next()
        if self._line:
            raise self._damaged()
        self.footer = marker

    def batches(self) -> Iterator[tuple[Table, list[Row]]]:
        """The rows of the organization, at most PAGE of one table at a time; its ``end`` is there then."""
        rows: dict[str, int] = {}
        for table in MOVED:
            self._begin(table)
            rows[table.name] = 0
            while batch := self._batch(table):
                rows[table.name] += len(batch)
                yield table, batch
        end = self._marker()
        if not isinstance(end, End) or end.rows != rows or end.sha256 != self._part.hexdigest():
            raise self._damaged()
        self._take()
        self.end = end

    def _header(self) -> Header:
        try:
            said = msgspec.json.decode(self._line)
            version = said["slotkeeper_export"]
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError):
            raise _refusal(NO_EXPORT) from None
        if version != FORMAT:
            raise _refusal(
                f"This file has format {version}, and this Slotkeeper reads format {FORMAT}: install the Slotkeeper "
                f"that made it ({said.get('program', 'a newer one')}), or a newer one."
            )
        header = self._marker()
        if not isinstance(header, Header):
            raise self._damaged()
        if header.schema_step > current_step():
            raise _refusal(
                f"This file was made on schema step {header.schema_step}, and this Slotkeeper runs on step "
                f"{current_step()}: install Slotkeeper {header.program} or a newer one."
            )
        self._take()
        return header

    def _begin(self, table: Table) -> None:
        marker = self._marker()
        if isinstance(marker, Columns) and self.header.schema_step < current_step():
            if (marker.name, marker.columns) != (table.name, table.names):
                raise _refusal(
                    f"This file was made on schema step {self.header.schema_step}, which this Slotkeeper no longer "
                    f"reads: import it with Slotkeeper {self.header.program} into a new database, run "
                    "'slotkeeper migrate' of this one on that, and export again."
                )
        elif marker != Columns(table.name, table.names):
            raise self._damaged()
        self._take()

    def _batch(self, table: Table) -> list[Row]:
        """The next rows of the table; none where it is at its end."""
        decode = _rows[table.name].decode
        rows: list[Row] = []
        try:
            while self._line.startswith(b"[") and len(rows) < PAGE:
                rows.append(decode(self._line))
                self._take()
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._damaged() from None
        return rows

    def _marker(self) -> Marker:
        """What the line says, which is not taken yet."""
        try:
            return _markers.decode(self._line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._damaged() from None

    def _take(self) -> None:
        """Count the line in, and go to the next."""
        self._whole.update(self._line)
        self._part.update(self._line)
        self._next()

    def _next(self) -> None:
        """The next line whole, or nothing at the end of the file."""
        self._number += 1
        try:
            self._line = self._stream.readline(LONGEST_LINE)
        except (gzip.BadGzipFile, zlib.error, EOFError):
            raise self._damaged() from None
        if self._line and not self._line.endswith(b"\n"):
            raise self._damaged()

    def _damaged(self) -> InvalidInput:
        if self._number == 1:
            return _refusal(NO_EXPORT)
        return _refusal(
            f"This file is damaged or cut off at line {self._number}, so nothing is imported from it: "
            "fetch it again from where it was made, or export again."
        )


def _refusal(message: str) -> InvalidInput:
    return InvalidInput.of("file", message)
