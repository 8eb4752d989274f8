"""Who plays: the tenants, the subscriptions and the caller of a scenario, and what the caller may do."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.entra.tokens import USER_AGENT_APP, issue
from declarative_kv.emulator.hostnames import GRAPH, LOGIN, RESOURCE_MANAGER
from declarative_kv.emulator.seed import TENANT, principal_record
from tests.recordings.compare import GUID

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

_OBJECT = re.compile(f"oid=({GUID})|object id '({GUID})'")
_APPLICATION = re.compile(f"appid=({GUID})")
_CLIENT = re.compile(r"The client '([^']+)'")
_ACTION = re.compile(r"perform action '([^']+)'")
_POLICY = re.compile(r"does not have (\w+) (\w+) permission")
_RBAC = re.compile(r"Action: '([^']+)'")
_AUDIENCE = re.compile(r"found: (\S+?)\.?$")
OTHER_TENANT = "99999999-9999-4999-8999-999999999999"


@dataclass(slots=True)
class People:
    """The caller and where it belongs; `denied` are ARM actions, `lacking` a policy's words ("keys/get")."""

    tenant: str
    subscriptions: list[str]
    object_id: str
    app_id: str
    kind: str
    name: str
    denied: set[str] = field(default_factory=set)
    denied_data: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    may_write_directory: bool = True


def find(replay: Replay) -> People:
    """The cast that the entries of the scenario tell of."""
    entries = replay.entries
    texts = [entry.message for entry in entries if entry.message]
    object_id = _object_id(entries, texts)
    client = next((match[1] for text in texts if (match := _CLIENT.search(text))), None)
    system: dict[str, Any] = next((data for entry in entries for data in _values(entry.answer, "systemData")), {})
    mine = (e.answer for e in entries if e.path.endswith("/me") and e.status == 200)
    me: dict[str, Any] = next(mine, _first_owner(entries))
    is_user = bool(me) or "@" in str(client or "") or system.get("createdByType") == "User"
    made_by = system.get("createdBy")
    app_id = next((match[1] for text in texts if (match := _APPLICATION.search(text))), None)
    if not is_user:
        app_id = app_id or client or made_by
    people = People(
        tenant=_tenant(entries),
        subscriptions=_subscriptions(entries),
        object_id=object_id or str(me.get("id") or uuid.uuid4()),
        app_id=app_id or (USER_AGENT_APP if is_user else str(uuid.uuid4())),
        kind="user" if is_user else "servicePrincipal",
        name=str(me.get("userPrincipalName") or client or (made_by if is_user else None) or "caller@contoso.example"),
    )
    _rights(people, entries)
    return people


def _object_id(entries: tuple[Entry, ...], texts: list[str]) -> str | None:
    for text in texts:
        match = _OBJECT.search(text)
        if match is not None:
            return match[1] or match[2]
    for entry in entries:
        for name in ("createdBy", "updatedBy"):
            for value in _values(entry.answer, name):
                is_own = entry.method == "PUT" and entry.service == "arm-authorization" and isinstance(value, str)
                if is_own and re.fullmatch(GUID, value):
                    return str(value)
    policies = [p for e in entries if e.method == "PUT" for p in _values(e.body, "accessPolicies") if p]
    for listed in policies:
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and entry.get("objectId"):
                return str(entry["objectId"])
    return None


def _first_owner(entries: tuple[Entry, ...]) -> dict[str, Any]:
    """Who owns an application before anybody was made an owner: the person that registered it."""
    for entry in entries:
        if entry.path.endswith("/owners/$ref"):
            break
        owners = (
            entry.answer.get("value") if entry.path.endswith("/owners") and isinstance(entry.answer, dict) else None
        )
        if owners and "/applications/" in entry.path:
            return dict(owners[0])
    return {}


def _tenant(entries: tuple[Entry, ...]) -> str:
    found: Counter[str] = Counter()
    for entry in entries:
        for value in _values(entry.answer, "tenantId"):
            if isinstance(value, str) and re.fullmatch(GUID, value):
                found[value] += 2
        challenge = entry.answer_headers.get("www-authenticate") or ""
        found.update(dict.fromkeys(re.findall(f"https://[^/]+/({GUID}|azure_tenant_id)", challenge), 100))
        found.update(dict.fromkeys(re.findall(f"iss=https://sts.windows.net/({GUID})", entry.message), 30))
        if entry.host in LOGIN:
            found.update(dict.fromkeys(re.findall(f"^/({GUID})/", entry.path), 50))
    return found.most_common(1)[0][0] if found else TENANT


def _subscriptions(entries: tuple[Entry, ...]) -> list[str]:
    found: dict[str, None] = {}
    for entry in entries:
        if entry.host in RESOURCE_MANAGER and entry.code != "SubscriptionNotFound":
            found.update(dict.fromkeys(re.findall(f"/subscriptions/({GUID})", entry.path, re.IGNORECASE)))
    return list(found) or ["00000000-0000-0000-0000-000000000000"]


