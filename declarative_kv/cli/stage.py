"""An emulated Azure as a picture shows it, to rehearse on: every value in it is made up."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from secrets import token_urlsafe
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.emulator.clock import iso
from declarative_kv.emulator.seed import KEY_VAULT_ADMINISTRATOR, OWNER, seed_identity_objects
from declarative_kv.emulator.world import World, new_world
from declarative_kv.kinds.vault_shape import new_vault, permissions
from declarative_kv.model.access import Definition
from declarative_kv.model.document import Selector
from declarative_kv.model.picture import Known, Picture
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.specs import SecretSpec, VaultSpec
from declarative_kv.model.state import State

Record = dict[str, Any]
_DAY: Final = 86400.0


def staged(picture: Picture, state: State) -> World:
    """A world in memory that holds what the picture shows, and whose main identity is the one that took it.

    What a soft-deleted vault holds Azure shows nobody: it is staged as the state has it.
    That identity may do everything that roles allow: what is rehearsed is the plan, not its rights.
    """
    world = new_world(seed_identity=False)
    store, now = world.store, world.clock.now()
    with store.transaction():
        for table, key, record in _records(picture, state, now):
            store.put(table, key, record)
        me = {"client_id": str(uuid.uuid4()), "client_secret": f"dkv~{token_urlsafe(30)}"}
        store.put("identities", "main", {**me, "object_id": picture.identity.object_id})
        seed_identity_objects(store, "main", picture.identity.name, now)
    return world


def _records(picture: Picture, state: State, now: float) -> Iterator[tuple[str, str, Record]]:
    tenant = picture.identity.tenant
    yield "tenants", tenant, {"tenantId": tenant, "displayName": "Rehearsal", "defaultDomain": "rehearsal.example"}
    names = {identifier.lower(): name for identifier, name, _ in picture.subscriptions}
    for subscription, inside in picture.inside.items():
        yield "subscriptions", subscription, _subscription(subscription, tenant, names.get(subscription, ""))
        for role in (OWNER, KEY_VAULT_ADMINISTRATOR):
            name = str(uuid.uuid4())
            scope = f"/subscriptions/{subscription}"
            grant = {"scope": scope, "role": role, "principal": picture.identity.object_id, "type": None}
            yield "role_assignments", *_assignment(f"{scope}{_ASSIGNMENTS}{name}", grant, now)
        for group in inside.groups:
            yield "resource_groups", group.id, _group(group)
    for known in picture.principals:
        if known.object_id and known.object_id != picture.identity.object_id:
            yield "directory", known.object_id, _person(known, tenant, now)
    for definition in picture.around.definitions.values():
        yield "role_definitions", definition.guid, _role(definition, picture, now)
    yield from _contents(picture, state, tenant, now)


_ASSIGNMENTS: Final = "/providers/Microsoft.Authorization/roleAssignments/"


def _contents(picture: Picture, state: State, tenant: str, now: float) -> Iterator[tuple[str, str, Record]]:
    """The vaults with their policies and secrets, and the grants; each object once, however often it was seen."""
    seen = {(one.kind, one.id): one for shot in picture.shots for one in shot.observed}
    seen |= {(one.kind, one.id): one for inside in picture.inside.values() for one in inside.deleted}
    seen |= {(one.kind, one.id): one for one in _hidden(state, [one for one in seen.values() if one.kind == "vault"])}
    everything = list(seen.values())
    homes = {one.id: uuid.uuid4().hex for one in everything if one.kind == "vault"}
    policies = [one for one in everything if one.kind == "access_policy"]
    for one in everything:
        match one.kind:
            case "vault":
                own = [each for each in policies if (each.parent or "").lower() == one.id]
                table = "vaults" if one.condition is Condition.LIVE else "deleted_vaults"
                yield table, one.label.lower(), _vault(one, own, homes[one.id], tenant, now)
            case "secret" if (one.parent or "").lower() in homes:
                table = "secrets" if one.condition is Condition.LIVE else "deleted_secrets"
                yield table, f"{homes[(one.parent or '').lower()]}/{one.label.lower()}", _secret(one, now)
            case "role_assignment":
                spec = one.spec
                grant = {"scope": spec.scope, "role": spec.role, "principal": spec.principal}
                more = {"type": spec.principal_type, "description": spec.description, "condition": spec.condition}
                yield "role_assignments", *_assignment(one.remote_id, {**grant, **more}, now)


def _hidden(state: State, vaults: Iterable[Observed]) -> Iterator[Observed]:
    """The soft-deleted vaults and what is in them, as they were applied last."""
    gone = {vault.id: vault for vault in vaults if vault.condition is Condition.SOFT_DELETED}
    for entry in state.entries.values():
        at, spec = entry.remote_id.lower(), entry.spec
        if entry.address.kind == "vault" and at in gone:
            yield replace(gone[at], spec=replace(spec, location=gone[at].spec.location or spec.location))
        parent = str(getattr(spec, "vault", "")).lower()
        if parent in gone:
            label = spec.name if entry.address.kind == "secret" else spec.principal
            yield Observed(entry.address.kind, entry.remote_id, spec, facts=entry.facts, parent=parent, label=label)


def _subscription(identifier: str, tenant: str, name: str) -> Record:
    return {"subscriptionId": identifier, "tenantId": tenant, "displayName": name, "state": "Enabled"}


def _role(role: Definition, picture: Picture, now: float) -> Record:
    """A custom role, to be assigned in every subscription that has it."""
    places = [one for one, inside in picture.inside.items() if role.guid in inside.roles.values()]
    blocks = [
        {
            "actions": list(block.actions),
            "notActions": list(block.not_actions),
            "dataActions": list(block.data_actions),
            "notDataActions": list(block.not_data_actions),
            "condition": block.condition,
        }
        for block in role.permissions
    ]
    stamps = {"createdOn": iso(now), "updatedOn": iso(now), "createdBy": "rehearsal", "updatedBy": "rehearsal"}
    scopes = [f"/subscriptions/{one}" for one in places]
    return {"roleName": role.name, "description": None, "assignableScopes": scopes, "permissions": blocks, **stamps}


def _group(group: Observed) -> Record:
    spec = group.spec
    return {
        "id": group.remote_id,
        "name": spec.name,
        "location": spec.location,
        "tags": dict(spec.tags or {}),
        "managedBy": None,
    }


def _vault(one: Observed, policies: list[Observed], home: str, tenant: str, now: float) -> Record:
    """A vault's record; of a soft-deleted one nobody knows more than Azure shows, so the rest has its defaults."""
    spec: VaultSpec = one.spec
    body = new_vault(spec, tenant)
    body["properties"]["accessPolicies"] = [
        {
            "tenantId": tenant,
            "objectId": each.spec.principal,
            "permissions": each.facts.get("permissions") or permissions(each.spec),
            **({"applicationId": each.spec.application} if each.spec.application else {}),
        }
        for each in policies
    ]
    stamp = {"createdBy": "rehearsal", "createdByType": "Application", "createdAt": iso(now)}
    changed = {"lastModifiedBy": "rehearsal", "lastModifiedByType": "Application", "lastModifiedAt": iso(now)}
    record = {"uid": home, "id": one.remote_id, "name": spec.name, **body, "systemData": {**stamp, **changed}}
    record |= {"created": now - _DAY, "ready_at": now - _DAY}
    if one.condition is Condition.SOFT_DELETED:
        record |= {"deleted": now - _DAY, "purge_at": now + 30 * _DAY}
    return record


