"""The role assignments and the role definitions of others that a scenario finds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.access.roles import find_role

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

Item = Mapping[str, Any]


def install_assignment(replay: Replay, item: Item) -> None:
    """A role assignment that the scenario did not make."""
    identifier = str(item["id"])
    if identifier.lower() in replay.touched:
        return
    properties = item["properties"]
    record = {
        "id": identifier,
        "name": item["name"],
        "scope": properties["scope"],
        "roleDefinitionId": properties["roleDefinitionId"],
        "principalId": properties["principalId"],
        "principalType": properties.get("principalType") or "ServicePrincipal",
        "staged": True,
    }
    for name in ("condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId"):
        record[name] = properties.get(name)
    for name in ("createdOn", "updatedOn", "createdBy", "updatedBy", "canDelegate"):
        record[name] = properties.get(name)
    replay.world.store.put("role_assignments", identifier.lower(), record)
    replay.mapping.fix(item)


def install_role(replay: Replay, item: Item) -> None:
    """A role that the scenario did not make, a built-in one as it was on that day."""
    guid = str(item["name"]).lower()
    own = any(path.endswith(f"/roledefinitions/{guid}") for path in replay.touched)
    if own:
        return
    replay.world.store.put("role_definitions", guid, {**item["properties"], "staged": True})
    replay.mapping.fix(item)


_ROLE = re.compile(r"/roleDefinitions/([0-9a-f-]{36})$", re.IGNORECASE)


def roles(replay: Replay, entry: Entry) -> None:
    """The role that is assigned or changed, and one whose GUID or name is in the way."""
    sent = (entry.body or {}).get("properties") if isinstance(entry.body, dict) else None
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    assigned = _ROLE.search(str((sent or answer.get("properties") or {}).get("roleDefinitionId") or ""))
    is_made = assigned is not None and entry.method == "PUT" and entry.status == 201
    if assigned is not None and is_made and find_role(replay.world.store, assigned[1].lower()) is None:
        put_role(replay, assigned[1], {"type": "BuiltInRole"})
    path = _ROLE.search(entry.path)
    if path is None or entry.method != "PUT" or entry.path.lower() in replay.touched:
        return
    if entry.code == "RoleDefinitionExists":
        put_role(replay, path[1], {"type": "BuiltInRole"})
    updated = (answer.get("properties") or {}).get("createdBy", "") is None
    if entry.status == 201 and updated and entry.date < _CREATORS_SHOWN_UNTIL:
        put_role(replay, path[1], {"type": "CustomRole", "createdBy": replay.people.object_id, **(sent or {})})


_CREATORS_SHOWN_UNTIL = 1_577_836_800.0  # 2020: until then only the answer to an update hid who had made a role


def put_role(replay: Replay, guid: str, shown: Item) -> None:
    """A role of which a scenario shows little."""
    record: dict[str, Any] = {
        "roleName": f"role {guid}",
        "description": "",
        "assignableScopes": ["/"],
        "permissions": [{"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}],
        "createdOn": "2015-01-01T00:00:00Z",
        "updatedOn": "2015-01-01T00:00:00Z",
        "createdBy": None,
        "updatedBy": None,
        "staged": True,
    }
    replay.world.store.put("role_definitions", guid.lower(), {**record, **shown})
