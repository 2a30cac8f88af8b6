"""JSON Schemas of the shapes that the door reads and answers by."""

import inspect
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from slotkeeper.api.fields import Kind
from slotkeeper.api.reading import Field, fields_of
from slotkeeper.api.schemas import Data

Json = dict[str, Any]

REF = "#/components/schemas/"
_TYPES = {str: "string", bool: "boolean", int: "integer", dict: "object"}


class Schemas:
    """JSON Schemas of type expressions; shapes and named kinds are listed once and referred to."""

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}

    def of(self, hint: Any) -> Json:  # noqa: ANN401 - a type expression
        """The schema of a type expression."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._kind(next(note for note in arguments if isinstance(note, Kind)))
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(part) for part in arguments]}
        if origin is Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
        if origin is Data:
            return json_object({"success": {"const": True}, "data": self.of(arguments[0])}, ["success", "data"])
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        plain = origin or hint
        return self._shape(plain) if issubclass(plain, msgspec.Struct) else {"type": _TYPES[plain]}

    def of_kind(self, field: Field) -> Json:
        """The schema of a field's values other than null."""
        return self.of(field.inner) if field.kind is None else self._kind(field.kind)

    def _kind(self, kind: Kind) -> Json:
        schema = {"description": f"{kind.must_be[0].upper()}{kind.must_be[1:]}.", **kind.schema}
        if not kind.name:
            return schema
        self.components[kind.name] = schema
        return {"$ref": REF + kind.name}

    def _shape(self, shape: type[msgspec.Struct]) -> Json:
        name = component_name(shape)
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self._described(shape)
        return {"$ref": REF + name}

    def _described(self, shape: type[msgspec.Struct]) -> Json:
        fields = fields_of(shape)
        schema = json_object(
            {field.name: self._field(field) for field in fields}, [f.name for f in fields if f.required]
        )
        if fields and all(field.default is msgspec.UNSET for field in fields):
            schema["minProperties"] = 1
        return {"description": inspect.getdoc(shape) or "", **schema}

    def _field(self, field: Field) -> Json:
        schema = self.of_kind(field)
        if field.nullable:
            schema = {"anyOf": [schema, {"type": "null"}]}
        if field.description:
            meaning = schema.get("description", "")
            schema = {**schema, "description": " ".join(filter(None, [field.description, meaning]))}
        if field.default not in (msgspec.NODEFAULT, msgspec.UNSET, None):
            schema = {**schema, "default": field.default}
        return schema


def json_object(properties: Json, required: Sequence[str]) -> Json:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def component_name(shape: type) -> str:
    """The name of a shape in the document."""
    return shape.__name__.removesuffix("View")
