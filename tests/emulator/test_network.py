"""Network rules of a vault, by the emulated client address.

https://learn.microsoft.com/azure/key-vault/general/network-security
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.emulator.azure_support import ARM, VAULT_ID, Answer, Azure, policy

ADDRESS = "203.0.113.7"


def read(**properties: Any) -> Answer:
    azure = Azure()
    azure.make_vault(**properties)
    return azure.secret("GET", "/secrets/s")


def rules(*addresses: str, action: str = "Deny", **more: Any) -> dict[str, Any]:
    return {"defaultAction": action, "ipRules": [{"value": address} for address in addresses], **more}


@pytest.mark.parametrize("allowed", [[ADDRESS], ["198.51.100.0/24", "203.0.113.0/28"]])
def test_an_address_in_the_rules_comes_through(allowed: list[str]) -> None:
    assert read(networkAcls=rules(*allowed)).status == 404


def test_rules_of_an_open_vault_keep_nobody_out() -> None:
    assert read(networkAcls=rules("198.51.100.1", action="Allow")).status == 404


@pytest.mark.parametrize("bypass", ["AzureServices", "None"])
def test_another_address_is_refused_and_bypass_is_for_azures_own_services(bypass: str) -> None:
    answer = read(networkAcls=rules("203.0.113.8", bypass=bypass))
    assert (answer.status, answer.error["code"], answer.inner) == (403, "Forbidden", "ForbiddenByFirewall")
    lines = answer.error["message"].split("\r\n")
    assert lines[0] == "Client address is not authorized and caller is not a trusted service."
    assert lines[1] == f"Client address: {ADDRESS}"
    assert lines[2].startswith("Caller: appid=")
    assert lines[3] == "Vault: kv-one;location=westeurope"


def test_a_vault_without_public_access_refuses_also_addresses_in_its_rules() -> None:
    answer = read(networkAcls=rules(ADDRESS), publicNetworkAccess="Disabled")
    assert (answer.status, answer.inner) == (403, "ForbiddenByConnection")
    assert answer.error["message"].startswith("Public network access is disabled and request is not from a trusted ")


def test_the_challenge_comes_before_the_firewall() -> None:
    azure = Azure()
    azure.make_vault(networkAcls=rules("203.0.113.8"))
    answer = azure.ask("GET", "kv-one.vault.azure.net", "/secrets/s?api-version=7.6", headers={"authorization": ""})
    assert answer.status == 401


def test_the_address_that_counts_is_the_setting() -> None:
    azure = Azure()
    azure.make_vault(networkAcls=rules("203.0.113.8"))
    azure.world.settings.public_ip = "203.0.113.8"
    assert azure.secret("GET", "/secrets/s").status == 404
    azure.world.settings.public_ip = "2001:db8::1"
    assert azure.secret("GET", "/secrets/s").inner == "ForbiddenByFirewall"


def test_resource_manager_reaches_a_closed_vault() -> None:
    azure = Azure()
    azure.make_vault(publicNetworkAccess="Disabled")
    assert azure.ask("GET", ARM, f"{VAULT_ID}?api-version=2023-07-01").status == 200


def test_a_vault_has_at_most_1000_addresses_and_200_subnets() -> None:
    azure = Azure()
    addresses = [f"10.0.{number // 250}.{number % 250}" for number in range(1001)]
    azure.make_vault(networkAcls=rules(*addresses[:1000]))

    def change(network: dict[str, Any]) -> Answer:
        sent = {"properties": {"networkAcls": network}}
        return azure.ask("PATCH", ARM, f"{VAULT_ID}?api-version=2023-07-01", sent)

    assert change(rules(*addresses)).error["code"] == "BadRequest"
    subnets = [{"id": f"/subscriptions/s/subnets/{number}"} for number in range(201)]
    assert change(rules(virtualNetworkRules=subnets[:200])).status == 200
    assert change(rules(virtualNetworkRules=subnets)).error["code"] == "BadRequest"


def test_a_vault_has_at_most_1024_access_policies() -> None:
    azure = Azure()
    azure.make_vault(rbac=False, accessPolicies=[policy(str(uuid.UUID(int=n)), ["get"]) for n in range(1024)])
    sent = {"properties": {"accessPolicies": [policy(str(uuid.UUID(int=1024)), ["get"])]}}
    answer = azure.ask("PUT", ARM, f"{VAULT_ID}/accessPolicies/add?api-version=2023-07-01", sent)
    assert answer.error["code"] == "BadRequest"
