"""Invariants: sentences of the YAML about who may, or must, do what; as written, and checked to make sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from declarative_kv.model.access import NOTHING_AROUND, Surroundings
from declarative_kv.model.capabilities import Capability
from declarative_kv.model.diagnostic import Span


class Claim(StrEnum):
    """What is said of those whom an invariant names."""

    NEVER = "never"
    ONLY = "only"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Who:
    """One term of `who`. `key` is a key of `principals`, None for anybody; with `group` all who are in it count too."""

    key: str | None = None
    group: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Invariant:
    """One entry of `invariants`.

    Somebody is meant whom any of the terms means and none of the negated ones does. `on` are patterns of addresses.
    With `direct` only what grants give outright counts.
    """

    name: str
    claim: Claim
    who: tuple[Who, ...]
    can: tuple[Capability, ...]
    on: tuple[str, ...]
    direct: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Scrutiny:
    """By what a plan's access is judged.

    `around` is what decides beside the grants, `ids` has the object id of each principal by key, and `guards` are those
    that block because the YAML says so.
    """

    around: Surroundings = NOTHING_AROUND
    invariants: tuple[Invariant, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    guards: frozenset[str] = frozenset()


NO_SCRUTINY: Final = Scrutiny()
