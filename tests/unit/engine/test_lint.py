"""Lint: every rule on what breaks it and on what keeps it, and what the YAML says about the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.engine.lint import examined, findings
from declarative_kv.model.lint import RULES, Finding, Tool, Weight
from tests.unit.config.yamls import document, loaded, places, refused, unmarked


def found(folder: Path, text: str) -> tuple[Finding, ...]:
    return findings(loaded(folder, document(text)))


def said(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {finding.identity for finding in findings}


def vault(settings: str) -> str:
    """A vault with nothing to find but what the settings bring."""
    own = {part.split(":")[0].strip() for part in settings.split(";") if part.strip()}
    base = {
        "access": "rbac",
        "location": "westeurope",
        "resource_group": "rg",
        "purge_protection": "true",
        "network": "{public: false, default: deny}",
    }
    lines = [f"    {key}: {value}" for key, value in base.items() if key not in own]
    lines += [f"    {part.strip()}" for part in settings.split(";") if part.strip() and "OMIT" not in part]
    return "vaults:\n  app:\n" + "\n".join(lines) + "\n"


SUBNET = (
    "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg"
    "/providers/Microsoft.Network/virtualNetworks/one/subnets/one"
)
POLICY = "access: policies; access_policies: {ci: %s}"


@pytest.mark.parametrize(
    ("reason", "settings", "expected"),
    [
        ("nothing is wrong", "", set()),
        ("a secret without an end", "secrets: {s: {value_from: kept, content_type: t}}", {"secret-expiry"}),
        ("a secret without a type", "secrets: {s: {value_from: kept, expires: 2030-01-01}}", {"secret-content-type"}),
        ("both", "secrets: {s: {value_from: kept}}", {"secret-expiry", "secret-content-type"}),
        ("what only exists is not ours", "secrets: {s: {existing: true}}", set()),
        ("purge protection off", "purge_protection: false", {"purge-protection"}),
        ("purge protection unwritten", "purge_protection: OMIT", {"purge-protection"}),
        ("open", "network: {default: allow, ip_rules: [203.0.113.0/24]}", {"network-open"}),
        ("open, and unwritten", "network: OMIT", {"network-open", "network-public"}),
        ("closed to everybody", "network: {default: deny}", {"network-public"}),
        ("a subnet's own", f"network: {{default: deny, subnets: [{SUBNET}]}}", set()),
        ("a rule for half the world", "network: {default: deny, ip_rules: [203.0.0.0/8]}", {"network-range"}),
        ("a rule for one network", "network: {default: deny, ip_rules: [203.0.0.0/16]}", set()),
        ("policies", "access: policies", {"access-model"}),
        ("all", POLICY % "{secrets: [all]}", {"access-model", "policy-all"}),
        (
            "all by name",
            POLICY % "{secrets: [get, list, set, delete, recover, backup, restore, purge]}",
            {"access-model", "policy-all"},
        ),
        ("purge", POLICY % "{secrets: [get, purge]}", {"access-model", "policy-purge"}),
        (
            "all of one, purge of another",
            POLICY % "{keys: [all], secrets: [purge]}",
            {"access-model", "policy-all", "policy-purge"},
        ),
        ("what is needed", POLICY % "{secrets: [get]}", {"access-model"}),
        ("a policy that only exists", POLICY % "{secrets: [all], existing: true}", {"access-model"}),
        ("a role at a vault", "roles: {ci: [Key Vault Administrator]}", set()),
        ("a wildcard at a vault", "roles: {ci: [Contributor]}", {"role-wildcard"}),
        ("a role that is not known", "roles: {ci: [Ours]}", set()),
    ],
)
def test_a_rule_fires_on_what_breaks_it(tmp_path: Path, reason: str, settings: str, expected: set[str]) -> None:
    assert {rule for rule, _ in said(found(tmp_path, vault(settings)))} == expected, reason


WIDE = "subscription: 22222222-2222-2222-2222-222222222222\n"


@pytest.mark.parametrize(
    ("reason", "grant", "expected"),
    [
        ("writes a subscription's", "{role: Key Vault Secrets Officer, scope: subscription}", {"role-scope"}),
        ("a management group", "{role: Key Vault Administrator, scope: management_group.all}", {"role-scope"}),
        (
            "by its id",
            "{role: Key Vault Secrets User, scope: /subscriptions/22222222-2222-2222-2222-222222222222}",
            {"role-scope"},
        ),
        (
            "a management group's id",
            "{role: Key Vault Secrets User, scope: /providers/Microsoft.Management/managementGroups/all}",
            {"role-scope"},
        ),
        ("a group is narrow enough", "{role: Key Vault Administrator, scope: resource_group.rg}", set()),
        ("so is a group's id", "{role: Key Vault Administrator, scope: /subscriptions/s/resourceGroups/rg}", set()),
        ("a reader", "{role: Key Vault Reader, scope: subscription}", set()),
        ("a wildcard is one finding", "{role: Owner, scope: subscription}", {"role-wildcard"}),
        ("on a condition", "{role: Key Vault Data Access Administrator, scope: subscription, condition: c}", set()),
    ],
)
def test_a_role_is_too_wide_by_what_it_permits_and_where(
    tmp_path: Path, reason: str, grant: str, expected: set[str]
) -> None:
    text = f"{WIDE}resource_groups: {{rg: {{location: westeurope}}}}\n"
    whole = grant.replace("{", "{principal: ci, ")
    assert {rule for rule, _ in said(found(tmp_path, f"{text}role_assignments: {{g: {whole}}}"))} == expected, reason


def test_a_reader_role_is_looked_at_too(tmp_path: Path) -> None:
    assert found(tmp_path, f"{WIDE}reader_roles: {{r: {{principal: ci, scope: subscription}}}}") == ()


def test_a_vault_that_only_exists_is_somebody_elses(tmp_path: Path) -> None:
    text = "vaults: {app: {existing: true, name: kv-app, secrets: {s: {value_from: kept, content_type: t}}}}"
    assert said(found(tmp_path, text)) == {("secret-expiry", "secret.app/s")}


@pytest.mark.parametrize(
    ("settings", "rule", "weight"),
    [
        ("network: {public: false}", "network-open", Weight.NOTE),
        ("network: {public: true}", "network-open", Weight.WARNING),
        (POLICY % "{secrets: [purge]}", "policy-purge", Weight.NOTE),
        ("purge_protection: false; " + POLICY % "{secrets: [purge]}", "policy-purge", Weight.WARNING),
    ],
)
def test_what_another_setting_takes_the_edge_off_is_a_note(
    tmp_path: Path, settings: str, rule: str, weight: Weight
) -> None:
    (one,) = [finding for finding in found(tmp_path, vault(settings)) if finding.rule.id == rule]
    assert one.weight is weight


def test_a_finding_stands_at_its_setting_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = document(vault("purge_protection: false; secrets: {b: {value_from: kept, content_type: t}}"))
    first, second = findings(loaded(tmp_path, text))
    lines = text.splitlines()
    assert first.span is not None
    assert second.span is not None
    assert lines[first.span.line - 1] == "    purge_protection: false"
    assert (second.identity, lines[second.span.line - 1][:12]) == (("secret-expiry", "secret.app/b"), "    secrets:")


IGNORED = """\
lint: {ignore: {access-model: later}}
vaults:
  app:
    access: policies
    location: westeurope
    resource_group: rg
    purge_protection: true
    network: {public: false, default: deny}
    lint: {ignore: {policy-purge: ours}}
    access_policies: {ci: {secrets: [purge]}}
    secrets:
      s: {value_from: kept, lint: {ignore: {secret-expiry: rotated}}}
