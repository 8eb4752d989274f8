"""Plans made by hand: the sample of the product page, and pieces to build others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.found import Unmanaged
from declarative_kv.model.plan import (
    AccessLine,
    Action,
    AttrDiff,
    Block,
    Change,
    Head,
    Irreversible,
    Plan,
    Reason,
    Value,
    Verdict,
)
from declarative_kv.model.resource import Observed, OtherPolicy, Resource
from declarative_kv.model.source import EnvSource, GenerateSource
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec, SecretSpec, VaultSpec

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
TENANT = "11111111-1111-1111-1111-111111111111"
CI = "1b2c0000-0000-0000-0000-000000000000"
READER = "21090545-7ca7-4776-b22c-e363652d74d2"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-payments"
PAYMENTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-payments-p1"
HEAD = Head(
    environment="prod",
    subscription=SUBSCRIPTION,
    subscription_from="from YAML",
    identity="kv-plan",
    identity_from="workload identity",
    serial=41,
    read_at="2026-11-22T09:14:07Z",
    principals={CI: "ci"},
)


def at(text: str) -> Address:
    return Address.parse(text)


def line(number: int) -> Span:
    return Span("dkv.yaml", number, 7)


def policy(*secrets: str) -> AccessPolicySpec:
    return AccessPolicySpec(vault=PAYMENTS, principal=CI, secrets=secrets)


def secret(name: str, **settings: Any) -> SecretSpec:
    return SecretSpec(vault=PAYMENTS, name=name, **settings)


def vault(**settings: Any) -> VaultSpec:
    return VaultSpec(subscription=SUBSCRIPTION, resource_group="rg-payments", name="kv-payments-p1", **settings)


def grant(scope: str = PAYMENTS) -> RoleAssignmentSpec:
    return RoleAssignmentSpec(scope=scope, role=READER, principal=CI, principal_type="ServicePrincipal")


def change(address: str, action: Action, spec: Any = None, reason: Reason = Reason.CONFIG_MOVED, **rest: Any) -> Change:
    resource = Resource(at(address), spec) if spec is not None else None
    return Change(at(address), action, reason, desired=resource, **rest)


def observed(kind: str, remote_id: str, spec: Any, label: str = "") -> Observed:
    return Observed(kind, remote_id, spec, label=label, parent=PAYMENTS)


POLICY_GROWS = change(
    "access_policy.payments/ci",
    Action.UPDATE,
    policy("get", "list"),
    diff=(AttrDiff(("secrets",), ("list",), ("get", "list")),),
    live=observed("access_policy", f"{PAYMENTS}/accessPolicies/{CI}", policy("list")),
    span=line(40),
)
SECRET_IS_NEW = change(
    "secret.payments/session-key",
    Action.CREATE,
    secret("session-key", source=GenerateSource(48)),
    Reason.NEW,
    writes_value=True,
    span=line(52),
)
VALUE_UNKNOWN = change(
    "secret.payments/db-password",
    Action.NOOP,
    secret("db-password", source=EnvSource("PAYMENTS_DB_PASSWORD"), expires=datetime(2027, 6, 30, tzinfo=UTC)),
    Reason.EQUAL,
    live=observed("secret", f"{PAYMENTS}/secrets/db-password", secret("db-password")),
    verdict=Verdict(Value.NOT_COMPARED, "PAYMENTS_DB_PASSWORD is not set"),
)
VALUE_MOVES = change(
    "secret.hr/api-key",
    Action.UPDATE,
    secret("api-key", source=EnvSource("HR")),
    writes_value=True,
    live=observed("secret", f"{PAYMENTS}/secrets/api-key", secret("api-key")),
    span=line(63),
)
VAULT_LOCKS = change(
    "vault.payments",
    Action.UPDATE,
    vault(purge_protection=True),
    diff=(AttrDiff(("purge_protection",), False, True),),
    live=observed("vault", PAYMENTS, vault(purge_protection=False)),
    span=line(31),
)
SAMPLE = Plan(
    head=HEAD,
    changes=(POLICY_GROWS, SECRET_IS_NEW, VALUE_UNKNOWN, VALUE_MOVES),
    access=(
        AccessLine(
            True,
            "ci",
            CI,
            "reads secret values",
            "vault.payments",
            "secrets: get",
            at("access_policy.payments/ci"),
        ),
    ),
    blocks=(
        Block("value-moved-outside", at("secret.hr/api-key"), "changed in Azure 2026-11-20, source unchanged"),
        Block("irreversible", at("vault.payments"), "purge protection cannot be switched off again"),
    ),
    irreversible=(Irreversible(at("vault.payments"), "purge_protection: false -> true", line(31)),),
    unmanaged=(
        Unmanaged(
            at("access_policy.payments/77aa0000-0000-0000-0000-000000000000"),
            at("vault.payments"),
            OtherPolicy.ALARM,
            observed(
                "access_policy",
                f"{PAYMENTS}/accessPolicies/77aa0000",
                policy("get"),
                "77aa0000-0000-0000-0000-000000000000",
            ),
        ),
    ),
)


def plan_of(*changes: Change, **rest: Any) -> Plan:
    return replace(Plan(head=HEAD, changes=changes), **rest)
