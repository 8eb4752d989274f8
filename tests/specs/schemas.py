"""From the Swagger 2.0 schema of a response to a JSON schema that stands alone.

References are followed across files. `x-nullable` allows null; a property that cannot be read (`x-ms-mutability`)
need not be there. Descriptions and the other `x-ms-*` say nothing about a body. A `discriminator` is not followed:
only the rules of role management policies have one, which nobody emulates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from tests.specs.index import document

_KEPT: Final = frozenset(
    {"type", "enum", "format", "pattern", "required", "minLength", "maxLength", "minimum", "maximum"}
    | {"minItems", "maxItems", "uniqueItems", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"}
)
_TEXT_FORMATS: Final = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "base64url": re.compile(r"[A-Za-z0-9_-]*={0,2}"),
    "uri": re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S*"),
    "arm-id": re.compile(r"/\S.*"),
}
_INTEGER_BITS: Final = {"int32": 31, "int64": 63, "unixtime": 63}
_NULL_WHERE_TEXT_IS_DECLARED: Final = frozenset(
    {"nextLink", "createdBy", "updatedBy"}
    | {"condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId"}
)
"""Properties that are null in recorded traffic where the files declare a string."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks bodies against a schema. Every answer of every test is: one library says quickly whether, another what."""

    quick: jsonschema_rs.Draft4Validator
    thorough: Draft4Validator

    def errors(self, body: Any) -> Iterator[ValidationError]:
        """What is wrong with a body."""
        return iter(()) if self.quick.is_valid(body) else self.thorough.iter_errors(body)


def checker(file: Path, schema: Mapping[str, Any]) -> Checker:
    """What checks a body against a schema that stands in `file`."""
    alone = _Bundle().standing_alone(file, schema)
    formats = FormatChecker(formats=())
    kept = {name: pattern.fullmatch for name, pattern in _TEXT_FORMATS.items()}
    for name, match in kept.items():
        formats.checks(name)(lambda value, of=match: not isinstance(value, str) or bool(of(value)))
    quick = jsonschema_rs.Draft4Validator(
        alone,
        formats={name: lambda text, of=match: bool(of(text)) for name, match in kept.items()},
        validate_formats=True,
    )
    return Checker(quick, Draft4Validator(alone, format_checker=formats))


class _Bundle:
    """The definitions that a schema refers to, each once, under names of our own."""

    def __init__(self) -> None:
        self._names: dict[tuple[Path, str], str] = {}
        self._definitions: dict[str, Any] = {}

    def standing_alone(self, file: Path, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._converted(file, schema), "definitions": self._definitions}

    def _converted(self, file: Path, schema: Mapping[str, Any]) -> dict[str, Any]:
        nullable = bool(schema.get("x-nullable"))
        if "$ref" in schema:
            target, at = _target(file, schema["$ref"])
            refers = {"$ref": f"#/definitions/{self._name(target, at)}"}
            nullable = nullable or bool(_at(target, at).get("x-nullable"))
            return {"anyOf": [{"type": "null"}, refers]} if nullable else refers
        converted = {key: value for key, value in schema.items() if key in _KEPT}
        self._members(file, schema, converted)
        if bits := _INTEGER_BITS.get(schema.get("format", "")):
            converted = {"minimum": -(2**bits), "maximum": 2**bits - 1, **converted}
        if nullable and "type" in converted:
            converted["type"] = [converted["type"], "null"]
            if "enum" in converted:
                converted["enum"] = [*converted["enum"], None]
        return converted

    def _members(self, file: Path, schema: Mapping[str, Any], converted: dict[str, Any]) -> None:
        properties = schema.get("properties", {})
        if properties:
            converted["properties"] = {
                name: self._converted(file, value | {"x-nullable": True} if _may_be_null(name, value) else value)
                for name, value in properties.items()
            }
            converted.setdefault("type", "object")
        unread = {name for name, value in properties.items() if "read" not in value.get("x-ms-mutability", ["read"])}
        if "required" in converted:
            converted["required"] = [name for name in converted["required"] if name not in unread]
            if not converted["required"]:
                del converted["required"]  # draft 4 wants at least one
        if isinstance(schema.get("items"), Mapping):
            converted["items"] = self._converted(file, schema["items"])
        if isinstance(schema.get("additionalProperties"), Mapping):
            converted["additionalProperties"] = self._converted(file, schema["additionalProperties"])
        elif schema.get("additionalProperties") is False:
            converted["additionalProperties"] = False
        for joint in ("allOf", "anyOf", "oneOf"):
            if joint in schema:
                converted[joint] = [self._converted(file, part) for part in schema[joint]]

    def _name(self, file: Path, at: str) -> str:
        if (file, at) not in self._names:
            name = self._names[file, at] = f"{len(self._names)}-{at.rpartition('/')[2]}"
            self._definitions[name] = self._converted(file, _at(file, at))
        return self._names[file, at]


def resolved(file: Path, node: Mapping[str, Any]) -> tuple[Path, Mapping[str, Any]]:
    """A node, or what it refers to, with the file that it stands in."""
    while "$ref" in node:
        file, at = _target(file, node["$ref"])
        node = _at(file, at)
    return file, node


def _target(file: Path, reference: str) -> tuple[Path, str]:
    other, _, at = reference.partition("#")
    if file.name.startswith("arm-") and (file.parent / f"arm-{other}").exists():
        other = f"arm-{other}"  # two files of one name lie in one folder, one of them renamed
    return ((file.parent / other).resolve() if other else file), at


def _at(file: Path, pointer: str) -> Any:
    node = document(file)
    for step in pointer.strip("/").split("/"):
        node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
    return node


def _may_be_null(name: str, schema: Mapping[str, Any]) -> bool:
    return name in _NULL_WHERE_TEXT_IS_DECLARED and schema.get("type") == "string"
