"""The OpenAPI document as a page for people: plain HTML, nothing fetched from anywhere, no script."""

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from slotkeeper.api.openapi import document
from slotkeeper.api.request import Operation, Page

Json = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
nav { columns: 2; } nav a { display: block; text-decoration: none; }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: .4rem; }
p code, td code { background: var(--soft); padding: .1rem .25rem; border-radius: .25rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: .3rem 0; }
.method { font-weight: 700; }
@media (max-width: 40rem) { nav { columns: 1; } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_FORBIDDEN = "403"  # differs by nothing but the scope, which each operation names
_ABOUT_LINES = """\
In the lines to paste, `$SERVER` is the address of this server and `$KEY` your API key: `SERVER=http://127.0.0.1:8000`,
`KEY=sk_live_…`. The ids and dates in them are examples; `GET` requests show those that you have.
"""
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(operations: Sequence[Operation]) -> Page:
    """The page as it is served."""
    headers = ((b"content-security-policy", _POLICY.encode()), (b"x-content-type-options", b"nosniff"))
    return Page("text/html; charset=utf-8", "".join(_html(document(operations))).encode(), headers)


def _html(spec: Json) -> Iterator[str]:
    title = f"{spec['info']['title']} {spec['info']['version']}"
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
    yield from _prose(spec["info"]["description"])
    yield '<p>For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p><nav>'
    operations = [(method, path, said) for path, methods in spec["paths"].items() for method, said in methods.items()]
    for _, _, said in operations:
        yield f'<a href="#{said["operationId"]}">{escape(said["summary"])}</a>'
    yield '<a href="#refusals">Refusals that operations share</a></nav>'
    yield from _prose(_ABOUT_LINES)
    for method, path, said in operations:
        yield from _operation(spec, method.upper(), path, said)
    yield from _refusals(spec, [said for _, _, said in operations])
    yield "</body></html>"


def _operation(spec: Json, method: str, path: str, said: Json) -> Iterator[str]:
    yield f'<section id="{said["operationId"]}"><h2>{escape(said["summary"])}</h2>'
    yield f'<p><code><span class="method">{method}</span> {escape(path)}</code></p>'
    yield from _prose(said["description"])
    yield f"<pre>{escape(_curl(method, path, said), quote=False)}</pre>"
    parameters = said.get("parameters", [])
    yield from _table("Parameters", [(one["name"], one["required"], _text_of(spec, one)) for one in parameters])
    body = said.get("requestBody")
    if body is not None:
        content = body["content"]["application/json"]
        schema = _resolve(spec, content["schema"])
        fields = schema["properties"].items()
        rows = [(name, name in schema["required"], _text_of(spec, {"schema": one})) for name, one in fields]
        yield from _table("Body", rows)
    yield "<h3>Answers</h3>"
    shared = [status for status, answer in said["responses"].items() if _is_shared(status, answer)]
    for status, answer in said["responses"].items():
        if status not in shared:
            yield from _answer(status, answer)
    if shared:
        codes = ", ".join(f"<code>{status}</code>" for status in shared)
        yield f'<p>Also {codes}: <a href="#refusals">refusals that operations share</a>.</p>'
    yield "</section>"


def _refusals(spec: Json, operations: Sequence[Json]) -> Iterator[str]:
    """The refusals that many operations answer with, once."""
    shared: dict[str, Json] = {}
    for said in operations:
        for status, answer in said["responses"].items():
            if _is_shared(status, answer):
                shared.setdefault(status, answer)
    yield '<section id="refusals"><h2>Refusals that operations share</h2>'
    for status, answer in sorted(shared.items()):
        yield from _answer(status, _resolve(spec, answer))
    yield "</section>"


def _is_shared(status: str, answer: Json) -> bool:
    return "$ref" in answer or status == _FORBIDDEN


def _curl(method: str, path: str, said: Json) -> str:
    """A line for a shell that sends the examples of an operation."""
    query = {}
    for parameter in said.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        elif "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    address = f"{path}?{urlencode(query)}" if query else path
    parts = ["curl -s" if method == "GET" else f"curl -s -X {method}", f'"$SERVER{address}"']
    if said["security"]:
        parts.append('-H "Authorization: Bearer $KEY"')
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if body:
        parts.append(f'-H "Content-Type: application/json" -d {shlex.quote(json.dumps(body, ensure_ascii=False))}')
    return " ".join(parts)


def _table(title: str, rows: Sequence[tuple[str, bool, str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"<h3>{title}</h3><table><tr><th>Name</th><th>Required</th><th>What it says</th></tr>"
    for name, required, text in rows:
        yield f"<tr><td><code>{escape(name)}</code></td><td>{'yes' if required else 'no'}</td>"
        yield f"<td>{_inline(text)}</td></tr>"
    yield "</table>"


def _text_of(spec: Json, described: Json) -> str:
    """What a parameter or a field says of itself and of its values."""
    schema = described["schema"]
    values = schema.get("anyOf", [schema] if "$ref" in schema else [])
    parts = [described, schema, *(_resolve(spec, value) for value in values)]
    return " ".join(part["description"] for part in parts if "description" in part)


def _resolve(spec: Json, described: Json) -> Json:
    """What is described here, or where this refers to."""
    reference: str | None = described.get("$ref")
    if reference is None:
        return described
    _, _, sort, name = reference.split("/")
    found: Json = spec["components"][sort][name]
    return found


def _answer(status: str, answer: Json) -> Iterator[str]:
    (content,) = answer["content"].values()
    examples = [one["value"] for one in content.get("examples", {}).values()] or [content.get("example")]
    yield f"<details><summary><code>{status}</code> {_inline(answer['description'])}</summary>"
    for example in examples:
        if example is not None:
            yield f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False), quote=False)}</pre>"
    yield "</details>"


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield f"<p>{_inline(paragraph)}</p>"


def _inline(text: str) -> str:
    """Text with its `code` marked."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
