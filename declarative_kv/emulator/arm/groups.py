"""Resource Manager: resource groups, what is in them, and the operations that take a while."""

from __future__ import annotations

import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from declarative_kv.emulator.arm.call import (
    GATEWAY,
    Call,
    Route,
    bad_filter,
    equals,
    filters,
    page,
    region,
    retry_after,
    tags_of,
    text_of,
)
from declarative_kv.emulator.arm.deleted import forget_assignments_below, forget_roles_below, soft_delete
from declarative_kv.emulator.arm.subscriptions import LOCATIONS
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

GROUP = "/subscriptions/{s}/resourceGroups/{g}"
DELETE_SECONDS = 61.0  # the median of recorded deletions
_POLL_SECONDS = 15.0
_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
_BAD_CHARACTERS = re.compile(r"[^\w\-.()]")
VAULT_TYPE = "Microsoft.KeyVault/vaults"
IDENTITY_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


def group_key(subscription: str, group: str) -> str:
    """The key of a group in table `resource_groups`."""
    return f"/subscriptions/{subscription}/resourcegroups/{group}".lower()


def find_group(call: Call, names: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The group's record, unless it is gone by now; raises a 400 for a name that no group can have."""
    name = names["g"]
    bad = "".join(dict.fromkeys(_BAD_CHARACTERS.findall(name)))
    if bad:
        message = (
            f"The provided resource group name '{name}' has these invalid characters: '{bad}'. The name can only be a "
            "letter, digit, '-', '.', '(', ')' or '_'."
        )
        raise AzureFault(400, "InvalidResourceGroup", message, headers=GATEWAY)
    record = call.store.get("resource_groups", group_key(names["s"], name))
    if record is not None and record.get("gone_at") is not None and record["gone_at"] <= call.now():
        return None
    return record


def require_group(call: Call, names: Mapping[str, str]) -> Mapping[str, Any]:
    """The group's record; raises Azure's 404 where there is none."""
    record = find_group(call, names)
    if record is None:
        message = f"Resource group '{names['g']}' could not be found."
        raise AzureFault(404, "ResourceGroupNotFound", message, headers=GATEWAY)
    return record


def require_writable_group(call: Call, names: Mapping[str, str]) -> Mapping[str, Any]:
    """The group's record; raises Azure's 404 where there is none, and its 409 where it is being deleted."""
    record = require_group(call, names)
    if record.get("gone_at") is not None:
        message = f"The resource group '{names['g']}' is in deprovisioning state and cannot perform this operation."
        raise AzureFault(409, "ResourceGroupBeingDeleted", message, headers=GATEWAY)
    return record


def _shape(call: Call, record: Mapping[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {"id": record["id"], "name": record["name"]}
    if call.since("2019-01-01"):
        shape["type"] = "Microsoft.Resources/resourceGroups"
    shape["location"] = record["location"]
    for optional in ("managedBy", "tags"):
        if record.get(optional) is not None:
            shape[optional] = record[optional]
    state = "Succeeded" if record.get("gone_at") is None else "Deleting"
    return {**shape, "properties": {"provisioningState": state}}


def _put(call: Call, names: Mapping[str, str]) -> Response:
    existing = None if find_group(call, names) is None else require_writable_group(call, names)
    body = call.body()
    name = names["g"]
    if existing is None and (len(name) > 90 or name.endswith(".")):
        message = (
            f"The provided resource group name '{name}' is not valid: it has at most 90 characters and does not end "
            "with a period."
        )
        raise AzureFault(400, "InvalidResourceGroup", message, headers=GATEWAY)
    location = _location(body.get("location"))
    if existing is not None and existing["location"] != location:
        message = (
            f"Invalid resource group location '{location}'. The Resource group already exists in location "
            f"'{existing['location']}'."
        )
        raise AzureFault(409, "InvalidResourceGroupLocation", message, headers=GATEWAY)
    record = {
        "id": existing["id"] if existing else f"/subscriptions/{names['s']}/resourceGroups/{name}",
        "name": existing["name"] if existing else name,
        "location": location,
        "tags": tags_of(body),
        "managedBy": text_of(body, "managedBy"),
    }
    call.store.put("resource_groups", group_key(names["s"], name), record)
    return json_response(201 if existing is None else 200, _shape(call, record))


def _location(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        message = "The location property is required for this definition."
        raise AzureFault(400, "LocationRequired", message, headers=GATEWAY)
    if re.fullmatch(r"[\w\s(),]+", value) is None:
        message = (
            f"The specified location '{value}' is invalid. A location must consist of characters, whitespace, digit, "
            "or following symbols '(,)'."
        )
        raise AzureFault(400, "InvalidResourceLocation", message, headers=GATEWAY)
    if region(value) not in LOCATIONS:
        message = (
            f"The provided location '{value}' is not available for resource group. List of available regions is "
            f"'{','.join(LOCATIONS)}'."
        )
        raise AzureFault(400, "LocationNotAvailableForResourceGroup", message, headers=GATEWAY)
    return region(value)


def _patch(call: Call, names: Mapping[str, str]) -> Response:
    record = dict(require_group(call, names))
    body = call.body()
    changes = {"tags": tags_of(body), "managedBy": text_of(body, "managedBy")}
    record.update({name: value for name, value in changes.items() if value is not None})
    call.store.put("resource_groups", group_key(names["s"], names["g"]), record)
    return json_response(200, _shape(call, record))


def _get(call: Call, names: Mapping[str, str]) -> Response:
    return json_response(200, _shape(call, require_group(call, names)))


def _head(call: Call, names: Mapping[str, str]) -> Response:
    return Response(204) if find_group(call, names) is not None else Response(404, GATEWAY)


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """Those the caller may read; a refusal only where that is none and the subscription is not readable."""
    found = [
        record
        for key, record in call.store.table("resource_groups").items()
        if key.startswith(group_key(names["s"], ""))
        and (record.get("gone_at") is None or record["gone_at"] > call.now())
        and call.may(_READ, record["id"])
    ]
    if not found:
        call.require(_READ, f"/subscriptions/{names['s']}")
    kept = [_shape(call, record) for record in found if _has_tags(record, call.request.parameter("$filter"))]
    kept.sort(key=lambda shape: str(shape["id"]).lower())
    return page(call, kept, [shape["id"].lower() for shape in kept])


def _has_tags(record: Mapping[str, Any], text: str | None) -> bool:
    """Whether `tagName eq 'n'` and `tagValue eq 'v'` hold; raises a 400 for another filter."""
    tags = {name.lower(): value for name, value in (record.get("tags") or {}).items()}
    name = value = None
    for term in filters(text):
        tag_name, tag_value = equals(term, "tagName"), equals(term, "tagValue")
        if tag_name is None and tag_value is None:
            raise bad_filter(term)
        name = name if tag_name is None else tag_name
        value = value if tag_value is None else tag_value
    if name is None and value is None:
        return True
    if name is None:
        return value in tags.values()
    return name.lower() in tags and (value is None or tags[name.lower()] == value)


def finish_deletions(call: Call) -> None:
    """Forget the groups whose deletion has ended by now; until then the access to them can be read (recorded)."""
    for key, record in list(call.store.table("resource_groups").items()):
        if record.get("gone_at") is not None and record["gone_at"] <= call.now():
            _forget(call, key, record)


def _forget(call: Call, key: str, record: Mapping[str, Any]) -> None:
    forget_assignments_below(call, record["id"])
    forget_roles_below(call, record["id"])
    call.store.delete("resource_groups", key)


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    """202 at once, done later: the vaults inside are soft-deleted, everything else is lost for good."""
    record = dict(require_group(call, names))
    below = record["id"].lower() + "/"
    for name, vault in list(call.store.table("vaults").items()):
        if vault["id"].lower().startswith(below):
            soft_delete(call, name)
    for key in call.store.keys("managed_identities", below):
        principal = call.store.get("managed_identities", key)
        if principal is not None:
            call.store.delete("directory", principal["principalId"])
        call.store.delete("managed_identities", key)
    delay = DELETE_SECONDS * call.world.settings.time_scale
    key = group_key(names["s"], names["g"])
    if delay:
        call.store.put("resource_groups", key, {**record, "gone_at": call.now() + delay})
    else:
        _forget(call, key, record)
    operation = urlsafe_b64encode(f"{record['name']}|{uuid.uuid4()}".encode()).decode().rstrip("=")
    call.store.put("operations", operation.lower(), {"created": call.now(), "done_at": call.now() + delay})
    location = call.link(f"/subscriptions/{names['s']}/operationresults/{operation}")
    return Response(202, {"location": location, **retry_after(call, _POLL_SECONDS)})


def _operation(call: Call, names: Mapping[str, str]) -> Response:
    operation = call.store.get("operations", names["o"].lower())
    if operation is None:
        return Response(204)
    if operation["done_at"] > call.now():
        location = call.link(call.request.path)
        return Response(202, {"location": location, **retry_after(call, _POLL_SECONDS)})
    if operation.get("result") is not None:
        return json_response(200, operation["result"])
    return Response(200)


def _all_resources(call: Call, prefix: str) -> Iterator[dict[str, Any]]:
    """Every resource below a path, in the shape of the generic list: no properties."""
    # What the emulator itself does not serve can still be there: clients list it and assign roles at it.
    for record in call.store.table("other_resources").values():
        if record["id"].lower().startswith(prefix.lower() + "/"):
            yield {name: value for name, value in record.items() if name != "staged"}
    kinds = ((VAULT_TYPE, "vaults"), (IDENTITY_TYPE, "managed_identities"))
    for kind, table in kinds:
        for record in call.store.table(table).values():
            if record["id"].lower().startswith(prefix.lower() + "/"):
                yield {
                    "id": record["id"],
                    "name": record["name"],
                    "type": kind,
                    "location": region(record["location"]),
                    "tags": record.get("tags") or {},
                }


def _resources(call: Call, names: Mapping[str, str]) -> Response:
    """Vaults and identities, filtered; only those the caller may read."""
    prefix = call.path.rpartition("/")[0]
    if "g" in names:
        require_group(call, names)
    found = [r for r in _all_resources(call, prefix) if call.may(f"{r['type']}/read", r["id"])]
    if not found:
        call.require("Microsoft.Resources/subscriptions/resources/read", prefix)
    shown_tags = True
    for term in filters(call.request.parameter("$filter")):
        found = [resource for resource in found if _matches(resource, term)]
        if equals(term, "tagName") is not None:  # who asks by tag is not shown the tags (recorded)
            shown_tags = False
    if not shown_tags:
        found = [{name: value for name, value in resource.items() if name != "tags"} for resource in found]
    found.sort(key=lambda resource: str(resource["id"]).lower())
    return page(call, found, [resource["id"].lower() for resource in found])


def _matches(resource: Mapping[str, Any], term: str) -> bool:
    for name, key in (("resourceType", "type"), ("name", "name"), ("location", "location")):
        value = equals(term, name)
        if value is not None:
            return region(str(resource[key])) == region(value)
    group = equals(term, "resourceGroup")
    if group is not None:
        return bool(f"/resourcegroups/{group}/".lower() in resource["id"].lower())
    if equals(term, "tagName") is not None or equals(term, "tagValue") is not None:
        return _has_tags(resource, term)
    raise bad_filter(term)


_WRITE = "Microsoft.Resources/subscriptions/resourceGroups/write"
_DELETE = "Microsoft.Resources/subscriptions/resourceGroups/delete"
ROUTES = (
    Route("GET", "/subscriptions/{s}/resourceGroups", _list),
    Route("GET", GROUP, _get, _READ, GROUP),
    Route("HEAD", GROUP, _head, _READ, GROUP),
    Route("PUT", GROUP, _put, _WRITE, GROUP),
    Route("PATCH", GROUP, _patch, _WRITE, GROUP),
    Route("DELETE", GROUP, _delete, _DELETE, GROUP),
    Route("GET", "/subscriptions/{s}/resources", _resources),
    Route("GET", GROUP + "/resources", _resources),
    Route("GET", "/subscriptions/{s}/operationresults/{o}", _operation),
)
