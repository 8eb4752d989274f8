"""What a request to Resource Manager finds: groups, vaults, deleted vaults, assignments, roles of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.recordings.compare import is_redacted, link_key
from tests.recordings.load import Entry
from tests.recordings.stage_access import install_assignment, install_role, put_role, roles
from tests.recordings.stage_vault import vault_record

if TYPE_CHECKING:
    from tests.recordings.replay import Replay

_GROUP = re.compile(r"(/subscriptions/[^/]+/resourcegroups/([^/]+))(/.*)?", re.IGNORECASE)
_VAULT = re.compile(r"/providers/Microsoft.KeyVault/vaults/([^/]+)$", re.IGNORECASE)
_DELETED = re.compile(r"/locations/([^/]+)/deletedVaults/([^/]+)(/purge)?$", re.IGNORECASE)
Item = Mapping[str, Any]


def prepare(replay: Replay, entry: Entry) -> None:
    """What the request presupposes and the scenario has not made itself."""
    _group(replay, entry)
    _forget_strangers(replay, entry)
    for item in _items(entry):
        install = _KINDS.get(_type_of(item))
        if install is _install_other and not entry.path.lower().endswith("/resources"):
            continue
        if install is not None and entry.method in ("GET", "DELETE") and entry.status == 200:
            install(replay, _with_tags(entry, item))
    _vault(replay, entry)
    _deleted_vault(replay, entry)
    _tag_names(replay, entry)
    roles(replay, entry)
    _operation(replay, entry)
    _quoted(replay, entry)


# The lists that show everything of a kind, by how their paths end.
_LISTS = {
    "/providers/microsoft.keyvault/vaults": "vaults",
    "/providers/microsoft.keyvault/deletedvaults": "deleted_vaults",
    "/resourcegroups": "resource_groups",
    "/providers/microsoft.authorization/roleassignments": "role_assignments",
    "/providers/microsoft.authorization/roledefinitions": "role_definitions",
    "/resources": "vaults",
}


def _forget_strangers(replay: Replay, entry: Entry) -> None:
    """What others had made and a whole list no longer shows is gone."""
    path = entry.path.lower().rstrip("/")
    table = next((table for ending, table in _LISTS.items() if path.endswith(ending)), None)
    term = str(entry.query.get("$filter") or "")
    whole = not term or (path.endswith("/resources") and "name eq" not in term and "keyvault" in term.lower())
    if entry.method != "GET" or entry.status != 200 or table is None or not whole:
        return
    if any("skiptoken" in name.lower() for name in entry.query) or entry.meta.get("truncated"):
        return
    shown = {str(item.get("id") or "").lower().rpartition("/")[2] for item in _items(entry)}
    scope = path.removesuffix(next(ending for ending in _LISTS if path.endswith(ending)))
    store = replay.world.store
    for key, record in list(store.table(table).items()):
        inside = str(record.get("id") or "").lower().startswith(scope) or table == "role_definitions"
        if record.get("staged") and inside and key.rpartition("/")[2] not in shown:
            store.delete(table, key)


def _type_of(item: Item) -> str:
    """The type of an object that an answer shows, in lower case; older versions do not name every one."""
    if isinstance(item.get("type"), str):
        kind = str(item["type"]).lower()
        is_other = kind not in _KINDS and "/providers/" in str(item.get("id") or "") and "location" in item
        return "other" if is_other else kind
    parts = str(item.get("id") or "").lower().strip("/").split("/")
    if len(parts) == 4 and parts[2] == "resourcegroups":
        return "microsoft.resources/resourcegroups"
    return "subscription" if len(parts) == 2 and parts[0] == "subscriptions" else ""


def _install_other(replay: Replay, item: Item) -> None:
    replay.world.store.put("other_resources", str(item["id"]).lower(), {**item, "staged": True})
    replay.mapping.fix(item)


def _install_subscription(replay: Replay, item: Item) -> None:
    key = str(item["subscriptionId"]).lower()
    kept = {"tenantId": replay.people.tenant, **item}
    replay.world.store.put("subscriptions", key, {name: kept[name] for name in kept if name != "managedByTenants"})
    replay.mapping.fix(item)


def _operation(replay: Replay, entry: Entry) -> None:
    """An operation that something out of this recording's sight started."""
    match = re.search(r"/operationresults/([^/]+)$", entry.path, re.IGNORECASE)
    if match is None or entry.status == 204:
        return
    known = replay.world.store.get("operations", match[1].lower())
    if known is None and replay.links.get(link_key(f"https://{entry.host}{entry.path}")):
        return  # the scenario's own
    now = replay.world.clock.now()
    done = now if entry.status == 200 else now + 3600.0
    record = {"created": now, "done_at": done, "result": entry.answer}
    replay.world.store.put("operations", match[1].lower(), record)


