"""A world in which everything that a report can show has happened: the pages that people and the browser look at."""

from __future__ import annotations

from dataclasses import replace

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Checked, Orphan, Unmanaged
from declarative_kv.model.plan import (
    AccessLine,
    Action,
    AttrDiff,
    Block,
    Change,
    Drift,
    Head,
    Irreversible,
    Plan,
    Reason,
    Unwritten,
)
from declarative_kv.model.resource import Observed, OtherPolicy, Resource
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from declarative_kv.model.state import Entry

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-payments"
PAYMENTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-payments-p1"
HR = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-hr-prod"
CI, API, SRE, DEVELOPERS, STRANGER = (
    "1b2c0000-0000-0000-0000-000000000000",
    "8f0f0c52-0000-0000-0000-000000000000",
    "9f9f0000-0000-0000-0000-000000000000",
    "5d5d0000-0000-0000-0000-000000000000",
    "77aa0000-0000-0000-0000-000000000000",
)
READER, USER, OFFICER = (
    "21090545-7ca7-4776-b22c-e363652d74d2",
    "4633458b-17de-408a-b874-0445c86b69e6",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
)
HEAD = Head(
    environment="prod",
    subscription=SUBSCRIPTION,
    subscription_from="from YAML",
    identity="kv-plan",
    identity_from="workload identity",
    serial=41,
    read_at="2026-11-22T09:14:07Z",
    tenant="11111111-1111-1111-1111-111111111111",
    root="dkv.yaml",
    principals={CI: "ci", API: "payments-api", SRE: "sre", DEVELOPERS: "developers"},
)


def at(text: str) -> Address:
    return Address.parse(text)


def line(number: int) -> Span:
    return Span("dkv.yaml", number, 7, 12)


def policy(principal: str, *secrets: str) -> AccessPolicySpec:
    return AccessPolicySpec(vault=PAYMENTS, principal=principal, secrets=tuple(sorted(secrets)))


def role(principal: str, name: str, scope: str = HR) -> RoleAssignmentSpec:
    return RoleAssignmentSpec(scope=scope, role=name, principal=principal, principal_type="ServicePrincipal")


def vault(name: str = "kv-payments-p1", **settings: object) -> VaultSpec:
    return VaultSpec(subscription=SUBSCRIPTION, resource_group="rg-payments", name=name, **settings)  # type: ignore[arg-type]


def secret(name: str, holder: str = PAYMENTS, **settings: object) -> SecretSpec:
    return SecretSpec(vault=holder, name=name, **settings)  # type: ignore[arg-type]


def seen(kind: str, identifier: str, spec: object, parent: str = PAYMENTS, label: str = "") -> Observed:
    return Observed(kind, identifier, spec, label=label, parent=parent)


def change(
    address: str,
    action: Action,
    before: object = None,
    after: object = None,
    *,
    needs: tuple[str, ...] = (),
    number: int = 1,
    **rest: object,
) -> Change:
    place = at(address)
    wanted = Resource(place, after, frozenset(map(at, needs)), span=line(number)) if after is not None else None
    live = seen(place.kind, f"{PAYMENTS}/{place.kind}/{place.key}", before) if before is not None else None
    reason = Reason.NEW if action is Action.CREATE else Reason.CONFIG_MOVED
    more = {"reason": reason, **rest}
    return Change(place, action, desired=wanted, live=live, span=line(number), **more)  # type: ignore[arg-type]


def differs(path: str, before: object, after: object) -> tuple[AttrDiff, ...]:
    return (AttrDiff(tuple(path.split(".")), before, after),)


def access(gained: bool, who: str, phrase: str, where: str, via: str) -> AccessLine:
    return AccessLine(gained, HEAD.principals.get(who, who), who, phrase, where, via, at("access_policy.payments/ci"))


def many_secrets(count: int) -> tuple[Change, ...]:
    return tuple(
        change(
            f"secret.payments/worker-{number:02}",
            Action.CREATE,
            after=secret(f"worker-{number:02}", source=EnvSource(f"WORKER_{number}")),
            needs=("vault.payments", "access_policy.payments/deployer"),
            number=70 + number,
            writes_value=True,
        )
        for number in range(count)
    )


