"""The JSON of a plan is Terraform's, so that policy tools need not know us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.permissions import PERMISSIONS
from declarative_kv.model.plan import Action, AttrDiff, Drift, Reason
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.state import Entry
from declarative_kv.render.plan_json import plan_json
from declarative_kv.render.terraform import name_of, permission

from .plans import PAYMENTS, SAMPLE, at, change, grant, observed, plan_of, secret, vault


def only(plan: Any, part: str = "resource_changes") -> dict[str, Any]:
    (found,) = plan_json(plan)[part]
    return dict(found)


def test_it_is_terraforms_format_with_our_version() -> None:
    found = plan_json(SAMPLE)
    assert found["format_version"] == "1.2"
    assert {"terraform_version", "planned_values", "configuration", "resource_drift", "errored", "complete"} <= set(
        found
    )
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("vault.payments", "azurerm_key_vault.payments"),
        ("secret.payments/db-password", 'azurerm_key_vault_secret.payments["db-password"]'),
        ("access_policy.payments/ci", 'azurerm_key_vault_access_policy.payments["ci"]'),
        ("role_assignment.payments/sre/key-vault-reader", 'azurerm_role_assignment.payments["sre/key-vault-reader"]'),
        ("role_assignment.deployer", 'azurerm_role_assignment.role_assignments["deployer"]'),
        ("reader_role.deployer", 'azurerm_role_assignment.reader_roles["deployer"]'),
        ("resource_group.rg-payments", "azurerm_resource_group.rg-payments"),
        ("vault.1st", 'azurerm_key_vault.vaults["1st"]'),
        ("secret.1st/db", 'azurerm_key_vault_secret.secrets["1st/db"]'),
    ],
)
def test_addresses_are_terraforms_and_all_distinct(address: str, expected: str) -> None:
    assert str(name_of(Address.parse(address))) == expected


@pytest.mark.parametrize(
    ("action", "actions"),
    [
        (Action.NOOP, ["no-op"]),
        (Action.CREATE, ["create"]),
        (Action.UPDATE, ["update"]),
        (Action.RECOVER, ["update"]),
        (Action.DESTROY, ["delete"]),
        (Action.FORGET, ["forget"]),
        (Action.IMPORT, ["no-op"]),
    ],
)
def test_each_action_has_terraforms_word(action: Action, actions: list[str]) -> None:
    live = observed("secret", f"{PAYMENTS}/secrets/db", secret("db"))
    found = only(plan_of(change("secret.payments/db", action, secret("db"), live=live)))
    assert found["change"]["actions"] == actions
    assert found["dkv"]["address"] == "secret.payments/db"


def test_a_replace_makes_the_new_one_first() -> None:
    moved = change("role_assignment.x", Action.REPLACE, grant(), Reason.CONFIG_MOVED, diff=(AttrDiff(("role",), 1, 2),))
    found = only(plan_of(moved))
    assert found["change"]["actions"] == ["create", "delete"]
    assert found["action_reason"] == "replace_because_cannot_update"


def test_a_replace_by_an_equal_one_removes_the_old_one_first() -> None:
    found = only(plan_of(change("role_assignment.x", Action.REPLACE, grant(), Reason.REQUESTED)))
    assert found["change"]["actions"] == ["delete", "create"]
    assert found["action_reason"] == "replace_by_request"


def test_a_recover_is_an_update_with_a_reason() -> None:
    found = only(plan_of(change("secret.payments/db", Action.RECOVER, secret("db"), Reason.SOFT_DELETED)))
    assert found["action_reason"] == "recover_soft_deleted"


def test_an_import_with_differences_is_an_update_that_names_the_id() -> None:
    live = observed("vault", PAYMENTS, vault(sku="premium"))
    diff = (AttrDiff(("sku",), "premium", "standard"),)
    found = only(plan_of(change("vault.payments", Action.IMPORT, vault(sku="standard"), diff=diff, live=live)))
    assert found["change"]["actions"] == ["update"]
    assert found["change"]["importing"] == {"id": PAYMENTS}


def test_what_the_yaml_leaves_out_is_after_the_change_as_it_was_before() -> None:
    live = observed("vault", PAYMENTS, vault(sku="premium", tags={"a": "1", "b": "2"}))
    found = only(plan_of(change("vault.payments", Action.UPDATE, vault(tags={"b": "3"}), live=live)))
    assert found["change"]["after"]["sku_name"] == "premium"
    assert found["change"]["after"]["tags"] == {"a": "1", "b": "3"}


def test_a_value_is_null_and_masked_wherever_it_could_stand() -> None:
    spec = secret("db", value=Sensitive("hunter2"))
    plan = plan_of(change("secret.payments/db", Action.UPDATE, spec, live=observed("secret", "x", spec)))
    found = only(plan)["change"]
    assert found["before"]["value"] is None
    assert found["after"]["value"] is None
    assert found["before_sensitive"] == {"value": True}
    assert found["after_sensitive"] == {"value": True}
    assert "hunter2" not in json.dumps(plan_json(plan))


def test_drift_is_told_as_terraform_tells_it() -> None:
    entry = Entry(at("vault.payments"), PAYMENTS, vault(sku="standard"))
    found = only(plan_of(drift=(Drift(at("vault.payments"), Action.DESTROY, prior=entry),)), "resource_drift")
    assert found["change"]["actions"] == ["delete"]
    assert found["change"]["before"]["sku_name"] == "standard"
    assert found["change"]["after"] is None


def test_what_terraform_has_no_place_for_stands_under_dkv() -> None:
    ours = plan_json(SAMPLE)["dkv"]
    assert ours["exit_code"] == 3
    assert [guard["allow"] for guard in ours["guards"]] == [
        "value-moved-outside=secret.hr/api-key",
        "irreversible=vault.payments",
    ]
    assert ours["values_not_compared"] == [
        {"address": "secret.payments/db-password", "why": "PAYMENTS_DB_PASSWORD is not set"}
    ]
    assert ours["access"][0]["change"] == "gained"
    assert ours["unmanaged"][0]["policy"] == "alarm"


def test_a_vault_carries_both_of_azurerms_names_for_rbac() -> None:
    found = only(plan_of(change("vault.payments", Action.CREATE, vault(access="rbac"), Reason.NEW)))
    assert found["change"]["after"]["rbac_authorization_enabled"] is True
    assert found["change"]["after"]["enable_rbac_authorization"] is True


def test_every_permission_has_azurerms_spelling() -> None:
    spelled = {word: permission(word) for words in PERMISSIONS.values() for word in words}
    assert all(text[0].isupper() and text.lower() == word for word, text in spelled.items())
    assert spelled["getrotationpolicy"] == "GetRotationPolicy"
    assert spelled["getsas"] == "GetSAS"
    assert spelled["wrapkey"] == "WrapKey"
