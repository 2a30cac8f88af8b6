"""What the project's pages say is there, is there; and what is there, they say."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from slotkeeper.api.platforms import PLATFORM_OPERATIONS
from slotkeeper.api.routes import OPERATIONS
from slotkeeper.cli.main import slotkeeper
from slotkeeper.domain import errors
from slotkeeper.settings import PREFIX, Settings
from tests.dashboard.screenshots import FOLDER, LARGEST, PICTURES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "slotkeeper"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODES = {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.SlotkeeperError)}


def commands(group: click.Group, name: str) -> Iterator[str]:
    """Every command by its full name."""
    for part, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")
        else:
            yield f"{name} {part}"


def routes_of(page: str) -> set[tuple[str, str]]:
    """The methods and paths in a table of endpoints: a path belongs to the methods before it."""
    found: set[tuple[str, str]] = set()
    for row in re.findall(r"^\| (`(?:GET|POST|PATCH)\b.+?) \|", page, re.MULTILINE):
        methods: set[str] = set()
        for method, path in re.findall(r"`([A-Z]+) ?([^`]*)`", row):
            methods.add(method)
            if path:
                found |= {(one, path) for one in methods}
                methods = set()
    return found


def tree() -> dict[str, str]:
    """The paths that the tree of ARCHITECTURE.md names, each with its line."""
    block = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    found: dict[str, str] = {}
    folders: list[str] = []
    for line in filter(None, block.splitlines()):
        start = re.search(r"[\w.]", line)
        assert start is not None
        depth = start.start() // 4
        folders = folders[:depth]
        names = re.match(r"[\w./]+(?: · [\w./]+)*", line[start.start() :])
        assert names is not None
        for name in names[0].split(" · "):
            found["/".join([*folders, name.rstrip("/")])] = line
        if names[0].endswith("/"):
            folders = [*folders, names[0].rstrip("/")]
    return found


def test_the_readme_lists_every_route_and_no_other() -> None:
    pages = {("GET", "/docs"), ("GET", "/openapi.json")}
    assert "`/docs`" in README
    assert "`/openapi.json`" in README
    assert routes_of(README) == {(one.method, one.path) for one in (*OPERATIONS, *PLATFORM_OPERATIONS)} - pages


@pytest.mark.parametrize("name", [f"{PREFIX}{field.name.upper()}" for field in fields(Settings)])
def test_the_readme_explains_every_setting(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_readme_names_every_code_of_a_refusal(code: str) -> None:
    assert f"`{code}`" in README


@pytest.mark.parametrize("command", list(commands(slotkeeper, "slotkeeper")))
def test_the_readme_names_every_command(command: str) -> None:
    assert f"`{command}`" in README


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = set(commands(slotkeeper, "slotkeeper"))
    for words in re.findall(r"^\| `slotkeeper .+? \|", README, re.MULTILINE):
        assert set(re.findall(r"`(slotkeeper [^`]+)`", words)) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


def pictures_of(page: Path) -> set[Path]:
    """The pictures that a page shows."""
    text = re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    found = re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", text) + re.findall(r'<img src="([^"]+)" alt="[^"]+"', text)
    assert len(found) == len(re.findall(r"!\[|<img", text)), "each with words for who cannot see it"
    return {(page.parent / target).resolve() for target in found}


def test_every_picture_is_shown_and_every_picture_that_is_shown_is_there_and_small() -> None:
    there = {FOLDER / f"{name}.webp" for name in PICTURES}
    assert set(FOLDER.iterdir()) == there
    assert set().union(*map(pictures_of, PAGES)) == there
    assert sum(one.stat().st_size for one in there) < LARGEST


def test_every_decision_is_listed_under_its_title() -> None:
    decisions = ROOT / "docs" / "decisions"
    listed = (decisions / "README.md").read_text(encoding="utf-8")
    for page in sorted(decisions.glob("0*.md")):
        title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({page.name})" in listed


def test_the_tree_of_the_architecture_names_what_exists() -> None:
    missing = [name for name in tree() if not any((base / name).exists() for base in (ROOT, ROOT / "src"))]
    assert not missing
    assert len(tree()) > 50, "the tree is read"


def test_the_tree_of_the_architecture_names_every_module() -> None:
    named = tree().keys()
    modules = {f"src/slotkeeper/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    assert not {name for name in modules if not name.endswith("/__init__.py")} - named
