"""The az CLI: resource groups and vaults, from the first to the purge, policies and network rules."""

from __future__ import annotations

from tests.benchmarks.project import Emulator
from tests.clients.others import NOT_FOUND, Az, needs_az

pytestmark = needs_az


def test_az_manages_resource_groups(az: Az) -> None:
    made = az("group create -n rg-az -l 'West Europe' --tags team=a empty")
    assert (made["location"], made["tags"]) == ("westeurope", {"team": "a", "empty": ""})
    assert made["properties"] == {"provisioningState": "Succeeded"}
    assert az("group exists -n RG-AZ") is True
    assert az("group show -n RG-Az")["name"] == "rg-az"
    assert az("group update -n rg-az --tags team=b")["tags"] == {"team": "b"}
    assert az("group update -n rg-az --set tags.owner=me")["tags"] == {"team": "b", "owner": "me"}
    assert az("group list --tag team=b --query [].name") == ["rg-az"]
    assert az("group list --tag team=a") == []
    az("group wait -n rg-az --exists")
    assert az("resource list -g rg-az") == []
    az("group delete -n rg-az --yes")
    assert az("group exists -n rg-az") is False
    assert "ResourceGroupNotFound" in az.refused("group show -n rg-az", code=NOT_FOUND)
    assert "LocationNotAvailableForResourceGroup" in az.refused("group create -n rg-az -l atlantis")


def test_az_takes_a_vault_through_its_life(az: Az) -> None:
    az("group create -n rg-life -l westeurope")
    made = az("keyvault create -n kv-az-life -g rg-life")["properties"]
    assert (made["enableRbacAuthorization"], made["provisioningState"]) == (True, "Succeeded")
    assert (made["enableSoftDelete"], made["softDeleteRetentionInDays"]) == (True, 90)
    az("keyvault wait -n kv-az-life --created")
    shown = az("keyvault show -n KV-AZ-life")
    assert shown["properties"]["vaultUri"] == "https://kv-az-life.vault.azure.net/"
    assert shown["systemData"]["createdBy"] == az.environ["AZURE_CLIENT_ID"]
    assert [one["name"] for one in az("keyvault list")] == ["kv-az-life"]
    assert az("keyvault list -g rg-life --query [].properties.sku.name") == ["standard"]
    assert az("keyvault list --resource-type vault --query [].name") == ["kv-az-life"]
    changed = az("keyvault update -n kv-az-life --enabled-for-template-deployment true --set tags.owner=me")
    assert (changed["tags"], changed["properties"]["enabledForTemplateDeployment"]) == ({"owner": "me"}, True)
    assert "already exist" in az.refused("keyvault create -n kv-az-life -g rg-life")


def test_az_deletes_recovers_and_purges_a_vault(az: Az) -> None:
    az("group create -n rg-gone -l northeurope")
    az("keyvault create -n kv-az-gone -g rg-gone --retention-days 7 --sku premium")
    az("keyvault delete -n kv-az-gone")
    deleted = az("keyvault list-deleted --query \"[?name=='kv-az-gone'].properties.location\"")
    assert deleted == ["northeurope"]
    assert az("keyvault list-deleted --resource-type vault --query [].name") == ["kv-az-gone"]
    assert az("keyvault show-deleted -n kv-az-gone")["properties"]["vaultId"].endswith("/vaults/kv-az-gone")
    assert "deleted state" in az.refused("keyvault create -n kv-az-gone -g rg-gone")
    back = az("keyvault recover -n kv-az-gone")["properties"]
    assert (back["sku"]["name"], back["softDeleteRetentionInDays"]) == ("premium", 7)
    az("keyvault delete -n kv-az-gone -g rg-gone")
    az("keyvault purge -n kv-az-gone")
    assert az("keyvault list-deleted --query [].name") == []
    assert "not found within subscription" in az.refused("keyvault show -n kv-az-gone")
    az("keyvault create -n kv-az-kept -g rg-gone --enable-purge-protection true")
    az("keyvault delete -n kv-az-kept")
    assert "not allowed" in az.refused("keyvault purge -n kv-az-kept")


def test_az_sets_policies_and_network_rules(az: Az, running: Emulator) -> None:
    other = running.environ["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
    az("group create -n rg-rules -l westeurope")
    made = az("keyvault create -n kv-az-rules -g rg-rules --enable-rbac-authorization false")["properties"]
    assert [policy["objectId"] for policy in made["accessPolicies"]] == [running.environ["DKV_EMULATOR_OBJECT_ID"]]
    assert made["accessPolicies"][0]["permissions"]["secrets"] == ["all"]
    az(f"keyvault set-policy -n kv-az-rules --object-id {other} --secret-permissions get list --key-permissions get")
    spn = running.environ["DKV_EMULATOR_NORIGHTS_CLIENT_ID"]
    found = az(f"keyvault set-policy -n kv-az-rules --spn {spn} --secret-permissions get")["properties"]
    policy = next(one for one in found["accessPolicies"] if one["objectId"] == other)
    assert (policy["permissions"]["secrets"], policy["permissions"]["keys"]) == (["get"], ["get"])
    left = az(f"keyvault delete-policy -n kv-az-rules --object-id {other}")["properties"]["accessPolicies"]
    assert other not in [one["objectId"] for one in left]

    rules = az("keyvault update -n kv-az-rules --default-action Deny --bypass None")["properties"]["networkAcls"]
    assert (rules["bypass"], rules["defaultAction"], rules["ipRules"]) == ("None", "Deny", [])
    az("keyvault network-rule add -n kv-az-rules --ip-address 192.0.2.0/24")
    az("keyvault network-rule add -n kv-az-rules --ip-address 198.51.100.7")
    az("keyvault network-rule wait -n kv-az-rules --created")
    listed = az("keyvault network-rule list -n kv-az-rules --query ipRules[].value")
    assert listed == ["192.0.2.0/24", "198.51.100.7/32"]
    az("keyvault network-rule remove -n kv-az-rules --ip-address 192.0.2.0/24")
    assert az("keyvault network-rule list -n kv-az-rules --query ipRules[].value") == ["198.51.100.7/32"]
    linked = az("keyvault private-link-resource list --vault-name kv-az-rules")
    assert [one["groupId"] for one in linked] == ["vault"]
