"""Every SQL statement of the store, by module and name, for those who look at all of them."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from slotkeeper import store
from slotkeeper.store import tables

MODULES = sorted(Path(store.__path__[0]).glob("*.py"))

UNROUTED = {
    "board._REVISIONS_OF_ALL": "a process asks for all its open boards at once; not so on a distributed database",
    "directory._ORGANIZATIONS": "the person at the command line lists all organizations",
    "directory._HORIZONS": "rolling forward looks for work in every organization; what it finds is done one by one",
    "sign_ins._SOME": "a browser that knows no organization yet asks whether there is only one",
}
"""Statements that are not about one organization, and why."""


def statements() -> dict[str, str]:
    """Every SQL statement of the store, by module and name: they are constants of their modules."""
    found = {}
    for path in MODULES:
        module = importlib.import_module(f"slotkeeper.store.{path.stem}")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and "SQL(" in ast.unparse(node.value):
                name = ast.unparse(node.targets[0])
                found[f"{path.stem}.{name}"] = str(getattr(module, name))
    return found | {f"tables.{name}[{table}]": sql for name, each in of_tables().items() for table, sql in each.items()}


def of_tables() -> dict[str, dict[str, str]]:
    """The statements that stand once for each table."""
    names = {table.name for table in tables.TABLES}
    return {name: each for name, each in vars(tables).items() if isinstance(each, dict) and each.keys() == names}


def builders() -> Iterator[str]:
    """The functions that make statements, which are no constants then."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "SQL(" in ast.unparse(node):
                yield f"{path.stem}.{node.name}"
