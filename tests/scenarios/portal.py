"""`portal …` in a scenario: somebody changes Azure by hand, here with the real SDKs over the private emulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from declarative_kv.emulator.host.private import open_private
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport

API = "2026-02-01"
LATER = 60.0
"""Seconds between what dkv did and what somebody does by hand."""


@dataclass(frozen=True, slots=True)
class Portal:
    """The clients of somebody else who is an owner of the subscription."""

    credential: Any
    transport: InProcessTransport
    me: str

    def vaults(self) -> KeyVaultManagementClient:
        return KeyVaultManagementClient(
            self.credential, SUBSCRIPTION, transport=self.transport, api_version=API, polling_interval=0
        )

    def roles(self) -> AuthorizationManagementClient:
        return AuthorizationManagementClient(
            self.credential, SUBSCRIPTION, transport=self.transport, api_version="2022-04-01"
        )

    def groups(self) -> ResourceManagementClient:
        return ResourceManagementClient(self.credential, SUBSCRIPTION, transport=self.transport, polling_interval=0)

    def secrets(self, vault: str) -> SecretClient:
        url = f"https://{vault}.vault.azure.net"
        return SecretClient(url, self.credential, transport=self.transport, api_version="2025-07-01")

    async def group_of(self, vault: str) -> str:
        async for found in self.vaults().vaults.list_by_subscription():
            if found.name.lower() == vault.lower():
                return str(found.id).split("/")[4]
        raise AssertionError(f"no vault {vault}")


@contextmanager
def opened(folder: Path) -> Iterator[Portal]:
    """The portal of the private emulator whose data lie in `folder`."""
    with open_private(folder) as emulator:
        # A second later at least: within one second Azure's lists cannot show that something was changed twice.
        emulator.world.clock.shift(LATER)
        identity, transport = emulator.identity(), emulator.transport()
        credential = ClientSecretCredential(
            TENANT,
            identity["client_id"],
            identity["client_secret"],
            transport=transport,
            disable_instance_discovery=True,
        )
        yield Portal(credential, transport, identity["object_id"])


async def run(folder: Path, words: list[str]) -> str:
    """Carry out `portal NOUN VERB ARGUMENT…`, `me` being the object id of who runs dkv; what it shows."""
    with opened(folder) as portal:
        arguments = [portal.me if word == "me" else word for word in words[2:]]
        shown = await VERBS[words[0], words[1]](portal, *arguments)
    return f"{shown}\n" if shown else ""


async def _secret_set(portal: Portal, vault: str, name: str, value: str) -> None:
    await portal.secrets(vault).set_secret(name, value)


async def _secret_versions(portal: Portal, vault: str, name: str) -> str:
    """How many versions a secret has."""
    found = [one async for one in portal.secrets(vault).list_properties_of_secret_versions(name)]
    return f"{len(found)} version{'s' if len(found) != 1 else ''}"


async def _secret_list(portal: Portal, vault: str) -> str:
    """The names of the secrets in a vault."""
    return ", ".join(sorted([str(one.name) async for one in portal.secrets(vault).list_properties_of_secrets()]))


async def _secret_has(portal: Portal, vault: str, name: str, value: str) -> str:
    """Whether a secret has this value, without showing the one that it has."""
    return "yes" if (await portal.secrets(vault).get_secret(name)).value == value else "no"


async def _secret_tags(portal: Portal, vault: str, name: str) -> str:
    """The tags of a secret."""
    return _tags((await portal.secrets(vault).get_secret(name)).properties.tags)


async def _vault_tags(portal: Portal, name: str) -> str:
    """The tags of a vault."""
    return _tags((await portal.vaults().vaults.get(await portal.group_of(name), name)).tags)


def _tags(tags: Mapping[str, str] | None) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted((tags or {}).items()))


async def _secret_delete(portal: Portal, vault: str, name: str) -> None:
    await portal.secrets(vault).delete_secret(name)


async def _secret_purge(portal: Portal, vault: str, name: str) -> None:
    await portal.secrets(vault).purge_deleted_secret(name)


async def _secret_update(portal: Portal, vault: str, name: str, *settings: str) -> None:
    """`content_type=…`, `enabled=false` or `tag:KEY=VALUE`."""
    client = portal.secrets(vault)
    pairs = dict(setting.split("=", 1) for setting in settings)
    tags = {key[4:]: value for key, value in pairs.items() if key.startswith("tag:")}
    before = (await client.get_secret(name)).properties.tags if tags else None
    await client.update_secret_properties(
        name,
        content_type=pairs.get("content_type"),
        enabled=pairs["enabled"] == "true" if "enabled" in pairs else None,
        tags={**(before or {}), **tags} if tags else None,
    )


async def _group_create(portal: Portal, name: str) -> None:
    await portal.groups().resource_groups.create_or_update(name, {"location": "westeurope"})


async def _vault_create(portal: Portal, name: str, group: str, access: str = "policies") -> None:
    properties = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
        "enableRbacAuthorization": access == "rbac",
    }
    body = {"location": "westeurope", "properties": properties}
    await (await portal.vaults().vaults.begin_create_or_update(group, name, body)).result()


async def _vault_delete(portal: Portal, name: str) -> None:
    await portal.vaults().vaults.delete(await portal.group_of(name), name)


async def _vault_purge(portal: Portal, name: str) -> None:
    await (await portal.vaults().vaults.begin_purge_deleted(name, "westeurope")).result()


async def _vault_update(portal: Portal, name: str, *settings: str) -> None:
    """`tag:KEY=VALUE`, `network=deny` or `sku=premium`."""
    pairs = dict(setting.split("=", 1) for setting in settings)
    tags = {key[4:]: value for key, value in pairs.items() if key.startswith("tag:")}
    properties: dict[str, Any] = {}
    if "network" in pairs:
        properties["networkAcls"] = {"bypass": "AzureServices", "defaultAction": pairs["network"].capitalize()}
    if "sku" in pairs:
        properties["sku"] = {"family": "A", "name": pairs["sku"]}
    group = await portal.group_of(name)
    body: dict[str, Any] = {"properties": properties}
    if tags:
        found = await portal.vaults().vaults.get(group, name)
        body["tags"] = {**(found.tags or {}), **tags}
    await portal.vaults().vaults.update(group, name, body)


async def _policy(portal: Portal, vault: str, operation: str, object_id: str, *permissions: str) -> None:
    """Permissions as `secrets=get,list`."""
    granted = {name: words.split(",") for name, words in (one.split("=", 1) for one in permissions)}
    entry = {"tenantId": TENANT, "objectId": object_id, "permissions": granted}
    body = {"properties": {"accessPolicies": [entry]}}
    await portal.vaults().vaults.update_access_policy(await portal.group_of(vault), vault, operation, body)


async def _policy_set(portal: Portal, vault: str, object_id: str, *permissions: str) -> None:
    await _policy(portal, vault, "replace", object_id, *permissions)


async def _policy_delete(portal: Portal, vault: str, object_id: str) -> None:
    found = await portal.vaults().vaults.get(await portal.group_of(vault), vault)
    entry = next((one for one in found.properties.access_policies if one.object_id == object_id), None)
    if entry is None:
        raise ResourceNotFoundError(f"no policy of {object_id}")
    words = [f"secrets={','.join(entry.permissions.secrets)}"] if entry.permissions.secrets else []
    await _policy(portal, vault, "remove", object_id, *words)


async def _role_create(portal: Portal, scope: str, guid: str, role: str, object_id: str) -> None:
    scope = await _scope(portal, scope)
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    body = {"properties": {"roleDefinitionId": role, "principalId": object_id, "principalType": "ServicePrincipal"}}
    await portal.roles().role_assignments.create(scope, guid, body)


async def _role_delete(portal: Portal, scope: str, object_id: str, role: str = "") -> None:
    """Every assignment of that principal at the scope, or those of one role."""
    scope = await _scope(portal, scope)
    found = [one async for one in portal.roles().role_assignments.list_for_scope(scope)]
    for one in found:
        is_his = one.principal_id == object_id and str(one.role_definition_id).endswith(role)
        if is_his and str(one.scope).lower() == scope.lower():
            await portal.roles().role_assignments.delete_by_id(one.id)


async def _scope(portal: Portal, scope: str) -> str:
    """`subscription`, or the name of a vault or a resource group."""
    whole = f"/subscriptions/{SUBSCRIPTION}"
    if scope == "subscription":
        return whole
    vaults = {str(found.name): str(found.id) async for found in portal.vaults().vaults.list_by_subscription()}
    return vaults.get(scope, f"{whole}/resourceGroups/{scope}")


VERBS: dict[tuple[str, str], Callable[..., Awaitable[str | None]]] = {
    ("secret", "set"): _secret_set,
    ("secret", "versions"): _secret_versions,
    ("secret", "list"): _secret_list,
    ("secret", "has"): _secret_has,
    ("secret", "tags"): _secret_tags,
    ("secret", "delete"): _secret_delete,
    ("secret", "purge"): _secret_purge,
    ("secret", "update"): _secret_update,
    ("group", "create"): _group_create,
    ("vault", "create"): _vault_create,
    ("vault", "tags"): _vault_tags,
    ("vault", "delete"): _vault_delete,
    ("vault", "purge"): _vault_purge,
    ("vault", "update"): _vault_update,
    ("policy", "set"): _policy_set,
    ("policy", "delete"): _policy_delete,
    ("role", "create"): _role_create,
    ("role", "delete"): _role_delete,
}
