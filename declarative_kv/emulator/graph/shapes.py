"""How Microsoft Graph shows directory objects: every property it has by default, set or not (recorded)."""

from __future__ import annotations

import copy
import struct
import uuid
from collections.abc import Mapping
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
    return shown


def shown(record: Record, selected: tuple[str, ...] | None = None, *, typed: bool = False) -> dict[str, Any]:
    """An object as an answer holds it: its default properties, or the selected ones, which are always more exact.

    `typed` puts its type in front, as collections of mixed objects do.
    """
    every = properties(record)
    names = tuple(DEFAULTS[record["kind"]]) if selected is None else selected
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
