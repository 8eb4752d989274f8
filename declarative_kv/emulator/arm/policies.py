"""Resource Manager: the access policies of a vault, one principal at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, system_data
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.arm.vault_shape import MAX_POLICIES, bad_value, policies
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

Entry = dict[str, Any]
MAX_SENT = 16


def key_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What makes an entry the same one: principal and application, without regard to case."""
    return entry["objectId"].lower(), (entry.get("applicationId") or "").lower()


def added(before: Entry | None, sent: Entry) -> Entry:
    """Both entries' permissions (recorded); what is there in another letter case is not added again."""
    if before is None:
        return sent
    permissions = {kind: list(granted) for kind, granted in before["permissions"].items()}
    for kind, granted in sent["permissions"].items():
        known = permissions.setdefault(kind, [])
        present = {name.lower() for name in known}
        known.extend(name for name in granted if name.lower() not in present)
    return {**before, "permissions": permissions}


def replaced(before: Entry | None, sent: Entry) -> Entry:
    """The entry as sent, in the place of the one that was there."""
    return sent


def removed(before: Entry | None, sent: Entry) -> Entry | None:
    """What stays of an entry; None when no permission does.

    A permission whose letter case differs from what is kept stays, though Azure answers 200
    (azure-rest-api-specs issue 42963).
    """
    if before is None:
        return None
    permissions = {
        kind: [name for name in granted if name not in sent["permissions"].get(kind, ())]
        for kind, granted in before["permissions"].items()
    }
    if not any(permissions.values()):
        return None
    return {**before, "permissions": permissions}


_KINDS = {"add": added, "replace": replaced, "remove": removed}


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """Change the entries of the principals that are sent, and answer with those alone (recorded)."""
    change = _KINDS.get(names["kind"].lower())
    if change is None:
        message = f"The access policy operation '{names['kind']}' is none of add, replace, remove."
        raise AzureFault(400, "InvalidOperationKind", message, headers=SERVICE_HEADERS)
    record = require_vault(call, names)
    sent = _sent(call)
    entries: dict[tuple[str, str], Entry] = {key_of(entry): entry for entry in record["properties"]["accessPolicies"]}
    for entry in sent:
        after = change(entries.get(key_of(entry)), entry)
        if after is None:
            entries.pop(key_of(entry), None)
        else:
            entries[key_of(entry)] = after
    if len(entries) > MAX_POLICIES:
        raise bad_value("accessPolicies")
    record["properties"] = {**record["properties"], "accessPolicies": list(entries.values())}
    record["systemData"] = system_data(call, record["systemData"])
    call.store.put("vaults", record["name"].lower(), record)
    return json_response(200, _shape(record, sent, entries), SERVICE_HEADERS)


def _sent(call: Call) -> list[Entry]:
    properties = call.body().get("properties")
    if not isinstance(properties, Mapping):
        raise bad_value("properties")
    sent = policies(properties.get("accessPolicies") or [])
    if len(sent) > MAX_SENT:
        raise bad_value("accessPolicies")
    return sent


def _shape(
    record: Mapping[str, Any], sent: Iterable[Entry], entries: Mapping[tuple[str, str], Entry]
) -> dict[str, Any]:
    keys = dict.fromkeys(key_of(entry) for entry in sent)
    return {
        "id": f"{record['id']}/accessPolicies/",
        "type": "Microsoft.KeyVault/vaults/accessPolicies",
        "properties": {"accessPolicies": [entries[key] for key in keys if key in entries]},
    }


ROUTES = (
    Route("PUT", VAULT + "/accessPolicies/{kind}", _put, "Microsoft.KeyVault/vaults/accessPolicies/write", VAULT),
)
