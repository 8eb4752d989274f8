"""`dkv access`: its forms, its filters, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from declarative_kv.emulator.host.private import open_private
from declarative_kv.emulator.seed import OWNER, seed_assignment
from tests.cli.conftest import Project, Result

Dkv = Any


def test_every_answer_has_the_promised_shape(project: Project, dkv: Dkv) -> None:
    done: Result = dkv("access", "--json", "--principal", "ci")
    found = json.loads(done.out)
    assert (done.code, found["complete"], found["unknown"]) == (0, True, [])
    (answer,) = found["access"]
    assert answer["resource"].endswith("/resourceGroups/rg-test/providers/Microsoft.KeyVault/vaults/kv-cli-tests")
    told = {name: answer[name] for name in ("principal", "object_id", "address", "permission", "phrase", "direct")}
    assert told == {
        "principal": "ci",
        "object_id": "1b2c0000-0000-0000-0000-000000000000",
        "address": "vault.payments",
        "permission": "policy:secrets/list",
        "phrase": "lists secrets",
        "direct": True,
    }
    assert [step["name"] for step in answer["path"]] == ["ci", "secrets: list", "vault.payments"]


def test_live_is_azure_as_it_is_and_nothing_is_written(project: Project, dkv: Dkv) -> None:
    assert dkv("access", "--live").out == "Nobody can do that, as far as the grants tell.\n"
    assert dkv("access", "--live", "--markdown").out == "Nobody can do that, as far as the grants tell.\n"
    assert not (project.folder / "state" / "dkv.json").exists()


def test_who_holds_a_role_above_the_vaults_is_named_though_nobody_declared_it(project: Project, dkv: Dkv) -> None:
    assert dkv("apply", "--auto-approve").code == 0
    with open_private(project.folder / "state" / ".emulator") as emulator:
        somebody = emulator.identity("norights")["object_id"]
        seed_assignment(emulator.world.store, somebody, OWNER, emulator.world.clock.now())
    found = json.loads(dkv("access", "--live", "--json", "--vault", "payments").out)["access"]
    owned = [one for one in found if one["object_id"] == somebody]
    assert {one["permission"] for one in owned} >= {"Microsoft.KeyVault/vaults/write"}
    assert all("Owner" in {step["name"] for step in one["path"]} for one in owned)
    for done in (dkv("plan", "--format", "html"), dkv("drift", "--format", "html")):
        assert somebody in done.out.partition("Access, before and after")[2]


@pytest.mark.parametrize("text", ["payments", "vault.payments", "KV-cli-tests"])
def test_a_vault_goes_by_address_key_or_name(project: Project, dkv: Dkv, text: str) -> None:
    done: Result = dkv("access", "--vault", text, "--permission", "reads secret values")
    assert (done.code, done.out.splitlines()[0]) == (0, "vault.payments  (access policies)")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--vault", "other"], "--vault other is no vault of this configuration."),
        (["--permission", "anything"], "--permission anything is nothing that can be done."),
        (["--json", "--markdown"], "choose one"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(project: Project, dkv: Dkv, arguments: list[str], complaint: str) -> None:
    done: Result = dkv("access", *arguments)
    assert done.code == 64
    assert complaint in done.err