def _rights(people: People, entries: tuple[Entry, ...]) -> None:
    done = {entry.endpoint for entry in entries if entry.status < 400}
    for entry in entries:
        if entry.status != 403:
            continue
        for match in _ACTION.finditer(entry.message):
            if entry.endpoint not in done:
                people.denied.add(match[1])
        for match in _POLICY.finditer(entry.message):
            people.lacking.add(f"{match[1]}/{match[2]}".lower())
        for match in _RBAC.finditer(entry.message):
            people.denied_data.add(match[1])
        if entry.code == "Authorization_RequestDenied":
            people.may_write_directory = False


def _values(value: Any, name: str) -> Iterator[Any]:
    """Every value of that name, anywhere in a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            yield from _values(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, name)


def enter(replay: Replay) -> None:
    """Put the tenant, the subscriptions and the caller into the world, with the caller's rights."""
    store, people = replay.world.store, replay.people
    for table in ("tenants", "subscriptions"):
        for key in list(store.table(table)):
            store.delete(table, key)
    tenant = {"tenantId": people.tenant, "displayName": "Contoso", "defaultDomain": "contoso.example"}
    store.put("tenants", people.tenant.lower(), tenant)
    for identifier in people.subscriptions:
        record = {"subscriptionId": identifier, "tenantId": people.tenant, "displayName": "Contoso", "state": "Enabled"}
        store.put("subscriptions", identifier.lower(), record)
    _enter_caller(replay)
    actions = {"actions": ["*"], "notActions": sorted(people.denied), "dataActions": [], "notDataActions": []}
    if not people.denied_data:
        actions["dataActions"] = ["*"]
    grant(replay, people.object_id, people.kind, "", actions)


def _enter_caller(replay: Replay) -> None:
    people, store = replay.people, replay.world.store
    now = replay.world.clock.now()
    record = principal_record(people.object_id, people.app_id, people.name, now) | {"tenant": people.tenant}
    if people.kind == "user":
        record = {
            "kind": "user",
            "id": people.object_id,
            "tenant": people.tenant,
            "displayName": people.name,
            "userPrincipalName": people.name,
        }
    if people.may_write_directory:
        record["directoryRoles"] = ["write"]
    elif any(entry.host in GRAPH and entry.status < 300 and "/me" not in entry.path for entry in replay.entries):
        record["directoryRoles"] = ["read"]
    store.put("directory", people.object_id.lower(), record)


def grant(replay: Replay, principal: str, kind: str, scope: str, block: dict[str, list[str]]) -> None:
    """Give a principal these actions at a scope through a role that no list shows: it is assigned above the tenant."""
    store = replay.world.store
    role, name = str(uuid.uuid4()), str(uuid.uuid4())
    replay.props |= {role, name}
    store.put(
        "role_definitions",
        role,
        {
            "roleName": f"stage {role}",
            "description": "",
            "assignableScopes": ["/stage"],
            "permissions": [block],
            "createdOn": "2015-01-01T00:00:00Z",
            "updatedOn": "2015-01-01T00:00:00Z",
            "createdBy": None,
            "updatedBy": None,
        },
    )
    identifier = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    store.put(
        "role_assignments",
        identifier.lower(),
        {
            "id": identifier,
            "name": name,
            "scope": scope or "/",
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": principal,
            "principalType": "User" if kind == "user" else "ServicePrincipal",
            "condition": None,
            "conditionVersion": None,
            "description": None,
            "delegatedManagedIdentityResourceId": None,
            "createdOn": "2015-01-01T00:00:00Z",
            "updatedOn": "2015-01-01T00:00:00Z",
            "createdBy": principal,
            "updatedBy": principal,
        },
    )


def token_for(replay: Replay, entry: Entry) -> tuple[str, str] | None:
    """For whom and for which audience a request's token was; None where it had none."""
    if entry.host in LOGIN:
        return None
    cloud = cloud_of(entry.host)
    caller = replay.people.object_id
    if entry.status == 401:
        if entry.message.startswith("AKV10022"):
            match = _AUDIENCE.search(entry.message)
            return caller, match[1] if match else "https://example.com"
        if entry.message.startswith("AKV10032"):
            return _stranger(replay, entry), cloud.vault_audience
        return None
    if entry.is_vault:
        return caller, cloud.vault_audience
    return caller, cloud.graph_audience if entry.host in GRAPH else f"https://{cloud.resource_manager}"


def _stranger(replay: Replay, entry: Entry) -> str:
    """Somebody of the other tenant that the refusal names."""
    names = re.findall(f"https://sts\\.windows\\.net/({GUID})/", entry.message)
    tenant = names[-1] if names else OTHER_TENANT
    object_id = str(uuid.uuid5(uuid.NAMESPACE_URL, tenant))
    record = principal_record(object_id, str(uuid.uuid4()), "stranger", replay.world.clock.now())
    replay.world.store.put("directory", object_id, record | {"tenant": tenant})
    return object_id


def issue_token(replay: Replay, object_id: str, audience: str) -> str:
    """A token of the emulator; for a vault, of the vault's tenant, which some sanitisers gave another name."""
    store, entry = replay.world.store, replay.entries[replay.place]
    vault = store.get("vaults", entry.host.partition(".")[0]) if entry.is_vault else None
    record = store.get("directory", object_id)
    if vault is None or record is None or entry.status == 401:
        return issue(replay.world, object_id, audience)
    store.put("directory", object_id, record | {"tenant": vault["properties"]["tenantId"]})
    token = issue(replay.world, object_id, audience)
    store.put("directory", object_id, record)
    return token
