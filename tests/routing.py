"""Which tables of a statement are tied to one organization, on the tree of its PostgreSQL text.

A table is tied where ``org_id = :org_id`` (or a constant) holds for it in its own WHERE, or in the ON of its join: then
the whole statement runs on that organization's node. An outer join's ON ties the optional side only.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.sql_tree import Node, bare, column_of, conjuncts, equation, find, unpack, walk


class Source(NamedTuple):
    """A table in a FROM, an UPDATE or a DELETE, by its alias, with the conditions that hold for its rows."""

    alias: str
    table: str
    conditions: tuple[Node, ...]
    is_alone: bool


def untied(tree: Node, tables: set[str], parameters: list[str]) -> list[str]:
    """The tables, by their alias, that are not tied to one organization."""
    found = [source.alias for source in sources(tree, tables) if not _is_tied(source, parameters)]
    return found + [
        insert["relation"]["relname"]
        for insert in find(tree, "InsertStmt")
        if insert["relation"]["relname"] in tables and not _inserts_tied(insert, parameters)
    ]


def scattered(tree: Node, tables: set[str]) -> list[str]:
    """The tables of a statement about all organizations whose rows are joined with those of other organizations."""
    found = list(sources(tree, tables))
    outermost = [source for source in found if not _meets_another(source)]
    return [source.alias for source in outermost if not source.is_alone or _is_inside(tree, source)]


def sources(tree: Node, tables: set[str]) -> Iterator[Source]:
    """Every table that a statement reads, changes or deletes from."""
    own = {cte["ctename"] for cte in find(tree, "CommonTableExpr")}
    for kind, fields in walk(tree):
        if kind not in {"SelectStmt", "UpdateStmt", "DeleteStmt"}:
            continue
        items = fields.get("fromClause", []) + fields.get("usingClause", [])
        if kind != "SelectStmt":
            items = [{"RangeVar": fields["relation"]}, *items]
        where = tuple(conjuncts(fields.get("whereClause")))
        leaves = [leaf for item in items for leaf in _leaves(item, where)]
        real = [leaf for leaf in leaves if leaf[0].get("relname") in tables - own]
        for node, conditions in real:
            alias = node.get("alias", {}).get("aliasname", node["relname"])
            yield Source(alias, node["relname"], conditions, len(real) == 1)


def _leaves(item: Node, conditions: tuple[Node, ...]) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """What a FROM is made of, each with the conditions that hold for it."""
    kind, fields = unpack(item)
    if kind != "JoinExpr":
        yield fields if kind == "RangeVar" else {}, conditions
        return
    on = tuple(conjuncts(fields.get("quals")))
    left = conditions + on if fields["jointype"] in {"JOIN_INNER", "JOIN_RIGHT"} else conditions
    right = conditions + on if fields["jointype"] in {"JOIN_INNER", "JOIN_LEFT"} else conditions
    yield from _leaves(fields["larg"], left)
    yield from _leaves(fields["rarg"], right)


def _is_tied(source: Source, parameters: list[str]) -> bool:
    return any(_is_organization(other, parameters) for other in _equals_of(source))


def _equals_of(source: Source) -> list[Node]:
    """What the organization of a table's rows must be equal to."""
    own = [(source.alias, "org_id")] + ([("", "org_id")] if source.is_alone else [])
    sides = [pair for condition in source.conditions if (pair := equation(condition)) is not None]
    return [right for left, right in sides if column_of(left) in own] + [
        left for left, right in sides if column_of(right) in own
    ]


def _is_organization(node: Node, parameters: list[str]) -> bool:
    """Whether it is the organization's parameter, or a constant."""
    inner = bare(node)
    if "ParamRef" in inner:
        number: int = inner["ParamRef"]["number"]
        return parameters[number - 1] == "org_id"
    return "A_Const" in inner


def _inserts_tied(insert: Node, parameters: list[str]) -> bool:
    """Whether every row goes to the organization; one that is copied from a tied table does."""
    columns = [column["ResTarget"]["name"] for column in insert.get("cols", [])]
    if columns[:1] != ["org_id"]:
        return False
    select = insert["selectStmt"]["SelectStmt"]
    rows = [row["List"]["items"] for row in select.get("valuesLists", [])]
    firsts = [row[0] for row in rows] or [select["targetList"][0]["ResTarget"]["val"]]
    return all(_is_organization(first, parameters) or _names_org(first) for first in firsts)


def _names_org(node: Node) -> bool:
    column = column_of(node)
    return column is not None and column[1] == "org_id"


def _meets_another(source: Source) -> bool:
    """Whether its rows meet those of their own organization only."""
    return any(_names_org(other) for other in _equals_of(source))


def _is_inside(tree: Node, source: Source) -> bool:
    """Whether a table is asked in a sub-select of an expression, beside the row of another table."""
    inner: list[Any] = [link["subselect"] for link in find(tree, "SubLink")]
    return any(found.alias == source.alias for select in inner for found in sources(select, {source.table}))


def sub_selected(tree: Node) -> bool:
    """Whether ``org_id`` is compared with what a sub-select finds: that goes to every node."""
    for fields in find(tree, "A_Expr"):
        sides = [fields.get("lexpr", {}), fields.get("rexpr", {})]
        if any(_names_org(side) for side in sides) and any("SubLink" in bare(side) for side in sides):
            return True
    return any(_names_org(link.get("testexpr", {})) for link in find(tree, "SubLink"))
