"""Resource Manager: subscriptions, tenants and locations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.access.scopes import scopes_upwards
from declarative_kv.emulator.arm.call import GATEWAY, Call, Route, region
from declarative_kv.emulator.directory import groups_of
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_DISPLAY_NAMES = (
    "Central US, East Asia, Southeast Asia, East US, East US 2, West US, West US 2, North Central US, "
    "South Central US, West Central US, North Europe, West Europe, Japan East, Japan West, Brazil South, "
    "Australia Southeast, Australia East, West India, South India, Central India, Canada Central, Canada East, "
    "UK South, UK West, Korea Central, Korea South, France Central, South Africa North, UAE North, "
    "Australia Central, Switzerland North, Germany West Central, Norway East, Jio India West, West US 3, "
    "Sweden Central, Qatar Central, Poland Central, Italy North, Israel Central, Spain Central, Mexico Central, "
    "New Zealand North, Australia Central 2, US Gov Virginia, US Gov Arizona, US Gov Texas, China North 3, "
    "China East 2, China North 2, China East 3, Central US EUAP, East US 2 EUAP"
)
LOCATIONS: Mapping[str, str] = {region(name): name for name in _DISPLAY_NAMES.split(", ")}


def require_subscription(call: Call, subscription: str) -> Mapping[str, Any]:
    """The subscription's record; raises Azure's 404. Whose tenant the token is of was checked before."""
    record = call.store.get("subscriptions", subscription.lower())
    if record is None:
        message = f"The subscription '{subscription}' could not be found."
        raise AzureFault(404, "SubscriptionNotFound", message, headers=GATEWAY)
    return record


def _sees(call: Call, subscription: str) -> bool:
    """Whether a role assignment of any kind names the caller in, above or below the subscription."""
    principals = {call.caller.object_id.lower(), *groups_of(call.world, call.caller.object_id)}
    inside = f"/subscriptions/{subscription.lower()}"
    reaching = {scope or "/" for scope in scopes_upwards(call.store, inside)}
    for record in call.store.table("role_assignments").values():
        scope = record["scope"].lower()
        if (scope in reaching or scope.startswith(inside + "/")) and record["principalId"].lower() in principals:
            return True
    return False


_POLICIES = {
    "locationPlacementId": "Public_2014-09-01",
    "quotaId": "PayAsYouGo_2014-09-01",
    "spendingLimit": "Off",
}
_TENANTS_SHOWN_SINCE = "2019-01-01"  # the versions before show neither tenants nor the count of a list (recorded)


def _shape(call: Call, record: Mapping[str, Any]) -> dict[str, Any]:
    identifier = record["subscriptionId"]
    shape: dict[str, Any] = {
        "id": f"/subscriptions/{identifier}",
        "authorizationSource": record.get("authorizationSource", "RoleBased"),
        "subscriptionId": identifier,
        "displayName": record["displayName"],
        "state": record.get("state", "Enabled"),
        "subscriptionPolicies": record.get("subscriptionPolicies", _POLICIES),
    }
    if call.since(_TENANTS_SHOWN_SINCE):
        shape |= {"managedByTenants": [], "tenantId": record["tenantId"]}
    return shape


def _list(call: Call, _: Mapping[str, str]) -> Response:
    """Only those of the token's tenant in which the caller has any role at all."""
    found = [
        _shape(call, record)
        for record in call.store.table("subscriptions").values()
        if record["tenantId"].lower() == call.caller.tenant.lower() and _sees(call, record["subscriptionId"])
    ]
    body: dict[str, Any] = {"value": found}
    if call.since(_TENANTS_SHOWN_SINCE):
        body["count"] = {"type": "Total", "value": len(found)}
    return json_response(200, body)


def _get(call: Call, names: Mapping[str, str]) -> Response:
    record = require_subscription(call, names["s"])
    if not _sees(call, names["s"]):
        call.require("Microsoft.Resources/subscriptions/read", f"/subscriptions/{names['s']}")
    return json_response(200, _shape(call, record))


def _tenants(call: Call, _: Mapping[str, str]) -> Response:
    """The tenant of the token; a caller of the emulator is at home in one only."""
    found = [
        {
            "id": f"/tenants/{record['tenantId']}",
            "tenantId": record["tenantId"],
            "countryCode": "NL",
            "displayName": record["displayName"],
            "domains": [record["defaultDomain"]],
            "tenantCategory": "Home",
            "defaultDomain": record["defaultDomain"],
            "tenantType": "AAD",
        }
        for record in call.store.table("tenants").values()
        if record["tenantId"].lower() == call.caller.tenant.lower()
    ]
    return json_response(200, {"value": found})


def _locations(call: Call, names: Mapping[str, str]) -> Response:
    subscription = names["s"]
    require_subscription(call, subscription)
    found = [
        {
            "id": f"/subscriptions/{subscription}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for name, display in LOCATIONS.items()
    ]
    return json_response(200, {"value": found})


_LOCATIONS_READ = "Microsoft.Resources/subscriptions/locations/read"
ROUTES = (
    Route("GET", "/subscriptions", _list),
    Route("GET", "/subscriptions/{s}", _get),
    Route("GET", "/subscriptions/{s}/locations", _locations, _LOCATIONS_READ, "/subscriptions/{s}"),
    Route("GET", "/tenants", _tenants),
)
