"""Who can do what, by trying everything: Azure's documents written down once more, without any of our code.

How rights are decided: learn.microsoft.com/azure/role-based-access-control/overview (scopes, deny assignments before
role assignments, NotActions), …/role-definitions (wildcards), …/conditions-format, and for the contents of vaults
learn.microsoft.com/azure/key-vault/general/rbac-guide and …/assign-access-policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from tests.access.worlds import EVERYONE, KV, MANAGEMENT, SUB, Block, Box, Entry, Given, Limit, World

ASSIGN = "Microsoft.Authorization/roleAssignments/write"


@dataclass(frozen=True)
class Operation:
    """Something to try: a permission of a policy and a data action for contents, or an action of Resource Manager.

    `at` is `object` where it is asked for on one object, `list` where it is for all of a vault or the versions of one,
    else `vault` or `subscription`; `around` is the action of Resource Manager that comes to the same.
    """

    name: str
    policy: tuple[str, str] | None = None
    data: str = ""
    action: str = ""
    at: str = "object"
    around: str = ""


def _contents(kind: str, text: str) -> Iterator[Operation]:
    for part in text.split():
        name, word, data, *more = part.split(",")
        at = "list" if name.startswith("list-") else "vault" if "vault" in more else "object"
        around = next((f"{KV}/{one}" for one in more if one.startswith(("secrets/", "keys/"))), "")
        yield Operation(name, (kind, word) if word else None, f"{KV}/{data}" if data else "", "", at, around)


OPERATIONS: tuple[Operation, ...] = (
    *_contents(
        "secrets",
        "read-value,get,secrets/getSecret/action list-secrets,list,secrets/readMetadata/action,secrets/read "
        "write-value,set,secrets/setSecret/action,secrets/write update-secret,,secrets/update/action "
        "delete-secret,delete,secrets/delete recover-secret,recover,secrets/recover/action "
        "backup-secret,backup,secrets/backup/action restore-secret,restore,secrets/restore/action,vault "
        "purge-secret,purge,secrets/purge/action",
    ),
    *_contents(
        "keys",
        "read-key,get,keys/read,keys/read list-keys,list,keys/read,keys/read encrypt,encrypt,keys/encrypt/action "
        "decrypt,decrypt,keys/decrypt/action wrap,wrapkey,keys/wrap/action unwrap,unwrapkey,keys/unwrap/action "
        "sign,sign,keys/sign/action verify,verify,keys/verify/action create-key,create,keys/create/action,keys/write "
        "import-key,import,keys/import/action update-key,update,keys/update/action delete-key,delete,keys/delete "
        "recover-key,recover,keys/recover/action backup-key,backup,keys/backup/action "
        "restore-key,restore,keys/restore/action,vault purge-key,purge,keys/purge/action "
        "rotate-key,rotate,keys/rotate/action release-key,release,keys/release/action "
        "read-rotation,getrotationpolicy,keyrotationpolicies/read "
        "set-rotation,setrotationpolicy,keyrotationpolicies/write",
    ),
    *_contents(
        "certificates",
        "read-certificate,get,certificates/read list-certificates,list,certificates/read "
        "create-certificate,create,certificates/create/action import-certificate,import,certificates/import/action "
        "delete-certificate,delete,certificates/delete set-issuers,setissuers,certificatecas/write,vault",
    ),
    *_contents("storage", "read-storage,get,,vault"),
    Operation("read-vault", action=f"{KV}/read", at="vault"),
    Operation("change-vault", action=f"{KV}/write", at="vault"),
    Operation("change-policies", action=f"{KV}/accessPolicies/write", at="vault"),
    Operation("delete-vault", action=f"{KV}/delete", at="vault"),
    Operation("purge-vault", action="Microsoft.KeyVault/locations/deletedVaults/purge/action", at="subscription"),
    Operation("give-roles", action=ASSIGN),
)
BY_NAME = {one.name: one for one in OPERATIONS}


@cache
def _fits(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern.lower()).replace(r"\*", ".*"), action.lower()) is not None


def _listed(block: Block, plus: str, minus: str, action: str) -> bool:
    return any(_fits(p, action) for p in block[plus]) and not any(_fits(p, action) for p in block[minus])


def _lists(block: Block, action: str, data: bool) -> bool:
    if data:
        return _listed(block, "dataActions", "notDataActions", action)
    return _listed(block, "actions", "notActions", action)


def _selves(world: World, who: str) -> set[str]:
    """The principal and every group that it is in, however deep."""
    return _closed(who, tuple(world.members.items()))


@cache
def _closed(who: str, members: tuple[tuple[str, tuple[str, ...]], ...]) -> set[str]:
    selves = {who}
    while True:
        more = {group for group, inside in members if selves & set(inside)} - selves
        if not more:
            return selves
        selves |= more


def _reaches(world: World, scope: str, place: str) -> bool:
    if scope.startswith(MANAGEMENT):
        return scope == place or (scope in world.above and place.startswith(SUB))
    return (place + "/").startswith(scope.rstrip("/") + "/")


def _lets(limit: Limit | None, action: str, request: tuple[str, str] | None) -> bool:
    """Whether a condition lets an action pass; `request` is the role and the principal of an assignment to write."""
    if limit is None:
        return True
    if limit.about == "action":
        return not _fits(limit.values[0], action)
    if action.lower() != ASSIGN.lower():
        return True
    if request is None:
        return False
    asked = request[0 if limit.about == "roles" else 1]
    return (asked in limit.values) is not limit.negated


def may(
    world: World, who: str, action: str, place: str, *, data: bool = False, request: tuple[str, str] | None = None
) -> bool:
    """Whether Azure lets somebody do something at a place, by roles and denials."""
    key = (id(world), who, action, place, data, request)
    if key not in _answered:
        _answered[key] = (_decided(world, who, action, place, data, request), world)
    return _answered[key][0]


_answered: dict[tuple[object, ...], tuple[bool, World]] = {}
"""Answers so far, each with its world, which keeps the world's id its own."""


