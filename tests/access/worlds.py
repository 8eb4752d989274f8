"""Random worlds of grants as plain data, and what they are to the analysis and to the emulator."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT, principal_record
from declarative_kv.emulator.world import World as Emulated
from declarative_kv.engine.access.estate import Assignment, Estate, Policy, Vault
from declarative_kv.model.access import Definition, Denial, Permission, builtin_definitions

SUB = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SUB}/resourcegroups/rg"
OTHER_GROUP = f"{SUB}/resourcegroups/other"
MANAGEMENT = "/providers/microsoft.management/managementgroups/"
EVERYONE = "00000000-0000-0000-0000-000000000000"
_WRITTEN = "2024-01-01T00:00:00.0000000Z"
KINDS = ("secrets", "keys", "certificates", "storage")

Block = Mapping[str, tuple[str, ...]]
"""actions, notActions, dataActions, notDataActions."""


@dataclass(frozen=True)
class Limit:
    """A condition: `roles` or `principals` that may or may not be given, or an action that is held back."""

    about: str
    values: tuple[str, ...]
    negated: bool = False

    def text(self) -> str:
        """The condition as Azure writes it."""
        if self.about == "action":
            return f"(!(ActionMatches{{'{self.values[0]}'}}))"
        attribute = "RoleDefinitionId" if self.about == "roles" else "PrincipalId"
        operator = "ForAnyOfAllValues:GuidNotEquals" if self.negated else "ForAnyOfAnyValues:GuidEquals"
        listed = ", ".join(self.values)
        return (
            "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
            f"(@Request[Microsoft.Authorization/roleAssignments:{attribute}] {operator}{{{listed}}}))"
        )


@dataclass(frozen=True)
class Role:
    """A role; `limit` is the condition of its only conditioned block, which is the first."""

    guid: str
    name: str
    blocks: tuple[Block, ...]
    limit: Limit | None = None


@dataclass(frozen=True)
class Given:
    """A role assignment."""

    scope: str
    role: str
    who: str
    limit: Limit | None = None


@dataclass(frozen=True)
class Denied:
    """A deny assignment."""

    scope: str
    who: tuple[str, ...]
    blocks: tuple[Block, ...]
    excluded: tuple[str, ...] = ()
    children: bool = True


@dataclass(frozen=True)
class Entry:
    """One entry of a vault's access policies."""

    who: str
    permissions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Box:
    """A vault with one secret and one key."""

    name: str
    rbac: bool
    entries: tuple[Entry, ...] = ()
    group: str = GROUP

    @property
    def id(self) -> str:
        return f"{self.group}/providers/microsoft.keyvault/vaults/{self.name}"

    @property
    def objects(self) -> tuple[str, str]:
        return f"{self.id}/secrets/one", f"{self.id}/keys/one"


@dataclass(frozen=True)
class World:
    """Everything that decides who may do what. `members` maps a group to those directly in it."""

    people: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    boxes: tuple[Box, ...]
    roles: Mapping[str, Role] = field(default_factory=dict)
    given: tuple[Given, ...] = ()
    denied: tuple[Denied, ...] = ()
    above: tuple[str, ...] = ()
    """The management groups that the subscription is in."""

    def box(self, name: str) -> Box:
        return next(box for box in self.boxes if box.name == name)


def _guid(number: int) -> str:
    return str(uuid.UUID(int=number, version=4))


def builtin(guid: str) -> Role:
    """A built-in role, from the recorded list of them."""
    found = builtin_definitions()[guid]
    blocks = tuple(
        {
            "actions": one.actions,
            "notActions": one.not_actions,
            "dataActions": one.data_actions,
            "notDataActions": one.not_data_actions,
        }
        for one in found.permissions
    )
    limit = None
    if found.permissions[0].condition is not None:
        text = found.permissions[0].condition.split("GuidEquals{", 1)[1].split("}", 1)[0]
        limit = Limit("roles", tuple(part.strip() for part in text.split(",")))
    return Role(guid, found.name, blocks, limit)


