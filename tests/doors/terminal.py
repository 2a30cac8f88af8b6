"""The command line as a person has it: real processes in a folder of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SLOTKEEPER = [sys.executable, "-m", "slotkeeper"]
PATIENCE = 30.0


class Terminal:
    """A shell in a folder; commands work on the database of a URL, or on the folder's ``slotkeeper.db``.

    ``program`` runs in the place of Slotkeeper where a test needs one that is wrong.
    """

    def __init__(self, folder: Path, url: str | None = None, program: Sequence[str] = SLOTKEEPER) -> None:
        self.folder = folder
        self.program = program
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith("SLOTKEEPER_")}
        if url is not None:
            self.environment["SLOTKEEPER_DATABASE_URL"] = url

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command to its end, its output in pipes."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """A line of the system's shell to its end."""
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def done(self, *arguments: str, **environment: str) -> str:
        """What a command prints that must succeed."""
        ended = self.run(*arguments, **environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        """The one JSON object that a command prints with ``--json``."""
        found = json.loads(self.done(*arguments, "--json"))
        assert isinstance(found, dict)
        return found

    def refused(self, *arguments: str, code: int = 1, **environment: str) -> str:
        """What stderr says of a command that must be refused: one line, no traceback, nothing on stdout."""
        ended = self.run(*arguments, **environment)
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        if code == 1:
            assert len(ended.stderr.splitlines()) == 1, ended.stderr
            assert ended.stderr.startswith("Error: ")
        return ended.stderr

    def clinic(self) -> None:
        """An organization with a branch and a service, to work in."""
        self.done("organizations", "create", "My Clinic", "--timezone", "Europe/Berlin")
        self.done("branches", "create", "Main Street")
        self.done("services", "create", "General Checkup")

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
        """A server that is ready, and what it printed with ``--json``; killed at the end if it still runs."""
        process = subprocess.Popen(
            [*self.program, "serve", "--port", "0", "--json", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process, read_object(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def read_object(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The JSON object that a process prints first."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            found: dict[str, Any] = json.loads(text)
            return found
    assert process.stderr is not None
    raise AssertionError(f"the server ended before it was ready: {text}{process.stderr.read()}")
