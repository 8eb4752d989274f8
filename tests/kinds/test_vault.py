"""Vaults and access policies: nobody else's settings are lost, and nothing is asked twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import AzureError, Conflict, NameTaken
from declarative_kv.model.resource import Condition, Scope
from declarative_kv.model.specs import NetworkSpec, VaultSpec
from tests.conftest import login_of
from tests.kinds.cases import GRANT, GROUP, KINDS, POLICY, READER, SOMEBODY, VAULT, VAULT_ID

KIND = KINDS["vault"]
POLICIES = KINDS["access_policy"]
Seen = list[dict[str, object]]


@pytest.fixture(autouse=True)
async def group(azure: Session) -> None:
    await KINDS["resource_group"].create(azure, GROUP)


async def test_a_vault_with_nothing_written_gets_the_documented_defaults(azure: Session) -> None:
    bare = VaultSpec(subscription=SUBSCRIPTION, resource_group=GROUP.name, name="kv-bare", location="westeurope")
    await KIND.create(azure, replace(bare, access="policies"))
    (live,) = await KIND.read(azure, KIND.scope(bare))

    assert live.spec == replace(
        bare,
        tenant=TENANT,
        access="policies",
        sku="standard",
        retention_days=90,
        purge_protection=False,
        network=NetworkSpec(public=True, default="allow", bypass=("azure_services",), ip_rules=(), subnets=()),
        enabled_for=(),
        tags={},
    )


async def test_a_vault_that_appeared_meanwhile_keeps_its_access_policies(azure: Session) -> None:
    await KIND.create(azure, VAULT)
    await POLICIES.create(azure, POLICY)
    await KIND.create(azure, VAULT)
    with pytest.raises(Conflict, match="conflict"):
        await KIND.create(azure, replace(VAULT, sku="premium"))

    assert [one.label for one in await POLICIES.read(azure, Scope("vault", VAULT_ID))] == [SOMEBODY]


async def test_an_update_leaves_the_access_policies_alone(azure: Session) -> None:
    created = await KIND.create(azure, VAULT)
    await POLICIES.create(azure, POLICY)
    await KIND.update(azure, replace(VAULT, sku="premium", tags={"x": "y"}), created)
    vault, policy = await KIND.read(azure, KIND.scope(VAULT))

    assert policy.spec == POLICY
    assert vault.spec.tags == {"team": "payments", "x": "y"}


async def test_soft_deleted_vaults_are_listed_once_for_all_that_are_missing(
    azure: Session, requests_seen: Seen
) -> None:
    await KIND.delete(azure, await KIND.create(azure, VAULT))
    before = len(requests_seen)
    for name in ("kv-payments", "kv-other", "kv-third"):
        await KIND.read(azure, KIND.scope(replace(VAULT, name=name)))

    # Key Vault's own lists end with an empty page (recorded), so one list is two requests.
    paths = [str(entry["path"]).rsplit("/", 1)[-1] for entry in requests_seen[before:]]
    assert paths == ["kv-payments", "deletedVaults", "deletedVaults", "kv-other", "kv-third"]


async def test_who_may_not_list_soft_deleted_vaults_sees_none(
    azure: Session, application: Application, world: World
) -> None:
    await KIND.delete(azure, await KIND.create(azure, VAULT))
    grant = KINDS["role_assignment"]
    scope = KINDS["resource_group"].remote_id(GROUP)
    reader = replace(GRANT, scope=scope, role=READER, principal=world.identity("norights")["object_id"])
    await grant.create(azure, reader)
    transport, login = InProcessTransport(application), login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        assert list(await KIND.read(session, KIND.scope(VAULT))) == []


async def test_creating_over_a_soft_deleted_vault_says_that_the_name_is_taken(azure: Session) -> None:
    await KIND.delete(azure, await KIND.create(azure, VAULT))
    with pytest.raises(NameTaken) as caught:
        await KIND.create(azure, VAULT)

    assert caught.value.code == "ConflictError"
    assert "recover" in caught.value.diagnostics[0].hint


async def test_a_policy_with_other_letter_case_is_read_lowered_and_removed(azure: Session) -> None:
    await KIND.create(azure, VAULT)
    entry = {"tenantId": TENANT, "objectId": SOMEBODY, "permissions": {"secrets": ["Get", "LIST"], "keys": ["WrapKey"]}}
    await azure.arm(
        "PUT",
        f"{VAULT_ID}/accessPolicies/add",
        version="2026-02-01",
        operation="Adding",
        body={"properties": {"accessPolicies": [entry]}},
    )
    (live,) = await POLICIES.read(azure, Scope("vault", VAULT_ID))
    assert live.spec == replace(POLICY, secrets=("get", "list"), keys=("wrapkey",))

    await POLICIES.delete(azure, live)
    assert list(await POLICIES.read(azure, Scope("vault", VAULT_ID))) == []


async def test_a_policy_is_written_without_touching_the_others(azure: Session) -> None:
    await KIND.create(azure, VAULT)
    other = replace(POLICY, principal="99990000-0000-4000-8000-00000000ffff")
    through = replace(POLICY, application="77770000-0000-4000-8000-00000000aaaa", secrets=("list",))
    live = await POLICIES.create(azure, POLICY)
    for spec in (other, through):
        await POLICIES.create(azure, spec)
    await POLICIES.update(azure, replace(POLICY, secrets=("set",), keys=()), live)
    found = {one.id: one.spec for one in await POLICIES.read(azure, Scope("vault", VAULT_ID))}

    assert found == {
        POLICIES.remote_id(spec).lower(): spec for spec in (replace(POLICY, secrets=("set",), keys=()), other, through)
    }


async def test_a_group_tells_what_it_contains(azure: Session) -> None:
    await KIND.create(azure, VAULT)
    groups = KINDS["resource_group"]
    (live,) = await groups.read(azure, groups.scope(GROUP))

    assert await groups.contents(azure, live) == (VAULT_ID,)
    with pytest.raises(TypeError, match="never soft-deleted"):
        await groups.recover(azure, live)


async def test_a_group_that_appeared_meanwhile_and_differs_is_not_overwritten(azure: Session) -> None:
    groups = KINDS["resource_group"]
    with pytest.raises(Conflict, match="conflict"):
        await groups.create(azure, replace(GROUP, tags={"team": "other"}))

    (live,) = await groups.read(azure, groups.scope(GROUP))
    assert live.spec.tags == {"team": "pay"}


async def test_what_lay_in_a_deleted_group_is_gone_without_an_error(azure: Session) -> None:
    vault = await KIND.create(azure, VAULT)
    policy = await POLICIES.create(azure, POLICY)
    (group,) = await KINDS["resource_group"].read(azure, KINDS["resource_group"].scope(GROUP))
    await KINDS["resource_group"].delete(azure, group)
    await POLICIES.delete(azure, policy)
    await KIND.delete(azure, vault)
    (gone,) = await KIND.read(azure, KIND.scope(VAULT))

    assert gone.condition is Condition.SOFT_DELETED


async def test_a_retention_that_azure_will_not_change_is_azures_error(azure: Session) -> None:
    created = await KIND.create(azure, replace(VAULT, purge_protection=True))
    with pytest.raises(AzureError):
        await KIND.update(azure, replace(VAULT, retention_days=7, purge_protection=None), created)
