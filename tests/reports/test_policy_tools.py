"""Tools that know Terraform's plans read ours: Checkov, rules in Rego as Conftest runs them, and Atlantis."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.cli.app import main
from declarative_kv.config import load
from declarative_kv.engine.lint import findings
from declarative_kv.model.lint import RULES, Tool
from declarative_kv.model.plan import Action, Options, Plan, Reason
from declarative_kv.render.plan_text import plan_text
from declarative_kv.render.summary import of_plan
from declarative_kv.render.terraform import name_of

from .programs import CHECKOV, LINTERS, needs_checkov, needs_linters, ran
from .sample import change, clean_plan, policy, sample_plan

YAML = """\
version: 1
cloud: emulator
defaults: {resource_group: rg, location: westeurope}
resource_groups: {rg: {protect: false}}
principals: {me: {current: true}}
vaults:
  bad:
    name: kv-bad
    access: policies
    protect: false
    purge_protection: false
    network: {public: true, default: allow}
    access_policies: {me: {secrets: [get, list, set, purge]}}
    secrets:
      plain: {value_from: {generate: {length: 20}}}
  good:
    name: kv-good
    access: rbac
    purge_protection: true
    network: {public: false, default: deny, bypass: [azure_services]}
    roles: {me: [Key Vault Administrator]}
    secrets:
      fine: {value_from: {generate: {length: 20}}, content_type: text/plain, expires: 2030-01-01}
"""
BAD_VAULT, BAD_SECRET = "azurerm_key_vault.bad", 'azurerm_key_vault_secret.bad["plain"]'
GOOD_VAULT, GOOD_SECRET = "azurerm_key_vault.good", 'azurerm_key_vault_secret.good["fine"]'
# https://www.checkov.io/5.Policy%20Index/terraform.html has what each number asks for.
EXPECTED = {
    "CKV_AZURE_41": ({BAD_SECRET}, {GOOD_SECRET}),
    "CKV_AZURE_42": ({BAD_VAULT}, {GOOD_VAULT}),
    "CKV_AZURE_109": ({BAD_VAULT}, {GOOD_VAULT}),
    "CKV_AZURE_110": ({BAD_VAULT}, {GOOD_VAULT}),
    "CKV_AZURE_111": (set(), {BAD_VAULT, GOOD_VAULT}),
    "CKV_AZURE_114": ({BAD_SECRET}, {GOOD_SECRET}),
    "CKV_AZURE_189": ({BAD_VAULT}, {GOOD_VAULT}),
}
"""What each of Checkov's rules finds, and what it lets pass. Soft delete (111) cannot be switched off any more."""


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The JSON of a plan that makes a good vault and a bad one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DKV_EMULATOR", str(tmp_path / "none"))
    for name in ("AZURE_CLIENT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    Path("dkv.yaml").write_text(YAML)
    assert main(["plan", "--report", "plan.json", "--report", "plan.txt"]) == 0
    return tmp_path / "plan.json"


@needs_checkov
def test_checkovs_rules_fire_on_what_they_should_and_on_nothing_else(planned: Path) -> None:
    words = ["--framework", "terraform_plan", "--output", "json", "--skip-download", "--check", ",".join(EXPECTED)]
    found = json.loads(ran(CHECKOV, "--file", planned, *words, code=1))["results"]
    for rule, (fails, passes) in EXPECTED.items():
        assert _resources(found["failed_checks"], rule) == fails, rule
        assert _resources(found["passed_checks"], rule) == passes, rule


MIXED = """\
version: 1
cloud: emulator
defaults: {resource_group: rg, location: westeurope}
resource_groups: {rg: {}}
principals: {me: {current: true}}
vaults:
  unwritten: {name: kv-unwritten, access: policies}
  private:
    name: kv-private
    access: rbac
    purge_protection: true
    network: {public: false}
    roles: {me: [Key Vault Administrator]}
    secrets:
      typed: {value_from: {generate: {length: 20}}, content_type: text/plain}
      dated: {value_from: {generate: {length: 20}}, expires: 2030-01-01, not_before: 2026-01-01}
      both: {value_from: {generate: {length: 20}}, expires: 2030-01-01, content_type: text/plain}
  ruled: {name: kv-ruled, access: rbac, network: {default: deny, ip_rules: [203.0.113.0/24]}, retention_days: 7}
  ruleless: {name: kv-ruleless, access: policies, purge_protection: true, network: {default: deny}}
  allowed: {name: kv-allowed, access: policies, network: {default: allow, ip_rules: [203.0.113.7]}}
"""


@needs_checkov
def test_lints_rules_fire_on_what_their_twins_of_checkov_fire_on(planned: Path) -> None:
    Path("dkv.yaml").write_text(MIXED)
    assert main(["plan", "--report", "plan.json", "--report", "plan.txt"]) == 0
    twins = [(rule, twin) for rule in RULES.values() for twin in rule.twins if twin.tool is Tool.CHECKOV]
    words = ["--framework", "terraform_plan", "--output", "json", "--skip-download"]
    words += ["--check", ",".join(twin.id for _, twin in twins)]
    checked = json.loads(ran(CHECKOV, "--file", planned, *words, code=1))["results"]
    titles = {check["check_id"]: check["check_name"] for many in checked.values() for check in many if many}
    ours = findings(load(Path("dkv.yaml"), environ={}))
    for rule, twin in twins:
        fired = {str(name_of(finding.address)) for finding in ours if finding.rule is rule}
        assert fired, rule.id
        assert _resources(checked["failed_checks"], twin.id) == fired, (rule.id, twin.id)
        assert titles[twin.id] == twin.title


def _resources(checks: list[dict[str, Any]], rule: str) -> set[str]:
    return {check["resource"] for check in checks if check["check_id"] == rule}


def denied(plan: str) -> list[str]:
    """What the rules in `policy.rego` say of a plan."""
    here = Path(__file__).parent
    found: list[str] = json.loads(ran(LINTERS / "python", here / "evaluate.py", here / "policy.rego", given=plan))
    return found


@needs_linters
def test_rules_written_for_terraform_deny_what_they_should(planned: Path) -> None:
    assert denied(planned.read_text()) == [
        "azurerm_key_vault.bad: a vault is not open to all networks",
        'azurerm_key_vault_access_policy.bad["me"]: nobody purges',
        'azurerm_key_vault_secret.bad["plain"]: a secret needs an expiry',
    ]


@needs_linters
def test_rules_written_for_terraform_see_that_a_vault_goes(planned: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "--auto-approve", "--target", "vault.bad"]) == 0
    capfd.readouterr()
    assert main(["plan", "--destroy", "--json"]) == 0
    assert denied(capfd.readouterr().out) == ["azurerm_key_vault.bad: vaults are not deleted by a pipeline"]


