"""The YAML's shape as JSON Schema, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from declarative_kv.config.schema import Root


def json_schema() -> dict[str, Any]:
    """A schema of draft 2020-12. Included files hold a subset of what it allows."""
    schema = Root.model_json_schema(by_alias=True)
    schema["properties"]["version"] = {"const": 1, "description": "The version of this format."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Configuration of declarative-kv",
        "required": ["version"],
    }