def sample_plan(secrets: int = 8) -> Plan:
    """A plan that gives and takes access, is blocked, and cannot be undone in part."""
    group = ResourceGroupSpec(subscription=SUBSCRIPTION, name="rg-payments", location="westeurope")
    changes = (
        change("resource_group.rg-payments", Action.NOOP, group, group, reason=Reason.EQUAL),
        change(
            "vault.payments",
            Action.UPDATE,
            vault(access="policies", purge_protection=False),
            vault(access="policies", purge_protection=True),
            needs=("resource_group.rg-payments",),
            number=31,
            diff=differs("purge_protection", False, True),
        ),
        change(
            "vault.hr",
            Action.NOOP,
            vault("kv-hr-prod", access="rbac"),
            vault("kv-hr-prod", access="rbac"),
            needs=("resource_group.rg-payments",),
            reason=Reason.EQUAL,
        ),
        change(
            "access_policy.payments/deployer",
            Action.NOOP,
            policy("me", "get", "list", "set"),
            policy("me", "get", "list", "set"),
            needs=("vault.payments",),
            reason=Reason.EQUAL,
        ),
        change(
            "access_policy.payments/ci",
            Action.UPDATE,
            policy(CI, "list"),
            policy(CI, "get", "list"),
            needs=("vault.payments",),
            number=40,
            diff=differs("secrets", ("list",), ("get", "list")),
        ),
        change(
            "access_policy.payments/payments-api",
            Action.NOOP,
            policy(API, "get", "list"),
            policy(API, "get", "list"),
            needs=("vault.payments",),
            reason=Reason.EQUAL,
        ),
        change(
            "access_policy.payments/developers",
            Action.DESTROY,
            policy(DEVELOPERS, "list", "get", "delete"),
            reason=Reason.UNDECLARED,
        ),
        change(
            "secret.payments/db-password",
            Action.UPDATE,
            secret("db-password", content_type="text/plain"),
            secret("db-password", content_type="application/json"),
            needs=("vault.payments", "access_policy.payments/deployer"),
            number=52,
            diff=differs("content_type", "text/plain", "application/json"),
            writes_value=True,
        ),
        *many_secrets(secrets),
        change(
            "role_assignment.hr/sre/key-vault-reader",
            Action.CREATE,
            after=role(SRE, READER),
            needs=("vault.hr",),
            number=60,
        ),
        change(
            "role_assignment.hr/payments-api/key-vault-secrets-user",
            Action.NOOP,
            role(API, USER),
            role(API, USER),
            needs=("vault.hr",),
            reason=Reason.EQUAL,
        ),
        change(
            "secret.hr/api-key",
            Action.UPDATE,
            secret("api-key", HR),
            secret("api-key", HR),
            number=63,
            writes_value=True,
            needs=("role_assignment.hr/payments-api/key-vault-secrets-user",),
        ),
    )
    return Plan(
        head=HEAD,
        changes=changes,
        access=(
            access(True, CI, "reads secret values", "vault.payments", "secrets: get"),
            access(False, DEVELOPERS, "deletes secrets", "vault.payments", "secrets: delete"),
            access(False, DEVELOPERS, "lists secrets", "vault.payments", "secrets: list"),
            access(False, DEVELOPERS, "reads secret values", "vault.payments", "secrets: get"),
            access(True, SRE, "reads vaults, not their contents", "vault.hr", "Key Vault Reader"),
            access(True, SRE, "lists secrets", "vault.hr", "Key Vault Reader"),
        ),
        blocks=(
            Block("value-moved-outside", at("secret.hr/api-key"), "changed in Azure 2026-11-20, source unchanged"),
            Block("protected", at("access_policy.payments/developers"), "it is protected", allowed=True),
        ),
        irreversible=(Irreversible(at("vault.payments"), "purge_protection: false -> true", line(31)),),
        unmanaged=strangers(),
        unwritten=(Unwritten(at("vault.payments"), ("network",)),),
        notes=("vault.payments has a fingerprint key of its own",),
    )


