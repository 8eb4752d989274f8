"""The az CLI: role definitions and assignments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.others import NOT_FOUND, Az, needs_az

pytestmark = needs_az
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def scope(az: Az) -> str:
    """The subscription's id."""
    return f"/subscriptions/{az.environ['AZURE_SUBSCRIPTION_ID']}"


def written(folder: Path, name: str, content: Any) -> str:
    """The content as a file, in the way that az takes one."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return f"@{name}"


def test_az_defines_a_role_of_its_own(az: Az, scope: str, tmp_path: Path) -> None:
    role = {
        "Name": "Peeker",
        "Description": "Sees names",
        "Actions": ["Microsoft.KeyVault/vaults/read"],
        "DataActions": ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
        "AssignableScopes": [scope],
    }
    made = az(f"role definition create --role-definition {written(tmp_path, 'role.json', role)}")
    assert (made["roleName"], made["roleType"]) == ("Peeker", "CustomRole")
    assert made["permissions"][0]["dataActions"] == role["DataActions"]
    assert az("role definition list --custom-role-only --query [].roleName") == ["Peeker"]
    changed = {**made, "description": "Sees all names"}
    az(f"role definition update --role-definition {written(tmp_path, 'changed.json', changed)}")
    assert az("role definition list --name Peeker --query [].description") == ["Sees all names"]
    assert az(f"role definition show --scope {scope} --name {made['name']} --query roleName") == "Peeker"
    again = az.refused("role definition create --role-definition @role.json")
    assert "RoleDefinitionWithSameNameExists" in again
    az("role definition delete --name Peeker")
    assert az("role definition list --name Peeker") == []


def test_az_reads_built_in_roles(az: Az, scope: str) -> None:
    user = az("role definition list --name", "Key Vault Secrets User")[0]
    assert (user["name"], user["roleType"]) == ("4633458b-17de-408a-b874-0445c86b69e6", "BuiltInRole")
    shown = az(f"role definition show --id {scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}")
    assert shown["roleName"] == "Reader"


def test_az_assigns_changes_and_takes_back_a_role(az: Az, scope: str, tmp_path: Path) -> None:
    az("group create -n rg-assign -l westeurope")
    group, other = f"{scope}/resourceGroups/rg-assign", az.environ["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
    who = f"--assignee-object-id {other} --assignee-principal-type ServicePrincipal"
    made = az(f"role assignment create --role Reader {who} --scope {group} --description why")
    assert (made["principalId"], made["principalType"], made["scope"]) == (other, "ServicePrincipal", group)
    assert made["roleDefinitionId"].endswith(READER)
    again = az(f"role assignment create --role Reader {who} --scope {group}")
    assert again["id"] == made["id"]
    listed = az("role assignment list -g rg-assign --query [].[principalName,roleDefinitionName]")
    assert listed == [[az.environ["DKV_EMULATOR_NORIGHTS_CLIENT_ID"], "Reader"]]
    spn = az.environ["AZURE_CLIENT_ID"]
    names = az(
        f"role assignment list --assignee {spn} --scope {group} --include-inherited --query [].roleDefinitionName"
    )
    assert sorted(names) == ["Key Vault Administrator", "Owner"]
    changed = {**az("role assignment list -g rg-assign --query [0]"), "description": "because"}
    az(f"role assignment update --role-assignment {written(tmp_path, 'changed.json', changed)}")
    assert az(f"role assignment list --scope {group} --query [].description") == ["because"]
    az(f"role assignment delete --assignee {other} --role Reader -g rg-assign")
    assert az("role assignment list -g rg-assign") == []
    az(f"role assignment delete --ids {made['id']}")
    refused = az.refused(f"role assignment create --role Nothing {who} --scope {group}")
    assert "Role 'Nothing' doesn't exist" in refused


def test_az_assigns_a_role_with_a_condition(az: Az, scope: str) -> None:
    other = az.environ["DKV_EMULATOR_NORIGHTS_CLIENT_ID"]
    condition = (
        f"@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}}"
    )
    made = az(
        f"role assignment create --assignee {other} --scope {scope} --condition-version 2.0 --role",
        "Role Based Access Control Administrator",
        "--condition",
        condition,
    )
    assert (made["condition"], made["conditionVersion"]) == (condition, "2.0")
    assert az(f"role assignment list --assignee {other} --all --query [].condition") == [condition]


def test_az_sees_that_nothing_is_denied(az: Az, scope: str) -> None:
    assert az("role deny-assignment list") == []
    assert az(f"role deny-assignment list --scope {scope}") == []
    unknown = f"{scope}/providers/Microsoft.Authorization/denyAssignments/{READER}"
    assert "not found" in az.refused(f"role deny-assignment show --id {unknown}", code=NOT_FOUND)