BUILTINS = {guid: builtin(guid) for guid in builtin_definitions()}
KV = "Microsoft.KeyVault/vaults"
_ACTIONS = (
    "*",
    "*/read",
    "Microsoft.KeyVault/*",
    f"{KV}/write",
    f"{KV}/*",
    f"{KV}/accessPolicies/*",
    f"{KV}/secrets/write",
    f"{KV}/keys/write",
    f"{KV}/*/read",
    "Microsoft.Authorization/*",
    "Microsoft.Authorization/roleAssignments/write",
    "microsoft.authorization/ROLEASSIGNMENTS/*",
)
_DATA = (
    f"{KV}/*",
    f"{KV}/secrets/*",
    f"{KV}/secrets/getSecret/action",
    f"{KV.upper()}/SECRETS/*/action",
    f"{KV}/*/read",
    f"{KV}/keys/*",
    f"{KV}/secrets/delete",
    f"{KV}/keys/*/action",
    f"{KV}/*/purge/action",
)
_HELD_BACK = (f"{KV}/secrets/getSecret/action", f"{KV}/secrets/*", f"{KV}/write", f"{KV}/keys/read")
_WORDS = {
    "secrets": ("get", "list", "set", "delete", "recover", "backup", "restore", "purge", "all"),
    "keys": ("get", "list", "sign", "verify", "encrypt", "create", "delete", "all"),
    "certificates": ("get", "import"),
    "storage": ("get",),
}


def _some(rng: random.Random, from_: tuple[str, ...], most: int, least: int = 0) -> tuple[str, ...]:
    return tuple(rng.sample(from_, rng.randint(least, min(most, len(from_)))))


def _block(rng: random.Random, *, denial: bool = False) -> Block:
    return {
        "actions": _some(rng, _ACTIONS, 2),
        "notActions": _some(rng, _ACTIONS, 2) if rng.random() < 0.5 else (),
        "dataActions": _some(rng, _DATA, 2, 0 if denial else 1),
        "notDataActions": _some(rng, _DATA, 2) if rng.random() < 0.5 else (),
    }


def random_world(seed: int) -> World:
    """One world; the same for the same seed."""
    rng = random.Random(seed)
    people = tuple(_guid(100 + n) for n in range(3))
    groups = tuple(_guid(200 + n) for n in range(3))
    members = {group: _some(rng, people, 2) for group in groups}
    if rng.random() < 0.6:
        members[groups[1]] = (*members[groups[1]], groups[0])
    if rng.random() < 0.2:
        members[groups[0]] = (*members[groups[0]], groups[1])  # a circle
    custom = {_guid(300 + n): _custom(rng, n) for n in range(2)}
    boxes = tuple(_box(rng, n, (*people, *groups)) for n in range(2))
    scopes = ["/", f"{MANAGEMENT}near", f"{MANAGEMENT}far", SUB, GROUP, OTHER_GROUP]
    scopes += [box.id for box in boxes] * 2 + [one for box in boxes for one in box.objects]
    who, roles = (*people, *groups), (*sorted(BUILTINS), *sorted(custom) * 3)
    given = {
        (scope, role, one): Given(scope, role, one, _limit(rng, roles, people))
        for scope, role, one in (
            (rng.choice(scopes), rng.choice(roles), rng.choice(who)) for _ in range(rng.randint(1, 5))
        )
    }
    denied = tuple(_denied(rng, scopes, who) for _ in range(rng.choice((0, 0, 1, 2))))
    above = (f"{MANAGEMENT}near",)
    return World(people, members, boxes, {**BUILTINS, **custom}, tuple(given.values()), denied, above)


def _custom(rng: random.Random, number: int) -> Role:
    blocks = tuple(_block(rng) for _ in range(rng.choice((1, 1, 2))))
    return Role(_guid(300 + number), f"Custom {number}", blocks)


def _box(rng: random.Random, number: int, who: tuple[str, ...]) -> Box:
    holders = _some(rng, who, 2)
    entries = tuple(Entry(one, {kind: _some(rng, words, 2) for kind, words in _WORDS.items()}) for one in holders)
    return Box(f"kv-{number}", rng.random() < 0.5, entries, rng.choice((GROUP, GROUP, OTHER_GROUP)))


def _limit(rng: random.Random, roles: tuple[str, ...], people: tuple[str, ...]) -> Limit | None:
    draw = rng.random()
    if draw > 0.35:
        return None
    if draw < 0.1:
        return Limit("action", (rng.choice(_HELD_BACK),))
    if draw < 0.15:
        return Limit("principals", _some(rng, people, 2, 1), rng.random() < 0.5)
    return Limit("roles", _some(rng, roles, 4, 1), rng.random() < 0.3)


