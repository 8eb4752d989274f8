"""The az CLI: users, groups, applications and service principals."""

from __future__ import annotations

import json

from tests.clients.others import NOT_FOUND, Az, needs_az, signed_in

pytestmark = needs_az
ADA = "ada@contoso.onmicrosoft.com"
GRAPH = "00000003-0000-0000-c000-000000000000"
PERSON = "only valid with delegated authentication flow"


def test_az_manages_users_and_groups(az: Az) -> None:
    user = az(f"ad user create --display-name Ada --user-principal-name {ADA} --password", "Throw-away-1")
    assert az(f"ad user show --id {user['id']} --query userPrincipalName") == ADA
    assert az(f"ad user list --upn {ADA} --query [].id") == [user["id"]]
    assert az("ad user list --query [].displayName --filter", "startswith(displayName,'A')") == ["Ada"]
    az(f"ad user update --id {ADA} --display-name Lovelace")
    assert az(f"ad user show --id {ADA} --query displayName") == "Lovelace"

    group = az("ad group create --display-name developers --mail-nickname developers")
    assert az("ad group show --group developers --query id") == group["id"]
    assert az("ad group list --display-name dev --query [].displayName") == ["developers"]
    az(f"ad group member add --group developers --member-id {user['id']}")
    assert az("ad group member list --group developers --query [].id") == [user["id"]]
    assert az(f"ad group member check --group developers --member-id {user['id']}") == {"value": True}
    assert az(f"ad user get-member-groups --id {ADA} --query [].displayName") == ["developers"]
    assert az("ad group get-member-groups --group developers") == []
    az(f"ad group owner add --group developers --owner-object-id {user['id']}")
    assert az("ad group owner list --group developers --query [].displayName") == ["Lovelace"]
    az(f"ad group owner remove --group developers --owner-object-id {user['id']}")
    az(f"ad group member remove --group developers --member-id {user['id']}")
    assert az("ad group member list --group developers") == []
    az("ad group delete --group developers")
    az(f"ad user delete --id {ADA}")
    assert "does not exist" in az.refused(f"ad user show --id {ADA}", code=NOT_FOUND)
    assert PERSON in az.refused("ad signed-in-user show")
    assert PERSON in az.refused("ad signed-in-user list-owned-objects")


def test_az_manages_an_application(az: Az) -> None:
    app = az("ad app create --display-name shop --identifier-uris api://shop")["appId"]
    assert az("ad app show --id api://shop --query appId") == app
    assert az("ad app list --display-name shop --query [].appId") == [app]
    az(f"ad app update --id {app} --web-home-page-url https://shop.example")
    assert az(f"ad app show --id {app} --query web.homePageUrl") == "https://shop.example"
    reset = az(f"ad app credential reset --id {app} --append --display-name ci")
    listed = az(f"ad app credential list --id {app}")
    assert [(one["displayName"], one["secretText"]) for one in listed] == [("ci", None)]
    assert reset["password"].startswith(listed[0]["hint"])
    az(f"ad app credential delete --id {app} --key-id {listed[0]['keyId']}")
    assert az(f"ad app credential list --id {app}") == []
    owner = az.environ["DKV_EMULATOR_OBJECT_ID"]
    az(f"ad app owner add --id {app} --owner-object-id {owner}")
    assert az(f"ad app owner list --id {app} --query [].id") == [owner]
    az(f"ad app owner remove --id {app} --owner-object-id {owner}")
    scope = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
    az(f"ad app permission add --id {app} --api {GRAPH} --api-permissions {scope}=Scope")
    assert az(f"ad app permission list --id {app} --query [].resourceAccess[].id") == [scope]
    az(f"ad app permission delete --id {app} --api {GRAPH}")
    assert az(f"ad app permission list --id {app}") == []
    az(f"ad app delete --id {app}")
    assert "does not exist" in az.refused(f"ad app show --id {app}", code=NOT_FOUND)


def test_az_lets_a_pipeline_sign_in_without_a_secret(az: Az) -> None:
    app = az("ad app create --display-name pipeline --query appId")
    federated = {"name": "main", "issuer": "https://token.example", "subject": "repo:o/r", "audiences": ["api://x"]}
    made = az(f"ad app federated-credential create --id {app} --parameters", json.dumps(federated))
    assert (made["name"], made["subject"]) == ("main", "repo:o/r")
    one = f"--id {app} --federated-credential-id main"
    az(f"ad app federated-credential update {one} --parameters", json.dumps({"subject": "repo:o/s"}))
    assert az(f"ad app federated-credential show {one} --query subject") == "repo:o/s"
    assert az(f"ad app federated-credential list --id {app} --query [].name") == ["main"]
    az(f"ad app federated-credential delete {one}")
    assert az(f"ad app federated-credential list --id {app}") == []


def test_az_grants_an_application_permissions(az: Az) -> None:
    client = az("ad app create --display-name asks --query appId")
    api = az("ad app create --display-name asked --query appId")
    az(f"ad sp create --id {client}")
    az(f"ad sp create --id {api}")
    assert az(f"ad app permission list-grants --id {client}") == []
    granted = az(f"ad app permission grant --id {client} --api {api} --scope read write --query scope")
    assert granted == "read write"
    assert az(f"ad app permission list-grants --id {client} --query [].scope") == ["read write"]


def test_az_manages_a_service_principal(az: Az) -> None:
    app = az("ad app create --display-name robot --identifier-uris api://robot --query appId")
    made = az(f"ad sp create --id {app}")
    assert (made["appId"], made["servicePrincipalType"]) == (app, "Application")
    assert sorted(made["servicePrincipalNames"]) == sorted([app, "api://robot"])
    assert az(f"ad sp show --id {app} --query id") == made["id"]
    assert az("ad sp list --display-name robot --query [].id") == [made["id"]]
    assert az("ad sp list --spn api://robot --query [].id") == [made["id"]]
    az(f"ad sp update --id {app} --set accountEnabled=false")
    assert az(f"ad sp show --id {app} --query accountEnabled") is False
    az(f"ad sp credential reset --id {app} --display-name ci")
    credentials = az(f"ad sp credential list --id {app}")
    assert [one["displayName"] for one in credentials] == ["ci"]
    az(f"ad sp credential delete --id {app} --key-id {credentials[0]['keyId']}")
    assert az(f"ad sp owner list --id {app}") == []
    az(f"ad sp delete --id {app}")
    assert az("ad sp list --display-name robot") == []


def test_az_makes_a_service_principal_for_a_role_and_signs_in_as_it(az: Az) -> None:
    az("group create -n rg-robot -l westeurope")
    scope = f"/subscriptions/{az.environ['AZURE_SUBSCRIPTION_ID']}/resourceGroups/rg-robot"
    made = az(f"ad sp create-for-rbac --name robot-for-rbac --role Reader --scopes {scope}")
    assert made["displayName"] == "robot-for-rbac"
    environ = {**az.environ, "ROBOT_CLIENT_ID": made["appId"], "ROBOT_CLIENT_SECRET": made["password"]}
    robot = signed_in(environ, az.folder, "ROBOT")
    assert robot("group list --query [].name") == ["rg-robot"]
    assert "AuthorizationFailed" in robot.refused("group create -n rg-robot-2 -l westeurope")
