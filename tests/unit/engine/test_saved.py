"""Saved plans: read again, they are the plan that was reviewed; values never get in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from declarative_kv.engine.saved import decode_plan, encode_plan
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Severity, Span
from declarative_kv.model.errors import PlanError
from declarative_kv.model.found import Unmanaged
from declarative_kv.model.plan import (
    AccessLine,
    Action,
    AttrDiff,
    Block,
    Change,
    Drift,
    Head,
    Irreversible,
    Options,
    Plan,
    Reason,
    Unwritten,
    Value,
    Verdict,
)
from declarative_kv.model.resource import Condition, Importing, Lifecycle, Observed, OtherPolicy, Resource
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, Status

SPECS = {"vault": VaultSpec, "secret": SecretSpec, "access_policy": AccessPolicySpec}
KV = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
AT = Span("dkv.yaml", 31, 5, 3, "    sku: standard")
SECRET = Address("secret", "kv/db")
VAULT = Address("vault", "kv")


def vault(**changes: Any) -> VaultSpec:
    fields: dict[str, Any] = {"subscription": "2", "resource_group": "rg", "name": "kv"}
    return VaultSpec(**fields | changes)


def whole_plan() -> Plan:
    secret = SecretSpec(
        vault=KV, name="db", expires=datetime(2027, 6, 30, tzinfo=UTC), tags={"a": "b"}, source=EnvSource("DB")
    )
    lifecycle = Lifecycle(
        protect=True,
        ignore=frozenset({"tags"}),
        importing=Importing.THIS,
        others={"secret": OtherPolicy.ALARM},
    )
    live = Observed("secret", f"{KV}/secrets/db", secret, Condition.SOFT_DELETED, {"updated": 17}, KV, "db", True)
    prior = Entry(SECRET, live.remote_id, secret, frozenset({VAULT}), Status.PENDING, {"fingerprint": "ab"}, True)
    return Plan(
        head=Head("prod", "2", "from YAML", "kv-plan", "workload identity", 41, "09:14:07Z", principals={"7": "ci"}),
        changes=(
            Change(
                VAULT,
                Action.UPDATE,
                Reason.CONFIG_MOVED,
                diff=(
                    AttrDiff(("network",), None, NetworkSpec(ip_rules=("203.0.113.0/24",))),
                    AttrDiff(("network", "ip_rules"), (), ("203.0.113.0/24",)),
                    AttrDiff(("tags", "team"), "x", None),
                ),
                desired=Resource(VAULT, vault(sku="premium"), lifecycle=lifecycle, span=AT, spans={"sku": AT}),
                span=AT,
            ),
            Change(
                SECRET,
                Action.RECOVER,
                Reason.SOFT_DELETED,
                diff=(AttrDiff(("expires",), None, datetime(2027, 6, 30, tzinfo=UTC)),),
                after=frozenset({VAULT}),
                desired=Resource(SECRET, secret, frozenset({VAULT})),
                prior=prior,
                live=live,
                verdict=Verdict(Value.CHANGED, "why", {"version": "1"}, "abcdef", "key/1"),
                writes_value=True,
                known=False,
                facts={"shared": True},
            ),
        ),
        drift=(Drift(SECRET, Action.DESTROY, value_moved=True, since="2026-11-20", prior=prior, live=live),),
        unmanaged=(Unmanaged(Address("secret", "kv/x"), VAULT, OtherPolicy.ALARM, live),),
        access=(AccessLine(True, "ci", "7", "reads secret values", "vault.kv", "secrets: get", VAULT),),
        blocks=(Block("value-moved-outside", SECRET, "changed"), Block("many-destroys", None, "4 of 10", True)),
        irreversible=(Irreversible(VAULT, "purge_protection: false -> true", AT),),
        unwritten=(Unwritten(VAULT, ("network",)),),
        notes=("a note",),
        warnings=(Diagnostic("w", "s", "d", "h", AT, VAULT, Severity.WARNING),),
        unreadable=(Diagnostic("forbidden", "s", request_id="5b0f"),),
        base=("lineage", 41),
        options=Options(destroy=True, targets=(VAULT,), replace=frozenset({SECRET}), allow=("protected",)),
    )


def test_a_plan_comes_back_as_it_was() -> None:
    plan = whole_plan()

    back = decode_plan(json.loads(json.dumps(encode_plan(plan))), SPECS)

    assert back == plan
    assert back.changes[0].desired is not None
    assert back.changes[0].desired.spans == {"sku": AT}
    assert back.changes[1].desired is not None
    assert back.changes[1].desired.spec.source == EnvSource("DB")
    assert back.counts() == plan.counts()


def test_a_value_does_not_get_in() -> None:
    plan = whole_plan()
    value = Sensitive("hunter2-hunter2")
    live = Observed("secret", f"{KV}/secrets/db", SecretSpec(vault=KV, name="db", value=value))
    hidden = Plan(plan.head, (Change(SECRET, Action.NOOP, Reason.EQUAL, live=live),))
    shown = Plan(plan.head, (Change(SECRET, Action.UPDATE, Reason.CONFIG_MOVED, (AttrDiff(("value",), None, value),)),))

    assert "hunter2" not in json.dumps(encode_plan(hidden))
    with pytest.raises(TypeError):
        encode_plan(shown)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "It is not a saved plan."),
        ([], "It is not a saved plan."),
        ({"format": "1.2"}, "It is not a saved plan."),
        ({"format": "dkv-plan/2"}, "It has the format dkv-plan/2; this version knows dkv-plan/1."),
        ({"format": "dkv-plan/1"}, "It is damaged: expected an object."),
        ({"format": "dkv-plan/1", "plan": {"head": 1, "changes": []}}, "It is damaged: head: expected an object."),
    ],
)
def test_what_is_no_plan_of_this_version_is_an_error(data: Any, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        decode_plan(data, SPECS)

    assert caught.value.diagnostics[0].code == "plan-unreadable"
    assert words in caught.value.diagnostics[0].detail
