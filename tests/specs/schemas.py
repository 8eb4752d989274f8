"""From the Swagger 2.0 schema of a response to a JSON schema that stands alone.

References are followed across files. `x-nullable` allows null; a property that cannot be read (`x-ms-mutability`)
need not be there. Descriptions and the other `x-ms-*` say nothing about a body. A `discriminator` is not followed:
only the rules of role management policies have one, which nobody emulates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from jsonschema import Draft4Validator, FormatChecker

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


def validator(file: Path, schema: Mapping[str, Any]) -> Draft4Validator:
    """What checks a body against a schema that stands in `file`."""
    return Draft4Validator(_Bundle().standing_alone(file, schema), format_checker=_formats())


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
        if nullable and "type" in converted:
            converted["type"] = [converted["type"], "null"]
            if "enum" in converted:
                converted["enum"] = [*converted["enum"], None]
        return converted

    def _members(self, file: Path, schema: Mapping[str, Any], converted: dict[str, Any]) -> None:
        properties = schema.get("properties", {})
        if properties:
            converted["properties"] = {name: self._converted(file, value) for name, value in properties.items()}
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


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, pattern in _TEXT_FORMATS.items():
        checker.checks(name)(lambda value, of=pattern: not isinstance(value, str) or bool(of.fullmatch(value)))
    for name, bits in _INTEGER_BITS.items():
        checker.checks(name)(lambda value, of=bits: not isinstance(value, int) or -(2**of) <= value < 2**of)
    return checker
