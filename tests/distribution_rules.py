"""What a PostgreSQL that is distributed by organization asks of schema and statements, as far as a reader can see it.

Each rule was met on a real cluster of Citus: what breaks it is refused there, is silently not kept, or goes to every
node. Whatever is looked at here is PostgreSQL's own text, as the engine sends it.
"""

from collections.abc import Iterable
from typing import Any

from tests.routing import scattered, sub_selected, untied
from tests.sql_tree import Node, find, names_of, parse, unpack, walk

ORG = "org_id"
IMMUTABLE = {"abs", "greatest", "least", "length", "lower", "upper", "md5"}
"""Functions that a SET may call."""
COMPUTED_BEFORE = {"SQLValueFunction", "CurrentOfExpr", "SetToDefault"}
PER_NODE = ("pg_advisory", "pg_try_advisory", "pg_notify")
RESTRICTS = {"a", "r", ""}  # NO ACTION, RESTRICT
CASCADES = "c"


def breaches_of_statement(text: str, parameters: list[str], tables: set[str], *, across: bool = False) -> list[str]:
    """The rules that a statement breaks; ``across`` for one that is meant for all organizations."""
    kind, fields = parse(text)
    tree = {kind: fields}
    found = []
    if across:
        found += [f"{alias} meets rows of other organizations" for alias in scattered(tree, tables)]
    else:
        found += [f"org_id = :org_id is missing for {alias}" for alias in untied(tree, tables, parameters)]
    if sub_selected(tree):
        found.append("org_id is compared with a sub-select")
    rules = (_of_sets, _of_values, _of_selected, _of_locks, _of_changing_ctes, _per_node)
    return found + [breach for rule in rules for breach in rule(tree)]


def _of_sets(tree: Node) -> list[str]:
    """What is SET is computed on each row's own node: nothing that another moment or node would give otherwise."""
    found = []
    for kind, fields in walk(tree):
        if kind == "onConflictClause" and find(fields.get("targetList", []), "SubLink"):
            found.append("DO UPDATE SET holds a sub-select")
        if kind not in {"onConflictClause", "UpdateStmt"}:
            continue
        found += [f"SET calls {name}" for name in _calls(fields.get("targetList", [])) if name not in IMMUTABLE]
        found += ["SET asks for the time or the user"] * bool(find(fields.get("targetList", []), *COMPUTED_BEFORE))
    return found


def _calls(tree: Any) -> list[str]:
    return [names_of(call["funcname"])[-1] for call in find(tree, "FuncCall")]


def _of_values(tree: Node) -> list[str]:
    rows = [row for select in find(tree, "SelectStmt") for row in select.get("valuesLists", [])]
    return ["a sub-select stands inside VALUES"] * bool(find(rows, "SubLink"))


def _of_selected(tree: Node) -> list[str]:
    """The SELECT of an INSERT is planned by itself, where nothing tells the type of a parameter but a cast."""
    selects = [insert["selectStmt"]["SelectStmt"] for insert in find(tree, "InsertStmt") if "selectStmt" in insert]
    targets = [target["ResTarget"]["val"] for select in selects for target in select.get("targetList", [])]
    return ["a parameter without a type is selected for an INSERT"] * any("ParamRef" in target for target in targets)


def _of_locks(tree: Node) -> list[str]:
    """Locks on rows are taken by the outermost SELECT only."""
    kind, fields = unpack(tree)
    inner = {name: value for name, value in fields.items() if name != "lockingClause"} if kind == "SelectStmt" else tree
    return ["rows are locked below the outermost SELECT"] * bool(find(inner, "LockingClause"))


def _of_changing_ctes(tree: Node) -> list[str]:
    """Beside an UPDATE or DELETE in its WITH, an INSERT … SELECT reads from the WITH only."""
    found = []
    for insert in find(tree, "InsertStmt"):
        ctes = [cte for clause in [insert.get("withClause", {})] for cte in find(clause, "CommonTableExpr")]
        changes = [cte for cte in ctes if {"UpdateStmt", "DeleteStmt"} & cte["ctequery"].keys()]
        own = {cte["ctename"] for cte in ctes}
        read = {table["relname"] for table in find(insert.get("selectStmt", {}), "RangeVar")}
        if changes and read - own:
            found.append("an UPDATE or DELETE stands beside an INSERT … SELECT from tables")
    return found


def _per_node(tree: Node) -> list[str]:
    """Advisory locks and messages stay on the node on which they were taken or sent."""
    found = [f"{name} holds on one node only" for name in _calls(tree) if name.startswith(PER_NODE)]
    return found + [f"{kind} holds on one node only" for kind, _ in walk(tree) if kind in {"ListenStmt", "NotifyStmt"}]