def _items(entry: Entry) -> Iterator[Item]:
    """The objects that an answer shows."""
    answer = entry.answer
    if isinstance(answer, dict):
        listed = answer.get("value")
        yield from (item for item in (listed if isinstance(listed, list) else [answer]) if isinstance(item, dict))


def _is_own(replay: Replay, identifier: str) -> bool:
    return identifier.lower() in replay.touched


def _group(replay: Replay, entry: Entry) -> None:
    """The group of the path, if it was there: the scenario did not make it, and Azure did not miss it."""
    match = _GROUP.match(entry.path)
    if match is None or entry.code in ("ResourceGroupNotFound", "InvalidResourceGroup"):
        return
    is_itself = match[3] in (None, "/")
    if is_itself and (entry.status in (201, 404, 400) or _is_own(replay, match[1])):
        return
    key = match[1].lower()
    if replay.world.store.get("resource_groups", key) is not None or (not is_itself and _is_own(replay, key)):
        return
    if is_itself and entry.method == "PUT":
        location = str((entry.body or {}).get("location") or "westus")
        _put_group(replay, match[1], match[2], location.replace(" ", "").lower(), None)
    elif not (is_itself and entry.method == "GET"):
        _put_group(replay, match[1], match[2], _location_of(replay, match[1]), None)


def _location_of(replay: Replay, group: str) -> str:
    """Where a group is, as far as the scenario says it."""
    for entry in replay.entries[replay.place :]:
        for item in _items(entry):
            identifier = str(item.get("id") or "").lower()
            if identifier.startswith(group.lower()) and isinstance(item.get("location"), str):
                return str(item["location"])
    return "westus"


def _put_group(replay: Replay, path: str, name: str, location: str, item: Item | None) -> None:
    shown = item or {}
    record = {
        "id": shown.get("id") or f"{path.rpartition('/')[0].rpartition('/')[0]}/resourceGroups/{name}",
        "name": name,
        "location": location,
        "tags": shown.get("tags"),
        "managedBy": shown.get("managedBy"),
        "staged": True,
    }
    replay.world.store.put("resource_groups", path.lower(), record)


def _install_group(replay: Replay, item: Item) -> None:
    identifier = str(item["id"])
    if _is_own(replay, identifier):
        return
    replay.mapping.fix(item)
    _put_group(replay, identifier, str(item["name"]), str(item["location"]), item)


_TAGS = re.compile(r"tagname eq '([^']*)'(?: and tagvalue eq '([^']*)')?", re.IGNORECASE)


def _with_tags(entry: Entry, item: Item) -> Item:
    """An item of a list that was asked for by tag, which such a list does not show."""
    match = _TAGS.search(str(entry.query.get("$filter") or ""))
    if match is None or ("tags" in item and not is_redacted(item["tags"])):
        return item
    return {**item, "tags": {match[1]: match[2] or ""}}


def _install_vault(replay: Replay, item: Item) -> None:
    """A vault of an answer. A generic list shows no properties, so one that is known already is left alone."""
    identifier, name = str(item["id"]), str(item["name"])
    known = replay.world.store.get("vaults", name.lower())
    if _is_own(replay, identifier) or (known is not None and "properties" not in item):
        return
    group = identifier.split("/providers/")[0]
    if "properties" not in item:
        item = {**_life_of(replay, name, identifier), **item}
    sent = item.get("properties") or {}
    properties = {key: sent[key] for key in sent if key not in ("vaultUri", "provisioningState", "hsmPoolResourceId")}
    properties.setdefault("sku", {"family": "A", "name": "standard"})
    properties.setdefault("tenantId", replay.people.tenant)
    properties.setdefault("accessPolicies", [])
    properties.setdefault("enabledForDeployment", False)
    record = vault_record(replay, group, name, str(item.get("location")), properties, item.get("tags") or {})
    record["id"] = identifier
    if item.get("systemData"):
        record["systemData"] = item["systemData"]
    if known is not None:
        record["uid"] = known["uid"]
    connections = record["properties"].pop("privateEndpointConnections", None)
    if connections:
        record["endpoints"] = {one["id"].rpartition("/")[2]: _connection(one) for one in connections}
    replay.world.store.put("vaults", name.lower(), record)
    replay.mapping.fix(item)
    if replay.world.store.get("resource_groups", group.lower()) is None:
        _put_group(replay, group, group.split("/")[4], _location_of(replay, group), None)


