"""What decides over access in Azure beside the grants themselves: role definitions, deny assignments, memberships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

EVERYONE: Final = "00000000-0000-0000-0000-000000000000"
"""The principal of a deny assignment that stands for all of them."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One block of a definition: Azure's wildcard patterns, what the `not_` lists take out of this block alone, and the
    condition under which it holds."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A role definition, built-in or custom; `guid` is lower case."""

    guid: str
    name: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """A deny assignment: who is denied what at a scope and, with `children`, below it. Ids are lower case."""

    name: str
    scope: str
    permissions: tuple[Permission, ...]
    principals: frozenset[str]
    excluded: frozenset[str] = frozenset()
    children: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found around the grants, and in words what could not be found out.

    `members` maps a group to who is in it, directly or through other groups; `names` an object id to a name for people;
    `types` to Azure's word for what it is.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    denials: tuple[Denial, ...] = ()
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions:
    """What is to be found out.

    `subscriptions` are those whose deny assignments count; `roles` GUIDs of roles that are not built in, by the
    subscription that knows them; `groups` whose members are wanted; `principals` that have no name yet.
    """

    subscriptions: frozenset[str] = frozenset()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    principals: frozenset[str] = frozenset()


NOTHING_AROUND: Final = Surroundings()


@lru_cache(maxsize=1)
def builtin_definitions() -> Mapping[str, Definition]:
    """The built-in roles that ship with the package, by GUID."""
    text = files("declarative_kv").joinpath("builtin_roles.json").read_text(encoding="utf-8")
    return MappingProxyType({guid.lower(): _builtin(guid, entry) for guid, entry in json.loads(text).items()})


def _builtin(guid: str, entry: Mapping[str, Any]) -> Definition:
    names = ("actions", "not_actions", "data_actions", "not_data_actions")
    actions, not_actions, data_actions, not_data_actions = (tuple(entry[name]) for name in names)
    block = Permission(actions, not_actions, data_actions, not_data_actions, entry.get("condition"))
    return Definition(guid.lower(), str(entry["name"]), (block,))