# What Atlantis looks for to say how a plan ended: runatlantis/atlantis, server/events/models/models.go, the summary and
# the numbers of PlanSuccess.
CHANGES = re.compile(r"Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy\.")
NOTHING = re.compile(r"No changes\. (?:Infrastructure is up-to-date|Your infrastructure matches the configuration)\.")
IMPORTING = change(
    "access_policy.payments/ci", Action.IMPORT, policy("x", "get"), policy("x", "get"), reason=Reason.IMPORTING
)


@pytest.mark.parametrize(
    ("reason", "plan", "numbers"),
    [
        ("changes", sample_plan(), (None, "9", "4", "1")),
        ("an import", Plan(sample_plan().head, (IMPORTING,)), ("1", "0", "0", "0")),
        ("blocked or not", sample_plan(0), (None, "1", "4", "1")),
    ],
)
def test_atlantis_finds_the_numbers_of_a_plan(reason: str, plan: Plan, numbers: tuple[str | None, ...]) -> None:
    for text in (plan_text(plan), of_plan(plan).text):
        found = CHANGES.search(text)
        assert found is not None, reason
        assert found.groups() == numbers
        assert NOTHING.search(text) is None


@pytest.mark.parametrize("options", [Options(), Options(refresh_only=True)])
def test_atlantis_finds_that_there_is_nothing_to_do(options: Options) -> None:
    text = plan_text(Plan(clean_plan().head, (), options=options))
    assert NOTHING.search(text)
    assert CHANGES.search(text) is None
