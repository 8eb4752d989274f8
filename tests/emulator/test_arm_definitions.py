"""Role definitions: the built-in ones, and custom ones through their life."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.arm_support import GROUP, ROLES, SUB, VAULT, Arm

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
CUSTOM = "0c0c0c0c-0000-4000-8000-00000000000c"
V = "2022-04-01"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    return arm


def definition(**changes: Any) -> dict[str, Any]:
    properties = {
        "roleName": "Secret lister",
        "type": "customRole",
        "assignableScopes": [SUB],
        "permissions": [{"dataActions": ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"]}],
        **changes,
    }
    return {"properties": properties}


def test_a_built_in_role_is_found_by_name_in_any_letter_case(arm: Arm) -> None:
    found = arm.call("GET", ROLES, version=V, filter="roleName eq 'key vault administrator'").body["value"]
    assert [role["name"] for role in found] == [ADMINISTRATOR]
    assert found[0]["id"] == f"{ROLES}/{ADMINISTRATOR}"
    assert found[0]["properties"]["type"] == "BuiltInRole"
    assert found[0]["properties"]["permissions"][0]["dataActions"] == ["Microsoft.KeyVault/vaults/*"]


def test_a_role_is_read_at_any_scope(arm: Arm) -> None:
    at_root = arm.call("GET", f"/providers/Microsoft.Authorization/roleDefinitions/{READER}", version=V)
    assert at_root.body["id"] == f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    at_vault = arm.call("GET", f"{VAULT}/providers/Microsoft.Authorization/roleDefinitions/{READER.upper()}", version=V)
    assert at_vault.body["properties"]["roleName"] == "Reader"


def test_a_missing_role_is_named_in_the_404(arm: Arm) -> None:
    answer = arm.call("GET", f"{ROLES}/{CUSTOM}", version=V)
    assert (answer.status, answer.code) == (404, "RoleDefinitionDoesNotExist")
    assert answer.message == f"The specified role definition with ID '{CUSTOM}' does not exist."
    assert arm.call("GET", ROLES, version=V, filter="roleName eq 'No such role'").body["value"] == []


def test_a_custom_role_lives_and_dies(arm: Arm) -> None:
    made = arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(), version=V)
    assert made.status == 201
    shown = made.body["properties"]
    assert (shown["type"], shown["createdBy"], shown["description"]) == ("CustomRole", None, None)
    assert shown["permissions"] == [
        {
            "actions": [],
            "notActions": [],
            "dataActions": ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
            "notDataActions": [],
        }
    ]
    assert arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(description="d"), version=V).status == 201
    custom = arm.call("GET", ROLES, version=V, filter="type eq 'CustomRole'").body["value"]
    assert [(role["name"], role["properties"]["description"]) for role in custom] == [(CUSTOM, "d")]
    assert arm.call("DELETE", f"{ROLES}/{CUSTOM}", version=V).status == 200
    assert arm.call("DELETE", f"{ROLES}/{CUSTOM}", version=V).status == 204


def test_a_custom_role_that_is_assigned_is_not_deleted(arm: Arm) -> None:
    arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(), version=V)
    arm.assign(GROUP, arm.application().object_id, CUSTOM)
    answer = arm.call("DELETE", f"{ROLES}/{CUSTOM}", version=V)
    assert (answer.status, answer.code) == (400, "RoleDefinitionHasAssignments")


def test_a_custom_role_is_offered_where_it_can_be_assigned(arm: Arm) -> None:
    arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(assignableScopes=[GROUP.upper()]), version=V)
    path = "/providers/Microsoft.Authorization/roleDefinitions"
    custom = "type eq 'CustomRole'"
    assert len(arm.call("GET", f"{VAULT}{path}", version=V, filter=custom).body["value"]) == 1
    # Also where it can be assigned at something inside (recorded).
    assert len(arm.call("GET", f"{SUB}{path}", version=V, filter=custom).body["value"]) == 1
    elsewhere = f"{SUB}/resourceGroups/rg-two{path}"
    arm.make_group(f"{SUB}/resourceGroups/rg-two")
    assert arm.call("GET", elsewhere, version=V, filter=custom).body["value"] == []
    below = arm.call("GET", f"{SUB}{path}", version=V, filter=f"atScopeAndBelow() and {custom}")
    assert len(below.body["value"]) == 1


@pytest.mark.parametrize("path", [ROLES, f"{ROLES}/{READER}", f"{ROLES}/{CUSTOM}"])
def test_roles_of_a_scope_are_read_with_the_right_to(arm: Arm, path: str) -> None:
    refused = arm.call("GET", path, version=V, caller=arm.stranger)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert "'Microsoft.Authorization/roleDefinitions/read'" in refused.message
    reader = arm.application()
    arm.assign(SUB, reader.object_id, READER)
    assert arm.call("GET", ROLES, version=V, caller=reader).status == 200


def test_the_tenants_built_in_roles_are_anybodys_to_read(arm: Arm) -> None:
    path = "/providers/Microsoft.Authorization/roleDefinitions"
    assert arm.call("GET", f"{path}/{READER}", version=V, caller=arm.stranger).status == 200


@pytest.mark.parametrize(
    ("guid", "changes", "status", "code"),
    [
        (READER, {}, 409, "RoleDefinitionExists"),
        (CUSTOM, {"roleName": "reader"}, 409, "RoleDefinitionWithSameNameExists"),
        (CUSTOM, {"roleName": ""}, 400, "RoleDefinitionNameNullOrEmpty"),
        (CUSTOM, {"type": "BuiltInRole"}, 400, "InvalidRoleDefinitionType"),
        (CUSTOM, {"assignableScopes": []}, 400, "MissingAssignableScopes"),
        (CUSTOM, {"permissions": [{"actions": ["read"]}]}, 400, "InvalidActionOrNotAction"),
        (CUSTOM, {"permissions": [{"notDataActions": ["read"]}]}, 400, "InvalidDataActionOrNotDataAction"),
        ("one", {}, 400, "InvalidRoleDefinitionId"),
    ],
)
def test_a_role_that_cannot_be_is_refused(arm: Arm, guid: str, changes: dict[str, Any], status: int, code: str) -> None:
    answer = arm.call("PUT", f"{ROLES}/{guid}", definition(**changes), version=V)
    assert (answer.status, answer.code) == (status, code)


def test_writing_a_role_needs_the_right_at_every_assignable_scope(arm: Arm) -> None:
    refused = arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(assignableScopes=[SUB, "/"]), version=V)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert arm.call("PUT", f"{ROLES}/{CUSTOM}", definition(), version=V, caller=arm.stranger).status == 403
