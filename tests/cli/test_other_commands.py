"""init, graph, schema, drift, import, secret set, demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Dkv, Project


def test_init_writes_a_file_that_plans_cleanly(dkv: Dkv, project: Project) -> None:
    assert dkv("init", "fresh").code == 0
    assert dkv("validate", "-f", "fresh").out.startswith("Valid: ")
    assert dkv("plan", "-f", "fresh").code == 0


def test_init_overwrites_nothing(dkv: Dkv, project: Project) -> None:
    before = (project.folder / "dkv.yaml").read_text()
    result = dkv("init")
    assert result.code == 1
    assert "error[already-there]" in result.err
    assert (project.folder / "dkv.yaml").read_text() == before


def test_validate_says_what_it_checked(dkv: Dkv, project: Project) -> None:
    assert dkv("validate").out == "Valid: 6 entries.\n"


def test_the_graph_is_mermaid(dkv: Dkv, project: Project) -> None:
    assert dkv("graph").out.startswith("flowchart LR\n")


def test_the_schema_is_json_schema(dkv: Dkv) -> None:
    found = json.loads(dkv("schema").out)
    assert found["type"] == "object"
    assert "vaults" in found["properties"]


def test_drift_is_none_after_an_apply(dkv: Dkv, applied: Project) -> None:
    result = dkv("drift")
    assert result.code == 0
    assert result.out.endswith("No drift. Azure holds what was applied.\n")


def test_drift_exits_2_in_each_form(dkv: Dkv, applied: Project) -> None:
    applied.in_azure(lambda client: client.update_secret_properties("db", content_type="by hand"))
    text = dkv("drift")
    assert text.code == 2
    assert "~ secret.payments/db  changed" in text.out
    assert "content_type: text/plain -> by hand" in text.out
    found = json.loads(dkv("drift", "--format", "json").out)
    assert (found["complete"], found["exit_code"], len(found["drift"])) == (True, 2, 1)
    assert dkv("drift", "--format", "markdown").out.startswith("### dkv drift")
    assert dkv("drift", "--format", "xml").code == 64


def test_drift_needs_no_source(dkv: Dkv, applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DB_PASSWORD")
    assert dkv("drift").code == 0


def test_an_unmanaged_secret_on_alarm_is_drift(dkv: Dkv, applied: Project) -> None:
    applied.in_azure(lambda client: client.set_secret("stranger", "x"))
    result = dkv("drift")
    assert result.code == 2
    assert "! unmanaged secret stranger on vault.payments (alarm)" in result.out


def test_a_kept_value_is_set_through_a_pipe_and_never_shown(dkv: Dkv, applied: Project) -> None:
    result = dkv("secret", "set", "secret.payments/kept", typed="first value\n")
    assert result.code == 0, result.err
    assert "first value" not in result.out + result.err
    found = applied.in_azure(lambda client: client.get_secret("kept"))
    assert (found.value, found.properties.tags) == ("first value", {"owner": "payments"})
    assert "secret.payments/kept" in dkv("state", "list").out
    assert dkv("plan", "--detailed-exitcode").code == 0

    assert dkv("secret", "set", "secret.payments/kept", typed="second value").code == 0
    assert applied.in_azure(lambda client: client.get_secret("kept")).value == "second value"
    assert dkv("plan", "--detailed-exitcode").code == 0
    assert dkv("drift").code == 0


@pytest.mark.parametrize(
    ("address", "typed", "code"),
    [
        ("secret.payments/db", "x", "not-kept"),
        ("secret.payments/absent", "x", "unknown-address"),
        ("vault.payments", "x", "not-kept"),
        ("secret.payments/kept", "", "value-missing"),
        ("secret.payments/kept", "x" * 25_601, "value-missing"),
    ],
)
def test_what_is_not_kept_gets_no_value(dkv: Dkv, applied: Project, address: str, typed: str, code: str) -> None:
    result = dkv("secret", "set", address, typed=typed)
    assert result.code == 1
    assert f"error[{code}]" in result.err


def test_a_kept_value_needs_its_vault(dkv: Dkv, project: Project) -> None:
    result = dkv("secret", "set", "secret.payments/kept", typed="x")
    assert result.code == 1
    assert "error[no-vault]" in result.err


def test_a_foreign_secret_is_not_overwritten(dkv: Dkv, applied: Project) -> None:
    applied.in_azure(lambda client: client.set_secret("kept", "theirs"))
    result = dkv("secret", "set", "secret.payments/kept", typed="ours")
    assert result.code == 1
    assert "error[unmanaged-exists]" in result.err
    assert applied.in_azure(lambda client: client.get_secret("kept")).value == "theirs"


def test_import_takes_over_what_exists_and_nothing_else(dkv: Dkv, applied: Project) -> None:
    applied.in_azure(lambda client: client.set_secret("kept", "theirs"))
    assert "error[unmanaged-exists]" in dkv("plan").err
    result = dkv("import", "secret.payments/kept", "--auto-approve")
    assert result.code == 0, result.err
    assert "> secret.payments/kept" in result.out
    assert "1 imported" in result.out
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_import_of_an_address_that_is_not_declared_is_an_error(dkv: Dkv, applied: Project) -> None:
    result = dkv("import", "secret.payments/absent", "--auto-approve")
    assert result.code == 1
    assert "error[unknown-address]" in result.err


def test_a_snapshot_beside_the_root_file_is_there_first(dkv: Dkv, project: Project, tmp_path: Path) -> None:
    dkv("apply", "--auto-approve")
    dkv("emulator", "snapshot", "saved.json", "--data-dir", "state/.emulator")
    other = tmp_path / "other"
    other.mkdir()
    (other / "emulator.json").write_bytes((tmp_path / "saved.json").read_bytes())
    (other / "dkv.yaml").write_text((tmp_path / "dkv.yaml").read_text())
    result = dkv("plan", "-f", "other")
    assert result.code == 1
    assert "error[unmanaged-exists]" in result.err


def test_a_damaged_snapshot_is_an_error_of_the_emulator(dkv: Dkv, project: Project) -> None:
    project.write("no json", "emulator.json")
    result = dkv("plan")
    assert result.code == 1
    assert "error[emulator]" in result.err


def test_the_demo_shows_all_of_it(dkv: Dkv, monkeypatch: Any) -> None:
    result = dkv("demo")
    assert result.code == 0
    marks = [
        "Plan: 6 to add, 0 to change, 0 to destroy.",
        "Apply complete! Resources: 6 added",
        "No changes. Your infrastructure matches the configuration.",
        "content_type: text/plain -> changed by hand",
        "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.",
        "Destroy complete! Resources: 6 destroyed.",
    ]
    places = [result.out.index(mark) for mark in marks]
    assert places == sorted(places)
