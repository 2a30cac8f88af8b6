"""SQL as the tree that PostgreSQL's own parser makes of it: a node is a dictionary with its kind as the only key."""

from collections.abc import Iterator
from typing import Any

import pgparse

Node = dict[str, Any]


def parse(sql: str) -> tuple[str, Node]:
    """The kind and the fields of the one statement of a text."""
    (statement,) = pgparse.parse(sql)
    return unpack(statement["stmt"])


def unpack(node: Node) -> tuple[str, Node]:
    """The kind and the fields of a node."""
    ((kind, fields),) = node.items()
    return kind, fields


def walk(tree: Any) -> Iterator[tuple[str, Node]]:
    """Every node below a tree, itself included, with its kind."""
    if isinstance(tree, list):
        for item in tree:
            yield from walk(item)
    elif isinstance(tree, dict):
        for kind, fields in tree.items():
            if isinstance(fields, dict):
                is_arm = kind in {"larg", "rarg"} and "op" in fields  # of a UNION: those stand without their kind
                yield "SelectStmt" if is_arm else kind, fields
            yield from walk(fields)


def find(tree: Any, *kinds: str) -> list[Node]:
    """The fields of every node of some kinds."""
    return [fields for kind, fields in walk(tree) if kind in kinds]


def text_of(node: Node) -> str:
    """The text of a name."""
    return str(node["String"]["sval"])


def names_of(nodes: list[Node] | None) -> list[str]:
    """The texts of some names."""
    return [text_of(node) for node in nodes or []]


def column_of(node: Node) -> tuple[str, str] | None:
    """The alias (empty where none is given) and the name of a column; None for what is no column."""
    fields = node.get("ColumnRef", {}).get("fields", [])
    if not fields or not all("String" in field for field in fields):
        return None
    names = names_of(fields)
    return ("", names[0]) if len(names) == 1 else (names[0], names[1])


def bare(node: Node) -> Node:
    """A node without the casts around it."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return node


def conjuncts(condition: Node | None) -> list[Node]:
    """The parts of a condition that must all hold."""
    if condition is None:
        return []
    both = condition.get("BoolExpr", {})
    if both.get("boolop") == "AND_EXPR":
        return [part for argument in both["args"] for part in conjuncts(argument)]
    return [condition]


def equation(node: Node) -> tuple[Node, Node] | None:
    """The two sides of ``a = b``; None for every other condition."""
    fields = node.get("A_Expr", {})
    if fields.get("kind") != "AEXPR_OP" or names_of(fields["name"]) != ["="]:
        return None
    return fields["lexpr"], fields["rexpr"]
