"""The vault that a data-plane request goes to, and the secrets that are in it before the scenario makes its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.recordings.load import Entry

if TYPE_CHECKING:
    from tests.recordings.replay import Replay

ALL = {
    "keys": [
        "encrypt",
        "decrypt",
        "wrapKey",
        "unwrapKey",
        "sign",
        "verify",
        "get",
        "list",
        "create",
        "update",
        "import",
        "delete",
        "backup",
        "restore",
        "recover",
        "purge",
        "release",
        "rotate",
        "getrotationpolicy",
        "setrotationpolicy",
    ],
    "secrets": ["get", "list", "set", "delete", "backup", "restore", "recover", "purge"],
    "certificates": ["all"],
    "storage": ["all"],
}
_VAULT = re.compile(r"Vault: ([^;\s]+)(?:;location=(\w+))?")
_OF_VAULT = re.compile(r"key vault '([^;']+);location=(\w+)'")


def prepare(replay: Replay, entry: Entry) -> None:
    """The vault of the request's host, the caller's place in its policies, and the secrets that an answer shows."""
    vault = ensure_vault(replay, entry)
    if entry.service != "kv-secrets" or entry.status >= 300:
        return
    for record in _shown(replay, entry):
        _add_secret(replay, entry, vault, record)


def ensure_vault(replay: Replay, entry: Entry) -> dict[str, Any]:
    """The vault that answers under the host's name; one is made if the scenario has made none."""
    name = entry.host.partition(".")[0]
    found = replay.world.store.get("vaults", name)
    if found is None:
        found = _new_vault(replay, entry, name)
        replay.world.store.put("vaults", name, found)
    elif not _admits(replay, found) and entry.status < 300:
        # The caller's object id was not recorded: a vault that answered names it somewhere in its policies.
        properties = {
            **found["properties"],
            "accessPolicies": [*found["properties"]["accessPolicies"], _policy(replay)],
        }
        found = {**found, "properties": properties}
        replay.world.store.put("vaults", name, found)
    return found


def _admits(replay: Replay, vault: dict[str, Any]) -> bool:
    if vault["properties"].get("enableRbacAuthorization"):
        return True
    listed = vault["properties"].get("accessPolicies") or ()
    return any(entry["objectId"].lower() == replay.people.object_id.lower() for entry in listed)


def _policy(replay: Replay) -> dict[str, Any]:
    lacking = replay.people.lacking
    return {
        "tenantId": replay.people.tenant,
        "objectId": replay.people.object_id,
        "permissions": {
            kind: [name for name in names if f"{kind}/{name}".lower() not in lacking] for kind, names in ALL.items()
        },
    }


def _new_vault(replay: Replay, entry: Entry, name: str) -> dict[str, Any]:
    """A vault as the answers of the whole scenario show it."""
    mine = [e for e in replay.entries if e.host == entry.host]
    told = [m for e in mine if (m := _OF_VAULT.search(e.message) or _VAULT.search(e.message))]
    region = next((m[2] for m in told if m[2]), "westus")
    region = next((e.answer_headers["x-ms-keyvault-region"] for e in mine if _has_region(e)), region)
    levels = [(v.get("recoveryLevel"), v.get("recoverableDays")) for e in mine for v in _attributes(e.answer)]
    level, days = next(((lv, d) for lv, d in levels if d is not None), levels[0] if levels else (None, None))
    is_rbac = any("x-ms-keyvault-rbac-assignment-id" in e.answer_headers or "ByRbac" in str(e.answer) for e in mine)
    shown = next((m[1] for m in told), name)
    subscription = replay.people.subscriptions[0]
    properties: dict[str, Any] = {
        "sku": {"family": "A", "name": "premium"},
        "tenantId": replay.people.tenant,
        "accessPolicies": [] if entry.message.startswith("Access denied") else [_policy(replay)],
        "enabledForDeployment": False,
        "enableSoftDelete": level != "Purgeable",
        "softDeleteRetentionInDays": days or 90,
    }
    if is_rbac:
        properties["enableRbacAuthorization"] = True
    if level is not None and "Purgeable" not in level:
        properties["enablePurgeProtection"] = True
    return vault_record(replay, f"/subscriptions/{subscription}/resourceGroups/found", shown, region, properties)


def vault_record(
    replay: Replay, group: str, name: str, location: str, properties: dict[str, Any], tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """A vault as the emulator keeps it, made by somebody else a while ago."""
    who = {"By": "somebody@contoso.example", "ByType": "User", "At": "2015-01-01T00:00:00.000Z"}
    moment = replay.world.clock.now() - 86400.0
    return {
        "uid": uuid.uuid4().hex,
        "id": f"{group}/providers/Microsoft.KeyVault/vaults/{name}",
        "name": name,
        "location": location,
        "tags": tags or {},
        "properties": properties,
        "systemData": {f"{verb}{part}": text for verb in ("created", "lastModified") for part, text in who.items()},
        "created": moment,
        "ready_at": moment,
        "staged": True,
    }


def _has_region(entry: Entry) -> bool:
    return "x-ms-keyvault-region" in entry.answer_headers


def _attributes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "recoveryLevel" in value:
            yield value
        for item in value.values():
            yield from _attributes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _attributes(item)


def _shown(replay: Replay, entry: Entry) -> Iterator[dict[str, Any]]:
    """The secrets of an answer that no request of the scenario has touched."""
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    items = answer.get("value") if isinstance(answer.get("value"), list) else [answer]
    for item in items or ():
        identifier = str(item.get("id") or "") if isinstance(item, dict) else ""
        parts = identifier.split("/")
        if len(parts) < 5 or f"{entry.host}/secrets/{parts[4]}".lower() in replay.touched:
            continue
        if entry.method in ("GET", "PATCH", "DELETE") or entry.path.endswith("/backup"):
            yield item


def _add_secret(replay: Replay, entry: Entry, vault: dict[str, Any], item: dict[str, Any]) -> None:
    """Put a secret of an answer into the vault, in its own version if the answer names one."""
    parts = item["id"].split("/")
    attributes = item.get("attributes") or {}
    version = {
        "version": parts[5].lower() if len(parts) > 5 and parts[5] else uuid.uuid4().hex,
        "value": item.get("value", ""),
        "created": attributes.get("created", int(replay.world.clock.now())),
        "updated": attributes.get("updated", int(replay.world.clock.now())),
    }
    for name in ("nbf", "exp"):
        if name in attributes:
            version[name] = attributes[name]
    if attributes.get("enabled") is False and entry.method != "PATCH":
        version["enabled"] = False
    for name in ("tags", "contentType"):
        if name in item and entry.method != "PATCH":
            version[name] = item[name]
    is_deleted = "deletedDate" in item and entry.method == "GET"
    table = "deleted_secrets" if is_deleted else "secrets"
    key = f"{vault['uid']}/{parts[4].lower()}"
    known = replay.world.store.get(table, key)
    versions = [] if known is None else [v for v in known["versions"] if v["version"] != version["version"]]
    if known is not None and len(parts) <= 5:
        versions = []
    versions = sorted([*versions, version], key=lambda one: int(one["created"]))
    record: dict[str, Any] = {"name": parts[4], "versions": versions}
    if item.get("managed"):
        record["managed"] = True
    if is_deleted:
        record |= {"deleted": item["deletedDate"], "scheduled": item["scheduledPurgeDate"], "ready": 0.0}
    replay.world.store.put(table, key, record)
    replay.mapping.fix(item)
