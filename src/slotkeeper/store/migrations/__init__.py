"""One numbered history for all engines: ``NNNN_name.sql``, each file one step, never edited once released."""

from importlib import resources
from typing import NamedTuple


class Migration(NamedTuple):
    """One step of the history; ``statements`` in the words that every engine spells out for itself."""

    step: int
    name: str
    statements: tuple[str, ...]


def statements_of(script: str) -> tuple[str, ...]:
    """The statements of a script; each ends with a semicolon at the end of a line."""
    code = "".join(f"{line}\n" for line in script.splitlines() if not line.lstrip().startswith("--"))
    return tuple(part.strip() for part in code.split(";\n") if part.strip())


def list_migrations() -> list[Migration]:
    """The history in order; the last one's step is the step that this program runs on."""
    files = sorted(
        (file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    return [
        Migration(int(file.name[:4]), file.name[5:-4], statements_of(file.read_text(encoding="utf-8")))
        for file in files
    ]


def current_step() -> int:
    """The schema step that this program runs on."""
    return list_migrations()[-1].step