def _denied(rng: random.Random, scopes: list[str], who: tuple[str, ...]) -> Denied:
    meant = (EVERYONE,) if rng.random() < 0.4 else _some(rng, who, 2, 1)
    excluded = _some(rng, who, 1) if rng.random() < 0.5 else ()
    scope = rng.choice(scopes)
    # One at a vault that leaves out what is in it would tell the vault's objects from the vault: not analysed.
    children = scope.count("/") == 8 or rng.random() < 0.8
    return Denied(scope, meant, (_block(rng, denial=True),), excluded, children)


def estate_of(world: World) -> Estate:
    """The world as the analysis sees it."""
    groups: dict[str, set[str]] = {}
    for group, members in world.members.items():
        for member in members:
            groups.setdefault(member, set()).add(group)
    return Estate(
        vaults=tuple(
            Vault(
                box.id,
                box.rbac,
                tuple(
                    Policy(entry.who, {kind: frozenset(words) for kind, words in entry.permissions.items()})
                    for entry in box.entries
                ),
            )
            for box in world.boxes
        ),
        assignments=tuple(
            Assignment(one.scope, one.role, one.who, one.limit.text() if one.limit else None) for one in world.given
        ),
        roles={
            guid: Definition(guid, role.name, _permissions(role.blocks, role.limit))
            for guid, role in world.roles.items()
        },
        denials=tuple(
            Denial(
                f"denial {n}",
                one.scope,
                _permissions(one.blocks),
                frozenset(one.who),
                frozenset(one.excluded),
                one.children,
            )
            for n, one in enumerate(world.denied)
        ),
        groups={member: frozenset(found) for member, found in groups.items()},
        management_groups={SUB: frozenset(world.above)},
    )


def _permissions(blocks: Iterable[Block], limit: Limit | None = None) -> tuple[Permission, ...]:
    return tuple(
        Permission(
            block["actions"],
            block["notActions"],
            block["dataActions"],
            block["notDataActions"],
            limit.text() if limit is not None and place == 0 else None,
        )
        for place, block in enumerate(blocks)
    )


def populate(emulator: Emulated, world: World) -> None:
    """Put the people, roles, grants and denials of a world into an emulated Azure."""
    store = emulator.store
    subscription = dict(store.table("subscriptions")[SUBSCRIPTION])
    subscription["managementGroups"] = [one.rpartition("/")[2] for one in world.above]
    store.put("subscriptions", SUBSCRIPTION, subscription)
    for who in world.people:
        store.put("directory", who, principal_record(who, _client(who), who[-4:], emulator.clock.now()))
    for group, members in world.members.items():
        record = {"kind": "group", "id": group, "displayName": group, "members": list(members), "tenant": TENANT}
        store.put("directory", group, record)
    for guid, role in world.roles.items():
        if guid not in BUILTINS:
            store.put("role_definitions", guid, _definition(role))
    for number, given in enumerate(world.given):
        record = _assignment(given, _guid(400 + number))
        store.put("role_assignments", record["id"].lower(), record)
    for number, denied in enumerate(world.denied):
        record = _denial(denied, _guid(500 + number))
        store.put("deny_assignments", record["id"].lower(), record)


def _client(who: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, who))


def _definition(role: Role) -> dict[str, Any]:
    return {
        "roleName": role.name,
        "type": "CustomRole",
        "permissions": [{name: list(patterns) for name, patterns in block.items()} for block in role.blocks],
        "assignableScopes": ["/"],
    }


def _assignment(given: Given, name: str) -> dict[str, Any]:
    scope = given.scope.rstrip("/")
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "scope": given.scope,
        "roleDefinitionId": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{given.role}",
        "principalId": given.who,
        "principalType": "ServicePrincipal",
        "condition": given.limit.text() if given.limit else None,
        "conditionVersion": "2.0" if given.limit else None,
        "createdOn": _WRITTEN,
        "updatedOn": _WRITTEN,
    }


def _denial(denied: Denied, name: str) -> dict[str, Any]:
    return {
        "id": f"{denied.scope.rstrip('/')}/providers/Microsoft.Authorization/denyAssignments/{name}",
        "name": name,
        "scope": denied.scope,
        "denyAssignmentName": name,
        "permissions": [{key: list(patterns) for key, patterns in block.items()} for block in denied.blocks],
        "principals": [{"id": one, "type": "Any"} for one in denied.who],
        "excludePrincipals": [{"id": one, "type": "Any"} for one in denied.excluded],
        "doNotApplyToChildScopes": not denied.children,
    }


def without(world: World, **changes: Any) -> World:
    """The world with other fields."""
    return replace(world, **changes)
