"""Resource Manager: which resource providers there are, their types and api-versions; every one is registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.emulator.arm.call import GATEWAY, Call, Route
from declarative_kv.emulator.arm.subscriptions import LOCATIONS
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_VAULT_VERSIONS: Final = (
    "2026-04-01, 2026-02-01, 2025-05-01, 2024-12-01-preview, 2024-11-01, 2024-04-01-preview, 2023-07-01, 2023-02-01, "
    "2022-11-01, 2022-07-01, 2022-02-01-preview, 2021-11-01-preview, 2021-10-01, 2021-06-01-preview, "
    "2021-04-01-preview, 2020-04-01-preview, 2019-09-01, 2018-02-14-preview, 2018-02-14, 2016-10-01, 2015-06-01, "
    "2014-12-19-preview"
)
_EVERYWHERE, _NOWHERE = True, False
# The regions of 2019 in the order that was recorded; which have come since, and when, is not.
_REGIONS_OF_2019: Final = (
    "North Central US, East US, North Europe, West Europe, East Asia, Southeast Asia, East US 2, Central US, "
    "South Central US, West US, Japan East, Japan West, Australia East, Australia Southeast, Brazil South, "
    "Central India, South India, West India, Canada Central, Canada East, UK South, UK West, West Central US, "
    "West US 2, Korea Central, Korea South, France Central, Australia Central, UAE North, South Africa North"
)
# One type lists the same regions in an order of its own.
_NETWORKS: Final = "locations/deleteVirtualNetworkOrSubnets"
_REGIONS_OF_NETWORKS: Final = (
    "East US, North Central US, West Europe, North Europe, East Asia, Southeast Asia, East US 2, Central US, "
    "South Central US, West Central US, West US 2, West US, Japan East, Japan West, Australia East, "
    "Australia Southeast, Australia Central, Brazil South, Central India, South India, West India, Canada Central, "
    "Canada East, UK South, UK West, Korea Central, Korea South, France Central, UAE North, South Africa North"
)
# Recorded for Microsoft.KeyVault: each type with the oldest version it is served in, and whether it is in regions.
_VAULT_TYPES: Final = (
    ("vaults", "2015-06-01", _EVERYWHERE),
    ("vaults/secrets", "2015-06-01", _EVERYWHERE),
    ("vaults/accessPolicies", "2015-06-01", _EVERYWHERE),
    ("operations", "2014-12-19", _NOWHERE),
    ("checkNameAvailability", "2015-06-01", _NOWHERE),
    ("deletedVaults", "2016-10-01", _EVERYWHERE),
    ("locations", "2016-10-01", _NOWHERE),
    ("locations/deletedVaults", "2016-10-01", _EVERYWHERE),
    (_NETWORKS, "2016-10-01", _EVERYWHERE),
    ("locations/operationResults", "2016-10-01", _EVERYWHERE),
    ("vaults/eventGridFilters", "2018-02-14", _EVERYWHERE),
)
_AUTHORIZATION_VERSIONS: Final = "2022-05-01-preview, 2022-04-01, 2020-04-01-preview, 2018-01-01-preview, 2015-07-01"
_GROUP_VERSIONS: Final = "2025-04-01, 2024-11-01, 2023-07-01, 2022-09-01, 2021-04-01, 2020-06-01, 2019-10-01"
# Of the other providers only what is emulated; their lists are not recorded.
_PROVIDERS: Final[Mapping[str, tuple[str, tuple[tuple[str, str, bool], ...]]]] = {
    "Microsoft.KeyVault": (_VAULT_VERSIONS, _VAULT_TYPES),
    "Microsoft.Authorization": (
        _AUTHORIZATION_VERSIONS,
        (("roleAssignments", "", _NOWHERE), ("roleDefinitions", "", _NOWHERE)),
    ),
    "Microsoft.ManagedIdentity": (
        "2023-01-31, 2022-01-31-preview, 2018-11-30",
        (("userAssignedIdentities", "", _EVERYWHERE),),
    ),
    "Microsoft.Resources": (
        _GROUP_VERSIONS,
        (("resourceGroups", "", _NOWHERE), ("subscriptions", "", _NOWHERE), ("tenants", "", _NOWHERE)),
    ),
}
# What Key Vault's own applications may do in a subscription that is registered for it (recorded).
_GRANTED: Final = "1cf9858a-28a2-4228-abba-94e606305b95"
_APPLICATIONS: Final = ("cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "589d5083-6f11-4d30-a62a-a4b316a14abf")
_NEW_SINCE: Final = "2020-01-01"
_MOVES: Final = "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove"


def _described(call: Call, subscription: str, namespace: str) -> dict[str, Any]:
    versions, types = _PROVIDERS[namespace]
    known = [version for version in versions.split(", ") if since(call.world, version[:10])]
    shown: dict[str, Any] = {
        "id": f"/subscriptions/{subscription}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": [
            _type(name, [version for version in known if version >= oldest], _regions(call, name) if regional else [])
            for name, oldest, regional in types
        ],
        "registrationState": "Registered",
    }
    if namespace == "Microsoft.KeyVault":
        shown["authorizations"] = [
            {"applicationId": application, "roleDefinitionId": _GRANTED} for application in _APPLICATIONS
        ]
    if since(call.world, _NEW_SINCE):
        shown["registrationPolicy"] = "RegistrationRequired"
    return shown


def _type(name: str, versions: list[str], regions: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {"resourceType": name, "locations": regions, "apiVersions": versions}
    return {**described, "capabilities": _MOVES} if name == "vaults" else described


def _regions(call: Call, name: str) -> list[str]:
    recorded = (_REGIONS_OF_NETWORKS if name == _NETWORKS else _REGIONS_OF_2019).split(", ")
    if not since(call.world, _NEW_SINCE):
        return recorded
    return [*recorded, *(region for region in LOCATIONS.values() if region not in recorded)]


def _list(call: Call, names: Mapping[str, str]) -> Response:
    return json_response(200, {"value": [_described(call, names["s"], namespace) for namespace in _PROVIDERS]})


def _register(call: Call, names: Mapping[str, str]) -> Response:
    """Changes nothing: all that are emulated are registered. Every provider has an action of its own for it."""
    call.require(f"{names['namespace']}/register/action", f"/subscriptions/{names['s']}")
    return _get(call, names)


def _get(call: Call, names: Mapping[str, str]) -> Response:
    wanted = names["namespace"]
    namespace = next((known for known in _PROVIDERS if known.lower() == wanted.lower()), None)
    if namespace is None:
        text = f"The resource namespace '{wanted}' is invalid."
        raise AzureFault(404, "InvalidResourceNamespace", text, headers=GATEWAY)
    return json_response(200, _described(call, names["s"], namespace))


_SUBSCRIPTION: Final = "/subscriptions/{s}"
_ONE: Final = f"{_SUBSCRIPTION}/providers/{{namespace}}"
_READ: Final = "Microsoft.Resources/subscriptions/providers/read"
ROUTES = (
    Route("GET", f"{_SUBSCRIPTION}/providers", _list, _READ, _SUBSCRIPTION),
    Route("GET", _ONE, _get, _READ, _SUBSCRIPTION),
    Route("POST", f"{_ONE}/register", _register),
)
