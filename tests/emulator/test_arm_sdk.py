"""Azure's own asynchronous clients, unmodified, against Resource Manager and a vault of the emulator."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World, new_world
from tests.emulator.arm_support import ROLES, VAULT, policy, vault_body

SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"


class Azure:
    """The clients of one identity over one world."""

    def __init__(self, world: World, identity: str = "main") -> None:
        record = world.identity(identity)
        transport = InProcessTransport(Application(world))
        self.object_id = record["object_id"]
        self.transport: Any = transport
        self.credential = ClientSecretCredential(
            TENANT, record["client_id"], record["client_secret"], transport=transport
        )
        self.resources = ResourceManagementClient(self.credential, SUBSCRIPTION, transport=transport)
        self.vaults = KeyVaultManagementClient(self.credential, SUBSCRIPTION, transport=transport)
        self.roles = AuthorizationManagementClient(self.credential, SUBSCRIPTION, transport=transport)

    def secrets(self, vault: str) -> SecretClient:
        return SecretClient(f"https://{vault}.vault.azure.net", self.credential, transport=self.transport)

    async def close(self) -> None:
        for client in (self.resources, self.vaults, self.roles, self.credential):
            await client.close()


@pytest.fixture
def world() -> World:
    return new_world()


@pytest.fixture
async def azure(world: World) -> AsyncIterator[Azure]:
    azure = Azure(world)
    await azure.resources.resource_groups.create_or_update("rg-one", {"location": "westeurope"})
    yield azure
    await azure.close()


async def test_a_vault_goes_through_its_whole_life(azure: Azure) -> None:
    made = await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", vault_body())).result()
    assert (made.id, made.properties.provisioning_state) == (VAULT, "Succeeded")
    assert [vault.name async for vault in azure.vaults.vaults.list_by_subscription()] == ["kv-one"]
    await azure.vaults.vaults.delete("rg-one", "kv-one")
    assert [vault.name async for vault in azure.vaults.vaults.list_deleted()] == ["kv-one"]
    with pytest.raises(HttpResponseError, match="deleted state") as raised:
        await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", vault_body())
    assert raised.value.status_code == 409
    recover = vault_body(createMode="recover")
    await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", recover)).result()
    await azure.vaults.vaults.delete("rg-one", "kv-one")
    await (await azure.vaults.vaults.begin_purge_deleted("kv-one", "westeurope")).result()
    with pytest.raises(ResourceNotFoundError):
        await azure.vaults.vaults.get_deleted("kv-one", "westeurope")


async def test_the_newest_client_makes_role_vaults_by_default(azure: Azure) -> None:
    made = await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", vault_body())).result()
    assert made.properties.enable_rbac_authorization is True


async def test_access_policies_change_one_principal_at_a_time(azure: Azure) -> None:
    body = vault_body(enableRbacAuthorization=False, accessPolicies=[policy(azure.object_id, secrets=["Get"])])
    await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", body)).result()
    other = str(uuid.uuid4())
    sent: Any = {"properties": {"accessPolicies": [policy(other, keys=["list"])]}}
    added = await azure.vaults.vaults.update_access_policy("rg-one", "kv-one", "add", sent)
    assert [entry.object_id for entry in added.properties.access_policies] == [other]
    vault = await azure.vaults.vaults.get("rg-one", "kv-one")
    assert [entry.object_id for entry in vault.properties.access_policies] == [azure.object_id, other]
    assert vault.properties.access_policies[0].permissions.secrets == ["Get"]


async def test_a_role_assignment_opens_a_role_vault(world: World, azure: Azure) -> None:
    body = vault_body(enableRbacAuthorization=True)
    await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", body)).result()
    stranger = Azure(world, "norights")
    async with stranger.secrets("kv-one") as secrets:
        with pytest.raises(HttpResponseError, match="not authorized"):
            await secrets.set_secret("db", "s3cret")
        sent: Any = {
            "properties": {"roleDefinitionId": f"{ROLES}/{SECRETS_OFFICER}", "principalId": stranger.object_id}
        }
        name = str(uuid.uuid4())
        await azure.roles.role_assignments.create(VAULT, name, sent)
        assert (await secrets.set_secret("db", "s3cret")).value == "s3cret"
        listed = [a.name async for a in azure.roles.role_assignments.list_for_scope(VAULT, filter="atScope()")]
        assert name in listed
        await azure.roles.role_assignments.delete(VAULT, name)
        with pytest.raises(HttpResponseError, match="not authorized"):
            await secrets.get_secret("db")
    await stranger.close()


async def test_a_policy_opens_a_policy_vault_and_a_recovered_one_again(azure: Azure) -> None:
    body = vault_body(enableRbacAuthorization=False, accessPolicies=[policy(azure.object_id, secrets=["set", "get"])])
    await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", body)).result()
    async with azure.secrets("kv-one") as secrets:
        await secrets.set_secret("db", "s3cret")
        await azure.vaults.vaults.delete("rg-one", "kv-one")
        recover = vault_body(createMode="recover")
        await (await azure.vaults.vaults.begin_create_or_update("rg-one", "kv-one", recover)).result()
        assert (await secrets.get_secret("db")).value == "s3cret"


async def test_role_definitions_are_found_by_name(azure: Azure) -> None:
    found = azure.roles.role_definitions.list(VAULT, filter="roleName eq 'Key Vault Secrets Officer'")
    assert [role.name async for role in found] == [SECRETS_OFFICER]


async def test_a_group_is_deleted_with_a_poller(azure: Azure) -> None:
    assert await azure.resources.resource_groups.check_existence("rg-one")
    await (await azure.resources.resource_groups.begin_delete("rg-one")).result()
    assert not await azure.resources.resource_groups.check_existence("rg-one")


async def test_one_without_rights_is_refused(world: World) -> None:
    stranger = Azure(world, "norights")
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        await stranger.resources.resource_groups.create_or_update("rg-one", {"location": "westeurope"})
    await stranger.close()
