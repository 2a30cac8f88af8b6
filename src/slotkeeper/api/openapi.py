"""The OpenAPI 3.1 document, made from the table of operations and the shapes that the door reads and answers by."""

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

from slotkeeper import __version__
from slotkeeper.api.door import LARGEST_BODY
from slotkeeper.api.examples import EXAMPLES, SHOWN, TARGETS
from slotkeeper.api.json_schema import REF, Schemas, component_name, json_object
from slotkeeper.api.problems import STATUS, envelope, headers_of
from slotkeeper.api.reading import fields_of
from slotkeeper.api.refusals import SHARED, refusals
from slotkeeper.api.request import Operation, Page
from slotkeeper.api.schemas import Data
from slotkeeper.domain.errors import SlotkeeperError

Json = dict[str, Any]

_ABOUT = f"""\
Appointment availability and schedule tracking that never oversells a place.

Send the API key of your organization with every request: `Authorization: Bearer sk_live_…`. Each operation names
the scope that the key needs. A key may make as many requests a minute as its rate limit says (429 beyond).

Success is `{{"success": true, …}}`, failure `{{"success": false, "error": {{"code", "message"}}}}`, where `code` is
for programs and `message` is a sentence that says what would be right. Every answer carries `X-Request-Id`: yours, if
you sent one of up to 128 letters, digits and `._:-`, else one of ours.

Instants are ISO 8601 in UTC, dates `YYYY-MM-DD`, wall times `HH:MM` on the branch's clock. Bodies are JSON objects of
at most {LARGEST_BODY // 1024} KiB; fields that an operation does not know are refused. In a PATCH, fields of the
answer may be sent back as they were.
"""

_MEANINGS: dict[int, str] = {
    400: "A parameter or a field is missing, malformed or out of range; `details` lists all of them.",
    401: "No API key, or one that is unknown, revoked or expired.",
    403: "The API key lacks the scope.",
    404: "There is no such record in this organization.",
    409: "A rule of uniqueness or state stands against it.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "It is not available, or a booking rule refuses it.",
    429: "The API key made too many requests; try again after `Retry-After` seconds.",
    500: "Our fault; the log says more under the request id.",
    503: "The database cannot answer now; try again after `Retry-After` seconds.",
}

_HEADERS: Json = {
    "X-Request-Id": {"description": "The id of this request.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Idempotent-Replay": {
        "description": "The answer was given before, to the same request with the same Idempotency-Key.",
        "required": False,
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
}


_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text of your own for this request. Sent again within 24 hours, the request has no second effect "
    "and gets the first answer, with `Idempotent-Replay: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]*$"},
    "example": "call-4711-booking-1",
}


def document(operations: Iterable[Operation]) -> Json:
    """The whole document."""
    schemas = Schemas()
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slotkeeper", "version": __version__, "description": _ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _error_schema(operations), **dict(sorted(schemas.components.items()))},
            "headers": _HEADERS,
            "responses": _shared_failures(operations),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: `sk_live_…`. It is shown once, when it is created.",
                }
            },
        },
    }


def page(operations: Sequence[Operation]) -> Page:
    """The document as it is served."""
    return Page("application/json", msgspec.json.encode(document(operations)))


def _operation(operation: Operation, schemas: Schemas) -> Json:
    scope = operation.scope
    description = inspect.getdoc(operation.handler) or ""
    if scope is not None:
        description += f"\n\nNeeds the scope `{scope}`."
    elif operation.any_key:
        description += "\n\nNeeds a key, whatever its scopes."
    described: Json = {
        "operationId": operation.handler.__name__,
        "tags": [operation.handler.__module__.rpartition(".")[2]],
        "summary": operation.summary,
        "description": description,
        "security": [{"apiKey": []}] if operation.needs_key else [],
    }
    if scope is not None:
        described["x-required-scope"] = scope.value
    parameters = _parameters(operation, schemas)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _request_body(operation.body, schemas)
    described["responses"] = _responses(operation, schemas)
    return described


def _parameters(operation: Operation, schemas: Schemas) -> list[Json]:
    parameters: list[Json] = []
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = schemas.of(operation.target)
        example = TARGETS[operation.path]
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema, "example": example})
    if operation.query is not None:
        examples = EXAMPLES[operation.query]
        for field in fields_of(operation.query):
            parameter = {"name": field.name, "in": "query", "required": field.required}
            parameter |= {"description": field.description, "schema": schemas.of_kind(field)}
            if not field.required:
                parameter["allowEmptyValue"] = True  # counts as not given
            if field.name in examples:
                parameter["example"] = examples[field.name]
            parameters.append(parameter)
    if operation.method == "POST":
        parameters.append(_IDEMPOTENCY_KEY)
    for header, meaning in operation.headers.items():
        schema = {"type": "string", "maxLength": 255}
        parameters.append({"name": header, "in": "header", "required": False, "description": meaning, "schema": schema})
    return parameters


def _request_body(body: type[msgspec.Struct], schemas: Schemas) -> Json:
    content = {"application/json": {"schema": schemas.of(body), "example": EXAMPLES[body]}}
    return {"required": bool(fields_of(body)), "content": content}


