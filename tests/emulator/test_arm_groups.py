"""Resource groups, subscriptions and the generic list, as Resource Manager answers them."""

from __future__ import annotations

import pytest

from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.emulator.arm_support import GROUP, SUB, VAULT, Arm

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def arm() -> Arm:
    return Arm()


def test_a_group_is_201_when_new_and_200_when_it_exists(arm: Arm) -> None:
    first = arm.call("PUT", GROUP, {"location": "West Europe", "tags": {"a": "b"}})
    assert (first.status, first.body) == (
        201,
        {
            "id": GROUP,
            "name": "rg-one",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "tags": {"a": "b"},
            "properties": {"provisioningState": "Succeeded"},
        },
    )
    assert arm.call("PUT", GROUP.lower(), {"location": "westeurope"}).status == 200
    assert arm.call("GET", GROUP + "/").body["id"] == GROUP


def test_a_group_answers_head_with_204_or_404(arm: Arm) -> None:
    assert arm.call("HEAD", GROUP).status == 404
    arm.make_group()
    assert arm.call("HEAD", GROUP.upper()).status == 204


def test_a_missing_group_is_named_in_the_404(arm: Arm) -> None:
    answer = arm.call("GET", GROUP)
    assert (answer.status, answer.code) == (404, "ResourceGroupNotFound")
    assert answer.message == "Resource group 'rg-one' could not be found."
    assert answer.headers["x-ms-failure-cause"] == "gateway"


@pytest.mark.parametrize(
    ("path", "location", "status", "code"),
    [
        (f"{SUB}/resourceGroups/~`1", "westeurope", 400, "InvalidResourceGroup"),
        (f"{SUB}/resourceGroups/ends.", "westeurope", 400, "InvalidResourceGroup"),
        (f"{SUB}/resourceGroups/{'x' * 91}", "westeurope", 400, "InvalidResourceGroup"),
        (GROUP, "BadLocation", 400, "LocationNotAvailableForResourceGroup"),
        (GROUP, "non-existing", 400, "InvalidResourceLocation"),
        (GROUP, "", 400, "LocationRequired"),
    ],
)
def test_a_group_that_cannot_be_is_refused(arm: Arm, path: str, location: str, status: int, code: str) -> None:
    answer = arm.call("PUT", path, {"location": location})
    assert (answer.status, answer.code) == (status, code)


def test_a_group_does_not_move(arm: Arm) -> None:
    arm.make_group()
    answer = arm.call("PUT", GROUP, {"location": "northeurope"})
    assert (answer.status, answer.code) == (409, "InvalidResourceGroupLocation")


def test_patch_changes_only_the_tags(arm: Arm) -> None:
    arm.make_group()
    answer = arm.call("PATCH", GROUP, {"tags": {"x": "y"}})
    assert (answer.body["tags"], answer.body["location"]) == ({"x": "y"}, "westeurope")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_manages_a_group_is_a_text(arm: Arm, method: str) -> None:
    arm.make_group()
    answer = arm.call(method, GROUP, {"location": "westeurope", "managedBy": 7})
    assert (answer.status, answer.code) == (400, "InvalidRequestContent")
    assert "managedBy" not in arm.call("GET", GROUP).body
    answer = arm.call(method, GROUP, {"location": "westeurope", "managedBy": "/x"})
    assert answer.body["managedBy"] == "/x"


def test_deleting_a_group_is_done_at_the_first_poll(arm: Arm) -> None:
    arm.make_group()
    started = arm.call("DELETE", GROUP)
    assert (started.status, started.body) == (202, None)
    assert "/operationresults/" in started.headers["location"]
    assert arm.follow(started.headers["location"]).status == 200
    assert arm.call("DELETE", GROUP).code == "ResourceGroupNotFound"


def test_deleting_a_group_takes_its_time_at_azures_pace() -> None:
    arm = Arm(time_scale=1.0)
    arm.make_group()
    started = arm.call("DELETE", GROUP)
    assert started.headers["retry-after"] == "15"
    assert arm.follow(started.headers["location"]).status == 202
    assert arm.call("GET", GROUP).body["properties"]["provisioningState"] == "Deleting"
    assert arm.make_group().code == "ResourceGroupBeingDeleted"
    assert arm.make_vault().code == "ResourceGroupBeingDeleted"
    arm.world.clock.shift(120)
    assert arm.follow(started.headers["location"]).status == 200
    assert arm.call("HEAD", GROUP).status == 404


def test_a_client_of_a_fast_emulator_is_told_to_ask_again_soon() -> None:
    arm = Arm(time_scale=0.01)
    arm.make_group()
    started = arm.call("DELETE", GROUP)
    assert started.headers["retry-after"] == "1"  # clients take 0 for none, and wait half a minute
    waiting = arm.follow(started.headers["location"])
    assert (waiting.status, waiting.headers["retry-after"]) == (202, "1")


