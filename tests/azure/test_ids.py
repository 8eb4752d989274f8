"""Azure's ids are built and taken apart again, whatever their letter case."""

from __future__ import annotations

import pytest

from declarative_kv.azure import clouds, ids
from declarative_kv.model.document import Cloud

VAULT = ids.vault_id("sub", "rg", "Kv")


def test_ids_are_taken_apart_as_they_were_built() -> None:
    assert ids.parse_group(ids.group_id("sub", "rg")) == ("sub", "rg")
    assert ids.parse_vault(VAULT) == ids.VaultId("sub", "rg", "Kv")
    assert ids.parse_vault(ids.secret_id(VAULT.upper(), "db")).name == "KV"
    assert ids.assignment_scope(ids.assignment_id(VAULT, "r", "p")) == VAULT
    assert ids.assignment_scope(VAULT) == VAULT
    assert ids.vault_of(f"{VAULT}/secrets/db") == VAULT
    assert ids.vault_of(ids.group_id("sub", "rg")) is None
    assert ids.subscription_of("/providers/Microsoft.Management/managementGroups/m") is None
    assert ids.guid_of("/subscriptions/s/x/AbC/") == "abc"


@pytest.mark.parametrize("other", ["", "/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/A/b/c"])
def test_another_id_is_no_vaults(other: str) -> None:
    with pytest.raises(ValueError):
        ids.parse_vault(other)


@pytest.mark.parametrize("other", ["", "/subscriptions/s", "/providers/x/y/z/w"])
def test_another_id_is_no_groups(other: str) -> None:
    with pytest.raises(ValueError):
        ids.parse_group(other)


def test_a_vaults_host_is_lower_case_and_of_its_cloud() -> None:
    china = Cloud("china", resource_manager="https://management.chinacloudapi.cn", key_vault_suffix=".vault.azure.cn")

    assert clouds.vault_uri(china, "Kv-One") == "https://kv-one.vault.azure.cn"
    assert clouds.resource_manager_scope(china) == "https://management.chinacloudapi.cn/.default"
