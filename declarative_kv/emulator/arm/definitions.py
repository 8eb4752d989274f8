"""Resource Manager: role definitions, built-in and custom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from declarative_kv.emulator.access.roles import (
    BUILT_IN,
    CUSTOM,
    Permission,
    Role,
    all_roles,
    custom_role,
    find_role,
    role_guid,
)
from declarative_kv.emulator.access.scopes import scopes_upwards
from declarative_kv.emulator.arm.assignments import require_group_of, subscription_prefix
from declarative_kv.emulator.arm.call import GUID, Call, Route, bad_content, bad_filter, equals, filters, stamp
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_TYPE = "Microsoft.Authorization/roleDefinitions"
_LISTED_SECONDS = 4.0  # recorded: a search by name found nothing 3 seconds after an update
_CREATOR_LATER_SINCE = "2020-01-01"
_BLOCK = ("actions", "notActions", "dataActions", "notDataActions")


def _shape(call: Call, role: Role, scope: str) -> dict[str, Any]:
    return {
        "properties": {
            "roleName": role.name,
            "type": role.kind,
            "description": role.description,
            "assignableScopes": list(role.assignable_scopes),
            "permissions": [_block(call, permission) for permission in role.permissions],
            "createdOn": role.created,
            "updatedOn": role.updated,
            "createdBy": role.created_by,
            "updatedBy": role.updated_by,
        },
        "id": f"{subscription_prefix(scope)}/providers/{_TYPE}/{role.guid}",
        "type": _TYPE,
        "name": role.guid,
    }


def _block(call: Call, permission: Permission) -> dict[str, Any]:
    block: dict[str, Any] = {
        "actions": list(permission.actions),
        "notActions": list(permission.not_actions),
    }
    if call.since("2018-01-01"):
        block["dataActions"] = list(permission.data_actions)
        block["notDataActions"] = list(permission.not_data_actions)
    if permission.condition is not None:
        block |= {"conditionVersion": permission.condition_version, "condition": permission.condition}
    return block


def _is_offered(role: Role, scopes: frozenset[str], scope: str) -> bool:
    """Whether a role can be assigned at the scope or at something inside it; paths are compared as texts (recorded)."""
    here = scope.lower() + "/"
    for assignable in role.assignable_scopes:
        place = "/" + assignable.strip("/").lower()
        if place in scopes or place.startswith(here) or here.startswith(place + "/"):
            return True
    return False


def _list(call: Call, names: Mapping[str, str]) -> Response:
    scope = names["scope"]
    _require_read(call, scope)
    require_group_of(call, scope)
    terms = filters(call.request.parameter("$filter"))
    scopes = frozenset(place or "/" for place in scopes_upwards(call.store, scope))
    found = [role for role in _known(call) if _is_offered(role, scopes, scope)]
    for term in terms:
        name, kind = equals(term, "roleName"), equals(term, "type")
        if name is not None:
            found = [role for role in found if role.name.lower() == name.lower() and not _is_behind(call, role)]
        elif kind is not None:
            found = [role for role in found if role.kind.lower() == kind.lower()]
        elif term.lower() not in ("atscopeandbelow()", "atscope()"):
            raise bad_filter(term)
    body: dict[str, Any] = {"value": [_shape(call, role, scope) for role in found]}
    if not since(call.world, "2016-01-01"):
        body["nextLink"] = None
    return json_response(200, body)


def _is_behind(call: Call, role: Role) -> bool:
    """Whether a search by name does not find the role for now, because it was just updated (recorded)."""
    record = call.store.get("role_definitions", role.guid)
    return record is not None and record.get("listed", 0.0) > call.now()


def _known(call: Call) -> Iterator[Role]:
    """The roles of the emulated day: a built-in one that Azure made later is not among them."""
    return (role for role in all_roles(call.store) if role.kind != BUILT_IN or since(call.world, role.created[:10]))


def _require_read(call: Call, scope: str) -> None:
    """Refuse who may not read the roles of a scope; those of the tenant itself are anybody's to read."""
    if scope:
        call.require(f"{_TYPE}/read", scope)


