"""Who may do what: role assignments on both planes, and access policies on the data plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.access.conditions import Attributes, UnsupportedCondition, holds
from declarative_kv.emulator.access.denials import denial
from declarative_kv.emulator.access.roles import Permission, find_role, role_guid
from declarative_kv.emulator.access.scopes import scopes_upwards
from declarative_kv.emulator.directory import groups_of

if TYPE_CHECKING:
    from declarative_kv.emulator.entra.tokens import Caller
    from declarative_kv.emulator.store import Store
    from declarative_kv.emulator.world import World

ASSIGNMENTS = "/providers/microsoft.authorization/roleassignments/"
_NO_ATTRIBUTES: Attributes = {}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may it". `assignment` is the GUID of the role assignment that grants it.

    `denied` is the record of the deny assignment that forbids it all the same.

    `reason` is the data plane's inner error code of a refusal: ForbiddenByRbac, ForbiddenByPolicy (the caller has a
    policy that lacks the permission), or AccessDenied (no policy names the caller).
    """

    allowed: bool
    assignment: str | None = None
    reason: str | None = None
    denied: Mapping[str, Any] | None = None


def permits(
    world: World,
    caller: Caller,
    action: str,
    scope: str,
    *,
    data: bool = False,
    attributes: Attributes = _NO_ATTRIBUTES,
) -> Decision:
    """Whether a role assignment at the scope (an ARM id, any case) or above it grants the caller the action, and no
    deny assignment there forbids it.

    `data` asks for a data action. The caller's groups count, through nesting. `attributes` are what conditions may
    look at; a condition that is not understood grants nothing.
    """
    principals = {caller.object_id.lower(), *groups_of(world, caller.object_id)}
    for record in assignments_at_or_above(world.store, scope):
        if record["principalId"].lower() not in principals:
            continue
        if data and record.get("effective", 0.0) > world.clock.now():
            continue
        if _grants(world.store, record, action, attributes, data=data):
            forbidden = denial(world.store, principals, action, scope, data=data)
            reason = "ForbiddenByRbac" if data and forbidden is not None else None
            return Decision(forbidden is None, record["name"], reason, forbidden)
    return Decision(False, reason="ForbiddenByRbac" if data else None)


def assignments_at_or_above(store: Store, scope: str) -> Iterator[Mapping[str, Any]]:
    """The role assignments that reach the scope, nearest first; the records are read-only."""
    for place in scopes_upwards(store, scope):
        for key in store.keys("role_assignments", place + ASSIGNMENTS):
            record = store.get("role_assignments", key)
            if record is not None:
                yield record


def _grants(store: Store, record: Mapping[str, Any], action: str, attributes: Attributes, *, data: bool) -> bool:
    role = find_role(store, role_guid(record["roleDefinitionId"]))
    if role is None or not _condition_holds(record.get("condition"), action, attributes):
        return False
    return any(_block_grants(block, action, attributes, data=data) for block in role.permissions)


def _block_grants(block: Permission, action: str, attributes: Attributes, *, data: bool) -> bool:
    return block.grants(action, data=data) and _condition_holds(block.condition, action, attributes)


def _condition_holds(condition: str | None, action: str, attributes: Attributes) -> bool:
    if not condition:
        return True
    try:
        return holds(condition, action, attributes)
    except UnsupportedCondition:
        return False


def check_vault(
    world: World, caller: Caller, vault: Mapping[str, Any], permission: str, data_action: str, resource: str
) -> Decision:
    """Whether the caller may do something on a vault's data plane.

    `vault` is its record; `permission` the access policy's form ("secrets/get"), `data_action` the role's
    ("Microsoft.KeyVault/vaults/secrets/getSecret/action"), `resource` the ARM id of the object. Which of the two
    counts is the vault's own setting; the other one grants nothing.
    """
    if vault["properties"].get("enableRbacAuthorization"):
        return permits(world, caller, data_action, resource, data=True)
    entries = [entry for entry in vault["properties"].get("accessPolicies") or () if _is_for(world, caller, entry)]
    if not entries:
        return Decision(False, reason="AccessDenied")
    kind, _, wanted = permission.lower().partition("/")
    if any(_lists(entry, kind, wanted) for entry in entries):
        return Decision(True)
    return Decision(False, reason="ForbiddenByPolicy")


def _is_for(world: World, caller: Caller, entry: Mapping[str, Any]) -> bool:
    """Whether the entry names the caller or a group of it; one with an application id, a user through that one."""
    application = entry.get("applicationId")
    if application and (caller.kind != "user" or application.lower() != caller.app_id.lower()):
        return False
    principal = entry["objectId"].lower()
    return principal == caller.object_id.lower() or principal in groups_of(world, caller.object_id)


def _lists(entry: Mapping[str, Any], kind: str, wanted: str) -> bool:
    # Recorded: a vault whose policy says only `all` lets its holder purge, so `all` leaves nothing out.
    granted = {name.lower() for name in (entry.get("permissions") or {}).get(kind) or ()}
    return wanted in granted or "all" in granted