def _vault(replay: Replay, entry: Entry) -> None:
    """The vault that a PUT updated or a DELETE removed; none where Azure found none."""
    match = _VAULT.search(entry.path)
    if match is None or _is_own(replay, entry.path):
        return
    known = replay.world.store.get("vaults", match[1].lower())
    if entry.status == 404 and known is not None and known.get("staged"):
        replay.world.store.delete("vaults", match[1].lower())
    if known is not None or entry.status != 200 or entry.method not in ("PUT", "PATCH", "DELETE"):
        return
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    properties = answer.get("properties") or {}
    is_new = not str(properties.get("vaultUri", "/")).endswith("/") or "Registering" in str(properties)
    if entry.method == "PUT" and is_new:
        return
    if ((entry.body or {}).get("properties") or {}).get("createMode") == "recover":
        _bury(replay, entry.path, match[1], answer, {})
        return
    if entry.method == "DELETE":
        answer = _life_of(replay, match[1], entry.path)
    _install_vault(replay, {**answer, "id": answer.get("id") or entry.path, "name": answer.get("name") or match[1]})


def _life_of(replay: Replay, name: str, path: str) -> dict[str, Any]:
    """What later answers say about a vault that the scenario deletes."""
    for entry in replay.later:
        for item in _items(entry):
            if str(item.get("id") or "").lower() == path.lower() and item.get("properties"):
                return dict(item)  # it was recovered, as it had been
    for entry in replay.later:
        for item in _items(entry):
            properties = item.get("properties") or {}
            if str(properties.get("vaultId") or "").lower() == path.lower():
                days = _days(properties)
                return {
                    "location": properties["location"],
                    "tags": properties.get("tags") or {},
                    "properties": {"softDeleteRetentionInDays": days, "enableSoftDelete": True},
                }
    properties = {"enableSoftDelete": True}
    return {"location": _location_of(replay, path.split("/providers/")[0]), "properties": properties}


def _deleted_vault(replay: Replay, entry: Entry) -> None:
    """The deleted vault that a request reads or purges, and none where Azure found none."""
    match = _DELETED.search(entry.path)
    if match is None:
        return
    known = replay.world.store.get("deleted_vaults", match[2].lower())
    if entry.status == 404 and known is not None and known.get("staged"):
        replay.world.store.delete("deleted_vaults", match[2].lower())
    if known is None and entry.status in (202, 400, 403) and entry.method == "POST":
        subscription = "/".join(entry.path.split("/")[:3])
        path = f"{subscription}/resourceGroups/found/providers/Microsoft.KeyVault/vaults/{match[2]}"
        protected = {"enablePurgeProtection": True} if entry.status != 202 else {}
        _bury(replay, path, match[2], {"location": match[1]}, protected)


def _install_deleted(replay: Replay, item: Item) -> None:
    properties = item.get("properties") or {}
    path = str(properties.get("vaultId") or "")
    name = str(item.get("name") or "")
    if _is_own(replay, path) or replay.world.store.get("deleted_vaults", name.lower()) is not None:
        return
    protected = {"enablePurgeProtection": True} if properties.get("purgeProtectionEnabled") else {}
    life = _life_of(replay, name, path)
    if life.get("systemData"):
        properties = {**properties, "systemData": life["systemData"], "properties": life["properties"]}
    _bury(replay, path, name, properties, protected)
    replay.mapping.fix(item)


def _bury(replay: Replay, path: str, name: str, shown: Item, more: Mapping[str, Any]) -> None:
    """A deleted vault that the scenario did not delete."""
    deleted, purge_at = _moment(shown.get("deletionDate")), _moment(shown.get("scheduledPurgeDate"))
    made = ("vaultUri", "provisioningState")
    kept = {key: value for key, value in (shown.get("properties") or {}).items() if key not in made}
    properties = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": replay.people.tenant,
        "accessPolicies": [],
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        **({"softDeleteRetentionInDays": _days(shown)} if "deletionDate" in shown else {}),
        **kept,
        **more,
    }
    group = path.split("/providers/")[0]
    record = vault_record(replay, group, name, str(shown.get("location")), properties, shown.get("tags") or {})
    record["id"] = path
    if shown.get("systemData"):
        record["systemData"] = shown["systemData"]
    now = replay.world.clock.now()
    record |= {"deleted": deleted or now - 60.0, "purge_at": purge_at or now + 90 * 86400.0}
    if record["purge_at"] <= now:
        record["purge_at"] = now + 90 * 86400.0
    replay.world.store.put("deleted_vaults", name.lower(), record)


def _days(shown: Item) -> int:
    start, end = _moment(shown.get("deletionDate")), _moment(shown.get("scheduledPurgeDate"))
    return 90 if start is None or end is None else round((end - start) / 86400)


def _moment(text: object) -> float | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if isinstance(text, str) else None


_KINDS: dict[str, Callable[[Any, Item], None]] = {
    "microsoft.resources/resourcegroups": _install_group,
    "microsoft.keyvault/vaults": _install_vault,
    "microsoft.keyvault/deletedvaults": _install_deleted,
    "microsoft.authorization/roleassignments": install_assignment,
    "microsoft.authorization/roledefinitions": install_role,
    "subscription": _install_subscription,
    "other": _install_other,
}


