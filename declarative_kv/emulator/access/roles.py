"""Role definitions: the built-in ones with what they permit, and the custom ones of a world."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from declarative_kv.emulator.store import Store

BUILT_IN = "BuiltInRole"
CUSTOM = "CustomRole"


@dataclass(frozen=True, slots=True)
class Permission:
    """One block of a role: what is granted, less what is taken out of that grant again."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None
    condition_version: str | None = None

    def grants(self, action: str, *, data: bool) -> bool:
        """Whether the block grants the action, its condition aside; `data` asks the data plane's lists."""
        granted, withheld = (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        return any(matches(p, action) for p in granted) and not any(matches(p, action) for p in withheld)


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition; `created` and `updated` are Azure's timestamps, as text."""

    guid: str
    name: str
    kind: str
    description: str | None
    permissions: tuple[Permission, ...]
    assignable_scopes: tuple[str, ...] = ("/",)
    created: str = ""
    updated: str = ""
    created_by: str | None = None
    updated_by: str | None = None


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.lower().split("*"))))


def matches(pattern: str, action: str) -> bool:
    """Azure's wildcard: `*` stands for any text, slashes included; letter case does not matter."""
    if pattern == "*":
        return True
    return _pattern(pattern).fullmatch(action.lower()) is not None


@lru_cache(maxsize=1)
def builtin_roles() -> Mapping[str, Role]:
    """The built-in roles by GUID, from the package's own data file."""
    text = files("declarative_kv").joinpath("builtin_roles.json").read_text(encoding="utf-8")
    return MappingProxyType({guid: _builtin(guid, entry) for guid, entry in json.loads(text).items()})


def _builtin(guid: str, entry: Mapping[str, Any]) -> Role:
    permission = Permission(
        tuple(entry["actions"]),
        tuple(entry["not_actions"]),
        tuple(entry["data_actions"]),
        tuple(entry["not_data_actions"]),
        entry.get("condition"),
        entry.get("condition_version"),
    )
    return Role(
        guid, entry["name"], BUILT_IN, entry["description"], (permission,), ("/",), entry["created"], entry["updated"]
    )


def custom_role(guid: str, record: Mapping[str, Any]) -> Role:
    """A role from its record, which holds the properties as ARM answers them: a custom one unless it says otherwise."""
    permissions = tuple(
        Permission(
            tuple(block.get("actions") or ()),
            tuple(block.get("notActions") or ()),
            tuple(block.get("dataActions") or ()),
            tuple(block.get("notDataActions") or ()),
            block.get("condition"),
            block.get("conditionVersion"),
        )
        for block in record["permissions"]
    )
    return Role(
        guid,
        record["roleName"],
        record.get("type") or CUSTOM,
        record.get("description"),
        permissions,
        tuple(record["assignableScopes"]),
        record.get("createdOn", ""),
        record.get("updatedOn", ""),
        record.get("createdBy"),
        record.get("updatedBy"),
    )


def find_role(store: Store, guid: str) -> Role | None:
    """The role of that GUID (lower case), built-in or custom."""
    record = store.get("role_definitions", guid)
    return builtin_roles().get(guid) if record is None else custom_role(guid, record)


def all_roles(store: Store) -> Iterator[Role]:
    """Every role of the world, built-in ones first; one that the world has in another form counts in that form."""
    kept = store.table("role_definitions")
    yield from (role for guid, role in builtin_roles().items() if guid not in kept)
    for guid, record in kept.items():
        yield custom_role(guid, record)


def role_guid(role_definition_id: str) -> str:
    """The GUID at the end of a role definition id of any form, lower case."""
    return role_definition_id.rstrip("/").rsplit("/", 1)[-1].lower()
