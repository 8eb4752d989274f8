"""Every mistake that shows offline is found at its place, and as one mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.yamls import PEOPLE, document, places, refused, unmarked, vault

CASES = {
    # keys and types
    "an unknown setting of the root": document("⟦unknown-key⟧clod: public"),
    "an unknown setting far down": vault("network: {⟦unknown-key⟧defualt: deny}"),
    "a key that is set twice": vault("sku: standard\n⟦duplicate-key⟧sku: premium"),
    "an entry that is set twice": document(
        "subscriptions: {a: 22222222-2222-2222-2222-222222222222, ⟦duplicate-key⟧a: }"
    ),
    "text where a map must stand": document("vaults: ⟦wrong-type⟧none"),
    "text where an entry must stand": document("resource_groups: {rg: ⟦wrong-type⟧westeurope}"),
    "text where a list must stand": vault("enabled_for: ⟦wrong-type⟧deployment"),
    "a map where text must stand": vault("sku: ⟦not-one-of⟧{name: standard}"),
    "a list where text must stand": document("tenant: ⟦wrong-type⟧[a]"),
    "a list where a flag must stand": vault("purge_protection: ⟦wrong-type⟧[true]"),
    "a list where a number must stand": vault("retention_days: ⟦wrong-type⟧[7]"),
    "a map where a date must stand": vault("secrets: {a: {value_from: kept, expires: ⟦wrong-type⟧{y: 2027}}}"),
    "a map where import must stand": vault("import: ⟦not-one-of⟧{all: true}"),
    "nothing where a list item must stand": vault("enabled_for: [⟦not-one-of⟧null]"),
    "nothing where a name must stand": vault("ignore: [⟦wrong-type⟧null]"),
    "an empty name": vault('name: ⟦wrong-type⟧" "'),
    "a word that is no flag": vault("purge_protection: ⟦wrong-type⟧maybe"),
    "a word that is no number": vault("retention_days: ⟦wrong-type⟧ninety"),
    "a word that import does not know": vault("import: ⟦not-one-of⟧some"),
    "all where only a vault has something below": vault("secrets: {a: {value_from: kept, import: ⟦not-one-of⟧all}}"),
    "an unknown model of access": vault("", access="⟦not-one-of⟧polices"),
    "a version of the future": "version: ⟦not-one-of⟧2\n",
    "a key that cannot be in an address": vault("secrets: {⟦invalid-key⟧a/b: {value_from: kept}}"),
    "a variable in a key": document("resource_groups: {⟦invalid-key⟧rg-$(env): {location: westeurope}}"),
    "a setting to ignore that is none": vault("ignore: ⟦not-one-of⟧[colour]"),
    # names
    "a vault's name with two hyphens in a row": vault("name: ⟦invalid-name⟧kv--one"),
    "a vault's name that is too long": vault("name: ⟦invalid-name⟧kv-one-with-twenty-five-cha"),
    "a vault's name in its key": document(
        "vaults: {⟦invalid-name⟧1st: {access: rbac, location: westeurope, resource_group: rg}}"
    ),
    "a resource group's name": document("resource_groups: {rg: {location: westeurope, name: ⟦invalid-name⟧rg.}}"),
    "a secret's name in its key": vault("secrets: {⟦invalid-name⟧db_password: {value_from: kept}}"),
    "a secret's name": vault("secrets: {db: {value_from: kept, name: ⟦invalid-name⟧db.password}}"),
    "two vaults of one name": document(
        """
        defaults: {access: rbac, location: westeurope, resource_group: rg}
        vaults: {kv-one: {}, kv-two: {name: ⟦duplicate-name⟧KV-One}}
        """
    ),
    "two groups of one name": document(
        "resource_groups: {rg: {location: westeurope}, ⟦duplicate-name⟧RG: {location: westeurope}}"
    ),
    "two secrets of one name": vault("secrets: {db: {value_from: kept}, ⟦duplicate-name⟧DB: {value_from: kept}}"),
    "a region that is none": vault("").replace("location: westeurope", "location: ⟦invalid-name⟧west/europe"),
    # numbers, dates, ranges, tags
    "a retention that is too short": vault("retention_days: ⟦out-of-range⟧6"),
    "a retention that is too long": vault("retention_days: ⟦out-of-range⟧91"),
    "a generated value that is too short": vault("secrets: {a: {value_from: {generate: {length: ⟦out-of-range⟧7}}}}"),
    "an alphabet that is none": vault("secrets: {a: {value_from: {generate: {alphabet: ⟦not-one-of⟧letters-digit}}}}"),
    "a day that does not exist": vault("secrets: {a: {value_from: kept, expires: ⟦invalid-date⟧2027-02-29}}"),
    "a time without a zone": vault("secrets: {a: {value_from: kept, expires: ⟦invalid-date⟧2027-02-01T00:00:00}}"),
    "a day before Azure's first": vault("secrets: {a: {value_from: kept, not_before: ⟦invalid-date⟧1969-12-31}}"),
    "a time whose zone leads out of the calendar": vault(
        "secrets: {a: {value_from: kept, expires: ⟦invalid-date⟧9999-12-31T23:59:59-23:59}}"
    ),
    "a secret that expires before it begins": vault(
        "secrets: {a: {value_from: kept, not_before: 2027-01-02, expires: ⟦dates-order⟧2027-01-01}}"
    ),
    "an address that is none": vault("network: {ip_rules: [⟦invalid-ip⟧300.0.0.1]}"),
    "an address of IPv6": vault('network: {ip_rules: [⟦invalid-ip⟧"2001:db8::/32"]}'),
    "a private range": vault("network: {ip_rules: [⟦invalid-ip⟧192.168.1.0/24]}"),
    "a range with bits behind its prefix": vault("network: {ip_rules: [⟦invalid-ip⟧203.0.113.7/24]}"),
    "a subnet that is no id": vault("network: {subnets: [⟦invalid-id⟧default]}"),
    "sixteen tags": vault("tags: ⟦too-many-tags⟧{" + ", ".join(f"t{number}: x" for number in range(16)) + "}"),
    "a tag's name that is too long": vault(f"tags: {{⟦invalid-tag⟧{'n' * 513}: x}}"),
    "a tag's value that is too long": vault(f"tags: {{⟦invalid-tag⟧n: {'x' * 257}}}"),
    "a tag's name with a character that Azure refuses": vault('tags: {⟦invalid-tag⟧"a/b": x}'),
    "two tags that differ in letter case": vault("tags: {team: a, ⟦invalid-tag⟧Team: b}"),
    "the program's own tag": vault("secrets: {a: {value_from: kept, tags: {⟦reserved-tag⟧dkv: x}}}"),
    "a content type that is too long": vault(
        f"secrets: {{a: {{value_from: kept, content_type: ⟦invalid-name⟧{'c' * 256}}}}}"
    ),
    # what is missing
    "a vault without its model of access": document(
        "vaults: {⟦missing-setting⟧kv-one: {location: westeurope, resource_group: rg}}"
    ),
    "a vault without a region": document("vaults: {⟦missing-setting⟧kv-one: {access: rbac, resource_group: rg}}"),
    "a vault without a group": document("vaults: {⟦missing-setting⟧kv-one: {access: rbac, location: westeurope}}"),
    "a group without a region": document("resource_groups: {⟦missing-setting⟧rg: }"),
    "a reader role without a scope": document("reader_roles: {⟦missing-setting⟧r: {principal: me}}"),
    "a reader role without a principal": document("reader_roles: {⟦missing-setting⟧r: {scope: subscription}}"),
    "an assignment without a role": document(
        "role_assignments: {⟦missing-setting⟧a: {principal: me, scope: subscription}}"
    ),
    "a grant on no vault": document("access_policies: {⟦missing-setting⟧g: {principal: me, secrets: [get]}}"),
    "a file without a version": "⟦missing-setting⟧subscriptions: {}\n",
    # secrets
    "a value in the YAML": vault("secrets: {a: {⟦value-in-yaml⟧value: hunter2}}"),
    "a value as the whole entry": vault("secrets: {a: ⟦value-in-yaml⟧hunter2}"),
    "a value below its source": vault("secrets: {a: {value_from: {⟦value-in-yaml⟧value: hunter2}}}"),
    "a value as its own source": vault("secrets: {a: {value_from: ⟦value-source⟧hunter2}}"),
    "no source": vault("secrets: {⟦value-source⟧a: }"),
    "an empty source": vault("secrets: {a: {value_from: ⟦value-source⟧{}}}"),
    "two sources": vault("secrets: {a: {value_from: ⟦value-source⟧{env: A, file: a}}}"),
    "an unknown source": vault("secrets: {a: {value_from: {⟦unknown-key⟧envv: A}}}"),
    "a command without a program": vault("secrets: {a: {value_from: {command: ⟦value-source⟧[]}}}"),
    "a command as one text": vault("secrets: {a: {value_from: {command: ⟦wrong-type⟧cat a}}}"),
    "a variable's name with a space": vault("secrets: {a: {value_from: {env: ⟦invalid-name⟧MY SECRET}}}"),
    "a source in an existing secret": vault("secrets: {a: {existing: true, value_from: ⟦existing-source⟧kept}}"),
    "a version of a managed secret": vault("secrets: {a: {value_from: kept, version: ⟦existing-only⟧abc}}"),
    "the program's own secret": vault("secrets: {⟦reserved-name⟧dkv-fingerprint-key: {value_from: kept}}"),
    "the secret that holds the key": vault("secrets: {⟦reserved-name⟧keys: {value_from: kept}}")
    + "fingerprint: secret.kv-one/keys\n",
    # principals
    "a principal without a selector": document("")
    .replace("{current: true}", "{}")
    .replace("me:", "⟦principal-selector⟧me:"),
    "a principal with two selectors": "version: 1\nprincipals: {⟦principal-selector⟧a: {group: A, user: b}}\n",
    "the current one, pinned": (
        "version: 1\nprincipals:\n"
        "  ⟦principal-selector⟧a: {current: true, object_id: 1b2c0000-0000-0000-0000-000000000000}\n"
    ),
    "a principal without a selector that is used": "version: 1\nprincipals: {⟦principal-selector⟧a: {}}\n"
    "reader_roles: {r: {principal: a, scope: subscription}}\n",
    "an object id that is none": "version: 1\nprincipals: {a: {object_id: ⟦invalid-id⟧abc}}\n",
    "a type that contradicts": "version: 1\nprincipals: {a: {group: A, type: ⟦principal-type⟧user}}\n",
    "a managed identity that is no id": "version: 1\nprincipals: {a: {managed_identity: ⟦invalid-id⟧vm}}\n",
    # references
    "a policy for nobody": vault("access_policies: {⟦unknown-reference⟧you: {secrets: [get]}}"),
    "a role for nobody": vault("roles: {⟦unknown-reference⟧you: [Reader]}"),
    "a grant for nobody": vault("")
    + "access_policies: {g: {principal: ⟦unknown-reference⟧you, secrets: [get], on: [vault.kv-one]}}\n",
    "a reader role for nobody": document("reader_roles: {r: {principal: ⟦unknown-reference⟧you, scope: subscription}}"),
    "a grant on an unknown vault": vault("")
    + "access_policies: {g: {principal: me, secrets: [get], on: [vault.kv-one, ⟦unknown-reference⟧vault.x*]}}\n",
    "an unknown subscription of a vault": vault("subscription: ⟦unknown-reference⟧main"),
    "an unknown subscription": document("subscription: ⟦unknown-reference⟧main"),
    "a scope that is none": document("reader_roles: {r: {principal: me, scope: ⟦invalid-scope⟧everything}}"),
    "a scope without a name": document("reader_roles: {r: {principal: me, scope: ⟦invalid-scope⟧vault.}}"),
    "a scope that ends in a full stop": document(
        "reader_roles: {r: {principal: me, scope: ⟦invalid-scope⟧subscription.}}"
    ),
    "the scope of an unknown vault": document("reader_roles: {r: {principal: me, scope: ⟦unknown-reference⟧vault.x}}"),
    "the scope of an unknown secret": document(
        "reader_roles: {r: {principal: me, scope: ⟦unknown-reference⟧secret.x/y}}"
    ),
    "the scope of an unknown subscription": document(
        "reader_roles: {r: {principal: me, scope: ⟦unknown-reference⟧subscription.x}}"
    ),
    "a fingerprint key in an unknown vault": document("fingerprint: ⟦unknown-reference⟧secret.kv-one/key"),
    "a fingerprint key that is no secret": document("fingerprint: ⟦invalid-address⟧vault.kv-one"),
    # permissions and grants
    "an unknown permission": vault("access_policies: {me: {secrets: [get, ⟦not-one-of⟧lst]}}"),
    "a permission of another collection": vault("access_policies: {me: {secrets: [⟦not-one-of⟧wrapKey]}}"),
    "an unknown template": vault("access_policies: {me: {template: ⟦not-one-of⟧secrets-management}}"),
    "a policy that grants nothing": vault("access_policies: {⟦empty-policy⟧me: }"),
    "a policy on a vault with roles": vault("access_policies: {⟦policy-on-rbac-vault⟧me: {secrets: [get]}}", "rbac"),
    "a role on a secret of a vault with policies": vault(
        "secrets: {a: {value_from: kept, ⟦role-on-policy-vault⟧roles: {me: [Key Vault Secrets User]}}}"
    ),
    "a role at the scope of such a secret": vault("secrets: {a: {value_from: kept}}")
    + "role_assignments: {r: {principal: me, role: Reader, scope: ⟦role-on-policy-vault⟧secret.kv-one/a}}\n",
    "two policies for one principal": vault("access_policies: {ci: {secrets: [get]}}")
    + "access_policies: {⟦duplicate-grant⟧g: {principal: ci, keys: [get], on: [vault.*]}}\n",
    "two names for one principal": vault(
        "access_policies: {ci: {secrets: [get]}, ⟦duplicate-grant⟧me: {keys: [get]}}"
    ).replace("{current: true}", "{user: a, object_id: 1B2C0000-0000-0000-0000-000000000000}"),
    "one address from two places": vault("access_policies: {ci: {secrets: [get]}}")
    + "access_policies: {⟦duplicate-address⟧ci: {principal: me, keys: [get], on: [vault.*]}}\n",
    "one role given twice": document(
        """
        role_assignments:
          a: {principal: me, role: reader, scope: subscription}
          ⟦duplicate-grant⟧b: {principal: me, role: acdd72a7-3385-48ef-bd42-f606fba81ae7, scope: subscription.main}
        subscriptions: {main: 22222222-2222-2222-2222-222222222222}
        subscription: main
        """
    ),
    "one role listed twice": vault("roles: {me: [Reader, ⟦duplicate-address⟧reader]}"),
    "a reader role that writes": document(
        "reader_roles: {r: {principal: me, role: ⟦reader-role-writes⟧contributor, scope: subscription}}"
    ),
    "a reader role that reads values": document(
        "reader_roles: {r: {principal: me, role: ⟦reader-role-writes⟧Key Vault Secrets User, scope: subscription}}"
    ),
    "a vault outside its group's subscription": document(
        """
        subscriptions: {a: 22222222-2222-2222-2222-222222222222, b: 33333333-3333-3333-3333-333333333333}
        defaults: {access: rbac, location: westeurope}
        resource_groups: {rg: {subscription: a}}
        vaults: {kv-one: {resource_group: rg, subscription: ⟦subscription-mismatch⟧b}}
        """
    ),
    # sources that carry credentials away
    "a variable of Azure's": vault("secrets: {a: {value_from: {env: ⟦forbidden-variable⟧AZURE_CLIENT_SECRET}}}"),
    "a variable of Terraform's provider": vault(
        "secrets: {a: {value_from: {env: ⟦forbidden-variable⟧ARM_CLIENT_SECRET}}}"
    ),
    "a variable of Vault's": vault("secrets: {a: {value_from: {env: ⟦forbidden-variable⟧VAULT_TOKEN}}}"),
    "a variable of GitHub's": vault("secrets: {a: {value_from: {env: ⟦forbidden-variable⟧GITHUB_TOKEN}}}"),
    "a variable of Azure Pipelines'": vault(
        "secrets: {a: {value_from: {env: ⟦forbidden-variable⟧system_accesstoken}}}"
    ),
    # places
    "a state in a place that there is not": document("state: ⟦invalid-state⟧s3://bucket/key"),
    "a state in a folder": document("state: ⟦invalid-state⟧state/"),
    "a blob without a key": document("state: ⟦invalid-state⟧azblob://account/container"),
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_mistake_is_found_at_its_place_and_once(text: str, tmp_path: Path) -> None:
    clean, expected = unmarked(text)

    found = refused(tmp_path, clean)

    assert expected
    assert places(found) == expected
    assert all(each.span is not None and each.span.source for each in found)


def test_ten_mistakes_give_ten_errors_in_one_run_sorted_by_place(tmp_path: Path) -> None:
    clean, expected = unmarked(
        document(
            """
            ⟦unknown-key⟧clod: public
            tenant: ⟦invalid-id⟧1234
            vaults:
              payments:
                name: ⟦invalid-name⟧kv--payments
                access: policies
                ⟦duplicate-key⟧access: rbac
                location: westeurope
                resource_group: rg
                retention_days: ⟦out-of-range⟧5
                network: {ip_rules: [⟦invalid-ip⟧10.0.0.0/8]}
                access_policies:
                  ci: {secrets: [get, ⟦not-one-of⟧lst]}
                  ⟦unknown-reference⟧you: {secrets: [get]}
                secrets:
                  db: {⟦value-in-yaml⟧value: hunter2}
                  key: {value_from: kept, expires: ⟦invalid-date⟧2027-02-30}
            """
        )
    )

    found = refused(tmp_path, clean)

    assert len(found) == 10
    assert places(found) == expected
    spans = [each.span for each in found if each.span]
    assert spans == sorted(spans, key=lambda span: (span.line, span.column))
    assert {span.file for span in spans} == {"dkv.yaml"}
    shown = [line.replace("hunter2", "*******") for line in clean.split("\n")]
    assert all(span.source == shown[span.line - 1] for span in spans)


def test_a_hint_names_the_setting_that_was_meant(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, vault("retention_day: 90"))

    assert found.hint == "Did you mean `retention_days`?"


def test_a_hint_lists_what_is_known_where_nothing_is_close(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, vault("access_policies: {zzzzz: {secrets: [get]}}"))

    assert found.hint == "Known principals: `ci`, `me`, `ops`."


def test_a_hint_says_when_there_is_nothing_to_refer_to(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, "version: 1\nsubscription: main\n")

    assert found.hint == "There are no subscriptions yet; declare it first."


def test_both_places_of_an_address_that_is_declared_twice_are_named(tmp_path: Path) -> None:
    twice = "vaults: {kv-one: {access: rbac, location: westeurope, resource_group: rg}}"

    (found,) = refused(tmp_path, document(twice + "\ninclude: [a.yaml]"), files={"a.yaml": twice})

    assert (found.code, str(found.span)) == ("duplicate-address", "a.yaml:1:10")
    assert "dkv.yaml:3:10" in found.detail


def test_a_mistake_behind_an_alias_is_one_mistake(tmp_path: Path) -> None:
    text = document(
        """
        vaults:
          kv-one: &one {access: rbac, location: westeurope, resource_group: rg, network: {default: ⟦not-one-of⟧dney}}
          kv-two: *one
        """
    )
    clean, expected = unmarked(text)

    assert places(refused(tmp_path, clean)) == expected


def test_what_refers_to_a_damaged_entry_is_no_second_mistake(tmp_path: Path) -> None:
    clean, expected = unmarked(
        document(
            """
            vaults: ⟦wrong-type⟧[]
            resource_groups: ⟦wrong-type⟧[]
            access_policies: {g: {principal: me, secrets: [get], on: [vault.x]}}
            reader_roles: {r: {principal: me, scope: vault.x}}
            fingerprint: secret.x/key
            """
        )
    )

    assert places(refused(tmp_path, clean)) == expected


def test_nobody_is_missed_where_the_principals_are_damaged(tmp_path: Path) -> None:
    clean, expected = unmarked(vault("roles: {me: [Reader]}").replace(PEOPLE, "principals: ⟦wrong-type⟧[]"))

    assert places(refused(tmp_path, clean)) == expected


def test_no_subscription_is_missed_where_they_are_damaged(tmp_path: Path) -> None:
    clean, expected = unmarked(vault("subscription: main") + "subscriptions: ⟦wrong-type⟧[]\nsubscription: main\n")

    assert places(refused(tmp_path, clean)) == expected


def test_a_file_of_thousands_of_mistakes_lists_the_first_of_them(tmp_path: Path) -> None:
    found = refused(tmp_path, document("vaults:\n" + "".join(f"  v{number}: 5\n" for number in range(3000))))

    assert len(found) == 1001
    assert [each.code for each in found].count("too-many-problems") == 1


def test_thousands_of_mistakes_of_another_kind_end_too(tmp_path: Path) -> None:
    found = refused(tmp_path, document("vaults:\n" + "".join(f"  v{number}:\n" for number in range(3000))))

    assert len(found) == 1001
