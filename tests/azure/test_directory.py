"""Names become ids: exactly one principal, role or vault must match, and candidates are listed otherwise."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT, principal_record
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.kinds import registry
from declarative_kv.model.document import Cloud, Principal, Selector
from declarative_kv.model.errors import Forbidden, PlanError
from tests.conftest import login_of
from tests.kinds.cases import GROUP, VAULT, VAULT_ID

SUB = f"/subscriptions/{SUBSCRIPTION}"


@pytest.fixture
def directory(azure: Session) -> AzureDirectory:
    return AzureDirectory(azure)


def add(world: World, kind: str, name: str, **more: Any) -> str:
    """An object in the directory; gives its id."""
    object_id = str(uuid.uuid4())
    record = principal_record(object_id, str(uuid.uuid4()), name, 0.0) | {"kind": kind, **more}
    if kind != "servicePrincipal":
        record = {key: value for key, value in record.items() if "rincipal" not in key and key != "appId"} | more
    world.store.put("directory", object_id, record)
    return object_id


def principal(selector: Selector, name: str, **more: Any) -> Principal:
    return Principal("somebody", selector, name, **more)


async def test_a_group_is_found_whatever_the_case(directory: AzureDirectory, world: World) -> None:
    object_id = add(world, "group", "SRE On-Call")

    assert await directory.principal(principal(Selector.GROUP, "sre on-call")) == (object_id, "Group", "SRE On-Call")


async def test_a_user_is_found_by_its_principal_name(directory: AzureDirectory, world: World) -> None:
    object_id = add(world, "user", "Alice O'Hara", userPrincipalName="alice@contoso.example")

    found = await directory.principal(principal(Selector.USER, "Alice@contoso.example"))
    assert found == (object_id, "User", "Alice O'Hara")
    assert await directory.principal(principal(Selector.USER, "Alice O'Hara")) == found


async def test_an_application_is_found_by_its_id(directory: AzureDirectory, world: World) -> None:
    object_id = add(world, "servicePrincipal", "payments", appId="8f0f0c52-0000-4000-8000-000000000000")

    found = await directory.principal(principal(Selector.APP_ID, "8f0f0c52-0000-4000-8000-000000000000"))
    assert found == (object_id, "ServicePrincipal", "payments")
    assert await directory.principal(principal(Selector.SERVICE_PRINCIPAL, "payments")) == found


async def test_a_name_that_nobody_has_lists_names_that_begin_alike(directory: AzureDirectory, world: World) -> None:
    add(world, "group", "Payments Developers")
    with pytest.raises(PlanError) as caught:
        await directory.principal(principal(Selector.GROUP, "Payments Developer"))

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "unknown-principal"
    assert "Payments Developers" in diagnostic.detail


async def test_a_name_that_two_have_lists_both(directory: AzureDirectory, world: World) -> None:
    twins = [add(world, "group", "Twins"), add(world, "group", "twins")]
    with pytest.raises(PlanError) as caught:
        await directory.principal(principal(Selector.GROUP, "Twins"))

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "ambiguous-principal"
    assert all(object_id in diagnostic.detail for object_id in twins)


async def test_a_pinned_principal_is_used_and_its_name_checked(directory: AzureDirectory, world: World) -> None:
    object_id = add(world, "group", "SRE On-Call")
    add(world, "group", "SRE On-Call")

    pinned = principal(Selector.GROUP, "SRE on-call", object_id=object_id)
    assert await directory.principal(pinned) == (object_id, "Group", "SRE On-Call")
    with pytest.raises(PlanError, match="principal-mismatch"):
        await directory.principal(principal(Selector.GROUP, "Somebody else", object_id=object_id))


async def test_a_pinned_principal_needs_no_right_to_read_the_directory(application: Application, world: World) -> None:
    object_id = add(world, "group", "SRE On-Call")
    transport, login = InProcessTransport(application), login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        blind = AzureDirectory(session)
        pinned = await blind.principal(principal(Selector.GROUP, "anything", object_id=object_id))
        with pytest.raises(Forbidden) as caught:
            await blind.principal(principal(Selector.GROUP, "SRE On-Call"))

    assert pinned == (object_id, "Group", "anything")
    assert "object_id" in caught.value.diagnostics[0].hint


async def test_ids_and_the_running_identity_ask_nothing_of_the_directory(
    directory: AzureDirectory, requests_seen: list[dict[str, object]]
) -> None:
    me = await directory.principal(principal(Selector.CURRENT, ""))
    known = principal(Selector.OBJECT_ID, "1B2C0000-0000-4000-8000-00000000C1C1", type="ServicePrincipal")

    assert me[1] == "ServicePrincipal"
    assert (await directory.principal(known))[0] == "1b2c0000-0000-4000-8000-00000000c1c1"
    assert {entry["host"] for entry in requests_seen} == {"login.microsoftonline.com"}


async def test_a_managed_identity_is_asked_for_its_principal(directory: AzureDirectory, azure: Session) -> None:
    await registry()["resource_group"].create(azure, GROUP)
    path = f"{SUB}/resourceGroups/{GROUP.name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm"
    made = await azure.arm("PUT", path, version="2023-01-31", operation="Making it", body={"location": "westeurope"})

    found = await directory.principal(principal(Selector.MANAGED_IDENTITY, path))
    assert found == (made["properties"]["principalId"], "ServicePrincipal", "vm")
    with pytest.raises(PlanError, match="unknown-principal"):
        await directory.principal(principal(Selector.MANAGED_IDENTITY, f"{path}-none"))


async def test_the_subscriptions_seen_are_listed(directory: AzureDirectory) -> None:
    assert list(await directory.subscriptions()) == [(SUBSCRIPTION, "Contoso main", TENANT)]


async def test_a_vault_is_found_by_its_name(
    directory: AzureDirectory, azure: Session, requests_seen: list[dict[str, object]]
) -> None:
    kinds = registry()
    await kinds["resource_group"].create(azure, GROUP)
    await kinds["vault"].create(azure, VAULT)
    before = len(requests_seen)

    assert await directory.find_vault(SUBSCRIPTION, "KV-Payments") == VAULT_ID
    assert await directory.find_vault(SUBSCRIPTION, "kv-other") is None
    assert len(requests_seen) == before + 1


async def test_a_built_in_role_is_known_without_asking(
    directory: AzureDirectory, requests_seen: list[dict[str, object]]
) -> None:
    assert await directory.role(SUB, "key vault secrets user") == "4633458b-17de-408a-b874-0445c86b69e6"
    assert (await directory.role_definition("4633458b-17de-408a-b874-0445c86b69e6")).name == "Key Vault Secrets User"
    assert requests_seen == []


async def test_a_custom_role_is_looked_up_and_read(directory: AzureDirectory, azure: Session) -> None:
    guid = str(uuid.uuid4())
    action = "Microsoft.KeyVault/vaults/read"
    body = {
        "properties": {
            "roleName": "Vault Watcher",
            "type": "CustomRole",
            "assignableScopes": [SUB],
            "permissions": [{"actions": [action], "notActions": [], "dataActions": [], "notDataActions": []}],
        }
    }
    path = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    await azure.arm("PUT", path, version="2022-04-01", operation="Making it", body=body)

    assert await directory.role(SUB, "vault watcher") == guid
    assert (await directory.role_definition(guid)).actions == (action,)
    with pytest.raises(PlanError, match="unknown-role"):
        await directory.role(SUB, "Vault Watchers")


async def test_a_pinned_managed_identity_is_checked_where_it_may_be_read(
    directory: AzureDirectory, azure: Session, application: Application, world: World
) -> None:
    await registry()["resource_group"].create(azure, GROUP)
    path = f"{SUB}/resourceGroups/{GROUP.name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm"
    made = await azure.arm("PUT", path, version="2023-01-31", operation="Making it", body={"location": "westeurope"})
    right, wrong = made["properties"]["principalId"], str(uuid.uuid4())

    expected = (right, "ServicePrincipal", "vm")
    assert await directory.principal(principal(Selector.MANAGED_IDENTITY, path, object_id=right)) == expected
    with pytest.raises(PlanError, match="principal-mismatch"):
        await directory.principal(principal(Selector.MANAGED_IDENTITY, path, object_id=wrong))
    transport, login = InProcessTransport(application), login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        pinned = principal(Selector.MANAGED_IDENTITY, path, object_id=wrong)
        assert (await AzureDirectory(session).principal(pinned))[0] == wrong


async def test_a_pinned_id_that_nobody_has_is_a_mismatch(directory: AzureDirectory) -> None:
    with pytest.raises(PlanError, match="principal-mismatch"):
        await directory.principal(principal(Selector.USER, "alice@contoso.example", object_id=str(uuid.uuid4())))


async def test_an_application_id_that_nobody_has_lists_no_candidates(directory: AzureDirectory) -> None:
    with pytest.raises(PlanError) as caught:
        await directory.principal(principal(Selector.APP_ID, str(uuid.uuid4())))

    assert "begin alike" not in caught.value.diagnostics[0].detail
