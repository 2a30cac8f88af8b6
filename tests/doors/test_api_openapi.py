"""The OpenAPI document and the documentation page: complete, and true of what is served."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from slotkeeper.api import docs, openapi, schedule, schemas
from slotkeeper.api.examples import EXAMPLES, TARGETS
from slotkeeper.api.problems import STATUS
from slotkeeper.api.reading import fields_of, read_body, read_query
from slotkeeper.api.refusals import refusals
from slotkeeper.api.request import Operation
from slotkeeper.api.routes import OPERATIONS
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import parse_slot_id, parse_uuid
from slotkeeper.tools.table import TOOLS
from tests.world import Client, good

SPEC: dict[str, Any] = openapi.document(OPERATIONS)


def name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = SPEC["paths"][operation.path][operation.method.lower()]
    return found


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = SPEC
    if "$ref" not in value:
        return value
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for part in value.values() for one in references(part)]
    return [one for part in value for one in references(part)] if isinstance(value, list) else []


each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)


def test_the_document_lists_every_operation_and_no_other() -> None:
    listed = {f"{method.upper()} {path}" for path, methods in SPEC["paths"].items() for method in methods}
    assert listed == {name_of(operation) for operation in OPERATIONS}
    assert len({described(operation)["operationId"] for operation in OPERATIONS}) == len(OPERATIONS)


@each_operation
def test_an_operation_names_its_scope_and_the_key_that_it_needs(operation: Operation) -> None:
    said = described(operation)
    if operation.scope is None:
        assert said["security"] == ([{"apiKey": []}] if operation.any_key else [])
        assert "x-required-scope" not in said
    else:
        assert said["security"] == [{"apiKey": []}]
        assert said["x-required-scope"] == operation.scope
        assert f"`{operation.scope}`" in said["description"]


@each_operation
def test_an_operation_describes_every_parameter_and_field(operation: Operation) -> None:
    said = described(operation)
    by_place: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for parameter in said.get("parameters", []):
        by_place[parameter["in"]][parameter["name"]] = parameter
    assert list(by_place["path"]) == re.findall(r"{(\w+)}", operation.path)
    query = [] if operation.query is None else [field.name for field in fields_of(operation.query)]
    assert list(by_place["query"]) == query
    assert list(by_place["header"]) == (["Idempotency-Key"] if operation.method == "POST" else []) + [
        *operation.headers
    ]
    assert all(parameter["description"] for parameter in by_place["query"].values())
    if operation.body is not None:
        schema = resolve(said["requestBody"]["content"]["application/json"]["schema"])
        assert tuple(schema["properties"]) == operation.body.__struct_fields__
        assert schema["additionalProperties"] is False


@each_operation
def test_an_operation_lists_every_refusal_with_an_example_and_its_headers(operation: Operation) -> None:
    responses = described(operation)["responses"]
    expected = {str(operation.status), *(str(STATUS[error.kind]) for error in refusals(operation))}
    if operation.dry_run is not None:
        expected.add("200")
    assert set(responses) == expected
    for status, response in responses.items():
        answer = resolve(response)
        headers = {name.lower() for name in answer["headers"]}
        wanted = {"401": {"www-authenticate"}, "429": {"retry-after"}, "503": {"retry-after"}}.get(status, set())
        if operation.method == "POST" and status == str(operation.status):
            wanted = {"idempotent-replay"}
        assert headers == {"x-request-id"} | wanted
        if int(status) >= 400:
            examples = answer["content"]["application/json"]["examples"]
            assert examples
            for code, example in examples.items():
                assert example["value"]["error"]["code"] == code


@each_operation
def test_the_success_of_an_operation_is_exactly_its_shape_with_an_example(operation: Operation) -> None:
    answer = described(operation)["responses"][str(operation.status)]
    if isinstance(operation.answer, str):
        assert list(answer["content"]) == [operation.answer]
        return
    content = answer["content"]["application/json"]
    examples = [content["example"]] if "example" in content else [one["value"] for one in content["examples"].values()]
    forms = [resolve(form) for form in content["schema"].get("anyOf", [content["schema"]])]
    assert {tuple(form["properties"]) for form in forms} == {tuple(example) for example in examples}
    assert all(form["required"] == list(form["properties"]) for form in forms)


@each_operation
def test_a_refused_request_is_one_that_this_operation_could_be_sent(operation: Operation) -> None:
    names = {parameter["name"] for parameter in described(operation).get("parameters", [])}
    names |= set(operation.body.__struct_fields__) if operation.body is not None else set()
    for error in refusals(operation):
        if isinstance(error, InvalidInput):
            (detail,) = error.details
            assert detail.field in names
            assert f"'{detail.field}'" in detail.message


@each_operation
def test_an_example_answer_shows_what_the_example_request_asks_for(operation: Operation) -> None:
    if operation.body is None or operation.method not in ("PATCH", "POST") or isinstance(operation.answer, str):
        return
    content = described(operation)["responses"][str(operation.status)]["content"]["application/json"]
    for name, value in EXAMPLES[operation.body].items():
        shown = content.get("example", {}).get("data", {})
        assert shown.get(name, value) == value


def test_examples_show_what_an_operation_itself_brings_about() -> None:
    def example(method: str, path: str) -> Any:
        return SPEC["paths"][path][method]["responses"]["200"]["content"]["application/json"]["example"]

    assert example("post", "/v1/appointment-slots/{slot_id}/disable")["data"]["status"] == "CLOSED"
    assert example("post", "/v1/appointment-slots/{slot_id}/enable")["data"]["status"] == "OPEN"
    assert example("get", "/healthz")["status"] == "alive"
    assert example("get", "/readyz")["status"] == "ready"


def test_every_reference_leads_somewhere_and_everything_described_is_referred_to() -> None:
    found = set(references(SPEC))
    for reference in found:
        assert resolve({"$ref": reference})
    for sort in ("schemas", "headers", "responses"):
        described_there = {f"#/components/{sort}/{name}" for name in SPEC["components"][sort]}
        assert described_there <= found


@pytest.mark.parametrize("shape", EXAMPLES, ids=lambda shape: shape.__name__)
def test_an_example_is_one_of_its_shape(shape: type[msgspec.Struct]) -> None:
    example = EXAMPLES[shape]
    if shape.__name__.endswith(("View", "Answer")):
        assert list(example) == [field.name for field in fields_of(shape)]
    elif shape.__name__.endswith("Query"):
        read_query(shape, "&".join(f"{name}={value}" for name, value in example.items()).encode())
    else:
        read_body(shape, json.dumps(example).encode())


@pytest.mark.parametrize("path", TARGETS)
def test_an_example_of_a_path_is_well_formed(path: str) -> None:
    if TARGETS[path].startswith("appt_"):
        assert re.fullmatch("appt_[a-z0-9]{10}", TARGETS[path])
    elif path.startswith("/v1/tools/"):
        assert TARGETS[path] in [tool.name for tool in TOOLS]
    else:
        assert parse_uuid(TARGETS[path]) or parse_slot_id(TARGETS[path], parts=(2, 3))


def test_bodies_that_change_something_need_a_field() -> None:
    assert SPEC["components"]["schemas"]["RecordBody"]["minProperties"] == 1
    assert "minProperties" not in SPEC["components"]["schemas"]["NoFields"]
    assert schedule.RecordBody.__doc__ == SPEC["components"]["schemas"]["RecordBody"]["description"]


def test_the_keys_of_a_slot_are_described_in_the_documented_order() -> None:
    assert list(SPEC["components"]["schemas"]["Slot"]["properties"]) == list(schemas.SlotView.__struct_fields__)


def test_the_document_is_served_to_everybody(nobody: Client) -> None:
    answer = nobody.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(openapi.page(OPERATIONS).content)
    assert answer.json()["openapi"].startswith("3.1")


class Links(HTMLParser):
    """Collects what a page links to, fetches or runs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_every_operation_and_asks_nobody_for_anything(nobody: Client) -> None:
    answer = nobody.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Links()
    page.feed(answer.text)
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert page.links[0] == "/openapi.json"
    assert list(dict.fromkeys(link.removeprefix("#") for link in page.links[1:])) == page.ids
    assert len(answer.content) < 3_200 * len(OPERATIONS), "a page that a person can read"
    for operation in OPERATIONS:
        assert operation.path in page.text
        assert operation.summary in page.text
        assert described(operation)["operationId"] in page.ids
    for kind in SPEC["components"]["schemas"]["Timezone"]["description"], "null: the organization's.":
        assert kind in page.text


def test_the_page_has_a_line_to_paste_for_every_operation_and_shared_refusals_once(nobody: Client) -> None:
    page = Links()
    page.feed(nobody.get("/docs").text)
    lines = [line for line in page.text.split("curl ")[1:] if '"$SERVER/' in line]
    assert len(lines) == len(OPERATIONS)
    assert f'"$SERVER/v1/appointment-slots/days/{TARGETS["/v1/appointment-slots/days/{slot_id}"]}"' in page.text
    assert '-d \'{"status": "CLOSED"}\'' in page.text
    assert page.text.count('"code": "UNAUTHORIZED"') == 1
    assert page.text.count('"code": "INSUFFICIENT_SCOPE"') == 1


def test_the_page_escapes_what_it_shows() -> None:
    assert docs._inline("<b> `a & b`") == "&lt;b&gt; <code>a &amp; b</code>"


def test_what_the_document_says_of_a_slot_is_what_availability_answers(owner: Client) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    owner.window()
    slot = good(owner.get("/v1/appointment-slots/availability", date="2026-06-15"))["slots"][0]
    assert list(slot) == list(SPEC["components"]["schemas"]["Slot"]["properties"])
