"""`cloud: emulator` uses the running emulator of the default folder, with the identity that the environment names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Dkv, Project


@pytest.fixture
def exports(project: Project, dkv: Dkv, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What `dkv emulator env` prints while the default emulator runs."""
    assert dkv("emulator", "start").code == 0
    yield dict(re.findall(r"^export (\w+)='(.*)'$", dkv("emulator", "env").out, re.MULTILINE))
    assert dkv("emulator", "stop").code == 0


def test_it_is_used_and_no_private_one_is_made(exports: dict[str, str], project: Project, dkv: Dkv) -> None:
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0
    assert not (project.folder / "state" / ".emulator").exists()
    verbose = dkv("plan", "-v")
    assert "GET https://kv-cli-tests.vault.azure.net/secrets -> 200" in verbose.err


def test_the_identity_without_rights_reads_nothing(
    exports: dict[str, str], project: Project, dkv: Dkv, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dkv("apply", "--auto-approve").code == 0
    monkeypatch.setenv("AZURE_CLIENT_ID", exports["DKV_EMULATOR_NORIGHTS_CLIENT_ID"])
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", exports["AZURE_SUBSCRIPTION_ID"])
    result = dkv("plan")
    assert result.code == 4
    assert f"as {exports['DKV_EMULATOR_NORIGHTS_CLIENT_ID']} (emulator)" in result.out
    assert "Unreadable    ! " in result.out
    assert "error[forbidden]" in result.err


def test_reader_on_the_subscription_sees_everything_but_values_and_what_is_soft_deleted(
    exports: dict[str, str], project: Project, dkv: Dkv, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, auditor = exports["DKV_EMULATOR_OBJECT_ID"], exports["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
    project.replace("deployer: {current: true}", f"deployer: {{object_id: {me}, type: service_principal}}")
    project.replace(
        "  ci: {object_id", f"  auditor: {{object_id: {auditor}, type: service_principal}}\n  ci: {{object_id"
    )
    project.replace("vaults:", "reader_roles:\n  audits: {principal: auditor, scope: subscription}\nvaults:")
    assert dkv("apply", "--auto-approve").code == 0
    monkeypatch.setenv("AZURE_CLIENT_ID", exports["DKV_EMULATOR_NORIGHTS_CLIENT_ID"])
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", exports["AZURE_SUBSCRIPTION_ID"])
    source = "secrets of vault.payments read through Resource Manager: no right to list them there"

    for command in (["plan", "--values", "never", "--detailed-exitcode"], ["drift"]):
        result = dkv(*command)
        assert result.code == 0, result
        assert source in result.out
        assert "cannot be listed" not in result.out

    found = json.loads(dkv("drift", "--format", "json").out)
    assert (found["complete"], [one["through"] for one in found["head"]["secrets_listed"]]) == (
        True,
        ["resource-manager"],
    )
    project.replace("content_type: text/plain", "content_type: text/html")
    refused = dkv("apply", "--auto-approve")
    assert refused.code == 1
    assert "error[no-data-access]" in refused.err


def test_with_the_exports_a_configuration_for_azure_itself_reaches_it_too(
    exports: dict[str, str], project: Project, dkv: Dkv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in exports.items():
        monkeypatch.setenv(name, value)
    project.replace("cloud: emulator", "cloud: public")
    result = dkv("apply", "--auto-approve")
    assert result.code == 0, result.err
    assert "(environment variables)" in result.out
    assert dkv("plan", "--detailed-exitcode").code == 0
