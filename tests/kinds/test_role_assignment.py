"""Role assignments: one list for all, an equal one of another hand is found, and ids stay the same."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

import pytest

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import Conflict, Forbidden
from declarative_kv.model.resource import Scope
from tests.conftest import login_of
from tests.kinds.cases import CASES, GRANT, GROUP, KINDS, READER, SOMEBODY, VAULT, VAULT_ID

KIND = KINDS["role_assignment"]
SUB = f"/subscriptions/{SUBSCRIPTION}"


@pytest.fixture(autouse=True)
async def vault(azure: Session) -> None:
    await KINDS["resource_group"].create(azure, GROUP)
    await KINDS["vault"].create(azure, VAULT)


async def test_an_equal_assignment_under_another_id_is_returned_instead(azure: Session) -> None:
    other = f"{VAULT_ID}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    properties = {"roleDefinitionId": ids.definition_id(VAULT_ID, str(GRANT.role)), "principalId": SOMEBODY}
    body = {"properties": {**properties, "principalType": "ServicePrincipal"}}
    await azure.arm("PUT", other, version="2022-04-01", operation="Granting", body=body)
    found = await KIND.create(azure, GRANT)

    assert found.id == other.lower()
    assert KIND.equivalent(GRANT, found.spec)


async def test_a_list_tells_when_each_assignment_was_changed_last(azure: Session, world: World) -> None:
    made = await KIND.create(azure, GRANT)
    world.clock.shift(90.0)
    await KIND.update(azure, replace(GRANT, description="why"), made)
    (found,) = [one for one in await KIND.read(azure, KIND.scope(GRANT)) if one.id == made.id]

    seconds = datetime.fromisoformat(found.changed) - datetime.fromisoformat(made.changed)
    assert 89 < seconds.total_seconds() < 91


async def test_one_list_of_the_subscription_shows_every_scope_below(azure: Session) -> None:
    on_secret = replace(GRANT, scope=f"{VAULT_ID}/secrets/db", principal="99990000-0000-4000-8000-00000000ffff")
    for spec in (GRANT, on_secret):
        await KIND.create(azure, spec)
    found = {one.id: one for one in await KIND.read(azure, KIND.scope(GRANT))}

    assert KIND.scope(GRANT) == KIND.scope(on_secret) == Scope("role_assignment", SUB)
    assert found[KIND.remote_id(GRANT).lower()].parent == VAULT_ID
    assert found[KIND.remote_id(on_secret).lower()].parent == VAULT_ID
    owners = [one for one in found.values() if one.spec.scope.lower() == SUB]
    assert owners
    assert {one.parent for one in owners} == {None}


async def test_who_may_list_only_below_sees_the_wanted_scopes(
    azure: Session, application: Application, world: World
) -> None:
    reader = replace(GRANT, role=READER, principal=world.identity("norights")["object_id"])
    for spec in (GRANT, reader):
        await KIND.create(azure, spec)
    transport, login = InProcessTransport(application), login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        found = {one.id for one in await KIND.read(session, KIND.scope(GRANT))}
        with pytest.raises(Forbidden):
            await KIND.read(session, Scope("role_assignment", SUB))

    assert found >= {KIND.remote_id(GRANT).lower(), KIND.remote_id(reader).lower()}


async def test_an_update_keeps_a_description_that_is_not_managed(azure: Session) -> None:
    created = await KIND.create(azure, GRANT)
    silent = replace(GRANT, description=None, condition="@Resource[x] StringEquals 'y'")
    await KIND.update(azure, silent, created)
    found = {one.id: one.spec for one in await KIND.read(azure, KIND.scope(GRANT))}

    assert found[created.id].description == "reads"


def test_the_id_depends_on_scope_role_and_principal_alone_whatever_their_case() -> None:
    loud = replace(GRANT, scope=VAULT_ID.upper(), principal=SOMEBODY.upper(), description=None)

    assert KIND.remote_id(GRANT).rsplit("/", 1)[-1] == KIND.remote_id(loud).rsplit("/", 1)[-1]
    assert KIND.remote_id(GRANT) != KIND.remote_id(replace(GRANT, role=READER))


def test_above_subscriptions_a_scope_is_its_own_list() -> None:
    group = "/providers/Microsoft.Management/managementGroups/platform"
    spec = replace(GRANT, scope=group)

    assert KIND.scope(spec).at == group
    assert KIND.scope(replace(GRANT, scope="/")).at == "/"
    assert KIND.remote_id(replace(GRANT, scope="/")).startswith("/providers/Microsoft.Authorization/roleAssignments/")
    assert ids.assignment_scope(KIND.remote_id(replace(GRANT, scope="/"))) == "/"
    assert ids.definition_id(group, READER) == f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"


async def test_another_conflict_than_an_equal_assignment_stays_an_error(azure: Session, world: World) -> None:
    world.fail("PUT", "*/roleassignments/*", status=409, times=1)
    with pytest.raises(Conflict):
        await KIND.create(azure, GRANT)


async def test_a_scope_that_does_not_exist_yet_has_no_assignments(
    azure: Session, application: Application, world: World
) -> None:
    missing = replace(GRANT, scope=VAULT_ID.replace("kv-payments", "kv-none"))
    reader = replace(GRANT, role=READER, principal=world.identity("norights")["object_id"])
    await KIND.create(azure, replace(reader, scope=KINDS["resource_group"].remote_id(GROUP)))
    transport, login = InProcessTransport(application), login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        found = {one.id for one in await KIND.read(session, KIND.scope(missing))}

    assert KIND.remote_id(missing).lower() not in found


async def test_an_assignment_goes_with_its_vault_and_its_group(azure: Session) -> None:
    created = await KIND.create(azure, GRANT)
    (group,) = await KINDS["resource_group"].read(azure, KINDS["resource_group"].scope(GROUP))
    await KINDS["resource_group"].delete(azure, group)
    await KIND.delete(azure, created)

    assert created.id not in {one.id for one in await KIND.read(azure, KIND.scope(GRANT))}


def test_access_is_given_by_policies_and_assignments_alone() -> None:
    specs = {name: case.spec for name, case in CASES.items()}
    grantees = {name: kind.grantee(specs[name]) for name, kind in KINDS.items()}

    assert {name for name, who in grantees.items() if who == SOMEBODY} == {
        "access_policy",
        "role_assignment",
        "reader_role",
    }
    assert {grantees[name] for name in ("vault", "secret", "resource_group")} == {None}


def test_an_object_is_equivalent_to_itself_in_any_letter_case_and_to_no_other() -> None:
    vault = KINDS["vault"]

    assert vault.equivalent(VAULT, replace(VAULT, name="KV-Payments", sku="premium"))
    assert not vault.equivalent(VAULT, replace(VAULT, name="kv-other"))
    assert not KIND.equivalent(GRANT, replace(GRANT, role=READER))
