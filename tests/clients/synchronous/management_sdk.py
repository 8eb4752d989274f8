"""Azure's synchronous SDKs for Resource Manager: a group, a vault, policies, roles, deleted vaults."""

import os
import uuid

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

SUBSCRIPTION, TENANT = os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_TENANT_ID"]
OTHER = os.environ["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
credential = DefaultAzureCredential()
groups = ResourceManagementClient(credential, SUBSCRIPTION).resource_groups
management = KeyVaultManagementClient(credential, SUBSCRIPTION)
authorization = AuthorizationManagementClient(credential, SUBSCRIPTION)


def refused(status: int, call, *words, **named) -> HttpResponseError:
    """The error of a call that must be refused with this status."""
    try:
        call(*words, **named)
    except HttpResponseError as error:
        if error.status_code == status:
            return error
        raise
    raise AssertionError(f"{call} was not refused")


def vault(**properties: object) -> dict[str, object]:
    """The body of a vault."""
    sku = {"family": "A", "name": "standard"}
    return {"location": "westeurope", "properties": {"tenantId": TENANT, "sku": sku, **properties}}


group = groups.create_or_update("rg-sync", {"location": "westeurope", "tags": {"team": "a"}})
assert groups.check_existence("RG-SYNC")
assert [one.name for one in groups.list()] == ["rg-sync"]

made = management.vaults.begin_create_or_update("rg-sync", "kv-sync-rbac", vault()).result()
assert made.properties.enable_rbac_authorization is True
old = KeyVaultManagementClient(credential, SUBSCRIPTION, api_version="2023-07-01")
policies = {"accessPolicies": []}
by_policy = old.vaults.begin_create_or_update("rg-sync", "kv-sync-policies", vault(**policies)).result()
assert by_policy.properties.enable_rbac_authorization is None
assert sorted(one.name for one in management.vaults.list_by_subscription()) == ["kv-sync-policies", "kv-sync-rbac"]
entry = {"tenantId": TENANT, "objectId": OTHER, "permissions": {"secrets": ["get"]}}
management.vaults.update_access_policy(
    "rg-sync", "kv-sync-policies", "add", {"properties": {"accessPolicies": [entry]}}
)
read = management.vaults.get("rg-sync", "kv-sync-policies")
assert [one.object_id for one in read.properties.access_policies] == [OTHER]
patched = management.vaults.update("rg-sync", "kv-sync-rbac", {"tags": {"team": "b"}})
assert patched.tags == {"team": "b"}
assert (
    management.vaults.check_name_availability(
        {"name": "kv-sync-rbac", "type": "Microsoft.KeyVault/vaults"}
    ).name_available
    is False
)
refused(404, management.vaults.get, "rg-sync", "kv-nothing")

name = str(uuid.uuid4())
role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
assignment = {"properties": {"roleDefinitionId": role, "principalId": OTHER, "principalType": "ServicePrincipal"}}
granted = authorization.role_assignments.create(group.id, name, assignment)
assert granted.principal_id == OTHER
twice = refused(409, authorization.role_assignments.create, group.id, str(uuid.uuid4()), assignment)
assert twice.error.code == "RoleAssignmentExists"
held = authorization.role_assignments.list_for_scope(group.id, filter=f"principalId eq '{OTHER}'")
assert [one.name for one in held] == [name]
found = authorization.role_definitions.list(group.id, filter="roleName eq 'Key Vault Secrets Officer'")
assert [one.role_name for one in found] == ["Key Vault Secrets Officer"]
reader = ClientSecretCredential(
    TENANT, *(os.environ[f"DKV_EMULATOR_NORIGHTS_CLIENT_{word}"] for word in ("ID", "SECRET"))
)
reading = KeyVaultManagementClient(reader, SUBSCRIPTION)
assert reading.vaults.get("rg-sync", "kv-sync-rbac").name == "kv-sync-rbac"
error = refused(403, reading.vaults.begin_create_or_update, "rg-sync", "kv-sync-other", vault())
assert error.error.code == "AuthorizationFailed"
authorization.role_assignments.delete(group.id, name)

management.vaults.delete("rg-sync", "kv-sync-rbac")
assert [one.name for one in management.vaults.list_deleted()] == ["kv-sync-rbac"]
management.vaults.begin_purge_deleted("kv-sync-rbac", "westeurope").result()
assert list(management.vaults.list_deleted()) == []
groups.begin_delete("rg-sync").result()
assert refused(404, groups.get, "rg-sync").error.code == "ResourceGroupNotFound"
print("held")
