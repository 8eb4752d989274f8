"""Plan, apply, saved plans, destroy: the daily work, against a private emulator."""

from __future__ import annotations

import json
import stat
from typing import Any

from .conftest import VALUE, Dkv, Project


def test_a_plan_changes_nothing_and_an_apply_does_it(dkv: Dkv, project: Project) -> None:
    plan = dkv("plan", "--detailed-exitcode")
    assert plan.code == 2
    assert plan.out.endswith("Plan: 5 to add, 0 to change, 0 to destroy.\n")
    assert not (project.folder / "state" / "dkv.json").exists()

    apply = dkv("apply", "--auto-approve")
    assert apply.code == 0
    assert apply.out.endswith("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.\n")

    again = dkv("plan", "--detailed-exitcode")
    assert again.code == 0
    assert again.out.endswith("No changes. Your infrastructure matches the configuration.\n")


def test_no_output_and_no_state_holds_the_value(dkv: Dkv, applied: Project) -> None:
    plan = dkv("plan", "--json")
    assert VALUE not in plan.out + plan.err
    assert VALUE not in (applied.folder / "state" / "dkv.json").read_text()


def test_without_a_terminal_an_apply_must_be_approved_beforehand(dkv: Dkv, project: Project) -> None:
    result = dkv("apply", typed="yes\n")
    assert result.code == 1
    assert "error[no-approval]" in result.err
    assert "--auto-approve" in result.err
    assert dkv("plan", "--detailed-exitcode").code == 2


def test_an_apply_with_nothing_to_do_asks_nobody(dkv: Dkv, applied: Project) -> None:
    result = dkv("apply")
    assert result.code == 0
    assert result.out.endswith("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n")


def test_the_json_of_a_plan_is_one_document_on_standard_output(dkv: Dkv, project: Project) -> None:
    result = dkv("plan", "--json", "--detailed-exitcode")
    found: dict[str, Any] = json.loads(result.out)
    assert found["format_version"] == "1.2"
    assert found["dkv"]["exit_code"] == result.code == 2
    addresses = {change["dkv"]["address"]: change["address"] for change in found["resource_changes"]}
    assert addresses["secret.payments/db"] == 'azurerm_key_vault_secret.payments["db"]'


def test_markdown_is_for_a_pull_request(dkv: Dkv, project: Project) -> None:
    assert dkv("plan", "--markdown").out.startswith("### dkv: plan\n\n**Plan: 5 to add")


def test_a_saved_plan_is_shown_and_applied_as_it_is(dkv: Dkv, project: Project) -> None:
    planned = dkv("plan", "--out", "change.plan")
    assert stat.S_IMODE((project.folder / "change.plan").stat().st_mode) == 0o600
    assert dkv("show", "change.plan").out == planned.out
    assert json.loads(dkv("show", "change.plan", "--json").out)["format_version"] == "1.2"

    project.write("this: is not a configuration any more")
    assert dkv("apply", "change.plan", "--auto-approve").code == 0


def test_a_saved_plan_is_stale_once_it_is_applied(dkv: Dkv, project: Project) -> None:
    dkv("plan", "--out", "change.plan")
    dkv("apply", "--auto-approve")
    result = dkv("apply", "change.plan", "--auto-approve")
    assert result.code == 1
    assert "error[stale-plan]" in result.err


def test_a_saved_plan_is_stale_once_somebody_changed_what_it_saw(dkv: Dkv, applied: Project) -> None:
    applied.replace("text/plain", "application/json")
    dkv("plan", "--out", "change.plan")
    applied.in_azure(lambda client: client.update_secret_properties("db", enabled=False))
    result = dkv("apply", "change.plan", "--auto-approve")
    assert result.code == 1
    assert "secret.payments/db has changed in Azure" in result.err


def test_a_saved_plan_of_changes_to_what_exists_applies(dkv: Dkv, applied: Project) -> None:
    applied.replace("text/plain", "application/json")
    dkv("plan", "--out", "change.plan")
    result = dkv("apply", "change.plan", "--auto-approve")
    assert result.code == 0, result.err
    assert result.out.endswith("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.\n")
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_options_that_shape_a_plan_do_not_go_with_a_saved_one(dkv: Dkv, project: Project) -> None:
    dkv("plan", "--out", "change.plan")
    assert dkv("apply", "change.plan", "--destroy").code == 64


def test_a_file_that_is_no_plan_is_an_error(dkv: Dkv, project: Project) -> None:
    for content in ("", "{}", "[1]", '{"format": "dkv-plan/99"}', "\x00\xff"):
        (project.folder / "x.plan").write_text(content)
        result = dkv("show", "x.plan")
        assert result.code == 1
        assert "error[plan-unreadable]" in result.err, content
    assert dkv("show", "absent.plan").code == 1


def test_a_guard_exits_3_and_says_what_lifts_it(dkv: Dkv, applied: Project) -> None:
    applied.replace("access: policies\n    protect: false", "access: policies\n    protect: true")
    dkv("apply", "--auto-approve")
    blocked = dkv("destroy", "--auto-approve")
    assert blocked.code == 3
    assert "--allow protected=vault.payments" in blocked.out
    assert dkv("plan", "--destroy").code == 3

    done = dkv("destroy", "--auto-approve", "--allow", "protected")
    assert done.code == 0
    assert done.out.endswith("Destroy complete! Resources: 5 destroyed.\n")


def test_a_missing_value_stops_an_apply_before_its_first_write_and_no_plan(
    dkv: Dkv, project: Project, monkeypatch: Any
) -> None:
    monkeypatch.delenv("DB_PASSWORD")
    assert dkv("plan").code == 0
    assert dkv("plan", "--values", "required").code == 1
    result = dkv("apply", "--auto-approve")
    assert result.code == 1
    assert "DB_PASSWORD" in result.err
    assert dkv("state", "list").out == ""


def test_a_target_leaves_the_rest_alone(dkv: Dkv, project: Project) -> None:
    result = dkv("apply", "--auto-approve", "--target", "access_policy.payments/ci")
    assert result.code == 0
    assert "secret.payments/db" not in dkv("state", "list").out
    assert "access_policy.payments/ci" in dkv("state", "list").out


def test_verbose_shows_the_requests_and_no_value(dkv: Dkv, project: Project) -> None:
    result = dkv("apply", "--auto-approve", "-v")
    assert "PUT https://kv-cli-tests.vault.azure.net/secrets/db -> 200" in result.err
    assert VALUE not in result.err


def test_an_environment_must_be_chosen_where_there_are_some(dkv: Dkv, project: Project) -> None:
    project.replace("version: 1\n", "version: 1\nenvironments: {test: {}, prod: {}}\n")
    missing = dkv("plan")
    assert missing.code == 1
    assert "prod" in missing.err
    assert "test" in missing.err
    assert dkv("plan", "-e", "prod").out.startswith("env prod · ")


def test_refresh_only_takes_over_what_changed_outside_and_writes_nothing(dkv: Dkv, applied: Project) -> None:
    applied.in_azure(lambda client: client.update_secret_properties("db", content_type="by hand"))
    plan = dkv("plan", "--refresh-only", "--detailed-exitcode")
    assert plan.code == 2
    assert "Drift         ~ secret.payments/db  changed" in plan.out
    assert "?" not in plan.out
    result = dkv("apply", "--refresh-only", "--auto-approve")
    assert result.code == 0
    assert dkv("drift").code == 0
    again = dkv("plan")
    assert "content_type: by hand -> text/plain" in again.out
    assert "(changed in Azure)" not in again.out
    assert applied.in_azure(lambda client: client.get_secret("db")).properties.content_type == "by hand"