def _secret(one: Observed, now: float) -> Record:
    """A secret's record, with one version and a value that nobody has ever used."""
    spec: SecretSpec = one.spec
    created = int(one.facts.get("created") or now)
    version: Record = {
        "version": str(one.facts.get("version") or uuid.uuid4().hex),
        "created": created,
        "updated": int(one.facts.get("updated") or created),
        "value": token_urlsafe(24),
    }
    if spec.content_type:
        version["contentType"] = spec.content_type
    if spec.enabled is False:
        version["enabled"] = False
    version |= {name: int(date.timestamp()) for name, date in (("nbf", spec.not_before), ("exp", spec.expires)) if date}
    if spec.tags:
        version["tags"] = dict(spec.tags)
    record: Record = {"name": spec.name, "versions": [version]}
    if one.facts.get("managed"):
        record["managed"] = True
    if one.condition is Condition.SOFT_DELETED:
        # Whatever clock Azure's picture was taken by, it is over here: nothing waits for a deletion to be done.
        deleted = min(float(one.facts.get("deleted") or now), now - 1.0)
        scheduled = float(one.facts.get("purge") or now + 30 * _DAY)
        record |= {"deleted": deleted, "scheduled": scheduled, "ready": deleted}
    return record


def _assignment(identifier: str, grant: Record, now: float) -> tuple[str, Record]:
    scope = str(grant["scope"])
    when = iso(now)
    record = {
        "id": identifier,
        "name": identifier.rpartition("/")[2],
        "scope": scope,
        "roleDefinitionId": ids.definition_id(scope, str(grant["role"])),
        "principalId": grant["principal"],
        "principalType": grant["type"] or "ServicePrincipal",
        "condition": grant.get("condition"),
        "conditionVersion": "2.0" if grant.get("condition") else None,
        "description": grant.get("description"),
        "delegatedManagedIdentityResourceId": None,
        "createdOn": when,
        "updatedOn": when,
        "createdBy": "rehearsal",
        "updatedBy": "rehearsal",
    }
    return identifier.lower(), record


def _person(known: Known, tenant: str, now: float) -> Record:
    """A directory object of the kind and the names that were looked up."""
    record = {"id": known.object_id, "tenant": tenant, "createdDateTime": iso(now), "displayName": known.label}
    if known.type == "User":
        return {**record, "kind": "user", "userPrincipalName": known.name, "userType": "Member"}
    if known.type == "Group":
        return {**record, "kind": "group", "members": [], "owners": []}
    application = known.name if known.selector == Selector.APP_ID else str(uuid.uuid4())
    named = {"accountEnabled": True, "servicePrincipalNames": [application], "servicePrincipalType": "Application"}
    return {**record, "kind": "servicePrincipal", "appId": application, **named}
