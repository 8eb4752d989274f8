"""The shape of invariants and of the guards that the YAML may switch on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from declarative_kv.config.frozen import Model
from declarative_kv.config.scalars import Flag, Text


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[Text], BeforeValidator(_list, json_schema_input_type=Text | list[Text])]


class Claim(Model):
    """Who can do what on what: names, capabilities or permissions of Azure's, patterns of addresses."""

    who: Texts | None = None
    can: Texts | None = None
    on: Texts | None = None
    direct: Flag | None = None


class Invariant(Model):
    """One claim that every plan has to keep."""

    never: Claim | None = None
    only: Claim | None = None
    always: Claim | None = None


class Guards(Model):
    """The guards that block only where this says so."""

    access_widened: Literal["block", "off"] | None = Field(None, alias="access-widened")