def test_deleting_a_group_soft_deletes_its_vaults_and_loses_its_assignments(arm: Arm) -> None:
    arm.make_group()
    arm.make_vault()
    principal = arm.application().object_id
    arm.assign(GROUP, principal, READER)
    arm.assign(VAULT, principal, READER)
    arm.call("DELETE", GROUP)
    arm.make_group()
    assert arm.call("GET", VAULT).code == "ResourceNotFound"
    assert [v["name"] for v in arm.call("GET", f"{SUB}/providers/Microsoft.KeyVault/deletedVaults").body["value"]] == [
        "kv-one"
    ]
    left = arm.call(
        "GET", f"{SUB}/providers/Microsoft.Authorization/roleAssignments", filter=f"principalId eq '{principal}'"
    )
    assert left.body["value"] == []


def test_groups_are_listed_by_tag_and_in_pages(arm: Arm) -> None:
    for name in ("b", "a", "c"):
        arm.call("PUT", f"{SUB}/resourceGroups/{name}", {"location": "westeurope", "tags": {"t": name}})
    found = arm.call("GET", f"{SUB}/resourcegroups", filter="tagName eq 'T' and tagValue eq 'b'")
    assert [group["name"] for group in found.body["value"]] == ["b"]
    page = arm.call("GET", f"{SUB}/resourcegroups", top="2")
    assert [group["name"] for group in page.body["value"]] == ["a", "b"]
    rest = arm.follow(page.body["nextLink"])
    assert [group["name"] for group in rest.body["value"]] == ["c"]
    assert "nextLink" not in rest.body


def test_a_list_shows_only_the_groups_one_may_read(arm: Arm) -> None:
    arm.make_group()
    arm.make_group(f"{SUB}/resourceGroups/rg-two")
    assert arm.call("GET", f"{SUB}/resourcegroups", caller=arm.stranger).code == "AuthorizationFailed"
    arm.assign(GROUP, arm.stranger.object_id, READER)
    listed = arm.call("GET", f"{SUB}/resourcegroups", caller=arm.stranger)
    assert [group["name"] for group in listed.body["value"]] == ["rg-one"]


def test_the_generic_list_has_vaults_without_properties(arm: Arm) -> None:
    arm.make_group()
    arm.make_vault()
    listed = arm.call(
        "GET", f"{SUB}/resources", version="2015-11-01", filter="resourceType eq 'Microsoft.KeyVault/vaults'"
    )
    assert listed.body == {
        "value": [
            {"id": VAULT, "name": "kv-one", "type": "Microsoft.KeyVault/vaults", "location": "westeurope", "tags": {}}
        ]
    }
    other = arm.call("GET", f"{GROUP}/resources", filter="resourceType eq 'Microsoft.Storage/storageAccounts'")
    assert other.body == {"value": []}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name eq 'KV-one'", True),
        ("name eq 'kv-two'", False),
        ("location eq 'West Europe' and resourceGroup eq 'RG-one'", True),
        ("resourceGroup eq 'rg'", False),
        ("tagName eq 'team'", True),
        ("tagValue eq 'pay ''and'' go'", True),
        ("tagName eq 'owner'", False),
    ],
)
def test_the_generic_list_is_filtered(arm: Arm, text: str, found: bool) -> None:
    arm.make_group()
    arm.make_vault()
    arm.call("PATCH", VAULT, {"tags": {"Team": "pay 'and' go"}})
    assert (arm.call("GET", f"{SUB}/resources", filter=text).body["value"] != []) is found


def test_a_filter_that_is_not_understood_is_refused(arm: Arm) -> None:
    arm.make_group()
    arm.make_vault()
    assert arm.call("GET", f"{SUB}/resources", filter="substringof('a', name)").code == "InvalidFilter"


def test_subscriptions_show_to_those_with_a_role_in_them(arm: Arm) -> None:
    listed = arm.call("GET", "/subscriptions", version="2022-12-01")
    assert [(s["subscriptionId"], s["tenantId"], s["state"]) for s in listed.body["value"]] == [
        (SUBSCRIPTION, TENANT, "Enabled")
    ]
    assert arm.call("GET", "/subscriptions", caller=arm.stranger).body["value"] == []
    assert arm.call("GET", SUB, caller=arm.stranger).status == 403
    arm.make_group()
    arm.assign(GROUP, arm.stranger.object_id, READER)
    assert arm.call("GET", SUB, caller=arm.stranger).body["subscriptionId"] == SUBSCRIPTION


def test_an_unknown_subscription_is_a_404(arm: Arm) -> None:
    answer = arm.call("GET", "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups")
    assert (answer.status, answer.code) == (404, "SubscriptionNotFound")


def test_locations_and_tenants_are_listed(arm: Arm) -> None:
    names = {entry["name"] for entry in arm.call("GET", f"{SUB}/locations").body["value"]}
    assert {"westeurope", "eastus2"} <= names
    assert [entry["tenantId"] for entry in arm.call("GET", "/tenants").body["value"]] == [TENANT]


@pytest.mark.parametrize(
    ("version", "code"), [(None, "MissingApiVersionParameter"), ("soon", "InvalidApiVersionParameter")]
)
def test_the_api_version_must_be_there_and_well_formed(arm: Arm, version: str | None, code: str) -> None:
    answer = arm.call("GET", GROUP, version=version)
    assert (answer.status, answer.code) == (400, code)


def test_what_is_not_emulated_says_so(arm: Arm) -> None:
    answer = arm.call("GET", f"{GROUP}/providers/Microsoft.Storage/storageAccounts")
    assert answer.status == 501
    assert "Microsoft.Storage" in answer.message