def breaches_of_schema(statements: Iterable[str]) -> list[str]:
    """The rules that a schema, or its history, breaks; its statements in order."""
    found: list[str] = []
    types: dict[str, str] = {}
    for text in statements:
        kind, fields = parse(text)
        if kind == "CreateStmt":
            found += _of_table(fields, types)
        elif kind == "IndexStmt":
            found += _of_index(fields)
        elif kind == "AlterTableStmt":
            found += _of_alteration(fields, types)
        elif kind == "RenameStmt" and fields["renameType"] == "OBJECT_TABCONSTRAINT":
            found.append(f"{fields['relation']['relname']}: a constraint is renamed")
        elif kind in {"CreateTrigStmt", "RuleStmt"}:
            found.append(f"{fields['relation']['relname']}: no triggers or rules on a distributed table")
    if len(set(types.values())) > 1:
        found.append(f"org_id is of several types: {', '.join(sorted(set(types.values())))}")
    return found


def _of_table(table: Node, types: dict[str, str]) -> list[str]:
    name = table["relation"]["relname"]
    found: list[str] = []
    keys = 0
    for element in table["tableElts"]:
        kind, fields = unpack(element)
        constraints = [fields] if kind == "Constraint" else find(fields.get("constraints", []), "Constraint")
        column = fields["colname"] if kind == "ColumnDef" else None
        if column == ORG:
            types[name] = names_of(fields["typeName"]["names"])[-1]
        if column is not None:
            found += _of_column(name, fields)
        for constraint in constraints:
            keys += constraint["contype"] == "CONSTR_PRIMARY"
            found += _of_constraint(name, constraint, column, types)
    if name not in types:
        found.append(f"{name}: it has no org_id")
    if keys != 1:
        found.append(f"{name}: it has no primary key")
    return found


def _of_column(table: str, column: Node) -> list[str]:
    """Numbers that the nodes give on their own must not run out or meet."""
    kind = names_of(column["typeName"]["names"])[-1]
    is_identity = any(one["contype"] == "CONSTR_IDENTITY" for one in find(column, "Constraint"))
    if kind in {"serial", "smallserial", "serial4"} or (is_identity and kind != "int8"):
        return [f"{table}.{column['colname']}: numbers that the database gives are bigint"]
    return []


def _of_constraint(table: str, constraint: Node, column: str | None, types: dict[str, str]) -> list[str]:
    """``column``: the one that the constraint stands behind."""
    kind = constraint["contype"]
    if kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        keys = names_of(constraint.get("keys")) or [column or ""]
        return [] if keys[0] == ORG else [f"{table}: a key does not begin with org_id"]
    if kind == "CONSTR_EXCLUSION":
        return [f"{table}: an exclusion constraint"]
    if kind != "CONSTR_FOREIGN":
        return []
    found = []
    parent = constraint["pktable"]["relname"]
    mine = names_of(constraint.get("fk_attrs")) or [column or ""]
    if mine[0] != ORG or names_of(constraint.get("pk_attrs"))[:1] != [ORG]:
        found.append(f"{table}: a foreign key does not begin with org_id")
    if parent not in types:
        found.append(f"{table}: it points at {parent}, which is made later or not distributed")
    if constraint.get("fk_upd_action", "") not in RESTRICTS:
        found.append(f"{table}: ON UPDATE changes rows")
    if constraint.get("fk_del_action", "") not in RESTRICTS | {CASCADES}:
        found.append(f"{table}: ON DELETE sets columns")
    return found


def _of_index(index: Node) -> list[str]:
    first = index["indexParams"][0]["IndexElem"].get("name")
    return [] if first == ORG else [f"{index['relation']['relname']}: an index does not begin with org_id"]


def _of_alteration(alteration: Node, types: dict[str, str]) -> list[str]:
    table = alteration["relation"]["relname"]
    found = []
    for command in find(alteration["cmds"], "AlterTableCmd"):
        definition = command.get("def", {})
        if command["subtype"] == "AT_AddColumn":
            column = definition["ColumnDef"]
            beside = [one["contype"] for one in find(column.get("constraints", []), "Constraint")]
            if {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_UNIQUE", "CONSTR_PRIMARY"} & set(beside):
                found.append(f"{table}: a column and its constraint are made in one statement")
            found += _of_column(table, column)
        elif command["subtype"] == "AT_AddConstraint":
            found += _of_constraint(table, definition["Constraint"], None, types)
    return found
