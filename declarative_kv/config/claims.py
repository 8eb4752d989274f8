"""The shape of what the YAML holds itself to: invariants, guards that it switches on, and lint."""

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


class Ignored(Model):
    """Why some of lint's rules are not for an entry and what is below it."""

    ignore: dict[str, Text | None] | None = None


class Lint(Ignored):
    """Which of lint's rules block, and which are not for this configuration."""

    block: Texts | None = None