def _responses(operation: Operation, schemas: Schemas) -> Json:
    responses: Json = {str(operation.status): _success(operation, schemas)}
    if operation.dry_run is not None:
        dry_run = operation._replace(answer=operation.dry_run, method="GET")  # nothing is kept of it for a retry
        responses["200"] = {**_success(dry_run, schemas), "description": "Nothing was changed: a dry run."}
    by_status: dict[int, list[SlotkeeperError]] = {}
    for error in refusals(operation):
        by_status.setdefault(STATUS[error.kind], []).append(error)
    for status, errors in sorted(by_status.items()):
        is_shared = len(errors) == 1 and type(errors[0]) in SHARED
        name = f"#/components/responses/{type(errors[0]).__name__}"
        responses[str(status)] = {"$ref": name} if is_shared else _failure(errors)
    return responses


def _shared_failures(operations: Iterable[Operation]) -> Json:
    """The answers that operations refer to: a refusal that is the only one of its status somewhere."""
    alone = set()
    for operation in operations:
        found = refusals(operation)
        statuses = Counter(STATUS[error.kind] for error in found)
        alone |= {type(error) for error in found if statuses[STATUS[error.kind]] == 1}
    return {kind.__name__: _failure([error]) for kind, error in SHARED.items() if kind in alone}


def _success(operation: Operation, schemas: Schemas) -> Json:
    described: Json = {
        "description": "Done.",
        "headers": _references(["idempotent-replay"] if operation.method == "POST" else []),
    }
    if isinstance(operation.answer, str):
        described["content"] = {
            operation.answer: {"schema": {"type": "string" if "html" in operation.answer else "object"}}
        }
        return described
    content: Json = {"schema": schemas.of(operation.answer)}
    examples = {name: {"value": value} for name, value in _examples(operation)}
    content |= {"example": next(iter(examples.values()))["value"]} if len(examples) == 1 else {"examples": examples}
    described["content"] = {"application/json": content}
    return described


def _failure(errors: Sequence[SlotkeeperError]) -> Json:
    """The answer to some refusals of one HTTP status."""
    codes = sorted({error.code for error in errors})
    schema = {"allOf": [{"$ref": f"{REF}Error"}, {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}]}
    examples = {error.code: {"value": envelope(error)} for error in errors}
    return {
        "description": _MEANINGS[STATUS[errors[0].kind]],
        "headers": _references([name.decode() for name, _ in headers_of(errors[0])]),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _references(names: Sequence[str]) -> Json:
    """The headers of an answer: the one that every answer has, and those named in lower case."""
    sent = ["x-request-id", *names]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS if name.lower() in sent}


def _error_schema(operations: Iterable[Operation]) -> Json:
    detail = json_object({"field": {"type": "string"}, "message": {"type": "string"}}, ["field", "message"])
    detail["description"] = "One thing that is wrong; `field` is empty for the request as a whole."
    codes = sorted({error.code for operation in operations for error in refusals(operation)})
    error = json_object(
        {
            "code": {"type": "string", "description": f"For programs: {', '.join(codes)}."},
            "message": {"type": "string", "description": "What was wrong and what would be right, in a sentence."},
            "details": {
                "type": "array",
                "items": detail,
                "minItems": 1,
                "description": "Of a `VALIDATION_ERROR`: everything that was wrong.",
            },
        },
        ["code", "message"],
    )
    described = json_object({"success": {"const": False}, "error": error}, ["success", "error"])
    return {"description": "A refusal.", **described}


def _examples(operation: Operation) -> list[tuple[str, Json]]:
    """The examples of an operation's answer by name; several where it has several forms."""
    answer = operation.answer
    forms = get_args(answer) if get_origin(answer) is UnionType else [answer]
    if len(forms) == 1 and get_origin(forms[0]) is Data and get_origin(get_args(forms[0])[0]) is UnionType:
        return [
            (component_name(form), {"success": True, "data": _with(EXAMPLES[form], _shown(operation))})
            for form in get_args(get_args(forms[0])[0])
        ]
    return [_example(form, _shown(operation)) for form in forms]


def _example(form: Any, shown: Json) -> tuple[str, Json]:  # noqa: ANN401 - a type expression
    if get_origin(form) is not Data:
        return component_name(form), _with(EXAMPLES[form], shown)
    (inner,) = get_args(form)
    if get_origin(inner) is list:
        return "data", {"success": True, "data": [dict(EXAMPLES[get_args(inner)[0]])]}
    return "data", {"success": True, "data": _with(EXAMPLES[inner], shown)}


def _shown(operation: Operation) -> Json:
    """What the answer shows of the example request, and of the operation itself."""
    sent = {} if operation.body is None else EXAMPLES[operation.body]
    return {**sent, **SHOWN.get(operation.path, {})}


def _with(example: Mapping[str, object], shown: Json) -> Json:
    """An example that agrees with what an answer shows, its keys in their order."""
    return {name: shown.get(name, value) for name, value in example.items()}
