"""The way back to Terraform: what its parser reads in what we write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.engine.export import exported
from declarative_kv.kinds import registry
from declarative_kv.model.address import Address
from declarative_kv.model.document import Document
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.render.terraform_code import terraform_files
from tests.unit.config.yamls import loaded
from tests.unit.render.test_hcl import parsed

MAIN, OTHER = "22222222-2222-2222-2222-222222222222", "33333333-2222-2222-2222-222222222222"
ONE = f"/subscriptions/{MAIN}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-one"
CUSTOM = "cccccccc-0000-4000-8000-000000000000"
HEAD = f"""\
version: 1
tenant: 11111111-1111-1111-1111-111111111111
subscriptions: {{main: {MAIN}, 2nd: {OTHER}}}
subscription: main
principals:
  me: {{object_id: aaaaaaaa-0000-4000-8000-000000000000, type: user}}
  api: {{object_id: bbbbbbbb-0000-4000-8000-000000000000}}
"""
BODY = f"""\
resource_groups: {{rg: {{location: westeurope, tags: {{team: "${{x}}"}}, protect: false}}}}
vaults:
  one:
    name: kv-one
    access: policies
    location: westeurope
    resource_group: rg
    sku: premium
    enabled_for: [deployment]
    tags: {{a: b}}
    ignore: [tags]
    network: {{public: false, default: deny, bypass: [], ip_rules: [203.0.113.0/24]}}
    access_policies:
      me: {{secrets: [get, list], certificates: [all]}}
    secrets:
      db: {{value_from: {{env: DB}}, expires: 2030-06-30, tags: {{owner: x}}, enabled: false}}
      9x: {{value_from: kept}}
  far:
    access: rbac
    location: westeurope
    resource_group: rg-far
    subscription: 2nd
    network: {{ip_rules: []}}
    secrets: {{k: {{value_from: kept, roles: {{api: [{CUSTOM}]}}}}}}
  hr: {{existing: true, name: kv-hr, access: rbac, resource_group: rg-hr, roles: {{api: [Reader]}}}}
role_assignments:
  here: {{principal: me, role: Reader, scope: subscription, description: "why", condition: "1 == 1"}}
