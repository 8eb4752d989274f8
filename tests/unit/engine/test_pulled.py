"""What exists becomes entries: what they say, what they leave out, and what they call whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from declarative_kv.engine.declared import network_settings, policy_settings, secret_settings, vault_settings
from declarative_kv.engine.naming import People, key_for, principals_of
from declarative_kv.engine.pulled import Naming, group_keys, pulled
from declarative_kv.engine.survey import Survey, survey
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.permissions import TEMPLATES
from declarative_kv.model.resource import Condition, Observed, Scope
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, RoleAssignmentSpec, SecretSpec, VaultSpec

VAULT = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/kv-one"
CI, ANN, APP = "1b2c0000-0000-4000-8000-0000000000c1", "1b2c0000-0000-4000-8000-0000000000a1", "app00000-1"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
JUNE, JULY = datetime(2027, 6, 30, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC)


def vault(**settings: Any) -> Observed:
    base: dict[str, Any] = {
        "subscription": "S",
        "resource_group": "RG",
        "name": "kv-one",
        "location": "westeurope",
        "access": "policies",
        "sku": "standard",
        "retention_days": 90,
        "purge_protection": False,
        "network": NetworkSpec(public=True, default="allow", bypass=("azure_services",), ip_rules=(), subnets=()),
        "enabled_for": (),
        "tags": {},
    }
    return Observed("vault", VAULT, VaultSpec(**{**base, **settings}), label="kv-one")


def policy(principal: str, application: str | None = None, **granted: tuple[str, ...]) -> Observed:
    spec = AccessPolicySpec(vault=VAULT, principal=principal, application=application, **granted)
    return Observed("access_policy", f"{VAULT}/objectId/{principal}/{application}", spec, parent=VAULT, label=principal)


def role(principal: str, *, scope: str = VAULT, role: str = READER, name: str = "n", **more: Any) -> Observed:
    spec = RoleAssignmentSpec(scope=scope, role=role, principal=principal, principal_type="User", **more)
    return Observed("role_assignment", f"{scope}/assignments/{name}", spec, parent=VAULT, label=name)


def secret(name: str, **settings: Any) -> Observed:
    spec = SecretSpec(vault=VAULT, name=name, **settings)
    return Observed("secret", f"{VAULT}/secrets/{name}", spec, parent=VAULT, label=name)


def entries(found: Survey, *, attach: bool = False, roles: dict[str, str] | None = None) -> Any:
    naming = Naming(People({}, {}), roles or {READER: "Reader"}, group_keys([found]))
    return pulled(found, naming, "kv-one", attach=attach)


def test_defaults_are_left_out_and_everything_else_is_written() -> None:
    assert entries(Survey(vault())).entry == {
        "import": "all",
        "resource_group": "rg",
        "location": "westeurope",
        "access": "policies",
    }
    full = vault_settings(
        vault(
            sku="premium",
            retention_days=7,
            purge_protection=True,
            network=None,
            enabled_for=("deployment",),
            tags={"b": "2", "a": "1"},
        ).spec,
        attach=False,
    )
    assert full == {
        "import": "all",
        "resource_group": "RG",
        "location": "westeurope",
        "access": "policies",
        "sku": "premium",
        "retention_days": 7,
        "purge_protection": True,
        "enabled_for": ["deployment"],
        "tags": {"a": "1", "b": "2"},
    }


def test_an_attached_vault_says_only_where_it_is() -> None:
    found = Survey(vault(sku="premium", tags={"a": "b"}), secrets=(secret("db"),))
    assert entries(found, attach=True).entry == {
        "existing": True,
        "import": "all",
        "resource_group": "rg",
        "access": "policies",
        "secrets": {"db": {"value_from": "kept"}},
    }


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (
            NetworkSpec(public=False, default="allow", bypass=("azure_services",), ip_rules=(), subnets=()),
            {"public": False},
        ),
        (NetworkSpec(public=True, default="allow", bypass=(), ip_rules=(), subnets=()), {"bypass": []}),
        (
            NetworkSpec(public=True, default="deny", bypass=(), ip_rules=("1.2.3.4/32",), subnets=("/s",)),
            {"default": "deny", "bypass": [], "ip_rules": ["1.2.3.4/32"], "subnets": ["/s"]},
        ),
    ],
)
def test_a_closed_firewall_is_written_with_all_that_lets_somebody_through(spec: NetworkSpec, settings: Any) -> None:
    assert network_settings(spec) == settings


def test_a_policy_is_a_template_only_where_it_is_exactly_one() -> None:
    def settings(**granted: Any) -> Any:
        return policy_settings(policy(CI, **granted).spec)

    manage = tuple(sorted(TEMPLATES["secret-management"]["secrets"]))
    assert settings(secrets=manage) == {"template": "secret-management"}
    assert settings(secrets=("get",)) == {"secrets": ["get"]}
    # The connector for SQL Server and two services of Office have one template between them.
    assert settings(keys=("get", "list", "unwrapkey", "wrapkey")) == {"keys": ["get", "list", "unwrapkey", "wrapkey"]}
    assert settings() is None
    assert settings(secrets=("teleport",)) is None


def test_a_secret_is_kept_and_what_no_entry_can_say_is_named() -> None:
    plain = secret("a", content_type="text/plain", enabled=False, expires=JUNE, tags={"x": "y"})
    assert secret_settings(plain.spec) == (
        {"value_from": "kept", "content_type": "text/plain", "enabled": False, "expires": JUNE, "tags": {"x": "y"}},
        (),
    )
    odd = secret("a", content_type="x" * 256, not_before=JULY, expires=JUNE, tags={"DKV": "mine"})
    assert secret_settings(odd.spec) == ({"value_from": "kept"}, ("content_type", "not_before", "expires", "tags.DKV"))
    made = entries(Survey(vault(), secrets=(odd,)))
    assert [one.detail for one in made.left_out] == [
        "vault.kv-one has a secret a whose content_type, not_before, expires, tags.DKV no entry can say. "
        "It stays as it is in Azure."
    ]


def test_an_entry_for_an_application_of_a_principal_stands_beside_the_vault() -> None:
    found = Survey(vault(), policies=(policy(CI, secrets=("get",)), policy(CI, APP, secrets=("list",)), policy(ANN)))
    made = entries(found)
    assert made.entry["access_policies"] == {"principal": {"secrets": ["get"]}}
    assert made.access_policies == {
        "kv-one-principal": {
            "principal": "principal",
            "on": ["vault.kv-one"],
            "secrets": ["list"],
            "application": APP,
        }
    }
    assert [one.code for one in made.left_out] == ["not-pulled"]


def test_policies_of_a_vault_that_uses_roles_are_left_out() -> None:
    made = entries(Survey(vault(access="rbac"), policies=(policy(CI, secrets=("get",)),)))
    assert "access_policies" not in made.entry
    assert [one.code for one in made.left_out] == ["not-pulled"]
    assert entries(Survey(vault(access="rbac"))).left_out == []


def test_roles_stand_at_the_vault_at_the_secret_or_beside_both() -> None:
    at_db = f"{VAULT}/secrets/db"
    found = Survey(
        vault(access="rbac"),
        assignments=(
            role(CI),
            role(CI, name="twin", role="other"),
            role(CI, name="said", role="third", description="why"),
            role(CI, name="key", scope=f"{VAULT}/keys/k"),
            role(CI, name="db", scope=at_db),
            role(CI, name="db2", scope=at_db, role="other"),
            role(CI, name="db3", scope=at_db, role="fourth", condition="when"),
        ),
        secrets=(secret("db"), secret("free")),
    )
    made = entries(found, roles={READER: "My Role", "other": "my role"})
    assert made.entry["roles"] == {"user": ["My Role"]}
    assert made.entry["secrets"] == {
        "db": {"value_from": "kept", "roles": {"user": ["My Role"]}},
        "free": {"value_from": "kept"},
    }
    beside = {key: (one["role"], one["scope"]) for key, one in made.role_assignments.items()}
    assert beside == {
        "kv-one-user-my-role": ("my role", "vault.kv-one"),
        "kv-one-user-third": ("third", "vault.kv-one"),
        "kv-one-user-my-role-more": ("My Role", f"{VAULT}/keys/k"),
        "kv-one-user-fourth": ("fourth", at_db),
        "kv-one-user-my-role-more-2": ("my role", at_db),
    }
    assert made.role_assignments["kv-one-user-third"]["description"] == "why"


def test_a_role_at_a_secret_of_a_vault_with_policies_stands_beside_it() -> None:
    found = Survey(vault(), assignments=(role(CI, scope=f"{VAULT}/secrets/db"),), secrets=(secret("db"),))
    assert [one["scope"] for one in entries(found).role_assignments.values()] == [f"{VAULT}/secrets/db"]


def test_a_key_is_readable_and_never_the_same_twice() -> None:
    assert key_for("Payments Team (EU)", (), "x") == "payments-team-eu"
    assert key_for("Ünïcode", (), "x") == "unicode"
    assert key_for("\u202e", (), "x") == "x"
    assert key_for("\u202e", ("x",), "x") == "x-2"
    assert key_for("a", ("A",), "x") == "a-x"
    assert key_for("a", ("a", "a-x", "a-x-2"), "x") == "a-x-3"


def test_people_are_named_from_the_directory_else_by_their_id() -> None:
    known = {
        CI: Principal("", Selector.SERVICE_PRINCIPAL, "Deploy Bot", CI, "ServicePrincipal"),
        ANN: Principal("", Selector.USER, "ann@contoso.example", ANN, "User"),
        "nameless": Principal("", Selector.OBJECT_ID, "nameless", "nameless", "Group"),
    }
    people = People({"old": "me"}, known, frozenset({"ann"}))
    keys = [
        people.key(who, kind)
        for who, kind in [(CI, None), (ANN, None), ("nameless", None), ("lost", "User"), ("OLD", None)]
    ]
    assert keys == ["deploy-bot", "ann-1b2c0000", "principal", "user", "me"]
    assert people.entries == {
        "deploy-bot": {"service_principal": "Deploy Bot", "object_id": CI},
        "ann-1b2c0000": {"user": "ann@contoso.example", "object_id": ANN},
        "principal": {"object_id": "nameless", "type": "group"},
        "user": {"object_id": "lost", "type": "user"},
    }
    assert people.missing == {"user"}
    met = People({}, {})
    met.meet({"lost": "Group"})
    assert met.entries == {"group": {"object_id": "lost", "type": "group"}}
    unread = People({}, {}, readable=False)
    assert (unread.key("lost"), unread.missing) == ("principal", set())
    assert principals_of([policy(CI), role(CI), role(ANN)]) == {ANN: "User", CI: "User"}


def test_groups_of_one_name_in_two_subscriptions_have_two_keys() -> None:
    one, two = Survey(vault()), Survey(vault(subscription="OTHER-SUB"))
    assert group_keys([one, one, two]) == {("s", "rg"): "rg", ("other-sub", "rg"): "rg-OTHER-SU"}


class Shelf:
    """A kind that is read from memory."""

    def __init__(self, *there: Observed, problem: Forbidden | None = None) -> None:
        self.there, self.problem = there, problem

    def inside(self, container: str) -> Scope:
        return Scope("x", container)

    async def read(self, azure: Any, scope: Scope) -> tuple[Observed, ...]:
        if self.problem is not None:
            raise self.problem
        return self.there


async def test_a_survey_takes_what_is_in_the_vault_and_says_what_it_may_not_see() -> None:
    above = role(CI, name="above", scope="/subscriptions/S")
    kinds: dict[str, Any] = {
        "vault": Shelf(vault(), policy(CI)),
        "secret": Shelf(problem=Forbidden(Diagnostic("forbidden", "No"), operation="x")),
        "role_assignment": Shelf(role(CI), Observed("role_assignment", above.remote_id, above.spec, label="above")),
    }
    [found] = await survey(kinds, None, [VAULT])
    assert (len(found.policies), len(found.assignments), found.secrets) == (1, 1, ())
    assert [one.code for one in found.unreadable] == ["forbidden"]

    gone = Observed("vault", VAULT, vault().spec, Condition.SOFT_DELETED, label="kv-one")
    assert await survey({**kinds, "vault": Shelf(gone)}, None, [VAULT]) == ()


def test_a_vault_whose_key_is_not_its_name_says_its_name() -> None:
    found = Survey(vault())
    naming = Naming(People({}, {}), {}, group_keys([found]))
    assert next(iter(pulled(found, naming, "payments", attach=False).entry.items())) == ("name", "kv-one")
