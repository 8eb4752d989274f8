"""What a fresh world holds: one tenant, one subscription, and two identities, one of them without rights."""

from __future__ import annotations

import uuid
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from declarative_kv.emulator.clock import iso
from declarative_kv.emulator.store import Store

FORMAT = "dkv-emulator/1"
TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
IDENTITIES = {"main": "dkv-emulator", "norights": "dkv-norights"}


def seed(store: Store, now: float, *, identities: bool) -> None:
    """Fill an empty store."""
    store.put("meta", "world", {"format": FORMAT, "created": now, "written": False})
    seed_tenant(store)
    if not identities:
        return
    for name, display_name in IDENTITIES.items():
        object_id = seed_identity(store, name, display_name, now)
        if name == "main":
            for role in (OWNER, KEY_VAULT_ADMINISTRATOR):
                seed_assignment(store, object_id, role, now)


def seed_tenant(store: Store) -> None:
    """The tenant and the subscription of the documentation's sample."""
    tenant = {"tenantId": TENANT, "displayName": "Contoso", "defaultDomain": "contoso.example"}
    store.put("tenants", TENANT, tenant)
    subscription = {
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
        "displayName": "Contoso main",
        "state": "Enabled",
    }
    store.put("subscriptions", SUBSCRIPTION, subscription)


def seed_identity(store: Store, name: str, display_name: str, now: float) -> str:
    """A built-in identity with a random client secret; gives its object id."""
    object_id = str(uuid.uuid4())
    secret = f"dkv~{token_urlsafe(30)}"
    store.put("identities", name, {"client_id": str(uuid.uuid4()), "client_secret": secret, "object_id": object_id})
    seed_identity_objects(store, name, display_name, now)
    return object_id


def seed_identity_objects(store: Store, name: str, display_name: str, now: float) -> None:
    """The application and the service principal of a built-in identity."""
    identity = store.table("identities")[name]
    client_id, object_id, secret = identity["client_id"], identity["object_id"], identity["client_secret"]
    application_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"application|{client_id}"))
    application = application_record(application_id, client_id, display_name, now)
    application["passwordCredentials"] = [password_record("emulator", secret, now, now + 100 * 365 * 86400.0)]
    store.put("directory", application_id, application)
    principal = principal_record(object_id, client_id, display_name, now)
    if name == "main":
        principal["directoryRoles"] = ["write"]
    store.put("directory", object_id, principal)


def application_record(object_id: str, client_id: str, display_name: str, now: float) -> dict[str, Any]:
    """A directory record of an application registration, without credentials."""
    return {
        "kind": "application",
        "id": object_id,
        "appId": client_id,
        "tenant": TENANT,
        "createdDateTime": iso(now),
        "displayName": display_name,
        "identifierUris": [],
        "passwordCredentials": [],
        "signInAudience": "AzureADMyOrg",
    }


def principal_record(object_id: str, client_id: str, display_name: str, now: float) -> dict[str, Any]:
    """A directory record of an application's service principal."""
    return {
        "kind": "servicePrincipal",
        "id": object_id,
        "appId": client_id,
        "tenant": TENANT,
        "createdDateTime": iso(now),
        "displayName": display_name,
        "accountEnabled": True,
        "servicePrincipalNames": [client_id],
        "servicePrincipalType": "Application",
    }


def password_record(display_name: str | None, secret: str, start: float, end: float) -> dict[str, Any]:
    """A client secret as the directory keeps it: digest and hint, never the text."""
    return {
        "customKeyIdentifier": None,
        "displayName": display_name,
        "endDateTime": iso(end),
        "hint": secret[:3],
        "keyId": str(uuid.uuid4()),
        "startDateTime": iso(start),
        "digest": digest(secret),
    }


def digest(secret: str) -> str:
    """How a client secret is stored; they are long and random, so a plain digest cannot be guessed back."""
    return sha256(secret.encode()).hexdigest()


def seed_assignment(store: Store, object_id: str, role: str, now: float) -> None:
    """Assign a built-in role at the subscription to a service principal."""
    scope = f"/subscriptions/{SUBSCRIPTION}"
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}|{role}|{object_id}"))
    identifier = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    record = {
        "id": identifier,
        "name": name,
        "scope": scope,
        "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": object_id,
        "principalType": "ServicePrincipal",
        "condition": None,
        "conditionVersion": None,
        "description": None,
        "delegatedManagedIdentityResourceId": None,
        "createdOn": iso(now),
        "updatedOn": iso(now),
        "createdBy": object_id,
        "updatedBy": object_id,
    }
    store.put("role_assignments", identifier.lower(), record)
