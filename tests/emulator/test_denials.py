"""Deny assignments, and how many role assignments there may be.

https://learn.microsoft.com/azure/role-based-access-control/deny-assignments and …/troubleshoot-limits
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from declarative_kv.emulator.host.snapshots import load, snapshot
from declarative_kv.emulator.seed import SUBSCRIPTION
from tests.emulator.arm_support import GROUP, SUB, VAULT, VAULTS, Arm
from tests.emulator.azure_support import VAULT_ID, Azure

NAME = "5e5e5e5e-0000-4000-8000-000000000001"
EVERYONE = "00000000-0000-0000-0000-000000000000"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
VERSION = "2022-04-01"


def denial(scope: str, principal: str = EVERYONE, *actions: str, **more: Any) -> dict[str, Any]:
    blocks = [{"actions": list(actions), "notActions": [], "dataActions": more.pop("data", []), "notDataActions": []}]
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/denyAssignments/{NAME}",
        "name": NAME,
        "scope": scope,
        "denyAssignmentName": "Of a stack",
        "permissions": blocks,
        "principals": [{"id": principal, "type": "SystemDefined" if principal == EVERYONE else "ServicePrincipal"}],
    } | more


def keep(world: Any, record: dict[str, Any]) -> None:
    world.store.put("deny_assignments", record["id"].lower(), record)


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    arm.make_vault()
    return arm


def test_what_is_denied_at_a_group_not_even_an_owner_does_below_it(arm: Arm) -> None:
    keep(arm.world, denial(GROUP, EVERYONE, "Microsoft.KeyVault/vaults/*"))
    refused = arm.call("DELETE", VAULT)
    assert (refused.status, refused.code) == (403, "DenyAssignmentAuthorizationFailed")
    assert refused.message == (
        f"The client '{arm.owner.app_id}' with object id '{arm.owner.object_id}' has permission to perform action "
        f"'Microsoft.KeyVault/vaults/delete' on scope '{VAULT}'; however, the access is denied because of the deny "
        f"assignment with name 'Of a stack' and Id '{NAME.replace('-', '')}' at scope '{GROUP}'."
    )
    assert arm.call("GET", GROUP).status == 200


def test_who_has_no_right_at_all_hears_of_that_first(arm: Arm) -> None:
    keep(arm.world, denial(GROUP, EVERYONE, "*"))
    assert arm.call("GET", VAULT, caller=arm.stranger).code == "AuthorizationFailed"


def test_only_those_are_concerned_who_are_named_and_not_excluded(arm: Arm) -> None:
    reader = arm.application()
    arm.assign(SUB, reader.object_id, READER)
    club = arm.group_of(reader.object_id)
    keep(arm.world, denial(GROUP, club, "*/read"))
    assert arm.call("GET", VAULT, caller=reader).status == 403
    assert arm.call("GET", VAULT).status == 200
    keep(arm.world, denial(GROUP, EVERYONE, "*/read", excludePrincipals=[{"id": club, "type": "Group"}]))
    assert arm.call("GET", VAULT, caller=reader).status == 200
    assert arm.call("GET", VAULT).status == 403


def test_one_that_is_not_for_child_scopes_forbids_at_its_own_alone(arm: Arm) -> None:
    keep(arm.world, denial(GROUP, EVERYONE, "*/read", doNotApplyToChildScopes=True))
    assert arm.call("GET", GROUP).status == 403
    assert arm.call("GET", VAULT).status == 200


def test_not_actions_take_out_of_a_denial(arm: Arm) -> None:
    record = denial(GROUP, EVERYONE, "*")
    record["permissions"][0]["notActions"] = ["*/read"]
    keep(arm.world, record)
    assert arm.call("GET", VAULT).status == 200
    assert arm.call("DELETE", VAULT).status == 403


def test_the_data_plane_keeps_to_denied_data_actions() -> None:
    azure = Azure()
    azure.make_vault()
    azure.set("db")
    keep(azure.world, denial(VAULT_ID, EVERYONE, data=["Microsoft.KeyVault/vaults/secrets/getSecret/action"]))
    refused = azure.secret("GET", "/secrets/db")
    assert (refused.status, refused.inner) == (403, "ForbiddenByRbac")
    assert f"DenyAssignmentId: '{NAME.replace('-', '')}'" in refused.error["message"]
    assert azure.secret("GET", "/secrets").status == 200


def test_they_are_read_and_listed_and_clients_cannot_write_them(arm: Arm) -> None:
    record = denial(GROUP, EVERYONE, "*/delete")
    keep(arm.world, record)
    many = "/providers/Microsoft.Authorization/denyAssignments"
    one = arm.call("GET", record["id"], version=VERSION).body
    assert one["properties"]["principals"] == record["principals"]
    assert one["type"] == "Microsoft.Authorization/denyAssignments"

    def listed(scope: str, **query: Any) -> list[str]:
        return [found["name"] for found in arm.call("GET", scope + many, version=VERSION, **query).body["value"]]

    assert listed(SUB) == listed(GROUP) == listed(VAULT) == [NAME]
    assert listed(SUB, filter="atScope()") == []
    assert listed(VAULT, filter="atScope()") == [NAME]
    assert listed(SUB, filter="denyAssignmentName eq 'of a stack'") == [NAME]
    assert listed(SUB, filter="denyAssignmentName eq 'x'") == []
    assert listed(SUB, filter=f"principalId eq '{EVERYONE}'") == [NAME]
    assert listed(SUB, filter=f"assignedTo('{arm.owner.object_id}')") == [NAME]
    assert arm.call("GET", f"{SUB}{many}", version=VERSION, filter="x eq 'y'").code == "InvalidFilter"
    missing = record["id"].replace(NAME, str(uuid.uuid4()))
    assert arm.call("GET", missing, version=VERSION).code == "DenyAssignmentNotFound"
    assert arm.call("PUT", record["id"], {}, version=VERSION).status == 501


def test_a_snapshot_brings_them(arm: Arm) -> None:
    keep(arm.world, denial(GROUP, EVERYONE, "*/delete"))
    other = Arm()
    load(other.world, snapshot(arm.world))
    assert other.call("DELETE", VAULT).code == "DenyAssignmentAuthorizationFailed"


def fill(arm: Arm, scope: str, count: int) -> None:
    with arm.world.store.transaction():
        for _ in range(count):
            identifier = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
            record = {"id": identifier, "name": "x", "scope": scope, "principalId": "p", "roleDefinitionId": "r"}
            arm.world.store.put("role_assignments", identifier.lower(), record)


def test_a_subscription_holds_4000_role_assignments_at_all_its_scopes(arm: Arm) -> None:
    fill(arm, VAULT, 3997)  # two are the built-in identity's own
    principal = arm.application().object_id
    name = str(uuid.uuid4())
    assert arm.assign(VAULT, principal, READER, name).status == 201
    refused = arm.assign(f"{VAULTS}/kv-one", arm.application().object_id, READER)
    assert (refused.status, refused.code) == (400, "RoleAssignmentLimitExceeded")
    assert arm.assign(VAULT, principal, READER, name, description="changed").status == 201
    assert SUBSCRIPTION in VAULT


def test_a_grant_reaches_the_data_plane_later_and_resource_manager_at_once() -> None:
    azure = Azure()
    azure.make_vault()
    azure.set("db")
    azure.world.settings.time_scale = 1.0
    azure.assign(VAULT_ID, azure.norights, SECRETS_USER)
    azure.assign(VAULT_ID, azure.norights, READER)
    arm = azure.ask("GET", "management.azure.com", f"{VAULT_ID}?api-version=2023-07-01", as_=azure.norights)
    assert arm.status == 200
    for seconds, status in ((0, 403), (6, 403), (5, 200)):
        azure.world.clock.shift(seconds)
        assert azure.secret("GET", "/secrets/db", as_=azure.norights).status == status
