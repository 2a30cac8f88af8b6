"""The files that pages need, under names that change with their content, so that browsers keep them for good."""

import gzip
import hashlib
import mimetypes
from functools import cache
from importlib import resources
from typing import NamedTuple

FOREVER = "public, max-age=31536000, immutable"


class StaticFile(NamedTuple):
    """A file: its content, and the same compressed."""

    media_type: str
    content: bytes
    compressed: bytes


@cache
def _files() -> tuple[dict[str, StaticFile], dict[str, str]]:
    """Every file by its public name, and the public name of each."""
    files: dict[str, StaticFile] = {}
    names: dict[str, str] = {}
    for file in sorted(resources.files("slotkeeper.dashboard").joinpath("static").iterdir(), key=lambda one: one.name):
        content = file.read_bytes()
        stem, _, ending = file.name.rpartition(".")
        public = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        media_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        files[public] = StaticFile(media_type, content, gzip.compress(content, 9, mtime=0))
        names[file.name] = public
    return files, names


def public_name(name: str) -> str:
    """The name under which a file of ``static/`` is served. Raises KeyError where there is none."""
    return _files()[1][name]


def find_file(public: str) -> StaticFile | None:
    """The file of a public name."""
    return _files()[0].get(public)
