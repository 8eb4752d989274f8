"""What a subscription holds as a whole, for a picture: lists, each read once."""

from __future__ import annotations

from declarative_kv.azure.inventory import vaults_of
from declarative_kv.azure.session import AUTHORIZATION, RESOURCES, Session
from declarative_kv.kinds.resource_group import observed_group
from declarative_kv.kinds.vault import deleted_vaults
from declarative_kv.kinds.vault_shape import observed_deleted
from declarative_kv.model.picture import Subscribed


async def subscribed(azure: Session, subscription: str) -> Subscribed:
    """Vaults live and deleted, groups, the ids of all resources, and the custom roles."""
    whole = f"/subscriptions/{subscription}"
    vaults = await vaults_of(azure, subscription)
    deleted = await deleted_vaults(azure, subscription)
    groups = azure.arm_pages(f"{whole}/resourcegroups", version=RESOURCES, operation="Listing resource groups")
    resources = azure.arm_pages(f"{whole}/resources", version=RESOURCES, operation="Listing resources")
    path, where = f"{whole}/providers/Microsoft.Authorization/roleDefinitions", "type eq 'CustomRole'"
    roles = azure.arm_pages(path, version=AUTHORIZATION, operation="Listing custom roles", where=where)
    return Subscribed(
        vaults=dict(vaults),
        deleted=tuple(observed_deleted(item) for item in deleted.values()),
        groups=tuple([observed_group(item) async for page in groups for item in page]),
        resources=tuple([str(item["id"]) async for page in resources for item in page]),
        roles={
            str(item["properties"]["roleName"]).lower(): str(item["name"]).lower()
            async for page in roles
            for item in page
        },
    )