"""


def test_a_reason_makes_a_finding_ignored_for_an_entry_and_what_is_below_it(tmp_path: Path) -> None:
    whole = examined(loaded(tmp_path, document(IGNORED)))
    assert {(one.rule.id, one.ignored) for one in whole} == {
        ("access-model", "later"),
        ("policy-purge", "ours"),
        ("secret-expiry", "rotated"),
        ("secret-content-type", ""),
    }
    assert said(found(tmp_path, IGNORED)) == {("secret-content-type", "secret.app/s")}


def test_a_secrets_reason_covers_the_roles_on_it(tmp_path: Path) -> None:
    entry = "{value_from: kept, content_type: t, expires: 2030-01-01, roles: {ci: [Contributor]}%s}"
    assert said(found(tmp_path, vault("secrets: {s: " + entry % "" + "}"))) == {
        ("role-wildcard", "role_assignment.app/s/ci/contributor")
    }
    quiet = entry % ", lint: {ignore: {role-wildcard: test}}"
    assert found(tmp_path, vault("secrets: {s: " + quiet + "}")) == ()


def test_a_grant_on_many_vaults_is_ignored_on_each(tmp_path: Path) -> None:
    text = vault("access: policies; lint: {ignore: {access-model: later}}")
    grant = "access_policies:\n  many: {principal: ci, secrets: [all], on: [vault.*]%s}\n"
    assert said(found(tmp_path, text + grant % "")) == {("policy-all", "access_policy.app/many")}
    assert found(tmp_path, text + grant % ", lint: {ignore: {policy-all: tests}}") == ()


def test_a_rule_that_blocks_weighs_more(tmp_path: Path) -> None:
    one, two = found(tmp_path, "lint: {block: secret-expiry}\n" + vault("secrets: {s: {value_from: kept}}"))
    assert {(one.rule.id, one.weight), (two.rule.id, two.weight)} == {
        ("secret-expiry", Weight.BLOCK),
        ("secret-content-type", Weight.NOTE),
    }


def test_an_environment_may_have_rules_of_its_own(tmp_path: Path) -> None:
    text = "environments: {test: {lint: {ignore: {secret-expiry: short-lived}}}, prod: {}}\n"
    text = document(text + vault("secrets: {s: {value_from: kept, content_type: t}}"))
    assert findings(loaded(tmp_path, text, environment="test")) == ()
    assert len(findings(loaded(tmp_path, text, environment="prod"))) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "lint: {ignore: {⟦not-one-of⟧secret-expires: why}}",
        "lint: {ignore: {⟦missing-setting⟧secret-expiry: }}",
        'lint: {ignore: {⟦missing-setting⟧secret-expiry: " "}}',
        "lint: {block: [secret-expiry, ⟦not-one-of⟧all]}",
        "lint: {block: ⟦not-one-of⟧all}",
        "lint: {⟦unknown-key⟧rules: {}}",
        "resource_groups: {rg: {location: westeurope, lint: {ignore: {⟦not-one-of⟧all: why}}}}",
        "resource_groups: {rg: {location: westeurope, lint: {⟦unknown-key⟧block: []}}}",
    ],
)
def test_what_the_yaml_says_about_lint_is_checked(tmp_path: Path, lines: str) -> None:
    text, expected = unmarked(document(lines))
    assert places(refused(tmp_path, text)) == expected


def test_every_rule_can_be_acted_on_and_no_twin_is_named_twice() -> None:
    twins = [(twin.tool, twin.id) for rule in RULES.values() for twin in rule.twins]
    assert len(twins) == len(set(twins))
    assert {tool for tool, _ in twins} == set(Tool)
    for name, rule in RULES.items():
        assert name == rule.id
        assert rule.weight is not Weight.BLOCK
        assert all(text.endswith(".") for text in (rule.why, rule.fix))
