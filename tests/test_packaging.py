"""What is installed: a wheel with everything in it, and lock files that pin it all."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

from slotkeeper.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)( ; .+)? \\$", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall((ROOT / lock).read_text(encoding="utf-8"))}


@pytest.mark.slow
def test_the_wheel_carries_every_file_of_the_package(tmp_path: Path) -> None:
    build = f"import flit_core.buildapi as build; print(build.build_wheel({str(tmp_path)!r}))"
    built = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / built.stdout.strip()) as wheel:
        carried = {name for name in wheel.namelist() if name.startswith("slotkeeper/")}
        entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        assert b"slotkeeper=slotkeeper.cli:main" in wheel.read(entry_points)
    source = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "slotkeeper").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == source
    assert any(name.endswith(".sql") for name in carried)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_every_package_by_hash_and_names_no_machine(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", text.split("\n", 2)[2])
    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index" not in text
    assert not re.search(r"(^|\s)/\w+", text), "a path of the machine that made it"


def test_the_developers_lock_file_holds_all_of_the_other_in_the_same_versions() -> None:
    runtime, development = (pins(lock) for lock in LOCKS)
    assert runtime.items() <= development.items()


def test_the_lock_files_hold_all_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    names = [re.split(r"[^A-Za-z0-9_-]", requirement)[0].lower().replace("_", "-") for requirement in wanted]
    assert set(names) <= pins("requirements.lock").keys()
    development = [re.split(r"[^A-Za-z0-9_-]", item)[0] for item in project["project"]["optional-dependencies"]["dev"]]
    assert set(development) <= pins("requirements-dev.lock").keys()


def test_the_build_is_asked_for_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


@pytest.mark.parametrize("name", ["slotkeeper.service", "Containerfile"])
def test_what_packaging_sets_is_a_setting(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", text)) - {"SLOTKEEPER_NAME"}
    assert named <= known


def test_the_container_file_copies_what_is_there() -> None:
    text = (ROOT / "packaging" / "Containerfile").read_text(encoding="utf-8")
    copied = [name for names in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for name in names.split()]
    assert {"src", "requirements.lock"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_make_help_lists_every_target_that_has_a_meaning_for_a_person() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "soak", "bench", "lock", "clean", "help"):
        assert f"make {target}" in listed
