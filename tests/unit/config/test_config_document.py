"""What the resources, principals and lifecycles of a document are."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.document import Document, Selector
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
from declarative_kv.model.resource import Importing, Lifecycle, OtherPolicy, Resource
from declarative_kv.model.source import CommandSource, EnvSource, FileSource, GenerateSource, Kept
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from tests.unit.config.yamls import document, loaded, vault

TEAM = textwrap.dedent(
    """
    version: 1
    tenant: 11111111-1111-1111-1111-111111111111
    subscriptions: {main: 22222222-2222-2222-2222-222222222222}
    subscription: main
    state: state/shop-$(env).json
    environments:
      test: {vars: {suffix: t}}
      live:
        vars: {suffix: l}
        vaults: {shop: {sku: premium, access_policies: {devs: null}}}
    defaults: {resource_group: rg-shop, location: West Europe, tags: {team: shop}}
    principals:
      deployer: {current: true}
      api: {app_id: 8F0F0C52-0000-0000-0000-000000000000}
      devs: {group: Shop Developers}
      sre: {group: SRE, object_id: 9f9f0000-0000-0000-0000-000000000000}
      ado: {service_principal: shop-pipeline}
    resource_groups:
      rg-shop: {location: westeurope}
    vaults:
      shop:
        name: kv-shop-$(suffix)
        access: policies
        sku: standard
        retention_days: 90
        purge_protection: true
        network: {public: yes, default: Deny, bypass: [azure_services], ip_rules: [203.0.113.9, 198.51.100.0/24],
          subnets: []}
        enabled_for: [template_deployment, deployment]
        access_policies:
          deployer: {template: secret-management, keys: [Get, wrapKey]}
          devs: {secrets: [list]}
        roles: {sre: [Key Vault Reader]}
        secrets:
          db-password: {value_from: {env: SHOP_DB}, content_type: text/plain, expires: 2027-06-30, tags: {owner: shop}}
          legacy: {existing: true, version: 6f0c}
        others: {access_policies: alarm, role_assignments: report, secrets: ignore}
      hr:
        existing: true
        name: kv-hr
        access: rbac
        secrets:
          api-key: {value_from: {file: secrets/api-key}, roles: {api: [Key Vault Secrets User]}}
    access_policies:
      harness: {principal: ado, template: secret-management, on: ["vault.s*"]}
    reader_roles:
      fetches: {principal: ado, scope: subscription}
    role_assignments:
      writes: {principal: deployer, role: Key Vault Secrets Officer, scope: vault.hr, description: for the pipeline}
    """
)


def at(found: Document, address: str) -> Resource:
    return found.resources[Address.parse(address)]


@pytest.fixture
def team(tmp_path: Path) -> Document:
    return loaded(tmp_path, TEAM, environment="live")


def test_a_document_has_one_address_for_each_entry_in_an_order_that_can_be_made(team: Document) -> None:
    assert [str(each) for each in team.resources] == [
        "resource_group.rg-shop",
        "vault.shop",
        "vault.hr",
        "access_policy.shop/deployer",
        "secret.shop/db-password",
        "secret.shop/legacy",
        "role_assignment.shop/sre/key-vault-reader",
        "secret.hr/api-key",
        "role_assignment.hr/api-key/api/key-vault-secrets-user",
        "access_policy.shop/harness",
        "reader_role.fetches",
        "role_assignment.writes",
    ]


def test_every_dependency_is_a_resource_of_the_document(team: Document) -> None:
    for resource in team.resources.values():
        assert resource.depends_on <= set(team.resources)
    assert at(team, "secret.hr/api-key").depends_on == {Address("vault", "hr")}
    assert at(team, "vault.shop").depends_on == {Address("resource_group", "rg-shop")}
    assert at(team, "role_assignment.hr/api-key/api/key-vault-secrets-user").depends_on == {
        Address("secret", "hr/api-key")
    }


def test_a_group_has_the_defaults_of_its_file(team: Document) -> None:
    assert at(team, "resource_group.rg-shop").spec == ResourceGroupSpec(
        subscription=SubscriptionRef(), name="rg-shop", location="westeurope", tags={"team": "shop"}
    )


def test_a_vault_is_written_out_in_the_words_that_both_sides_use(team: Document) -> None:
    assert at(team, "vault.shop").spec == VaultSpec(
        subscription=SubscriptionRef(),
        resource_group=GroupRef("rg-shop", Address("resource_group", "rg-shop")),
        name="kv-shop-l",
        tenant=TenantRef(),
        location="westeurope",
        access="policies",
        sku="premium",
        retention_days=90,
        purge_protection=True,
        network=NetworkSpec(
            public=True,
            default="deny",
            bypass=("azure_services",),
            ip_rules=("198.51.100.0/24", "203.0.113.9/32"),
            subnets=(),
        ),
        enabled_for=("deployment", "template_deployment"),
        tags={"team": "shop"},
    )


def test_an_existing_vault_takes_no_defaults(team: Document) -> None:
    assert at(team, "vault.hr").spec == VaultSpec(
        subscription=SubscriptionRef(), resource_group=None, name="kv-hr", access="rbac"
    )


def test_a_policy_has_its_templates_and_its_own_permissions(team: Document) -> None:
    assert at(team, "access_policy.shop/deployer").spec == AccessPolicySpec(
        vault=VaultRef(Address("vault", "shop")),
        principal=PrincipalRef("deployer"),
        secrets=("backup", "delete", "get", "list", "recover", "restore", "set"),
        keys=("get", "wrapkey"),
    )


def test_a_secret_has_its_source_and_its_settings(team: Document) -> None:
    secret = at(team, "secret.shop/db-password").spec

    assert secret == SecretSpec(
        vault=VaultRef(Address("vault", "shop")),
        name="db-password",
        content_type="text/plain",
        expires=datetime(2027, 6, 30, tzinfo=UTC),
        tags={"owner": "shop"},
    )
    assert secret.source == EnvSource("SHOP_DB")


def test_an_existing_secret_has_a_version_and_no_source(team: Document) -> None:
    legacy = at(team, "secret.shop/legacy")

    assert (legacy.spec.version, legacy.spec.source, legacy.lifecycle.existing) == ("6f0c", None, True)


def test_roles_of_a_secret_are_assignments_at_its_scope(team: Document) -> None:
    assert at(team, "role_assignment.hr/api-key/api/key-vault-secrets-user").spec == RoleAssignmentSpec(
        scope=ScopeRef("secret.hr/api-key", Address("secret", "hr/api-key")),
        role=RoleRef("Key Vault Secrets User"),
        principal=PrincipalRef("api"),
        principal_type=PrincipalTypeRef("api"),
    )


def test_a_reader_role_is_reader_unless_it_says_otherwise(team: Document) -> None:
    spec = at(team, "reader_role.fetches").spec

    assert (spec.role, spec.scope) == (RoleRef("Reader"), ScopeRef("subscription"))


def test_an_assignment_may_be_described(team: Document) -> None:
    assert at(team, "role_assignment.writes").spec.description == "for the pipeline"


def test_principals_keep_how_they_are_found(team: Document) -> None:
    found = {key: (each.selector, each.name, each.object_id, each.type) for key, each in team.principals.items()}

    assert found == {
        "deployer": (Selector.CURRENT, "", None, None),
        "api": (Selector.APP_ID, "8f0f0c52-0000-0000-0000-000000000000", None, "ServicePrincipal"),
        "devs": (Selector.GROUP, "Shop Developers", None, "Group"),
        "sre": (Selector.GROUP, "SRE", "9f9f0000-0000-0000-0000-000000000000", "Group"),
        "ado": (Selector.SERVICE_PRINCIPAL, "shop-pipeline", None, "ServicePrincipal"),
    }


def test_a_principal_by_object_id_has_the_type_that_is_written(tmp_path: Path) -> None:
    text = "version: 1\nprincipals:\n  ci: {object_id: 1B2C0000-0000-0000-0000-000000000000, type: service_principal}\n"

    found = loaded(
        tmp_path, text + "  vm: {managed_identity: /subscriptions/s/x/userAssignedIdentities/vm}\n"
    ).principals

    assert (found["ci"].selector, found["ci"].name, found["ci"].type) == (
        Selector.OBJECT_ID,
        "1b2c0000-0000-0000-0000-000000000000",
        "ServicePrincipal",
    )
    assert found["vm"].type == "ServicePrincipal"


def test_places_are_those_of_the_entry_and_of_each_setting(team: Document) -> None:
    shop = at(team, "vault.shop")

    assert (str(shop.span), str(shop.spans["network"]), str(shop.spans["sku"])) == (
        "dkv.yaml:22:3",
        "dkv.yaml:28:5",
        "dkv.yaml:11:21",
    )
    assert shop.spans["sku"].source.strip().startswith("vaults: {shop: {sku: premium")
    assert str(at(team, "role_assignment.shop/sre/key-vault-reader").span) == "dkv.yaml:34:19"
    assert set(shop.spans) >= {"name", "location", "tags"}
    assert len(shop.spans) == len(set(shop.spans))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("resource_group.rg-shop", Lifecycle(protect=True)),
        (
            "vault.shop",
            Lifecycle(
                protect=True,
                others={
                    "access_policy": OtherPolicy.ALARM,
                    "role_assignment": OtherPolicy.REPORT,
                    "secret": OtherPolicy.IGNORE,
                },
            ),
        ),
        ("vault.hr", Lifecycle(existing=True)),
        ("secret.shop/db-password", Lifecycle()),
    ],
)
def test_vaults_and_groups_of_ours_are_protected(team: Document, address: str, expected: Lifecycle) -> None:
    assert at(team, address).lifecycle == expected


def test_protection_can_be_lifted_and_given(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("protect: false\nsecrets: {a: {value_from: kept, protect: true}}"))

    assert [each.lifecycle.protect for each in found.resources.values()] == [False, True]


def test_subnets_are_ids_in_lower_case(tmp_path: Path) -> None:
    subnet = "/subscriptions/S/resourceGroups/Net/providers/Microsoft.Network/virtualNetworks/v/subnets/Apps"

    found = loaded(tmp_path, vault(f"network: {{subnets: [{subnet}]}}"))

    assert at(found, "vault.kv-one").spec.network.subnets == (subnet.lower(),)


def test_settings_may_be_ignored(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("ignore: [tags, network]"))

    assert at(found, "vault.kv-one").lifecycle.ignore == {"tags", "network"}


BELOW = """
access_policies: {ci: {secrets: [get]}}
roles: {ops: [Reader]}
secrets: {a: {value_from: kept}}
"""


@pytest.mark.parametrize(
    ("written", "of_vault", "below"),
    [
        ("", Importing.NO, Importing.NO),
        ("import: false", Importing.NO, Importing.NO),
        ("import: true", Importing.THIS, Importing.NO),
        ("import: all", Importing.ALL, Importing.THIS),
    ],
)
def test_import_all_covers_what_is_below_a_vault(
    written: str, of_vault: Importing, below: Importing, tmp_path: Path
) -> None:
    found = loaded(tmp_path, vault(written + BELOW))

    importing = [each.lifecycle.importing for each in found.resources.values()]
    assert importing == [of_vault, below, below, below]


SOURCES: list[tuple[str, Any]] = [
    ("{env: DB}", EnvSource("DB")),
    ("{file: secrets/db}", FileSource("/FOLDER/secrets/db", "secrets/db")),
    ("{file: ../db}", FileSource("/db", "../db")),
    ("{file: /run/db}", FileSource("/run/db", "/run/db")),
    ("{command: [pass, show, 0123]}", CommandSource(("pass", "show", "0123"), "/FOLDER")),
    ("{generate: {}}", GenerateSource()),
    ("{generate: {length: 48, alphabet: hex}}", GenerateSource(48, "hex")),
    ("kept", Kept()),
    ("Kept", Kept()),
]


@pytest.mark.parametrize(("written", "expected"), SOURCES, ids=[written for written, _ in SOURCES])
def test_a_value_comes_from_one_source(written: str, expected: Any, tmp_path: Path) -> None:
    folder = tmp_path / "FOLDER"
    folder.mkdir()

    found = loaded(folder, vault(f"secrets: {{a: {{value_from: {written}}}}}"))

    source = at(found, "secret.kv-one/a").spec.source
    assert str(source).replace(str(tmp_path), "") == str(expected)
    if isinstance(expected, FileSource):
        assert source.path.replace(str(tmp_path), "") == expected.path
    elif isinstance(expected, CommandSource):
        assert (source.argv, source.folder) == (expected.argv, str(folder))
    else:
        assert source == expected


def test_a_file_counts_from_the_file_that_names_it(tmp_path: Path) -> None:
    entry = "vaults: {kv-one: {existing: true, secrets: {a: {value_from: {file: value}}}}}"

    found = loaded(tmp_path, document("include: [teams/a.yaml]"), files={"teams/a.yaml": entry})

    assert at(found, "secret.kv-one/a").spec.source.path == str(tmp_path / "teams" / "value")


DATES = [
    ("2027-06-30", datetime(2027, 6, 30, tzinfo=UTC)),
    ("2027-06-30T12:30:00Z", datetime(2027, 6, 30, 12, 30, tzinfo=UTC)),
    ("2027-06-30 12:30:00z", datetime(2027, 6, 30, 12, 30, tzinfo=UTC)),
    ("2027-06-30t01:00:00.123456789+02:00", datetime(2027, 6, 29, 23, tzinfo=UTC)),
]


@pytest.mark.parametrize(("written", "expected"), DATES)
def test_dates_are_days_or_moments(written: str, expected: datetime, tmp_path: Path) -> None:
    found = loaded(tmp_path, vault(f"secrets: {{a: {{value_from: kept, expires: {written}}}}}"))

    assert at(found, "secret.kv-one/a").spec.expires == expected


def test_a_grant_on_many_vaults_has_one_address_a_vault(tmp_path: Path) -> None:
    text = document(
        """
        defaults: {access: policies, location: westeurope, resource_group: rg}
        vaults: {kv-a: {import: all}, kv-b: , kv-c: {access: rbac}}
        access_policies:
          h:
            principal: ci
            secrets: [get]
            on: [vault.kv-b, "vault.kv-[ab]"]
            application: 8f0f0c52-0000-0000-0000-000000000000
        """
    )

    found = loaded(tmp_path, text)

    policies = {str(key): each for key, each in found.resources.items() if key.kind == "access_policy"}
    assert list(policies) == ["access_policy.kv-a/h", "access_policy.kv-b/h"]
    assert {each.spec.application for each in policies.values()} == {"8f0f0c52-0000-0000-0000-000000000000"}
    assert [each.lifecycle.importing for each in policies.values()] == [Importing.THIS, Importing.NO]


def test_an_existing_policy_need_not_say_what_it_grants(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("access_policies: {ci: {existing: true}}"))

    assert at(found, "access_policy.kv-one/ci").lifecycle.existing


SCOPES = [
    ("subscription", ScopeRef("subscription")),
    ("subscription.main", ScopeRef("subscription.main")),
    (
        "subscription.22222222-2222-2222-2222-222222222222",
        ScopeRef("subscription.22222222-2222-2222-2222-222222222222"),
    ),
    ("resource_group.rg", ScopeRef("resource_group.rg", Address("resource_group", "rg"))),
    ("vault.kv-one", ScopeRef("vault.kv-one", Address("vault", "kv-one"))),
    ("secret.kv-one/a", ScopeRef("secret.kv-one/a", Address("secret", "kv-one/a"))),
    ("management_group.platform", ScopeRef("management_group.platform")),
    ("/subscriptions/s/resourceGroups/r", ScopeRef("/subscriptions/s/resourceGroups/r")),
    ("/", ScopeRef("/")),
]


@pytest.mark.parametrize(("written", "expected"), SCOPES)
def test_scopes_are_words_of_the_yaml_or_ids(written: str, expected: ScopeRef, tmp_path: Path) -> None:
    text = vault("secrets: {a: {value_from: kept}}", "rbac") + textwrap.dedent(
        f"""
        subscriptions: {{main: 22222222-2222-2222-2222-222222222222}}
        resource_groups: {{rg: {{location: westeurope}}}}
        role_assignments: {{r: {{principal: ci, role: Reader, scope: {written}}}}}
        """
    )

    spec = at(loaded(tmp_path, text), "role_assignment.r").spec

    assert spec.scope == expected


GROUPS = [
    ("rg", GroupRef("RG-One", Address("resource_group", "rg"))),
    ("rg-one", GroupRef("RG-One", Address("resource_group", "rg"))),
    ("rg-other", GroupRef("rg-other")),
]


@pytest.mark.parametrize(("written", "expected"), GROUPS)
def test_a_group_is_named_by_key_or_by_name(written: str, expected: GroupRef, tmp_path: Path) -> None:
    text = document(
        f"""
        resource_groups: {{rg: {{name: RG-One, existing: true, subscription: other}}}}
        vaults: {{kv-one: {{access: rbac, location: westeurope, resource_group: {written}}}}}
        subscriptions: {{other: 33333333-3333-3333-3333-333333333333}}
        """
    )

    spec = at(loaded(tmp_path, text), "vault.kv-one").spec

    assert spec.resource_group == expected
    assert spec.subscription == SubscriptionRef("other" if expected.at else None)


def test_a_vault_may_say_the_subscription_of_its_group_again_in_other_words(tmp_path: Path) -> None:
    text = document(
        """
        subscriptions: {main: 22222222-2222-2222-2222-222222222222}
        subscription: main
        resource_groups: {rg: {location: westeurope}}
        defaults: {access: rbac, location: westeurope, resource_group: rg}
        vaults: {kv-one: {subscription: 22222222-2222-2222-2222-222222222222}}
        """
    )

    spec = at(loaded(tmp_path, text), "vault.kv-one").spec

    assert spec.subscription == SubscriptionRef("22222222-2222-2222-2222-222222222222")


def test_roles_that_are_null_are_not_written(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("roles: {ci: null}\nsecrets: {a: {value_from: kept, roles: }}"))

    assert [str(each) for each in found.resources] == ["vault.kv-one", "secret.kv-one/a"]


def test_a_role_by_guid_has_it_in_its_address(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("roles: {ci: [ACDD72A7-3385-48ef-bd42-f606fba81ae7]}"))

    assert Address("role_assignment", "kv-one/ci/acdd72a7-3385-48ef-bd42-f606fba81ae7") in found.resources


def test_the_same_role_for_two_people_at_two_scopes_is_four_grants(tmp_path: Path) -> None:
    text = vault("roles: {ci: [Reader], ops: [Reader]}") + (
        "role_assignments:\n"
        "  a: {principal: ci, role: Reader, scope: /subscriptions/S}\n"
        "  b: {principal: ops, role: Reader, scope: /subscriptions/s/}\n"
    )

    assert len(loaded(tmp_path, text).resources) == 5


def test_tags_that_are_null_are_taken_out_of_the_defaults(tmp_path: Path) -> None:
    text = document(
        """
        defaults: {access: rbac, location: westeurope, resource_group: rg, tags: {team: a, cost: b}, protect: no}
        vaults: {kv-one: {tags: {team: null, own: c}}, kv-two: {tags: null}, kv-three: {}}
        """
    )

    specs = [each.spec for each in loaded(tmp_path, text).resources.values()]

    assert [spec.tags for spec in specs] == [{"cost": "b", "own": "c"}, None, {"team": "a", "cost": "b"}]


def test_each_file_has_defaults_of_its_own(tmp_path: Path) -> None:
    files = {
        "a.yaml": "defaults: {location: northeurope, resource_group: rg-a, access: rbac}\nvaults: {kv-a: }\n",
        "b.yaml": "vaults: {kv-b: {location: uksouth, resource_group: rg-b, access: rbac}}\n",
    }
    text = document("include: [a.yaml, b.yaml]\ndefaults: {location: westeurope, tags: {team: x}}")

    found = loaded(tmp_path, text, files=files)

    specs = [each.spec for each in found.resources.values()]
    assert [(spec.location, spec.tags) for spec in specs] == [("northeurope", None), ("uksouth", None)]


def test_an_existing_vault_takes_how_it_is_watched_from_the_defaults(tmp_path: Path) -> None:
    text = document(
        """
        subscriptions: {main: 22222222-2222-2222-2222-222222222222}
        defaults: {subscription: main, others: {secrets: alarm}, tags: {a: b}, sku: premium}
        vaults: {kv-one: {existing: on}}
        resource_groups: {rg: {existing: yes}}
        """
    )

    found = loaded(tmp_path, text)

    vault_found, group = at(found, "vault.kv-one"), at(found, "resource_group.rg")
    assert (vault_found.spec.subscription, vault_found.spec.sku, vault_found.spec.tags) == (
        SubscriptionRef("main"),
        None,
        None,
    )
    assert vault_found.lifecycle.others == {"secret": OtherPolicy.ALARM}
    assert (group.spec.subscription, group.spec.tags) == (SubscriptionRef("main"), None)
