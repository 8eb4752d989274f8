"""From names to ids: what is asked, how often, and what is said when a name means nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from declarative_kv.engine.resolve import Resolved, resolve
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.document import Cloud, Document, Origin, Principal, Selector
from declarative_kv.model.errors import ConfigError, DkvError, Forbidden, NotAuthenticated, PlanError
from declarative_kv.model.identity import Identity
from declarative_kv.model.refs import (
    GroupRef,
    PrincipalRef,
    PrincipalTypeRef,
    RoleRef,
    ScopeRef,
    SubscriptionRef,
    TenantRef,
    VaultRef,
)
from declarative_kv.model.resource import Lifecycle, Resource
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import (
    AccessPolicySpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from tests.unit.engine.fakes import at

TENANT = "11111111-1111-1111-1111-111111111111"
MAIN = "22222222-2222-2222-2222-222222222222"
SIDE = "33333333-3333-3333-3333-333333333333"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ME = Identity("aaaaaaaa-0000-0000-0000-000000000001", "kv-plan", TENANT, "test")
ALICE = "bbbbbbbb-0000-0000-0000-000000000002"
CI = "CCCCCCCC-0000-0000-0000-000000000003"
VAULT = f"/subscriptions/{MAIN}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-pay"
HR = f"/subscriptions/{SIDE}/resourceGroups/Hr-Group/providers/Microsoft.KeyVault/vaults/kv-hr"


@dataclass(slots=True)
class FakeDirectory:
    """Answers from tables, and notes every question."""

    people: dict[str, tuple[str, str | None, str] | DkvError] = field(default_factory=dict)
    vaults: dict[tuple[str, str], str] = field(default_factory=dict)
    roles: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: Sequence[tuple[str, str, str]] = ()
    me: Identity | DkvError = ME
    asked: list[str] = field(default_factory=list)

    async def identity(self) -> Identity:
        self.asked.append("identity")
        return self._given(self.me)

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        self.asked.append(f"principal {principal.name}")
        return self._given(self.people[principal.name])

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        self.asked.append("subscriptions")
        return self.seen

    async def find_vault(self, subscription: str, name: str) -> str | None:
        self.asked.append(f"vault {subscription} {name}")
        return self.vaults.get((subscription, name))

    async def role(self, scope: str, name: str) -> str:
        self.asked.append(f"role {scope} {name}")
        found = self.roles.get((scope, name))
        if found is None:
            raise ConfigError(Diagnostic("unknown-role", "There is no such role", name))
        return found

    def _given(self, answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer


def resource(address: str, spec: Any, line: int = 1, **lifecycle: Any) -> Resource:
    return Resource(at(address), spec, lifecycle=Lifecycle(**lifecycle), span=Span("dkv.yaml", line, 1))


def document(resources: Iterable[Resource] = (), principals: Iterable[Principal] = (), **fields: Any) -> Document:
    plain = Document(
        root="/p/dkv.yaml",
        environment=None,
        cloud=Cloud("public"),
        tenant=Origin(None, ""),
        subscription=Origin(MAIN, "from YAML"),
        subscriptions={"side": SIDE},
        state="/p/state.json",
        principals={one.key: one for one in principals},
        resources={one.address: one for one in resources},
    )
    return replace(plain, **fields)


def user(key: str, name: str, **fields: Any) -> Principal:
    return Principal(key, Selector.USER, name, span=Span("dkv.yaml", 90, 3), **fields)


def vault(address: str = "vault.pay", name: str = "kv-pay", subscription: str | None = None, **fields: Any) -> Resource:
    spec = VaultSpec(
        subscription=SubscriptionRef(subscription),
        resource_group=GroupRef("rg"),
        name=name,
        tenant=TenantRef(),
        **fields,
    )
    return resource(address, spec, 10)


def attached(address: str = "vault.hr", name: str = "kv-hr") -> Resource:
    """An existing vault whose resource group is not said."""
    spec = VaultSpec(subscription=SubscriptionRef("side"), resource_group=None, name=name)
    return resource(address, spec, 20, existing=True)


def policy(address: str, principal: str, vault_at: str = "vault.pay", line: int = 30) -> Resource:
    return resource(
        address,
        AccessPolicySpec(vault=VaultRef(at(vault_at)), principal=PrincipalRef(principal), secrets=("get",)),
        line,
    )


def assignment(
    key: str, role: str, scope: str, on: str | None = None, principal: str = "me", line: int = 40
) -> Resource:
    spec = RoleAssignmentSpec(
        scope=ScopeRef(scope, at(on) if on else None),
        role=RoleRef(role),
        principal=PrincipalRef(principal),
        principal_type=PrincipalTypeRef(principal),
    )
    return resource(f"role_assignment.{key}", spec, line)


CURRENT = Principal("me", Selector.CURRENT, "current")


async def resolved(doc: Document, directory: FakeDirectory | None = None) -> Resolved:
    return await resolve(doc, directory or FakeDirectory(), registry())


async def failure(doc: Document, directory: FakeDirectory | None = None) -> DkvError:
    with pytest.raises(DkvError) as caught:
        await resolved(doc, directory)
    return caught.value


async def test_a_vault_and_its_secret_lie_where_the_yaml_says() -> None:
    secret = SecretSpec(vault=VaultRef(at("vault.pay")), name="db", source=EnvSource("PW"))
    group = resource("resource_group.rg", ResourceGroupSpec(subscription=SubscriptionRef(None), name="rg"))
    found = await resolved(document([vault(), resource("secret.pay/db", secret), group]))
    assert found.desired[at("vault.pay")].spec.resource_group == "rg"
    assert found.desired[at("vault.pay")].spec.tenant == TENANT
    assert found.desired[at("secret.pay/db")].spec == replace(secret, vault=VAULT)
    assert found.desired[at("resource_group.rg")].spec.subscription == MAIN
    assert (found.subscription, found.tenant, found.identity) == (Origin(MAIN, "from YAML"), TENANT, ME)


async def test_what_holds_no_reference_is_left_as_it_is() -> None:
    spec = ResourceGroupSpec(subscription=SIDE, name="rg")
    given = resource("resource_group.rg", spec)
    assert (await resolved(document([given]))).desired == {given.address: given}


@pytest.mark.parametrize(
    ("text", "on", "scope"),
    [
        ("subscription", None, f"/subscriptions/{MAIN}"),
        ("subscription.side", None, f"/subscriptions/{SIDE}"),
        (f"subscription.{SIDE}", None, f"/subscriptions/{SIDE}"),
        ("management_group.corp", None, "/providers/Microsoft.Management/managementGroups/corp"),
        ("vault.pay", "vault.pay", VAULT),
        ("vault.hr", "vault.hr", HR),
        ("secret.pay/db", "secret.pay/db", f"{VAULT}/secrets/db"),
        ("resource_group.rg", "resource_group.rg", f"/subscriptions/{MAIN}/resourceGroups/rg"),
        ("/subscriptions/x/resourceGroups/y/", None, "/subscriptions/x/resourceGroups/y"),
        ("/", None, "/"),
    ],
)
async def test_a_scope_becomes_an_arm_id(text: str, on: str | None, scope: str) -> None:
    secret = SecretSpec(vault=VaultRef(at("vault.pay")), name="db", source=EnvSource("PW"))
    group = resource("resource_group.rg", ResourceGroupSpec(subscription=SubscriptionRef(None), name="rg"))
    parts = [vault(), attached(), resource("secret.pay/db", secret), group, assignment("a", READER, text, on)]
    found = await resolved(document(parts, [CURRENT]), FakeDirectory(vaults={(SIDE, "kv-hr"): HR}))
    assert found.desired[at("role_assignment.a")].spec.scope == scope


async def test_a_role_may_be_named_for_a_scope_that_is_an_id_already() -> None:
    directory = FakeDirectory(roles={(f"/subscriptions/{SIDE}", "Reader"): READER})
    spec = RoleAssignmentSpec(scope=f"{HR}/secrets/x", role=RoleRef("Reader"), principal=ME.object_id)
    found = await resolved(document([resource("role_assignment.a", spec)]), directory)
    assert found.desired[at("role_assignment.a")].spec == replace(spec, role=READER)


async def test_an_existing_vault_is_found_with_its_group_as_azure_writes_it() -> None:
    directory = FakeDirectory(vaults={(SIDE, "kv-hr"): HR})
    found = await resolved(document([attached()]), directory)
    assert found.desired[at("vault.hr")].spec.resource_group == "Hr-Group"
    assert directory.asked == ["identity", f"vault {SIDE} kv-hr"]


async def test_each_principal_and_role_is_asked_for_once() -> None:
    directory = FakeDirectory(
        people={"alice@x": (ALICE.upper(), "User", "Alice")},
        roles={(f"/subscriptions/{MAIN}", "Reader"): READER.upper(), (f"/subscriptions/{SIDE}", "reader"): READER},
    )
    parts = [
        vault(),
        assignment("a", "Reader", "vault.pay", "vault.pay", "alice"),
        assignment("b", "reader", "subscription", None, "alice"),
        assignment("c", "reader", "subscription.side", None, "alice"),
        policy("access_policy.pay/alice", "alice"),
    ]
    unused = user("bob", "bob@x")
    found = await resolved(document(parts, [user("alice", "alice@x"), unused]), directory)
    assert sorted(directory.asked) == [
        "identity",
        "principal alice@x",
        f"role /subscriptions/{MAIN} Reader",
        f"role /subscriptions/{SIDE} reader",
    ]
    spec = found.desired[at("role_assignment.b")].spec
    assert (spec.role, spec.principal, spec.principal_type) == (READER, ALICE, "User")
    assert found.principals == {ALICE: "alice"}


async def test_what_is_given_by_id_is_not_asked_for() -> None:
    directory = FakeDirectory()
    definition = f"/subscriptions/{MAIN}/providers/Microsoft.Authorization/roleDefinitions/{READER.upper()}"
    principals = [Principal("ci", Selector.OBJECT_ID, CI, CI, "ServicePrincipal"), CURRENT]
    parts = [
        assignment("a", READER.upper(), "subscription", None, "ci"),
        assignment("b", definition, "subscription", None, "me"),
    ]
    found = await resolved(document(parts, principals), directory)
    assert directory.asked == ["identity"]
    first, second = found.desired[at("role_assignment.a")].spec, found.desired[at("role_assignment.b")].spec
    assert (first.role, first.principal, first.principal_type) == (READER, CI.lower(), "ServicePrincipal")
    assert (second.role, second.principal, second.principal_type) == (READER, ME.object_id, "ServicePrincipal")


async def test_a_person_who_runs_dkv_is_a_user() -> None:
    found = await resolved(
        document([assignment("a", READER, "subscription")], [CURRENT]), FakeDirectory(me=replace(ME, user=True))
    )
    assert found.desired[at("role_assignment.a")].spec.principal_type == "User"


async def test_the_type_in_the_yaml_wins_over_the_directorys() -> None:
    directory = FakeDirectory(people={"sre": (ALICE, None, "SRE")})
    group = Principal("sre", Selector.GROUP, "sre", type="Group")
    found = await resolved(document([assignment("a", READER, "subscription", None, "sre")], [group]), directory)
    assert found.desired[at("role_assignment.a")].spec.principal_type == "Group"


async def test_people_are_named_by_the_first_key_that_means_them() -> None:
    principals = [
        CURRENT,
        Principal("also-me", Selector.OBJECT_ID, ME.object_id.upper()),
        Principal("sre", Selector.GROUP, "SRE On-Call", CI),
        user("unknown", "nobody@x"),
    ]
    found = await resolved(document([], principals))
    assert found.principals == {ME.object_id: "also-me", CI.lower(): "sre"}


async def test_the_only_subscription_seen_is_the_one() -> None:
    directory = FakeDirectory(seen=[(SIDE, "Side", TENANT)])
    found = await resolved(document([vault()], subscription=Origin(None, "")), directory)
    assert found.subscription == Origin(SIDE, "the only one seen")
    assert found.desired[at("vault.pay")].spec.subscription == SIDE


async def test_a_subscription_that_nothing_needs_is_not_looked_for() -> None:
    directory = FakeDirectory(seen=[])
    found = await resolved(document([vault(subscription="side")], subscription=Origin(None, "not set")), directory)
    assert found.subscription == Origin(None, "not set")
    assert directory.asked == ["identity"]


async def test_a_scope_may_be_what_needs_the_subscription() -> None:
    directory = FakeDirectory(seen=[(SIDE, "Side", TENANT)])
    doc = document([assignment("a", READER, "subscription")], [CURRENT], subscription=Origin(None, ""))
    found = await resolved(doc, directory)
    assert found.desired[at("role_assignment.a")].spec.scope == f"/subscriptions/{SIDE}"


@pytest.mark.parametrize(
    ("seen", "detail"),
    [
        ((), "sees none."),
        (((SIDE, "Side", TENANT), (MAIN, "Main", TENANT)), f"sees 2:\n    {MAIN}  Main\n    {SIDE}  Side"),
    ],
)
async def test_an_unclear_subscription_lists_the_candidates(seen: Any, detail: str) -> None:
    error = await failure(document([vault()], subscription=Origin(None, "")), FakeDirectory(seen=seen))
    assert error.diagnostics[0].code == "no-subscription"
    assert error.diagnostics[0].detail.endswith(detail)


async def test_a_token_of_another_tenant_stops_the_run() -> None:
    error = await failure(document([vault()], tenant=Origin(SIDE, "from YAML")))
    assert error.diagnostics[0].code == "wrong-tenant"
    assert f"az login --tenant {SIDE}" in error.diagnostics[0].hint


async def test_a_tenant_may_be_written_as_a_domain_or_in_capitals() -> None:
    assert (await resolved(document([vault()], tenant=Origin("contoso.example", "from YAML")))).tenant == TENANT
    assert (await resolved(document([vault()], tenant=Origin(TENANT.upper(), "from YAML")))).tenant == TENANT.upper()


async def test_all_names_that_mean_nothing_are_told_at_once_each_with_its_place() -> None:
    nobody = Diagnostic("unknown-principal", "There is no such principal", "bob@x")
    directory = FakeDirectory(people={"bob@x": ConfigError(nobody)})
    parts = [
        attached(),
        policy("access_policy.hr/bob", "bob", "vault.hr"),
        assignment("a", "Raeder", "vault.hr", "vault.hr", "bob", line=41),
    ]
    error = await failure(document(parts, [user("bob", "bob@x")]), directory)
    assert [(one.code, str(one.span)) for one in error.diagnostics] == [
        ("existing-missing", "dkv.yaml:20:1"),
        ("unknown-role", "dkv.yaml:41:1"),
        ("unknown-principal", "dkv.yaml:90:3"),
    ]
    assert isinstance(error, PlanError)
    assert MAIN not in error.diagnostics[0].detail
    assert SIDE in error.diagnostics[0].detail


async def test_mistakes_of_the_yaml_alone_are_a_config_error() -> None:
    parts = [assignment("a", "Raeder", "subscription"), assignment("b", "Wirter", "subscription", line=42)]
    assert type(await failure(document(parts, [CURRENT]))) is ConfigError


async def test_a_single_refusal_keeps_its_kind_and_gets_a_place() -> None:
    refusal = Forbidden(Diagnostic("forbidden", "Azure refused the operation"), status=403)
    directory = FakeDirectory(people={"bob@x": refusal})
    error = await failure(
        document([vault(), policy("access_policy.pay/bob", "bob")], [user("bob", "bob@x")]), directory
    )
    assert isinstance(error, Forbidden)
    assert str(error.diagnostics[0].span) == "dkv.yaml:90:3"


async def test_without_a_sign_in_nothing_else_is_asked() -> None:
    directory = FakeDirectory(me=NotAuthenticated(Diagnostic("not-authenticated", "Azure does not know who is asking")))
    assert isinstance(await failure(document([attached()]), directory), NotAuthenticated)
    assert directory.asked == ["identity"]


async def test_a_mistake_in_the_program_is_not_taken_for_a_mistake_in_the_yaml() -> None:
    with pytest.raises(KeyError):
        await resolved(document([vault(), policy("access_policy.pay/bob", "bob")], [user("bob", "bob@x")]))


async def test_two_names_of_one_principal_on_one_vault_are_an_error() -> None:
    directory = FakeDirectory(people={"alice@x": (CI, "User", "Alice")})
    principals = [user("alice", "alice@x"), Principal("ci", Selector.OBJECT_ID, CI)]
    parts = [vault(), policy("access_policy.pay/alice", "alice"), policy("access_policy.pay/ci", "ci", line=31)]
    error = await failure(document(parts, principals), directory)
    assert isinstance(error, ConfigError)
    assert [(one.code, str(one.address), str(one.span)) for one in error.diagnostics] == [
        ("same-object", "access_policy.pay/ci", "dkv.yaml:31:1")
    ]
    assert "access_policy.pay/alice (dkv.yaml:30:1)" in error.diagnostics[0].detail


async def test_the_same_principal_on_two_vaults_is_no_mistake() -> None:
    parts = [
        vault(),
        vault("vault.two", "kv-two"),
        policy("access_policy.pay/me", "me"),
        policy("access_policy.two/me", "me", "vault.two"),
    ]
    assert len((await resolved(document(parts, [CURRENT]))).desired) == 4


async def test_a_grant_made_twice_is_an_error_even_as_a_reader_role() -> None:
    reader = replace(assignment("a", READER, "subscription"), address=at("reader_role.a"), span=None)
    error = await failure(document([reader, assignment("b", READER, "subscription")], [CURRENT]))
    assert [one.code for one in error.diagnostics] == ["same-object"]


async def test_the_secret_of_a_shared_fingerprint_key_is_known_by_its_vault() -> None:
    found = await resolved(document([vault()], fingerprint=at("secret.pay/team-key")))
    assert found.fingerprint == f"{VAULT}/secrets/team-key"
    assert (await resolved(document([vault()]))).fingerprint is None
