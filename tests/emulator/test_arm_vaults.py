"""Vaults, as Resource Manager answers them: what is filled in, left out, refused, deleted and recovered."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.emulator.seed import TENANT
from tests.emulator.arm_support import GROUP, SUB, VAULT, VAULTS, Arm, policy, vault_body

OTHER_GROUP = f"{SUB}/resourceGroups/rg-two"
DELETED = f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-one"
PRINCIPAL = "aaaaaaaa-0000-4000-8000-000000000001"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    return arm


def test_a_new_vault_answers_200_with_what_azure_fills_in(arm: Arm) -> None:
    answer = arm.make_vault(enableRbacAuthorization=True)
    assert answer.status == 200
    system_data = answer.body.pop("systemData")
    assert (system_data["createdByType"], system_data["createdBy"]) == ("Application", arm.owner.app_id)
    assert answer.body == {
        "id": VAULT,
        "name": "kv-one",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westeurope",
        "tags": {},
        "properties": {
            "sku": {"family": "A", "name": "standard"},
            "tenantId": TENANT,
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": True,
            "vaultUri": "https://kv-one.vault.azure.net",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    }
    assert arm.call("GET", VAULT).body["properties"]["vaultUri"] == "https://kv-one.vault.azure.net/"


def test_a_new_vault_registers_its_name_for_half_a_minute_at_azures_pace() -> None:
    arm = Arm(time_scale=1.0)
    arm.make_group()
    assert arm.make_vault().body["properties"]["provisioningState"] == "RegisteringDns"
    waiting = arm.call("GET", VAULT)
    assert waiting.body["properties"]["provisioningState"] == "RegisteringDns"
    assert "retry-after" not in waiting.headers
    arm.world.clock.shift(31)
    assert arm.call("GET", VAULT).body["properties"]["provisioningState"] == "Succeeded"
    assert arm.make_vault().body["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("version", "sent", "shown", "reason"),
    [
        ("2023-07-01", {}, None, "older versions make policy vaults"),
        ("2026-02-01", {}, True, "newer versions make role vaults"),
        ("2026-02-01", {"enableRbacAuthorization": None}, True, "null counts as not sent"),
        ("2026-04-01-preview", {}, True, "a preview counts as its date"),
        ("2029-01-01", {}, True, "a version that is not known yet counts as the newest"),
        ("2026-02-01", {"enableRbacAuthorization": False}, False, "said explicitly"),
    ],
)
def test_who_decides_the_access_model(
    arm: Arm, version: str, sent: dict[str, Any], shown: bool | None, reason: str
) -> None:
    answer = arm.make_vault(version=version, **sent)
    assert answer.body["properties"].get("enableRbacAuthorization") is shown, reason


def test_a_newer_api_version_does_not_flip_the_access_model_of_an_old_vault(arm: Arm) -> None:
    arm.make_vault()
    answer = arm.make_vault(version="2026-02-01")
    assert "enableRbacAuthorization" not in answer.body["properties"]
    arm.call("PATCH", VAULT, {"properties": {"enableRbacAuthorization": None}}, version="2026-02-01")
    assert "enableRbacAuthorization" not in arm.call("GET", VAULT).body["properties"]


@pytest.mark.parametrize(
    ("sent", "shown", "reason"),
    [
        (None, None, "never sent"),
        ({"bypass": "AzureServices", "defaultAction": "Allow"}, None, "equal to the default"),
        ({"ipRules": [], "virtualNetworkRules": []}, None, "the default, spelled out"),
        (
            {"bypass": "None", "defaultAction": "Deny"},
            {"bypass": "None", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []},
            "lists are filled in",
        ),
        (
            {"defaultAction": "Deny", "ipRules": [{"value": "1.2.3.4"}, {"value": "10.0.0.0/8"}]},
            {
                "bypass": "AzureServices",
                "defaultAction": "Deny",
                "ipRules": [{"value": "1.2.3.4/32"}, {"value": "10.0.0.0/8"}],
                "virtualNetworkRules": [],
            },
            "addresses become ranges",
        ),
    ],
)
def test_network_rules_come_back_as_recorded(arm: Arm, sent: Any, shown: Any, reason: str) -> None:
    answer = arm.make_vault(networkAcls=sent)
    assert answer.body["properties"].get("networkAcls") == shown, reason


def test_letter_case_is_kept_and_create_mode_is_not_shown(arm: Arm) -> None:
    entry = policy(PRINCIPAL, keys=["Get", "wrapKey"])
    body = vault_body(sku={"family": "A", "name": "Premium"}, accessPolicies=[entry], createMode="default")
    shown = arm.call("PUT", VAULT, body).body["properties"]
    assert shown["sku"] == {"family": "A", "name": "Premium"}
    assert shown["accessPolicies"] == [entry]
    assert "createMode" not in shown


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("2019-09-01", {"enableSoftDelete"}, {"publicNetworkAccess", "softDeleteRetentionInDays"}),
        ("2022-07-01", {"publicNetworkAccess"}, {"softDeleteRetentionInDays"}),
        ("2023-07-01", {"publicNetworkAccess", "softDeleteRetentionInDays"}, set()),
    ],
)
def test_each_api_version_shows_its_own_properties(arm: Arm, version: str, has: set[str], lacks: set[str]) -> None:
    arm.make_vault()
    answer = arm.call("GET", VAULT, version=version)
    shown = set(answer.body["properties"])
    assert has <= shown
    assert not lacks & shown
    assert ("systemData" in answer.body) is (version > "2021")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (vault_body(enablePurgeProtection=False), "BadRequest", "irreversible"),
        (vault_body(softDeleteRetentionInDays=6), "BadRequest", "softDeleteRetentionInDays"),
        (vault_body(sku={"name": "basic"}), "BadRequest", "sku"),
        (vault_body(sku=None), "BadRequest", "sku"),
        (vault_body(tenantId="nobody"), "BadRequest", "tenantId"),
        (vault_body(accessPolicies=[policy("not-a-guid", keys=["get"])]), "BadRequest", "accessPolicies"),
        (vault_body(accessPolicies=[policy(PRINCIPAL, secrets=["sing"])]), "BadRequest", "accessPolicies"),
        (vault_body(accessPolicies=[policy(PRINCIPAL, secrets=["get"])] * 1025), "BadRequest", "accessPolicies"),
        (vault_body(networkAcls={"ipRules": [{"value": "fe80::1"}]}), "BadRequest", "ipRules"),
        (vault_body(enabledForDeployment="yes"), "BadRequest", "enabledForDeployment"),
        (vault_body(location="atlantis"), "LocationNotAvailableForResourceType", "atlantis"),
        ({"location": "westeurope"}, "BadRequest", "properties"),
        ([1], "InvalidRequestContent", "invalid"),
    ],
)
def test_a_vault_that_cannot_be_is_refused(arm: Arm, body: Any, code: str, words: str) -> None:
    answer = arm.call("PUT", VAULT, body)
    assert (answer.status, answer.code) == (400, code)
    assert words in answer.message
    assert arm.call("GET", VAULT).status == 404


@pytest.mark.parametrize("name", ["ab", "1abc", "abc-", "a--b", "a" * 25, "a_b"])
def test_a_vault_name_has_rules(arm: Arm, name: str) -> None:
    answer = arm.make_vault(f"{VAULTS}/{name}")
    assert (answer.status, answer.code) == (400, "VaultNameNotValid")


def test_a_vault_needs_its_group(arm: Arm) -> None:
    answer = arm.make_vault(f"{OTHER_GROUP}/providers/Microsoft.KeyVault/vaults/kv-one")
    assert (answer.status, answer.code) == (404, "ResourceGroupNotFound")


def test_a_missing_vault_is_named_in_the_404(arm: Arm) -> None:
    answer = arm.call("GET", VAULT)
    assert (answer.status, answer.code) == (404, "ResourceNotFound")
    assert answer.message.startswith(
        "The Resource 'Microsoft.KeyVault/vaults/kv-one' under resource group 'rg-one' was not found."
    )


def test_paths_have_no_letter_case(arm: Arm) -> None:
    arm.make_vault(VAULT.replace("kv-one", "KV-One"))
    answer = arm.call("GET", VAULT.upper())
    assert answer.body["name"] == "KV-One"
    assert answer.body["properties"]["vaultUri"] == "https://kv-one.vault.azure.net/"


def test_a_location_is_shown_as_it_was_sent_and_compared_without_spaces(arm: Arm) -> None:
    assert arm.call("PUT", VAULT, vault_body(location="West Europe")).body["location"] == "West Europe"
    assert arm.make_vault().status == 200
    arm.call("DELETE", VAULT)
    assert arm.call("GET", DELETED).body["id"] == DELETED
    assert arm.make_vault(createMode="recover").body["location"] == "West Europe"


def test_a_put_over_a_vault_wipes_its_policies_and_tags(arm: Arm) -> None:
    body = vault_body(accessPolicies=[policy(PRINCIPAL, keys=["get"])], enabledForDeployment=True)
    arm.call("PUT", VAULT, {**body, "tags": {"a": "b"}})
    answer = arm.make_vault()
    assert (answer.body["properties"]["accessPolicies"], answer.body["tags"]) == ([], {})
    assert answer.body["properties"]["enabledForDeployment"] is True


def test_a_patch_changes_only_what_it_names(arm: Arm) -> None:
    arm.make_vault(accessPolicies=[policy(PRINCIPAL, keys=["get"])])
    answer = arm.call("PATCH", VAULT, {"tags": {"x": "y"}, "properties": {"enabledForDiskEncryption": True}})
    assert (answer.status, answer.body["tags"]) == (200, {"x": "y"})
    assert answer.body["properties"]["enabledForDiskEncryption"] is True
    assert len(answer.body["properties"]["accessPolicies"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (vault_body(location="northeurope"), 409, "InvalidResourceLocation"),
        (vault_body(softDeleteRetentionInDays=30), 400, "BadRequest"),
        (vault_body(tenantId="33333333-3333-3333-3333-333333333333"), 400, "BadRequest"),
    ],
)
def test_what_is_fixed_at_creation_stays(arm: Arm, change: Any, status: int, code: str) -> None:
    arm.make_vault()
    answer = arm.call("PUT", VAULT, change)
    assert (answer.status, answer.code) == (status, code)


def test_a_name_is_taken_in_the_whole_cloud(arm: Arm) -> None:
    arm.make_vault()
    arm.make_group(OTHER_GROUP)
    answer = arm.make_vault(f"{OTHER_GROUP}/providers/Microsoft.KeyVault/vaults/KV-ONE")
    assert (answer.status, answer.code) == (409, "VaultAlreadyExists")


def test_a_deleted_vault_is_gone_and_listed_as_deleted(arm: Arm) -> None:
    arm.make_vault(softDeleteRetentionInDays=7, enablePurgeProtection=True)
    assert (arm.call("DELETE", VAULT).status, arm.call("DELETE", VAULT).status) == (200, 204)
    assert arm.call("GET", VAULT).status == 404
    deleted = arm.call("GET", DELETED)
    assert deleted.body["type"] == "Microsoft.KeyVault/deletedVaults"
    properties = deleted.body["properties"]
    assert (properties["vaultId"], properties["purgeProtectionEnabled"]) == (VAULT, True)
    assert properties["deletionDate"][:10] < properties["scheduledPurgeDate"][:10]
    listed = arm.call("GET", f"{SUB}/providers/Microsoft.KeyVault/deletedVaults")
    assert listed.body["value"] == [deleted.body]


def test_a_deleted_vault_that_is_not_there_is_a_404(arm: Arm) -> None:
    answer = arm.call("GET", DELETED)
    assert (answer.status, answer.code) == (404, "DeletedVaultNotFound")
    arm.make_vault()
    arm.call("DELETE", VAULT)
    assert arm.call("GET", DELETED.replace("westeurope", "northeurope")).code == "DeletedVaultNotFound"


def test_a_deleted_vault_blocks_its_name(arm: Arm) -> None:
    arm.make_vault()
    arm.call("DELETE", VAULT)
    assert (arm.make_vault().status, arm.make_vault().code) == (409, "ConflictError")
    arm.make_group(OTHER_GROUP)
    elsewhere = f"{OTHER_GROUP}/providers/Microsoft.KeyVault/vaults/kv-one"
    assert arm.make_vault(elsewhere).code == "ConflictError"
    assert arm.make_vault(elsewhere, createMode="recover").code == "ConflictError"
    other_region = arm.call("PUT", VAULT, vault_body(location="northeurope"))
    assert other_region.code == "VaultAlreadyExists"


def test_recovery_brings_back_what_was_there_whatever_is_sent(arm: Arm) -> None:
    entry = policy(PRINCIPAL, secrets=["Get"])
    body = vault_body(sku={"family": "A", "name": "premium"}, accessPolicies=[entry], softDeleteRetentionInDays=7)
    before = arm.call("PUT", VAULT, {**body, "tags": {"a": "b"}})
    arm.call("DELETE", VAULT)
    answer = arm.make_vault(createMode="recover", accessPolicies=[])
    assert answer.status == 200
    shown = answer.body["properties"]
    assert (shown["sku"]["name"], shown["accessPolicies"], answer.body["tags"]) == ("premium", [entry], {"a": "b"})
    assert shown["softDeleteRetentionInDays"] == 7
    assert answer.body["systemData"]["createdAt"] == before.body["systemData"]["createdAt"]
    assert arm.call("GET", DELETED).code == "DeletedVaultNotFound"


def test_there_must_be_something_to_recover(arm: Arm) -> None:
    assert arm.make_vault(createMode="recover").code == "DeletedVaultNotFound"
    assert arm.make_vault(createMode="resurrect").code == "BadRequest"


def test_a_recovered_vault_has_its_secrets_but_not_its_role_assignments(arm: Arm) -> None:
    arm.make_vault()
    uid = arm.world.store.table("vaults")["kv-one"]["uid"]
    arm.world.store.put("secrets", f"{uid}/db", {"name": "db", "versions": []})
    principal = arm.application().object_id
    arm.assign(VAULT, principal, READER)
    arm.assign(f"{VAULT}/secrets/db", principal, READER)
    arm.call("DELETE", VAULT)
    arm.make_vault(createMode="recover")
    assert arm.world.store.get("secrets", f"{uid}/db") is not None
    listed = arm.call(
        "GET", f"{VAULT}/providers/Microsoft.Authorization/roleAssignments", filter=f"principalId eq '{principal}'"
    )
    assert listed.body["value"] == []


def test_a_purge_frees_the_name_and_loses_the_content(arm: Arm) -> None:
    arm.make_vault()
    uid = arm.world.store.table("vaults")["kv-one"]["uid"]
    arm.world.store.put("secrets", f"{uid}/db", {"name": "db", "versions": []})
    arm.call("DELETE", VAULT)
    started = arm.call("POST", f"{DELETED}/purge")
    assert (started.status, started.body) == (202, None)
    done = arm.follow(started.headers["location"])
    assert (done.status, done.body["status"]) == (200, "Succeeded")
    assert arm.world.store.get("secrets", f"{uid}/db") is None
    assert arm.make_vault().status == 200


def test_a_client_of_a_fast_emulator_is_told_to_ask_again_soon() -> None:
    arm = Arm(time_scale=0.01)
    arm.make_group()
    made = arm.make_vault()
    assert (made.body["properties"]["provisioningState"], made.headers["retry-after"]) == ("RegisteringDns", "1")
    assert arm.call("GET", VAULT).headers["retry-after"] == "1"
    arm.world.clock.shift(1)
    assert "retry-after" not in arm.call("GET", VAULT).headers
    arm.call("DELETE", VAULT)
    started = arm.call("POST", f"{DELETED}/purge")
    assert started.headers["retry-after"] == "1"
    assert arm.follow(started.headers["location"]).headers["retry-after"] == "1"


def test_a_purge_takes_its_time_at_azures_pace() -> None:
    arm = Arm(time_scale=1.0)
    arm.make_group()
    arm.make_vault()
    arm.call("DELETE", VAULT)
    started = arm.call("POST", f"{DELETED}/purge")
    assert started.headers["retry-after"] == "5"
    waiting = arm.follow(started.headers["location"])
    assert (waiting.status, waiting.body["status"]) == (202, "NotStarted")
    assert arm.call("GET", DELETED).status == 404
    arm.world.clock.shift(12)
    assert arm.follow(waiting.headers["location"]).body["status"] == "Succeeded"


def test_purge_protection_cannot_be_purged_or_switched_off(arm: Arm) -> None:
    arm.make_vault(enablePurgeProtection=True)
    off = arm.call("PATCH", VAULT, {"properties": {"enablePurgeProtection": False}})
    assert (off.status, off.code) == (400, "BadRequest")
    arm.call("DELETE", VAULT)
    answer = arm.call("POST", f"{DELETED}/purge")
    assert (answer.status, answer.code) == (400, "MethodNotAllowed")
    assert answer.message == "Operation 'DeletedVaultPurge' is not allowed."


def test_azure_purges_by_itself_when_the_retention_has_passed(arm: Arm) -> None:
    arm.make_vault(softDeleteRetentionInDays=7, enablePurgeProtection=True)
    arm.call("DELETE", VAULT)
    arm.world.clock.shift(6 * 86_400)
    assert arm.call("GET", DELETED).status == 200
    arm.world.clock.shift(2 * 86_400)
    assert arm.call("GET", DELETED).status == 404
    assert arm.make_vault().status == 200


def test_whether_a_name_is_free(arm: Arm) -> None:
    def check(name: str) -> Any:
        sent = {"name": name, "type": "Microsoft.KeyVault/vaults"}
        return arm.call("POST", f"{SUB}/providers/Microsoft.KeyVault/checkNameAvailability", sent).body

    assert check("kv-one") == {"nameAvailable": True}
    assert check("1")["reason"] == "AccountNameInvalid"
    arm.make_vault()
    assert check("KV-one")["reason"] == "AlreadyExists"
    arm.call("DELETE", VAULT)
    assert check("kv-one")["reason"] == "AlreadyExists"


def test_vaults_are_listed_by_group_and_by_subscription_in_pages(arm: Arm) -> None:
    arm.make_group(OTHER_GROUP)
    for path in (f"{VAULTS}/kv-b", f"{VAULTS}/kv-a", f"{OTHER_GROUP}/providers/Microsoft.KeyVault/vaults/kv-c"):
        arm.make_vault(path)

    def names(answer: Any) -> list[str]:
        return [vault["name"] for vault in answer.body["value"]]

    assert names(arm.call("GET", VAULTS)) == ["kv-a", "kv-b"]
    page = arm.call("GET", f"{SUB}/providers/Microsoft.KeyVault/vaults", top="2")
    assert names(page) == ["kv-a", "kv-b"]
    rest = arm.follow(page.body["nextLink"])
    assert names(rest) == ["kv-c"]
    # Key Vault's lists end with a page without items (recorded).
    last = arm.follow(rest.body["nextLink"])
    assert names(last) == []
    assert "nextLink" not in last.body


def test_other_clouds_have_other_vault_names(arm: Arm) -> None:
    arm.make_vault()
    answer = arm.call("GET", VAULT, host="management.usgovcloudapi.net")
    assert answer.body["properties"]["vaultUri"] == "https://kv-one.vault.usgovcloudapi.net/"


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", VAULT, "Microsoft.KeyVault/vaults/read"),
        ("PUT", VAULT, "Microsoft.KeyVault/vaults/write"),
        ("PATCH", VAULT, "Microsoft.KeyVault/vaults/write"),
        ("DELETE", VAULT, "Microsoft.KeyVault/vaults/delete"),
        ("PUT", f"{VAULT}/accessPolicies/add", "Microsoft.KeyVault/vaults/accessPolicies/write"),
        ("POST", f"{DELETED}/purge", "Microsoft.KeyVault/locations/deletedVaults/purge/action"),
    ],
)
def test_every_call_needs_its_own_right(arm: Arm, method: str, path: str, action: str) -> None:
    answer = arm.call(method, path, {}, caller=arm.stranger)
    assert (answer.status, answer.code) == (403, "AuthorizationFailed")
    assert f"perform action '{action}' over scope '" in answer.message
    assert f"The client '{arm.stranger.app_id}' with object id '{arm.stranger.object_id}'" in answer.message


def test_answers_carry_the_rate_limit_headers(arm: Arm) -> None:
    assert arm.call("GET", VAULTS).headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()
    assert arm.make_vault().headers["x-ms-ratelimit-remaining-subscription-global-writes"].isdigit()


def test_there_are_no_managed_hsms(arm: Arm) -> None:
    assert arm.call("GET", f"{SUB}/providers/Microsoft.KeyVault/managedHSMs").body == {"value": []}


def test_a_managed_identity_has_a_principal_that_roles_can_be_assigned_to(arm: Arm) -> None:
    path = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm"
    assert arm.call("GET", path).code == "ResourceNotFound"
    made = arm.call("PUT", path, {"location": "westeurope"}, version="2023-01-31")
    assert made.status == 201
    assert arm.call("PUT", path, {"location": "westeurope"}).status == 200
    principal = arm.call("GET", path).body["properties"]["principalId"]
    assert arm.assign(GROUP, principal, READER).body["properties"]["principalType"] == "ServicePrincipal"
    assert arm.call("DELETE", path).status == 200
    assert arm.assign(GROUP, principal, READER).code == "RoleAssignmentExists"