def _connection(item: Item) -> dict[str, Any]:
    """A private endpoint connection as the emulator keeps it."""
    properties = {name: value for name, value in item["properties"].items() if name != "provisioningState"}
    return {"etag": item.get("etag"), "properties": properties}


def _tag_names(replay: Replay, entry: Entry) -> None:
    """The tag names of a list, and one that a request finds: those that the scenario did not make or remove."""
    match = re.match(r"(/subscriptions/([^/]+)/tagNames)(?:/([^/]+))?", entry.path, re.IGNORECASE)
    if match is None:
        return
    store = replay.world.store
    if match[3] is None:
        for key in [key for key, record in store.table("tag_names").items() if record.get("staged")]:
            store.delete("tag_names", key)
        for item in _items(entry):
            if isinstance(item.get("tagName"), str) and not _is_own(replay, f"{match[1]}/{item['tagName']}"):
                _put_tag_name(replay, match[2], item)
    elif not _is_own(replay, f"{match[1]}/{match[3]}") and entry.status == 200:
        _put_tag_name(replay, match[2], {"tagName": match[3]})


def _put_tag_name(replay: Replay, subscription: str, item: Item) -> None:
    values = {
        value["tagValue"].lower(): {"value": value["tagValue"], "count": int(value["count"]["value"])}
        for value in item.get("values") or ()
    }
    count = int((item.get("count") or {"value": 0})["value"])
    record = {"name": item["tagName"], "count": count, "values": values, "staged": True}
    replay.world.store.put("tag_names", f"{subscription}/{item['tagName']}".lower(), record)


_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_SOMEBODY = "55555555-5555-4555-8555-555555555555"


def _plausible(replay: Replay, entry: Entry) -> dict[str, Any]:
    """What a request like the stand-in's sends when nothing is wrong with it but what the answer says."""
    if entry.service == "arm-keyvault":
        properties = {"tenantId": replay.people.tenant, "sku": {"family": "A", "name": "standard"}}
        return {"location": "westeurope", "properties": properties}
    if "/roledefinitions/" in entry.path.lower():
        scope = "/".join(entry.path.split("/")[:3])
        permissions = [{"actions": ["*/read"]}]
        sent = {"roleName": "Reader of all", "assignableScopes": [scope], "permissions": permissions}
        return {"properties": sent}
    return {"properties": {"roleDefinitionId": f"/roleDefinitions/{_OWNER}", "principalId": replay.people.object_id}}


def _quoted(replay: Replay, entry: Entry) -> None:
    """What must be there for a quoted refusal to be the answer."""
    if not entry.is_quote:
        return
    store, vault = replay.world.store, _VAULT.search(entry.path)
    if entry.code == "VaultAlreadyExists" and vault is not None:
        other = "/subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups/elsewhere"
        properties = {"tenantId": replay.people.tenant, "accessPolicies": [], "enableSoftDelete": True}
        store.put("vaults", vault[1].lower(), vault_record(replay, other, vault[1], "westeurope", properties))
    elif entry.code == "ConflictError" and vault is not None:
        _bury(replay, entry.path, vault[1], {"location": "westeurope"}, {})
    elif entry.code == "RoleDefinitionWithSameNameExists":
        scope = "/".join(entry.path.split("/")[:3])
        shown = {"type": "CustomRole", "roleName": "Reader of all", "assignableScopes": [scope]}
        put_role(replay, _SOMEBODY, shown)
    elif entry.code == "RoleAssignmentUpdateNotPermitted":
        scope, _, name = entry.path.partition("/providers/Microsoft.Authorization/roleAssignments/")
        role = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{_OWNER}"
        properties = {"scope": scope, "principalId": _SOMEBODY, "roleDefinitionId": role}
        install_assignment(replay, {"id": entry.path, "name": name, "properties": properties})


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """A body that the recorder did not keep: what the answer shows was sent; of a stand-in, a plausible one."""
    if entry.is_quote and entry.method == "PUT" and not (isinstance(body, dict) and body.get("properties")):
        return _plausible(replay, entry)
    lost = body is None and entry.method in ("PUT", "PATCH") and entry.status < 300
    if not lost or not isinstance(entry.answer, dict):
        return body
    answer = entry.answer
    properties = answer.get("properties")
    made: tuple[str, ...] = (
        "provisioningState",
        "createdOn",
        "updatedOn",
        "createdBy",
        "updatedBy",
        "scope",
        "vaultUri",
    )
    made = (*made, "principalType")
    sent: dict[str, Any] = {name: answer[name] for name in ("location", "tags") if name in answer}
    if isinstance(properties, dict):
        sent["properties"] = {name: properties[name] for name in properties if name not in made}
    return sent
