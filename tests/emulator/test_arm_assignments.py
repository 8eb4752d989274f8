"""Role assignments: written, compared, listed and refused as recorded."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.emulator.arm_support import GROUP, ROLES, SUB, VAULT, Answer, Arm

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
DATA_ACCESS_ADMINISTRATOR = "8b54135c-b56d-4d72-a534-26097cfdc8d8"
NAME = "0a0a0a0a-0000-4000-8000-00000000000a"
MANY = "/providers/Microsoft.Authorization/roleAssignments"
V = "2022-04-01"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    arm.make_vault()
    return arm


def names(answer: Answer) -> set[str]:
    return {entry["properties"]["scope"] for entry in answer.body["value"]}


def test_an_assignment_is_201_with_nulls_where_nothing_was_sent(arm: Arm) -> None:
    principal = arm.application().object_id
    made = arm.assign(VAULT, principal, READER, NAME)
    assert made.status == 201
    shown = made.body["properties"]
    assert shown.pop("createdOn") == shown.pop("updatedOn")
    assert made.body == {
        "properties": {
            "roleDefinitionId": f"{ROLES}/{READER}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": VAULT,
            "condition": None,
            "conditionVersion": None,
            "createdBy": None,
            "updatedBy": arm.owner.object_id,
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        },
        "id": f"{VAULT}{MANY}/{NAME}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": NAME,
    }
    read = arm.call("GET", f"{VAULT}{MANY}/{NAME}".upper(), version=V)
    assert read.body["properties"]["createdBy"] == arm.owner.object_id


def test_writing_it_again_is_201_and_changes_the_description(arm: Arm) -> None:
    principal = arm.application().object_id
    arm.assign(VAULT, principal, READER, NAME)
    again = arm.assign(VAULT, principal, READER, NAME, description="on call")
    assert (again.status, again.body["properties"]["description"]) == (201, "on call")


def test_an_old_api_version_shows_fewer_fields(arm: Arm) -> None:
    arm.assign(VAULT, arm.application().object_id, READER, NAME)
    shown = arm.call("GET", f"{VAULT}{MANY}/{NAME}", version="2015-07-01").body["properties"]
    assert set(shown) == {
        "roleDefinitionId",
        "principalId",
        "scope",
        "createdOn",
        "updatedOn",
        "createdBy",
        "updatedBy",
    }


def test_the_same_grant_under_another_name_exists_already(arm: Arm) -> None:
    principal = arm.application().object_id
    arm.assign(VAULT, principal, READER, NAME)
    twin = arm.assign(VAULT.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), principal.upper(), READER)
    assert (twin.status, twin.code) == (409, "RoleAssignmentExists")
    assert twin.message == "The role assignment already exists."


@pytest.mark.parametrize("change", ["principal", "role", "scope"])
def test_an_assignment_does_not_become_another_one(arm: Arm, change: str) -> None:
    principal = arm.application().object_id
    arm.assign(VAULT, principal, READER, NAME)
    other = arm.assign(
        GROUP if change == "scope" else VAULT,
        arm.application().object_id if change == "principal" else principal,
        CONTRIBUTOR if change == "role" else READER,
        NAME,
    )
    assert (other.status, other.code) == (400, "RoleAssignmentUpdateNotPermitted")


def test_an_unknown_principal_is_refused_unless_its_type_is_said(arm: Arm) -> None:
    unknown = "dddddddd-0000-4000-8000-000000000004"
    refused = arm.assign(VAULT, unknown, READER)
    assert (refused.status, refused.code) == (400, "PrincipalNotFound")
    assert refused.message.startswith(
        f"Principal dddddddd000040008000000000000004 does not exist in the directory {TENANT}."
    )
    believed = arm.assign(VAULT, unknown, READER, principalType="Group")
    assert believed.body["properties"]["principalType"] == "Group"


def test_a_wrong_principal_type_is_refused(arm: Arm) -> None:
    answer = arm.assign(VAULT, arm.group_of(), READER, principalType="User")
    assert (answer.status, answer.code) == (400, "UnmatchedPrincipalType")


@pytest.mark.parametrize(
    ("scope", "role", "name", "status", "code"),
    [
        (VAULT, "99999999-0000-4000-8000-000000000009", NAME, 404, "RoleDefinitionDoesNotExist"),
        (f"{VAULT}x", READER, NAME, 404, "ResourceNotFound"),
        (f"{VAULT}x/secrets/db", READER, NAME, 404, "ResourceNotFound"),
        (f"{GROUP}x", READER, NAME, 404, "ResourceGroupNotFound"),
        (VAULT, READER, "one", 400, "InvalidRoleAssignmentId"),
        (VAULT, "reader", NAME, 400, "BadRequestFormat"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused(
    arm: Arm, scope: str, role: str, name: str, status: int, code: str
) -> None:
    answer = arm.assign(scope, arm.application().object_id, role, name)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "/providers/Microsoft.Management/managementGroups/platform",
        SUB,
        GROUP,
        VAULT,
        f"{VAULT}/secrets/db",
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st/blobServices/default/containers/c",
    ],
)
def test_every_scope_takes_assignments(arm: Arm, scope: str) -> None:
    # Nobody starts with rights above the subscription.
    role = {"roleDefinitionId": f"{ROLES}/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "name": "x", "scope": "/"}
    root = {**role, "principalId": arm.owner.object_id, "principalType": "ServicePrincipal"}
    arm.world.store.put("role_assignments", f"{MANY}/x".lower(), {**root, "id": f"{MANY}/x"})
    principal = arm.application().object_id
    made = arm.assign(scope, principal, SECRETS_USER, NAME)
    assert (made.status, made.body["id"]) == (201, f"{scope}{MANY}/{NAME}")
    assert made.body["properties"]["scope"] == (scope or "/")
    listed = arm.call("GET", f"{scope}{MANY}", version=V, filter=f"atScope() and principalId eq '{principal}'")
    assert names(listed) == {scope or "/"}
    assert arm.call("DELETE", f"{scope}{MANY}/{NAME}", version=V).body["name"] == NAME


def test_deleting_answers_with_the_object_and_204_when_there_was_none(arm: Arm) -> None:
    arm.assign(VAULT, arm.application().object_id, READER, NAME)
    assert arm.call("DELETE", f"{VAULT}{MANY}/{NAME}", version=V).status == 200
    assert arm.call("DELETE", f"{VAULT}{MANY}/{NAME}", version=V).status == 204
    missing = arm.call("GET", f"{VAULT}{MANY}/{NAME}", version=V)
    assert (missing.status, missing.message) == (404, f"The role assignment '{NAME}' is not found.")


def test_lists_look_up_and_down_from_their_scope(arm: Arm) -> None:
    principal = arm.application().object_id
    for scope in (SUB, GROUP, VAULT, f"{VAULT}/secrets/db"):
        arm.assign(scope, principal, READER)
    mine = f"principalId eq '{principal.upper()}'"

    def listed(scope: str, text: str) -> set[str]:
        return names(arm.call("GET", f"{scope}{MANY}", version=V, filter=text))

    assert listed(GROUP, mine) == {SUB, GROUP, VAULT, f"{VAULT}/secrets/db"}
    assert listed(GROUP, f"{mine} and atScope()") == {SUB, GROUP}
    assert listed(VAULT, "atScope()") == {SUB, GROUP, VAULT}
    everything = arm.call("GET", f"{VAULT}{MANY}", version=V)
    assert names(everything) == {SUB, GROUP, VAULT, f"{VAULT}/secrets/db"}
    prefix = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
    assert all(e["properties"]["roleDefinitionId"].startswith(prefix) for e in everything.body["value"])


def test_assigned_to_counts_the_groups_of_a_principal(arm: Arm) -> None:
    member = arm.application().object_id
    inner = arm.group_of(member)
    outer = arm.group_of(inner)
    arm.assign(GROUP, outer, READER)
    arm.assign(VAULT, member, READER)
    found = arm.call("GET", f"{GROUP}{MANY}", version=V, filter=f"assignedTo('{member}')")
    assert names(found) == {GROUP, VAULT}
    direct = arm.call("GET", f"{GROUP}{MANY}", version=V, filter=f"principalId eq '{member}'")
    assert names(direct) == {VAULT}


def test_another_filter_is_refused(arm: Arm) -> None:
    assert arm.call("GET", f"{GROUP}{MANY}", version=V, filter="principalName eq 'x'").code == "InvalidFilter"


def test_one_without_the_right_is_told_which_right(arm: Arm) -> None:
    path = f"{VAULT}{MANY}/{NAME}"
    body = {"properties": {"roleDefinitionId": f"{ROLES}/{READER}", "principalId": arm.stranger.object_id}}
    for method, action in (("PUT", "write"), ("GET", "read"), ("DELETE", "delete")):
        answer = arm.call(method, path, body, version=V, caller=arm.stranger)
        assert (answer.status, answer.code) == (403, "AuthorizationFailed")
        assert f"'Microsoft.Authorization/roleAssignments/{action}' over scope '{path}'" in answer.message


@pytest.mark.parametrize(("role", "status"), [(SECRETS_USER, 201), (CONTRIBUTOR, 403)])
def test_a_delegate_hands_out_only_the_roles_that_its_condition_names(arm: Arm, role: str, status: int) -> None:
    delegate, principal = arm.application("delegate"), arm.application().object_id
    arm.assign(GROUP, delegate.object_id, DATA_ACCESS_ADMINISTRATOR)
    body: Any = {"properties": {"roleDefinitionId": f"{ROLES}/{role}", "principalId": principal}}
    path = f"{VAULT}{MANY}/{NAME}"
    assert arm.call("PUT", path, body, version=V, caller=delegate).status == status
    arm.call("PUT", path, body, version=V)
    assert arm.call("DELETE", path, version=V, caller=delegate).status == (200 if status == 201 else 403)