"""


def document(folder: Path, text: str = HEAD + BODY, environ: Mapping[str, str] | None = None) -> Document:
    return loaded(folder, text, environ=environ)


def applied(wanted: Document, **facts: Any) -> State:
    """The state after an apply of that, every secret with a version."""
    entries = {}
    for item in exported(wanted, State(), registry()).items:
        at = item.resource.address
        known = {"version": "v1"} if at.kind == "secret" else {}
        entries[at] = Entry(at, item.remote_id, item.resource.spec, facts=known | facts.get(at.kind, {}))
    return State("lineage", 1, entries)


def written(wanted: Document, state: State) -> Mapping[str, str]:
    return terraform_files(exported(wanted, state, registry()), wanted.cloud, wanted.principals)


def blocks(text: str, kind: str) -> list[Any]:
    found: list[Any] = parsed(text).get(kind, [])
    return found


def bare(expression: str) -> str:
    """A reference without the marks by which the parser tells it from a text."""
    assert expression.startswith("${")
    return expression[2:-1]


def resource(files: Mapping[str, str], kind: str, name: str) -> dict[str, Any]:
    """One resource as the parser has it."""
    (found,) = [one[kind][name] for one in blocks(files["main.tf"], "resource") if kind in one and name in one[kind]]
    return {key: value for key, value in found.items() if not key.startswith("__")}


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    wanted = document(tmp_path)
    return written(wanted, applied(wanted))


def test_a_vault_has_its_settings_and_what_the_yaml_leaves_open_stays_open(files: Mapping[str, str]) -> None:
    found = resource(files, "azurerm_key_vault", "one")
    (acls,), (lifecycle,) = found.pop("network_acls"), found.pop("lifecycle")
    assert found == {
        "name": "kv-one",
        "location": "westeurope",
        "resource_group_name": "${azurerm_resource_group.rg.name}",
        "tenant_id": "11111111-1111-1111-1111-111111111111",
        "sku_name": "premium",
        "rbac_authorization_enabled": False,
        "public_network_access_enabled": False,
        "enabled_for_deployment": True,
        "enabled_for_disk_encryption": False,
        "enabled_for_template_deployment": False,
        "tags": {"a": "b"},
    }
    assert {name: acls[name] for name in ("default_action", "bypass", "ip_rules")} == {
        "default_action": "Deny",
        "bypass": "None",
        "ip_rules": ["203.0.113.0/24"],
    }
    assert lifecycle["prevent_destroy"] is True
    assert lifecycle["ignore_changes"] == ["purge_protection_enabled", "soft_delete_retention_days", "tags"]


def test_another_subscription_has_a_provider_of_its_own(files: Mapping[str, str]) -> None:
    far = resource(files, "azurerm_key_vault", "far")
    assert (far["provider"], far["sku_name"], far["resource_group_name"]) == ("${azurerm._2nd}", "standard", "rg-far")
    assert far["lifecycle"][0]["ignore_changes"] == [
        *("enabled_for_deployment", "enabled_for_disk_encryption", "enabled_for_template_deployment"),
        *("public_network_access_enabled", "purge_protection_enabled", "sku_name", "soft_delete_retention_days"),
        "tags",
    ]
    assert far["network_acls"] == [] if "network_acls" in far else True
    providers = [one["azurerm"] for one in blocks(files["versions.tf"], "provider")]
    assert [(one.get("alias"), one["subscription_id"]) for one in providers] == [(None, MAIN), ("_2nd", OTHER)]
    assert all("purge_soft_delete_on_destroy" in str(one["features"]) for one in providers)


def test_grants_name_whom_and_what_as_azurerm_wants_it(files: Mapping[str, str]) -> None:
    policy = resource(files, "azurerm_key_vault_access_policy", "one_me")
    assert policy["key_vault_id"] == "${azurerm_key_vault.one.id}"
    assert policy["secret_permissions"] == ["Get", "List"]
    assert "All" not in policy["certificate_permissions"]
    assert len(policy["certificate_permissions"]) == 16
    assert "key_permissions" not in policy
    secret = resource(files, "azurerm_role_assignment", f"far_k_api_{CUSTOM}")
    definition = f"/subscriptions/{OTHER}/providers/Microsoft.Authorization/roleDefinitions/{CUSTOM}"
    assert secret["scope"] == "${azurerm_key_vault_secret.far_k.resource_versionless_id}"
    assert (secret["role_definition_id"], secret.get("role_definition_name")) == (definition, None)
    assert "principal_type" not in secret
    here = resource(files, "azurerm_role_assignment", "here")
    assert here == {
        "scope": f"/subscriptions/{MAIN}",
        "role_definition_name": "Reader",
        "principal_id": "aaaaaaaa-0000-4000-8000-000000000000",
        "principal_type": "User",
        "description": "why",
        "condition": "1 == 1",
        "condition_version": "2.0",
    }
    assert "/kv-hr" in resource(files, "azurerm_role_assignment", "hr_api_reader")["scope"]
    assert "vault.hr" in files["versions.tf"]


def test_a_secret_that_is_there_is_imported_by_its_version_and_its_value_left_alone(files: Mapping[str, str]) -> None:
    found = resource(files, "azurerm_key_vault_secret", "one_db")
    assert found["value"].startswith("${lookup(var.secret_values, ")
    assert found["lifecycle"][0]["ignore_changes"] == ["content_type", "not_before_date", "value"]
    assert found["expiration_date"] == "2030-06-30T00:00:00Z"
    ids = {bare(one["to"]): one["id"] for one in blocks(files["imports.tf"], "import")}
    assert ids["azurerm_key_vault_secret.one_db"] == "https://kv-one.vault.azure.net/secrets/db/v1"
    assert ids["azurerm_key_vault.one"] == ONE
    assert ids["azurerm_key_vault_access_policy.one_me"] == f"{ONE}/objectId/aaaaaaaa-0000-4000-8000-000000000000"
    assert ids["azurerm_resource_group.rg"] == f"/subscriptions/{MAIN}/resourceGroups/rg"
    assert "|" not in ids["azurerm_role_assignment.here"]
    assert len(ids) == len(blocks(files["main.tf"], "resource"))
    assert "data" not in parsed(files["versions.tf"]), "nobody asks who runs Terraform"
    for text in ("# Its value: env DB", "# It is disabled", "azurerm_key_vault_secret.one_9x"):
        assert text in files["main.tf"] + files["imports.tf"]


def test_what_is_not_in_the_state_or_not_surely_has_no_import(tmp_path: Path) -> None:
    wanted = document(tmp_path)
    state = applied(wanted, role_assignment={"shared": True}, secret={"version": None})
    entries = dict(state.entries)
    del entries[Address("access_policy", "one/me")]
    vault, gone = Address("vault", "one"), Address("secret", "one/gone")
    entries[vault] = replace(entries[vault], status=Status.PENDING)
    entries[gone] = Entry(gone, f"{ONE}/secrets/gone", None)
    files = written(wanted, replace(state, entries=entries))
    to = {bare(one["to"]) for one in blocks(files["imports.tf"], "import")}
    assert to == {
        *("azurerm_key_vault.far", "azurerm_resource_group.rg", "azurerm_role_assignment.here"),
        *("azurerm_role_assignment.hr_api_reader", f"azurerm_role_assignment.far_k_api_{CUSTOM}"),
    }
    assert resource(files, "azurerm_key_vault_secret", "one_db")["value"] == '${var.secret_values["one/db"]}'
    for remark in (
        "Not in the state",
        "A run was interrupted here",
        "The state knows no version",
        "Somebody else made this",
    ):
        assert f"# {remark}" in files["main.tf"]
    assert "secret.one/gone" in files["versions.tf"]


def test_what_only_azure_knows_is_a_variable(tmp_path: Path) -> None:
    head = "version: 1\nprincipals: {me: {current: true}, ops: {group: 'Ops \"${x}'}}\n"
    body = "vaults:\n  hr: {existing: true, name: kv-hr, access: rbac, roles: {me: [Reader], ops: [Keeper of Keys]}}\n"
    files = written(document(tmp_path, head + body), State())
    me, ops = (resource(files, "azurerm_role_assignment", f"hr_{name}") for name in ("me_reader", "ops_keeper-of-keys"))
    assert me["principal_id"] == "${data.azurerm_client_config.current.object_id}"
    assert ops["principal_id"] == '${var.principals["ops"]}'
    assert ops["role_definition_name"] == "Keeper of Keys"
    assert ops["scope"] == (
        '/subscriptions/${var.subscription_id}/resourceGroups/${var.resource_groups["kv-hr"]}'
        "/providers/Microsoft.KeyVault/vaults/kv-hr"
    )
    assert [next(iter(one)) for one in blocks(files["variables.tf"], "variable")] == [
        *("subscription_id", "principals", "resource_groups")
    ]
    assert "imports.tf" not in files
    assert blocks(files["versions.tf"], "data")


def test_a_tenant_that_nobody_told_is_the_one_that_terraform_runs_in(tmp_path: Path) -> None:
    vault = "vaults: {one: {access: rbac, location: westeurope, resource_group: rg}}\n"
    files = written(document(tmp_path, f"version: 1\nsubscription: {MAIN}\n{vault}"), State())
    found = resource(files, "azurerm_key_vault", "one")
    assert (found["tenant_id"], found["name"]) == ("${data.azurerm_client_config.current.tenant_id}", "one")


def test_a_sovereign_cloud_is_named_and_its_hosts_are_used(tmp_path: Path) -> None:
    for cloud, environment, host in (("usgov", "usgovernment", "usgovcloudapi.net"), ("china", "china", "azure.cn")):
        wanted = document(tmp_path, f"cloud: {cloud}\n{HEAD}{BODY}")
        files = written(wanted, applied(wanted))
        assert f'environment     = "{environment}"' in files["versions.tf"]
        assert f"https://kv-one.vault.{host}/secrets/db/v1" in files["imports.tf"]


def test_two_addresses_that_come_to_one_name_stay_two(tmp_path: Path) -> None:
    body = "resource_groups: {'a.b': {name: x, location: westeurope}, a_b: {location: westeurope}}\n"
    files = written(document(tmp_path, HEAD + body), State())
    assert [name for one in blocks(files["main.tf"], "resource") for name in one["azurerm_resource_group"]] == [
        *("a_b", "a_b_2")
    ]
