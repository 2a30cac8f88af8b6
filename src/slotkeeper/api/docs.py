"""The OpenAPI document as a page for people: plain HTML, nothing fetched from anywhere, no script."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

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
    yield "</nav>"
    for method, path, said in operations:
        yield from _operation(spec, method.upper(), path, said)
    yield "</body></html>"


def _operation(spec: Json, method: str, path: str, said: Json) -> Iterator[str]:
    yield f'<section id="{said["operationId"]}"><h2>{escape(said["summary"])}</h2>'
    yield f'<p><code><span class="method">{method}</span> {escape(path)}</code></p>'
    yield from _prose(said["description"])
    parameters = said.get("parameters", [])
    yield from _table("Parameters", [(one["name"], one["required"], _text_of(spec, one)) for one in parameters])
    body = said.get("requestBody")
    if body is not None:
        content = body["content"]["application/json"]
        schema = _resolve(spec, content["schema"])
        fields = schema["properties"].items()
        rows = [(name, name in schema["required"], _text_of(spec, {"schema": one})) for name, one in fields]
        yield from _table("Body", rows)
        yield from _example("A body", content["example"])
    yield "<h3>Answers</h3>"
    for status, answer in said["responses"].items():
        yield from _answer(status, _resolve(spec, answer))
    yield "</section>"


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
            yield from _example("", example)
    yield "</details>"


def _example(title: str, value: object) -> Iterator[str]:
    if title:
        yield f"<p>{escape(title)}:</p>"
    yield f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield f"<p>{_inline(paragraph)}</p>"


def _inline(text: str) -> str:
    """Text with its `code` marked."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