def _get(call: Call, names: Mapping[str, str]) -> Response:
    _require_read(call, names["scope"])
    role = find_role(call.store, names["d"].lower())
    if role is None:
        message = f"The specified role definition with ID '{names['d']}' does not exist."
        raise AzureFault(404, "RoleDefinitionDoesNotExist", message)
    return json_response(200, _shape(call, role, names["scope"]))


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """Always 201, for a new one and for an update (recorded)."""
    guid = names["d"].lower()
    if GUID.fullmatch(guid) is None:
        raise AzureFault(400, "InvalidRoleDefinitionId", f"The role definition ID '{names['d']}' must be a GUID.")
    require_group_of(call, names["scope"])
    known = find_role(call.store, guid)
    if known is not None and known.kind == BUILT_IN:
        message = "The role definition ID is already in use by a built-in role."
        raise AzureFault(409, "RoleDefinitionExists", message)
    record = _checked(call, guid)
    for role in all_roles(call.store):
        if role.guid != guid and role.name.lower() == record["roleName"].lower():
            message = "A role definition cannot be updated with a name that already exists."
            raise AzureFault(409, "RoleDefinitionWithSameNameExists", message)
    for place in record["assignableScopes"]:
        call.require(f"{_TYPE}/write", "/" + place.strip("/"))
    before = call.store.get("role_definitions", guid)
    now = stamp(call.now(), digits=7)
    record |= {
        "createdOn": before["createdOn"] if before else now,
        "updatedOn": now,
        "createdBy": before["createdBy"] if before else call.caller.object_id,
        "updatedBy": call.caller.object_id,
    }
    if before and call.world.settings.time_scale:
        record["listed"] = call.now() + _LISTED_SECONDS * call.world.settings.time_scale
    call.store.put("role_definitions", guid, record)
    answered = {**record, "createdOn": now}  # recorded: an update, too, gives its own time for both
    shape = _shape(call, custom_role(guid, answered), names["scope"])
    if before is not None or since(call.world, _CREATOR_LATER_SINCE):
        shape["properties"]["createdBy"] = None  # recorded: filled in only from the next GET on
    return json_response(201, shape)


def _checked(call: Call, guid: str) -> dict[str, Any]:
    """The custom role that was sent, in the form it is kept in; raises the recorded 400s."""
    sent = call.body().get("properties")
    if not isinstance(sent, Mapping):
        raise AzureFault(400, "InvalidRequestContent", "The role definition has no properties.")
    name, kind = sent.get("roleName"), sent.get("type") or CUSTOM
    if not isinstance(name, str) or not name.strip():
        raise AzureFault(400, "RoleDefinitionNameNullOrEmpty", "A role definition must have a non-empty, unique name.")
    if str(kind).lower() != CUSTOM.lower():
        message = (
            f"The role definition '{guid}' request is not valid. The Role definition type value '{kind}' is not "
            "supported. The supported values are 'CustomRole'."
        )
        raise AzureFault(400, "InvalidRoleDefinitionType", message)
    places = sent.get("assignableScopes")
    if not isinstance(places, list) or not places or not all(isinstance(place, str) for place in places):
        message = (
            "A role definition must have at least one assignable scope and all assignable scopes must be neither null "
            "nor empty."
        )
        raise AzureFault(400, "MissingAssignableScopes", message)
    return {
        "roleName": name,
        "description": sent.get("description"),
        "assignableScopes": places,
        "permissions": _permissions(call, sent.get("permissions")),
    }


def _permissions(call: Call, sent: object) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or not all(isinstance(block, Mapping) for block in sent):
        raise AzureFault(400, "InvalidRequestContent", "The permissions of a role definition are a list of objects.")
    kept = []
    for block in sent:
        for name in _BLOCK:
            if not isinstance(block.get(name) or [], list):
                raise bad_content()
            for action in block.get(name) or ():
                _check_action(call, name, action)
        kept.append({name: list(block.get(name) or ()) for name in _BLOCK})
    return kept


# What only exists in data actions, and the providers that have none: all that recordings tell.
_DATA_ONLY = ("microsoft.storage/storageaccounts/blobservices/containers/blobs/",)
_WITHOUT_DATA = ("microsoft.authorization/", "microsoft.resources/", "microsoft.support/")


def _check_action(call: Call, name: str, action: object) -> None:
    """An action has a provider and a verb, or a wildcard; which providers offer what is hardly known here."""
    text = action.lower() if isinstance(action, str) else ""
    is_data = "data" in name.lower()
    wrong = text != "*" and ("/" not in text or text.endswith("/"))
    if wrong or (not is_data and text.startswith(_DATA_ONLY)):
        code = "InvalidDataActionOrNotDataAction" if is_data else "InvalidActionOrNotAction"
        message = f"'{action}' does not match any of the actions supported by the providers."
        raise AzureFault(400, code, message)
    if is_data and text.startswith(_WITHOUT_DATA):
        message = "The resource provider referenced in the action has not published any data operations."
        raise AzureFault(400, "InvalidDataActionOrNotDataAction", message)


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    """200 with what was deleted, 204 where there was nothing; refused while the role is assigned (role docs)."""
    guid = names["d"].lower()
    role = find_role(call.store, guid)
    if role is None:
        return Response(204)
    if role.kind == BUILT_IN:
        raise AzureFault(400, "RoleDefinitionCannotBeDeleted", "A built-in role definition cannot be deleted.")
    assigned = call.store.table("role_assignments").values()
    if any(role_guid(record["roleDefinitionId"]) == guid for record in assigned):
        message = "There are existing role assignments referencing role."
        raise AzureFault(400, "RoleDefinitionHasAssignments", message)
    call.store.delete("role_definitions", guid)
    return json_response(200, _shape(call, role, names["scope"]))


_MANY = "{scope}/providers/Microsoft.Authorization/roleDefinitions"
_ONE = _MANY + "/{d}"
ROUTES = (
    Route("GET", _MANY, _list),
    Route("GET", _ONE, _get),
    Route("PUT", _ONE, _put, f"{_TYPE}/write", _ONE),
    Route("DELETE", _ONE, _delete, f"{_TYPE}/delete", _ONE),
)
