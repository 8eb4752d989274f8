"""How Microsoft Graph shows directory objects: every property it has by default, set or not (recorded)."""

from __future__ import annotations

import copy
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from declarative_kv.emulator.store import Record

# What a record holds beside Graph's properties.
_INTERNAL: Final = frozenset(
    {"kind", "tenant", "members", "owners", "directoryRoles", "deleted", "federatedIdentityCredentials"}
)
_INFO: Final[Mapping[str, Any]] = {
    "logoUrl": None,
    "marketingUrl": None,
    "privacyStatementUrl": None,
    "supportUrl": None,
    "termsOfServiceUrl": None,
}
_PUBLISHER: Final[Mapping[str, Any]] = {
    "displayName": None,
    "verifiedPublisherId": None,
    "addedDateTime": None,
}
_USER: Final[Mapping[str, Any]] = {
    "businessPhones": [],
    "displayName": None,
    "givenName": None,
    "jobTitle": None,
    "mail": None,
    "mobilePhone": None,
    "officeLocation": None,
    "preferredLanguage": None,
    "surname": None,
    "userPrincipalName": None,
    "id": None,
}
_GROUP: Final[Mapping[str, Any]] = {
    "id": None,
    "deletedDateTime": None,
    "classification": None,
    "createdDateTime": None,
    "creationOptions": [],
    "description": None,
    "displayName": None,
    "expirationDateTime": None,
    "groupTypes": [],
    "isAssignableToRole": None,
    "mail": None,
    "mailEnabled": False,
    "mailNickname": None,
    "membershipRule": None,
    "membershipRuleProcessingState": None,
    "onPremisesDomainName": None,
    "onPremisesLastSyncDateTime": None,
    "onPremisesNetBiosName": None,
    "onPremisesSamAccountName": None,
    "onPremisesSecurityIdentifier": None,
    "onPremisesSyncEnabled": None,
    "preferredDataLocation": None,
    "preferredLanguage": None,
    "proxyAddresses": [],
    "renewedDateTime": None,
    "resourceBehaviorOptions": [],
    "resourceProvisioningOptions": [],
    "securityEnabled": True,
    "securityIdentifier": None,
    "serviceProvisioningErrors": [],
    "theme": None,
    "visibility": None,
    "onPremisesProvisioningErrors": [],
}
_APPLICATION: Final[Mapping[str, Any]] = {
    "id": None,
    "deletedDateTime": None,
    "appId": None,
    "applicationTemplateId": None,
    "disabledByMicrosoftStatus": None,
    "createdDateTime": None,
    "displayName": None,
    "description": None,
    "groupMembershipClaims": None,
    "identifierUris": [],
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "notes": None,
    "publisherDomain": None,
    "serviceManagementReference": None,
    "signInAudience": "AzureADMyOrg",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "defaultRedirectUri": None,
    "certification": None,
    "optionalClaims": None,
    "addIns": [],
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    },
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "passwordCredentials": [],
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "verifiedPublisher": _PUBLISHER,
    "web": {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
    },
    "spa": {"redirectUris": []},
}
_SERVICE_PRINCIPAL: Final[Mapping[str, Any]] = {
    "id": None,
    "deletedDateTime": None,
    "accountEnabled": True,
    "alternativeNames": [],
    "appDisplayName": None,
    "appDescription": None,
    "appId": None,
    "applicationTemplateId": None,
    "appOwnerOrganizationId": None,
    "appRoleAssignmentRequired": False,
    "createdDateTime": None,
    "description": None,
    "disabledByMicrosoftStatus": None,
    "displayName": None,
    "homepage": None,
    "loginUrl": None,
    "logoutUrl": None,
    "notes": None,
    "notificationEmailAddresses": [],
    "preferredSingleSignOnMode": None,
    "preferredTokenSigningKeyThumbprint": None,
    "replyUrls": [],
    "servicePrincipalNames": [],
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMyOrg",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "samlSingleSignOnSettings": None,
    "verifiedPublisher": _PUBLISHER,
    "addIns": [],
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "oauth2PermissionScopes": [],
    "passwordCredentials": [],
    "resourceSpecificApplicationPermissions": [],
}
DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "user": _USER,
    "group": _GROUP,
    "application": _APPLICATION,
    "servicePrincipal": _SERVICE_PRINCIPAL,
}


# Default properties that came later than the others: recorded first in August 2023, not yet in May 2022.
_LATER: Final[Mapping[str, str]] = {"serviceProvisioningErrors": "2023-01-01"}


def properties(record: Record) -> dict[str, Any]:
    """Every property of an object: those it shows by default first, then those shown only when asked for."""
    kind = record["kind"]
    shown = copy.deepcopy(dict(DEFAULTS[kind]))
    for name, value in record.items():
        if name not in _INTERNAL:
            default = shown.get(name)
            if isinstance(default, dict) and isinstance(value, dict):
                value = {**default, **value}
            shown[name] = value
    if kind == "group":
        shown["securityIdentifier"] = _security_identifier(record["id"])
        shown["renewedDateTime"] = record.get("createdDateTime")
    if kind == "servicePrincipal":
        shown["appOwnerOrganizationId"] = record.get("appOwnerOrganizationId", record["tenant"])
        shown["appDisplayName"] = record.get("appDisplayName", record["displayName"])
    if "passwordCredentials" in shown:
        shown["passwordCredentials"] = [_password(entry) for entry in shown["passwordCredentials"]]
    if kind in ("application", "servicePrincipal"):
        shown["keyCredentials"] = [{**entry, "key": None} for entry in shown["keyCredentials"]]
    return shown


def shown(
    record: Record, selected: tuple[str, ...] | None, since: Callable[[str], bool], *, typed: bool = False
) -> dict[str, Any]:
    """An object as an answer holds it: the default properties of the day, or the selected ones.

    `since` tells whether an ISO day has come; `typed` puts the type in front, as collections of mixed objects do.
    """
    every = properties(record)
    default = tuple(name for name in DEFAULTS[record["kind"]] if name not in _LATER or since(_LATER[name]))
    names = default if selected is None else selected
    body = {"@odata.type": f"#microsoft.graph.{record['kind']}"} if typed else {}
    return body | {name: every.get(name) for name in names}


def _password(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A client secret as it is shown ever after its creation: the hint, never the text."""
    names = ("customKeyIdentifier", "displayName", "endDateTime", "hint", "keyId")
    return {name: entry[name] for name in names} | {
        "secretText": None,
        "startDateTime": entry["startDateTime"],
    }


def _security_identifier(object_id: str) -> str:
    parts = struct.unpack("<4I", uuid.UUID(object_id).bytes_le)
    return "S-1-12-1-" + "-".join(str(part) for part in parts)
