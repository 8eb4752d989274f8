"""What decides over access beside the grants: custom roles, deny assignments, members of groups, and names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from declarative_kv.azure.session import AUTHORIZATION, Session
from declarative_kv.model.access import Definition, Denial, Permission, Questions, Surroundings
from declarative_kv.model.errors import AzureError, Forbidden, NotFound

_BATCH: Final = 1000
"""How many ids Graph takes at once (documented)."""
_TYPES: Final[Mapping[str, str]] = {
    "#microsoft.graph.user": "User",
    "#microsoft.graph.group": "Group",
    "#microsoft.graph.servicePrincipal": "ServicePrincipal",
}


@dataclass(slots=True)
class _Found:
    definitions: dict[str, Definition] = field(default_factory=dict)
    denials: dict[str, Denial] = field(default_factory=dict)
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


async def surroundings(azure: Session, asked: Questions) -> Surroundings:
    """Find it out, side by side. What Azure or the directory refuses is told in `unknown`; nothing else is raised."""
    found = _Found()
    async with asyncio.TaskGroup() as group:
        for subscription in sorted(asked.subscriptions):
            group.create_task(_denials(azure, subscription, found))
        for subscription, guids in sorted(asked.roles.items()):
            group.create_task(_definitions(azure, subscription, guids, found))
        group.create_task(_directory(azure, asked, found))
    return Surroundings(
        definitions=found.definitions,
        denials=tuple(found.denials[key] for key in sorted(found.denials)),
        members=found.members,
        names=found.names,
        types=found.types,
        unknown=tuple(sorted(found.unknown)),
    )


async def _denials(azure: Session, subscription: str, found: _Found) -> None:
    path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/denyAssignments"
    operation = f"Listing the deny assignments of subscription {subscription}"
    try:
        pages = azure.arm_pages(path, version=AUTHORIZATION, operation=operation)
        for item in [item async for page in pages for item in page]:
            found.denials[str(item["id"]).lower()] = _denial(item)
    except AzureError:
        found.unknown.append(f"the deny assignments of subscription {subscription} cannot be listed")


def _denial(item: Mapping[str, Any]) -> Denial:
    properties = item["properties"]
    return Denial(
        name=str(properties.get("denyAssignmentName") or item["name"]),
        scope=str(properties["scope"]).lower().rstrip("/") or "/",
        permissions=_permissions(properties),
        principals=_ids(properties, "principals"),
        excluded=_ids(properties, "excludePrincipals"),
        children=not properties.get("doNotApplyToChildScopes"),
    )


def _ids(properties: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(str(one["id"]).lower() for one in properties.get(name) or ())


def _permissions(properties: Mapping[str, Any]) -> tuple[Permission, ...]:
    return tuple(
        Permission(
            tuple(block.get("actions") or ()),
            tuple(block.get("notActions") or ()),
            tuple(block.get("dataActions") or ()),
            tuple(block.get("notDataActions") or ()),
            block.get("condition"),
        )
        for block in properties.get("permissions") or ()
    )


async def _definitions(azure: Session, subscription: str, guids: frozenset[str], found: _Found) -> None:
    """One list of all of them, however many are asked for; who may not list them knows none."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    operation = f"Listing the roles of subscription {subscription}"
    try:
        pages = azure.arm_pages(path, version=AUTHORIZATION, operation=operation)
        for item in [item async for page in pages for item in page]:
            guid = str(item["name"]).lower()
            if guid in guids:
                properties = item["properties"]
                found.definitions[guid] = Definition(guid, str(properties["roleName"]), _permissions(properties))
    except AzureError:
        found.unknown.append(f"the roles of subscription {subscription} cannot be listed")


async def _directory(azure: Session, asked: Questions, found: _Found) -> None:
    """Names first, since they tell which of the principals are groups."""
    unnamed = sorted(asked.principals)
    try:
        for start in range(0, len(unnamed), _BATCH):
            body = {"ids": unnamed[start : start + _BATCH], "types": ["user", "group", "servicePrincipal"]}
            answer = await azure.graph("/directoryObjects/getByIds", operation="Naming principals", body=body)
            _name(answer.get("value") or (), found)
    except AzureError:
        found.unknown.append("the directory cannot be read, so some principals have no name and may be groups")
    groups = asked.groups | {one for one, kind in found.types.items() if kind == "Group" and one in asked.principals}
    async with asyncio.TaskGroup() as group:
        for identifier in sorted(groups):
            group.create_task(_members(azure, identifier, found))


async def _members(azure: Session, group: str, found: _Found) -> None:
    path, operation = f"/groups/{group}/transitiveMembers?$top=999", f"Listing the members of group {group}"
    try:
        pages = azure.graph_pages(path, operation=operation)
        members = [item async for page in pages for item in page]
    except NotFound:
        found.members[group] = frozenset()
        return
    except AzureError as error:
        why = "may not" if isinstance(error, Forbidden) else "cannot"
        found.unknown.append(f"the members of group {group} {why} be listed")
        return
    found.members[group] = frozenset(str(one["id"]).lower() for one in members)
    _name(members, found)


def _name(items: Iterable[Mapping[str, Any]], found: _Found) -> None:
    for item in items:
        identifier = str(item["id"]).lower()
        name = item.get("userPrincipalName") or item.get("displayName")
        if name:
            found.names[identifier] = str(name)
        kind = _TYPES.get(str(item.get("@odata.type")))
        if kind:
            found.types[identifier] = kind
