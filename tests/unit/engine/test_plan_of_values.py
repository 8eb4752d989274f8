"""What a plan says around a value that it writes: who moved, which key is made, which grant was left out."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.kinds import registry
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Options, Plan, Reason, Value, Verdict
from declarative_kv.model.resource import Observed, Reading, Resource
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import AccessPolicySpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import HEAD, at

OPS = "/subscriptions/s/resourcegroups/rg/providers/microsoft.keyvault/vaults/kv-ops"
APP = OPS.replace("kv-ops", "kv-app")
KEY = f"{OPS}/secrets/dkv-fingerprint-key"
SECRET, GRANT = at("secret.app/db"), at("access_policy.app/me")


def vault(name: str) -> VaultSpec:
    return VaultSpec(subscription="s", resource_group="rg", name=name, access="policies")


DESIRED = {
    at("vault.ops"): Resource(at("vault.ops"), vault("kv-ops")),
    at("vault.app"): Resource(at("vault.app"), vault("kv-app")),
    GRANT: Resource(GRANT, AccessPolicySpec(vault=APP, principal="me-id", secrets=("set",))),
    SECRET: Resource(SECRET, SecretSpec(vault=APP, name="db", source=EnvSource("DB"))),
}


def made(verdict: Verdict, *, shared: str | None = None, live: dict[str, Any] | None = None, **options: Any) -> Plan:
    """A plan for the secret; `live` are the facts of its latest version, where there is one."""
    facts = {"created": 1, "updated": 1}
    state, reading = State("line", 1), Reading({})
    if live is not None:
        entry = Entry(SECRET, f"{APP}/secrets/db", DESIRED[SECRET].spec, facts={**facts, "fingerprint": "ff"})
        seen = Observed("secret", f"{APP}/secrets/db", SecretSpec(vault=APP, name="db"), facts={**facts, **live})
        state, reading = State("line", 1, {SECRET: entry}), Reading({SECRET: seen})
    return plan(registry(), DESIRED, state, reading, {SECRET: verdict}, HEAD, Options(**options), shared_key=shared)


def reason(of: Plan) -> Reason:
    return next(change.reason for change in of.changes if change.address == SECRET)


@pytest.mark.parametrize(("created", "expected"), [(1, Reason.CONFIG_MOVED), (2, Reason.BOTH_MOVED)])
def test_a_changed_value_says_whether_azure_moved_as_well(created: int, expected: Reason) -> None:
    assert reason(made(Verdict(Value.CHANGED), live={"created": created})) is expected


def test_a_value_rotated_outside_is_azures_doing() -> None:
    assert reason(made(Verdict(Value.MOVED_OUTSIDE), live={"created": 2})) is Reason.AZURE_MOVED


def test_each_vault_gets_a_key_of_its_own() -> None:
    assert [note.split()[0] for note in made(Verdict(Value.NEW)).notes] == ["vault.app"]


def test_a_key_for_all_vaults_is_noted_where_it_will_be() -> None:
    assert [note.split()[0] for note in made(Verdict(Value.NEW), shared=KEY).notes] == ["vault.ops"]


def test_a_key_that_judged_a_value_is_there() -> None:
    assert not made(Verdict(Value.NEW, seen="ff", key=f"{KEY}/1"), shared=KEY).notes


def test_a_grant_that_the_run_leaves_out_is_named() -> None:
    with pytest.raises(PlanError) as raised:
        made(Verdict(Value.NEW), targets=(SECRET,))
    (problem,) = raised.value.diagnostics
    assert problem.code == "no-data-access"
    assert f"--target {GRANT}" in problem.hint


def test_a_grant_that_is_there_counts_although_the_run_leaves_it_out() -> None:
    there = Observed("access_policy", f"{APP}/me", DESIRED[GRANT].spec, parent=APP)
    reading, options = Reading({GRANT: there}), Options(targets=(SECRET,))
    assert plan(registry(), DESIRED, State(), reading, {SECRET: Verdict(Value.NEW)}, HEAD, options).changes
