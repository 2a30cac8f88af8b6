"""The rules of the house that a reader relies on, checked on the source itself."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

from slotkeeper.api.routes import OPERATIONS
from slotkeeper.domain.access import Scope

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "slotkeeper"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHON = [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]

LONGEST_FILE = 400
LONG_FILES: dict[str, str] = {
    "src/slotkeeper/api/routes.py": "the whole interface on one page",
}
"""Files that may be longer, and why."""

DOORS = {"api", "cli", "dashboard", "mcp", "platforms", "tools"}
ALLOWED = {
    "domain": {"domain"},
    "store": {"domain", "store"},
    "operations": {"domain", "store", "operations"},
    "settings": {"domain"},
    "texts": {"domain"},
    "tools": {"domain", "operations", "texts", "tools"},
    "platforms": {"domain", "tools", "platforms"},
    "api": {"domain", "operations", "settings", "tools", "platforms", "api"},
    "mcp": {"domain", "operations", "tools", "platforms", "api", "mcp"},
    "svg": set(),
    "load": {"domain", "load", "svg"},
    "cli": {"domain", "operations", "settings", "load", "tools", "platforms", "mcp", "app", "cli"},
    "dashboard": {"domain", "operations", "settings", "texts", "dashboard", "svg"},
    "__main__": {"cli"},
    "app": {"domain", "store", "operations", "settings", "api", "dashboard", "tools", "mcp", "app"},
}
"""Which parts of the package each part may import; ``app`` is the composition root."""

NOT_CALLED_BY_NAME = {
    "from_environment": "the server processes find it by its text",
}
"""Public functions that nothing in the package names, and why they stand there."""

PUBLIC = {"/healthz", "/readyz", "/openapi.json", "/docs"}
"""The paths that are open to everybody."""

BY_TOOL = {"/v1/tools", "/v1/tools/{tool}"}
"""The paths that need a key; each tool asks for a scope of its own."""


def part_of(path: Path) -> str:
    """The part of the package that a module belongs to; empty for the package itself."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """The full name of everything that a module imports, wherever in the module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_from_the_doors_to_the_domain_and_never_back(path: Path) -> None:
    part = part_of(path)
    for name in imports_of(path):
        if not part or not name.startswith("slotkeeper."):
            continue
        imported = name.split(".")[1]
        assert imported in ALLOWED[part] or imported == "__version__", f"{part} must not import {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").glob("*.py")), ids=name_of)
def test_the_domain_imports_the_standard_library_only(path: Path) -> None:
    for name in imports_of(path):
        top = name.split(".")[0]
        assert top == "slotkeeper" or top in sys.stdlib_module_names, f"the domain must not import {name}"
        assert top not in {"asyncio", "os", "socket", "sqlite3", "subprocess", "threading", "time"}, (
            f"the domain is pure: {name} is a clock or reaches outside"
        )


def test_only_the_composition_root_knows_both_the_doors_and_the_store() -> None:
    both = [
        path
        for path in MODULES
        if {"store"} & {name.split(".")[1] for name in imports_of(path) if name.startswith("slotkeeper.")}
        and (part_of(path) in DOORS or DOORS & {name.split(".")[1] for name in imports_of(path) if "." in name})
    ]
    assert [name_of(path) for path in both] in ([], ["src/slotkeeper/app.py"])


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_no_file_is_longer_than_a_reader_can_hold(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    reason = LONG_FILES.get(name_of(path))
    if reason is None:
        assert lines <= LONGEST_FILE, "split it by noun, or write the reason into LONG_FILES"
    else:
        assert lines > LONGEST_FILE, "it is short again: take it off LONG_FILES"


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"base", "common", "core", "helpers", "misc", "shared", "util", "utils"}
    assert not [name_of(path) for path in PYTHON if drawers & {path.stem, path.parent.name}]


@pytest.mark.parametrize("path", sorted((PACKAGE / "operations").glob("*.py")), ids=name_of)
def test_every_public_function_of_the_operations_says_what_it_promises(path: Path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_no_sql_stands_outside_the_store() -> None:
    sql = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s", re.DOTALL)
    for path in MODULES:
        if part_of(path) == "store":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not sql.search(node.value), f"{name_of(path)}, line {node.lineno}"


def test_every_route_asks_for_a_scope_except_the_public_ones() -> None:
    assert {route.path for route in OPERATIONS if not route.needs_key} == PUBLIC
    for route in OPERATIONS:
        assert route.path in PUBLIC | BY_TOOL or isinstance(route.scope, Scope), route.path


def test_nothing_public_stands_unused() -> None:
    defined: dict[str, str] = {}
    used: set[str] = set()
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined |= {node.name: f"{name_of(path)}, line {node.lineno}" for node in tree.body if _is_called_by_name(node)}
        for inner in ast.walk(tree):
            if isinstance(inner, ast.Name):
                used.add(inner.id)
            elif isinstance(inner, ast.Attribute):
                used.add(inner.attr)
            elif isinstance(inner, ast.ImportFrom):
                used.update(alias.name for alias in inner.names)
    unused = {name: place for name, place in defined.items() if name not in used}
    assert not {name: place for name, place in unused.items() if name not in NOT_CALLED_BY_NAME}
    assert not NOT_CALLED_BY_NAME.keys() - unused.keys(), "it is used now: take it off NOT_CALLED_BY_NAME"


def _is_called_by_name(node: ast.stmt) -> TypeGuard[Definition]:
    """A function or class; those with a decorator that is called register themselves somewhere."""
    return isinstance(node, Definition) and not any(isinstance(item, ast.Call) for item in node.decorator_list)