def strangers() -> tuple[Unmanaged, ...]:
    """What nobody declared."""
    live = seen("access_policy", f"{PAYMENTS}/objectId/{STRANGER}", policy(STRANGER, "get", "list"), label=STRANGER)
    scratch = seen("secret", f"{PAYMENTS}/secrets/scratch", secret("scratch"), label="scratch")
    vault_at = at("vault.payments")
    return (
        Unmanaged(at(f"access_policy.payments/{STRANGER}"), vault_at, OtherPolicy.ALARM, live, span=line(31)),
        Unmanaged(
            at("secret.payments/scratch"), vault_at, OtherPolicy.REPORT, scratch, "2026-11-21T16:02:11Z", line(31)
        ),
    )


def sample_drift() -> Plan:
    """What a bad night leaves behind."""
    prior = Entry(at("access_policy.payments/ci"), "x", policy(CI, "list"))
    moved = (
        Drift(
            prior.address,
            Action.UPDATE,
            differs("secrets", ("list",), ("get", "list", "set")),
            prior=prior,
            live=seen("access_policy", "x", policy(CI, "get", "list", "set")),
            span=line(40),
        ),
        Drift(
            at("secret.payments/db-password"),
            Action.UPDATE,
            value_moved=True,
            since="2026-11-21T22:47:31Z",
            span=line(52),
        ),
        Drift(at("secret.payments/session-key"), Action.DESTROY, since="2026-11-21T22:50:02Z", span=line(57)),
        Drift(at("vault.payments"), Action.UPDATE, differs("network.default", "deny", "allow"), span=line(33)),
    )
    orphan = seen("role_assignment", f"{HR}/r", role(SRE, READER), HR)
    return Plan(
        head=HEAD,
        changes=(),
        drift=moved,
        unmanaged=strangers(),
        orphans=(Orphan(at("role_assignment.hr/sre/key-vault-reader"), SRE, orphan, line(60)),),
        unreadable=(
            Diagnostic(
                "forbidden",
                "Azure refused the operation",
                "Listing the secrets of kv-hr-prod failed (status 403, ForbiddenByFirewall). More.",
                "Let this machine through the vault's firewall.",
                line(58),
                at("vault.hr"),
            ),
        ),
        checked=checked(),
    )


def checked() -> tuple[Checked, ...]:
    """What was applied last, and what of it is still there, some of it otherwise."""
    open_vault, shut = NetworkSpec(default="allow"), NetworkSpec(default="deny")
    sides: tuple[tuple[str, tuple[str, ...], object, object], ...] = (
        ("access_policy.payments/ci", ("vault.payments",), policy(CI, "list"), policy(CI, "get", "list", "set")),
        (
            "access_policy.payments/deployer",
            ("vault.payments",),
            policy("me", "get", "set"),
            policy("me", "get", "set"),
        ),
        ("resource_group.rg-payments", (), None, None),
        ("role_assignment.hr/sre/key-vault-reader", ("vault.hr",), role(SRE, READER), role(SRE, READER)),
        ("secret.payments/db-password", ("vault.payments", "access_policy.payments/deployer"), None, None),
        ("secret.payments/session-key", ("vault.payments", "access_policy.payments/deployer"), None, None),
        ("vault.hr", (), vault("kv-hr-prod", access="rbac"), vault("kv-hr-prod", access="rbac")),
        (
            "vault.payments",
            ("resource_group.rg-payments",),
            vault(access="policies", network=shut),
            vault(access="policies", network=open_vault),
        ),
    )
    return tuple(
        Checked(
            at(name),
            tuple(map(at, needs)),
            prior=Entry(at(name), name, before) if before is not None else None,
            live=seen(at(name).kind, name, after) if after is not None else None,
        )
        for name, needs, before, after in sides
    )


def clean_plan() -> Plan:
    """Nothing to do."""
    return replace(
        sample_plan(0), changes=(), access=(), blocks=(), irreversible=(), unmanaged=(), unwritten=(), notes=()
    )