def forget() -> None:
    """Drop the answers about worlds that nobody asks about any more."""
    _answered.clear()


def _decided(world: World, who: str, action: str, place: str, data: bool, request: tuple[str, str] | None) -> bool:
    selves = _selves(world, who)
    for denied in world.denied:
        if not _reaches(world, denied.scope, place) or (not denied.children and denied.scope != place):
            continue
        if selves & set(denied.excluded) or not (selves | {EVERYONE}) & set(denied.who):
            continue
        if any(_lists(block, action, data) for block in denied.blocks):
            return False
    for given in world.given:
        if (
            given.who not in selves
            or not _reaches(world, given.scope, place)
            or not _lets(given.limit, action, request)
        ):
            continue
        role = world.roles[given.role]
        for number, block in enumerate(role.blocks):
            if _lists(block, action, data) and _lets(role.limit if number == 0 else None, action, request):
                return True
    return False


def does(world: World, who: str, operation: Operation, box: Box, place: str) -> bool:
    """Whether somebody has the right to an operation at a vault or an object of it, by grants alone."""
    if not _makes_sense(operation, box, place):
        return False
    if operation.name == "give-roles":
        requests = ((role, one) for role in telling_roles(world) for one in _anybody(world))
        return any(may(world, who, ASSIGN, place, request=request) for request in requests)
    if operation.action:
        return may(world, who, operation.action, SUB if operation.at == "subscription" else box.id)
    if box.rbac:
        return bool(operation.data) and may(world, who, operation.data, _asked(operation, box, place), data=True)
    selves = _selves(world, who)
    for entry in box.entries:
        if entry.who in selves and operation.policy is not None:
            words = entry.permissions.get(operation.policy[0], ())
            if operation.policy[1] in words or "all" in words:
                return True
    return False


def telling_roles(world: World) -> tuple[str, ...]:
    """The roles that some condition names, and one that none does: all others are like that one."""
    limits = [one.limit for one in (*world.given, *world.roles.values()) if one.limit and one.limit.about == "roles"]
    named = {role for limit in limits for role in limit.values}
    return (*sorted(named), next(role for role in sorted(world.roles) if role not in named))


def _makes_sense(operation: Operation, box: Box, place: str) -> bool:
    """An object is asked about what can be done to one of its kind, and about roles on it."""
    if place == box.id:
        return True
    kind = operation.policy[0] if operation.policy else operation.data.partition("/vaults/")[2].partition("/")[0]
    return operation.at in ("object", "list") and kind in ("", place.split("/")[-2])


def _asked(operation: Operation, box: Box, place: str) -> str:
    """Where Azure asks for the right: rights on a vault's objects at one of them, of which nothing else is known."""
    if operation.at == "object" and place == box.id and not operation.action:
        data = operation.data or operation.around
        return f"{box.id}/{data.partition('/vaults/')[2].partition('/')[0]}/another"
    return place


def _anybody(world: World) -> tuple[str, ...]:
    return (*world.people, *world.members, "somebody-else")


def could(world: World, who: str, box: Box, place: str) -> set[str]:
    """The operations that somebody comes to by doing what it has the right to: every move is tried."""
    return {
        operation.name
        for after in _futures(world, who, box, place)
        for operation in OPERATIONS
        if does(after, who, operation, after.box(box.name), place)
        or (_makes_sense(operation, box, place) and _around(after, who, operation, box, place))
    }


def _around(world: World, who: str, operation: Operation, box: Box, place: str) -> bool:
    return bool(operation.around) and may(world, who, operation.around, _asked(operation, box, place))


def _futures(world: World, who: str, box: Box, place: str) -> Iterator[World]:
    """The world as it is, and as somebody can make it: with every role it may take, a policy, another model."""
    world = _with_roles(world, who, {box.id, place})
    yield world
    for scene in (world, _switched(world, who, box)):
        if scene is not None and _may_write_policies(scene, who, box):
            everything = dict.fromkeys(("secrets", "keys", "certificates", "storage"), ("all",))
            yield _with_box(scene, replace(scene.box(box.name), entries=(Entry(who, everything),)))


def _with_roles(world: World, who: str, places: set[str]) -> World:
    while True:
        taken = {
            Given(place, role, who)
            for place in places
            for role in world.roles
            if may(world, who, ASSIGN, place, request=(role, who))
        } - set(world.given)
        if not taken:
            return world
        world = replace(world, given=(*world.given, *sorted(taken, key=lambda one: (one.scope, one.role))))


def _may_write_policies(world: World, who: str, box: Box) -> bool:
    return may(world, who, f"{KV}/write", box.id) or may(world, who, f"{KV}/accessPolicies/write", box.id)


def _switched(world: World, who: str, box: Box) -> World | None:
    if not box.rbac or not may(world, who, f"{KV}/write", box.id) or not may(world, who, ASSIGN, box.id):
        return None
    return _with_box(world, replace(box, rbac=False))


def _with_box(world: World, box: Box) -> World:
    return replace(world, boxes=tuple(box if one.name == box.name else one for one in world.boxes))
