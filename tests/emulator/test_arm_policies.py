"""Access policies changed one principal at a time: add merges, replace replaces, remove minds letter case."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.emulator.seed import TENANT
from tests.emulator.arm_support import VAULT, Answer, Arm, policy

ANN = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "bbbbbbbb-0000-4000-8000-000000000002"
APP = "cccccccc-0000-4000-8000-000000000003"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    arm.make_vault(accessPolicies=[policy(ANN, keys=["Get", "List"], secrets=["get"]), policy(BOB, secrets=["list"])])
    return arm


def change(arm: Arm, kind: str, *entries: dict[str, Any]) -> Answer:
    body = {"properties": {"accessPolicies": list(entries)}}
    return arm.call("PUT", f"{VAULT}/accessPolicies/{kind}", body, version="2026-02-01")


def kept(arm: Arm) -> list[Any]:
    entries: list[Any] = arm.call("GET", VAULT).body["properties"]["accessPolicies"]
    return entries


def test_add_merges_and_answers_with_that_principal_alone(arm: Arm) -> None:
    answer = change(arm, "add", policy(ANN.upper(), keys=["get", "wrapKey"], certificates=["list"]))
    merged = policy(ANN, keys=["Get", "List", "wrapKey"], secrets=["get"], certificates=["list"])
    assert answer.status == 200
    assert answer.body == {
        "id": f"{VAULT}/accessPolicies/",
        "type": "Microsoft.KeyVault/vaults/accessPolicies",
        "properties": {"accessPolicies": [merged]},
    }
    assert kept(arm) == [merged, policy(BOB, secrets=["list"])]


def test_add_appends_a_principal_that_is_new(arm: Arm) -> None:
    change(arm, "ADD", policy(APP, secrets=["all"]))
    assert kept(arm)[2] == policy(APP, secrets=["all"])


def test_replace_leaves_nothing_of_the_entry_before(arm: Arm) -> None:
    answer = change(arm, "replace", policy(ANN, secrets=["Set"]))
    assert answer.body["properties"]["accessPolicies"] == [policy(ANN, secrets=["Set"])]
    assert kept(arm) == [policy(ANN, secrets=["Set"]), policy(BOB, secrets=["list"])]


def test_remove_takes_the_entry_when_every_permission_is_named_as_it_is_kept(arm: Arm) -> None:
    answer = change(arm, "remove", policy(ANN, keys=["Get", "List"], secrets=["get"]))
    assert answer.body["properties"]["accessPolicies"] == []
    assert kept(arm) == [policy(BOB, secrets=["list"])]


def test_remove_leaves_the_permissions_that_are_not_named(arm: Arm) -> None:
    change(arm, "remove", policy(ANN, keys=["List"]))
    assert kept(arm)[0] == policy(ANN, keys=["Get"], secrets=["get"])


def test_remove_in_another_letter_case_answers_200_and_removes_nothing(arm: Arm) -> None:
    before = kept(arm)
    answer = change(arm, "remove", policy(ANN, keys=["get", "list"], secrets=["GET"]))
    assert (answer.status, answer.body["properties"]["accessPolicies"]) == (200, [before[0]])
    assert kept(arm) == before


def test_remove_of_a_principal_that_is_not_there_is_no_error(arm: Arm) -> None:
    before = kept(arm)
    assert change(arm, "remove", policy(APP, keys=["get"])).body["properties"]["accessPolicies"] == []
    assert kept(arm) == before


def test_a_principal_with_an_application_is_another_entry(arm: Arm) -> None:
    compound = {**policy(ANN, secrets=["set"]), "applicationId": APP}
    change(arm, "add", compound)
    assert kept(arm)[0] == policy(ANN, keys=["Get", "List"], secrets=["get"])
    assert kept(arm)[2] == compound
    change(arm, "remove", compound)
    assert [entry["objectId"] for entry in kept(arm)] == [ANN, BOB]


@pytest.mark.parametrize(
    ("kind", "entries", "code"),
    [
        ("append", [policy(ANN, keys=["get"])], "InvalidOperationKind"),
        ("add", [policy(ANN, keys=["fetch"])], "BadRequest"),
        ("add", [{"objectId": ANN, "tenantId": TENANT}], "BadRequest"),
        ("add", [policy(ANN, keys=["get"])] * 17, "BadRequest"),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(arm: Arm, kind: str, entries: list[Any], code: str) -> None:
    before = kept(arm)
    answer = change(arm, kind, *entries)
    assert (answer.status, answer.code) == (400, code)
    assert kept(arm) == before


def test_a_missing_vault_has_no_policies(arm: Arm) -> None:
    body = {"properties": {"accessPolicies": [policy(ANN, keys=["get"])]}}
    assert arm.call("PUT", f"{VAULT}x/accessPolicies/add", body).code == "ResourceNotFound"
