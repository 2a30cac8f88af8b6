"""The script that takes the pictures of the docs still runs, and its pictures come out the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.screenshots import ROOT


@pytest.mark.usefixtures("chromium")
def test_a_picture_is_taken_and_comes_out_the_same(tmp_path: Path) -> None:
    taken = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        command = [sys.executable, "-m", "tests.dashboard.screenshots", str(folder), "sign-in", "month"]
        subprocess.run(command, cwd=ROOT, env=os.environ, check=True, timeout=100)
        taken.append({one.name: one.read_bytes() for one in folder.iterdir()})
    assert set(taken[0]) == {"month.webp", "sign-in.webp"}
    assert all(one.startswith(b"RIFF") and one[8:12] == b"WEBP" for one in taken[0].values())
    assert taken[0] == taken[1]
