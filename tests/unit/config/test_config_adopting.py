"""Where the live side is written: at the place a setting comes from, if it counts for nothing else there."""

from __future__ import annotations

from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.config.adopting import Adopted, adopt
from declarative_kv.config.loading import Request
from declarative_kv.model.address import Address
from declarative_kv.model.adoption import Come, Gone, Item, Moved
from declarative_kv.model.permissions import PERMISSIONS, TEMPLATES

HEAD = """\
version: 1
principals:
  me: {current: true}
  ci: {object_id: 1b2c0000-0000-0000-0000-000000000000}
"""
VAULT = "name: kv-one, resource_group: rg, location: westeurope, access: policies"


def moved(address: str, path: str, value: Any) -> Item:
    return Moved(Address.parse(address), tuple(path.split(".")), None, value)


def policy(address: str, **live: tuple[str, ...]) -> Item:
    return Moved(Address.parse(address), (), {}, {kind: live.get(kind, ()) for kind in PERMISSIONS})


def gone(address: str) -> Item:
    return Gone(Address.parse(address))


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def adopt(self, text: str, *items: Item, environment: str | None = None, **files: str) -> tuple[list[str], Adopted]:
        """The changed lines of all files, and what came of it."""
        texts = {"dkv.yaml": HEAD + text, **{f"{name}.yaml": other for name, other in files.items()}}
        for name, content in texts.items():
            (self.folder / name).write_text(content, encoding="utf-8")
        made = adopt(Request(self.folder, environment, {}, None, {}, self.folder), items)
        changed = []
        for path, new in made.texts.items():
            old = path.read_text(encoding="utf-8")
            changed += [line for line in ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]
        return changed, made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def refusals(made: Adopted) -> list[str]:
    return [reason for _, reason in made.refused]


def test_a_setting_is_changed_in_its_own_entry(project: Project) -> None:
    changed, made = project.adopt(
        f"vaults:\n  one: {{{VAULT}, sku: standard, tags: {{a: b, c: d}}}}\n",
        moved("vault.one", "sku", "premium"),
        moved("vault.one", "tags.a", None),
    )
    assert changed == [
        f"-   one: {{{VAULT}, sku: standard, tags: {{a: b, c: d}}}}",
        f"+   one: {{{VAULT}, sku: premium, tags: {{c: d}}}}",
    ]
    assert [where for _, where in made.done] == [str(project.folder / "dkv.yaml")] * 2


def test_permissions_that_are_the_same_do_not_stand_in_the_way_of_others(project: Project) -> None:
    """The list of keys comes through an alias, so nobody could change it for one entry alone; nobody has to."""
    changed, made = project.adopt(
        f"vaults:\n  one:\n    {VAULT.replace(', ', chr(10) + '    ')}\n    access_policies:\n"
        "      me: {keys: &keys [sign, get]}\n      ci: {secrets: [get], keys: *keys}\n",
        policy("access_policy.one/ci", secrets=("get", "list"), keys=("get", "sign")),
    )
    assert refusals(made) == []
    assert changed == [
        "-       ci: {secrets: [get], keys: *keys}",
        "+       ci: {secrets: [get, list], keys: *keys}",
    ]


def test_a_default_is_changed_where_one_entry_takes_it_and_overridden_where_several_do(project: Project) -> None:
    vault = f"{{{VAULT}}}"
    one, _ = project.adopt(
        f"defaults: {{sku: standard}}\nvaults:\n  one: {vault}\n", moved("vault.one", "sku", "premium")
    )
    assert one == ["- defaults: {sku: standard}", "+ defaults: {sku: premium}"]
    other = vault.replace("kv-one", "kv-two")
    two, _ = project.adopt(
        f"defaults: {{sku: standard}}\nvaults:\n  one: {vault}\n  two: {other}\n", moved("vault.one", "sku", "premium")
    )
    assert two == [f"-   one: {vault}", f"+   one: {{{VAULT}, sku: premium}}"]


def test_a_tag_from_defaults_of_several_is_taken_away_in_the_entry(project: Project) -> None:
    vault = f"{{{VAULT}}}"
    other = vault.replace("kv-one", "kv-two")
    changed, _ = project.adopt(
        f"defaults: {{tags: {{a: b}}}}\nvaults:\n  one: {vault}\n  two: {other}\n", moved("vault.one", "tags.a", None)
    )
    assert changed == [f"-   one: {vault}", f"+   one: {{{VAULT}, tags: {{a: null}}}}"]


def test_a_variable_that_nothing_else_uses_is_changed_and_another_one_is_not(project: Project) -> None:
    once = f"vars: {{sku: standard}}\nvaults:\n  one: {{{VAULT}, sku: $(sku)}}\n"
    changed, _ = project.adopt(once, moved("vault.one", "sku", "premium"))
    assert changed == ["- vars: {sku: standard}", "+ vars: {sku: premium}"]
    twice = once.replace("sku: $(sku)", "sku: $(sku), tags: {a: $(sku)}")
    changed, _ = project.adopt(twice, moved("vault.one", "sku", "premium"))
    assert changed == [
        f"-   one: {{{VAULT}, sku: $(sku), tags: {{a: $(sku)}}}}",
        f"+   one: {{{VAULT}, sku: premium, tags: {{a: $(sku)}}}}",
    ]


ENVIRONMENTS = f"""\
environments:
  test: {{vars: {{sku: standard}}}}
  prod:
    vars: {{sku: standard}}
    vaults: {{one: {{retention_days: 30}}}}
vaults:
  one:
    {VAULT.replace(", ", chr(10) + "    ")}
    sku: $(sku)
    tags: {{a: b}}
    secrets: {{db: {{value_from: kept, content_type: x}}}}
    access_policies:
      me: {{secrets: [get]}}
"""


def test_what_environments_share_is_overridden_for_one_and_what_they_have_is_changed_there(project: Project) -> None:
    changed, _ = project.adopt(
        ENVIRONMENTS,
        moved("vault.one", "sku", "premium"),
        moved("vault.one", "retention_days", 60),
        moved("vault.one", "tags.a", "c"),
        moved("secret.one/db", "content_type", None),
        policy("access_policy.one/me", secrets=("get", "list")),
        environment="prod",
    )
    assert changed == [
        "-     vars: {sku: standard}",
        "-     vaults: {one: {retention_days: 30}}",
        "+     vars: {sku: premium}",
        "+     vaults: {one: {retention_days: 60, tags: {a: c}, secrets: {db: {content_type: null}}, "
        "access_policies: {me: {secrets: [get, list]}}}}",
    ]


def test_an_entry_is_taken_out_of_one_environment_and_of_the_file_where_there_is_but_one(project: Project) -> None:
    changed, _ = project.adopt(ENVIRONMENTS, gone("secret.one/db"), environment="prod")
    assert changed == [
        "-     vaults: {one: {retention_days: 30}}",
        "+     vaults: {one: {retention_days: 30, secrets: {db: null}}}",
    ]
    only = ENVIRONMENTS.replace("  test: {vars: {sku: standard}}\n", "")
    changed, _ = project.adopt(only, gone("vault.one"), environment="prod")
    assert changed[:3] == [
        "-     vaults: {one: {retention_days: 30}}",
        "+     vaults: {}",
        "-   one:",
    ]


def test_an_included_file_is_changed_where_it_declares_the_entry(project: Project) -> None:
    changed, made = project.adopt(
        "include: [team.yaml]\n",
        moved("vault.one", "sku", "premium"),
        Come(
            Address.parse("secret.one/new"), ("vaults", "one", "secrets", "new"), {"value_from": "kept", "import": True}
        ),
        team=f"vaults:\n  one: {{{VAULT}}}\n",
    )
    assert changed == [
        f"-   one: {{{VAULT}}}",
        f"+   one: {{{VAULT}, sku: premium, secrets: {{new: {{value_from: kept, import: true}}}}}}",
    ]
    assert {where for _, where in made.done} == {str(project.folder / "team.yaml")}


def test_what_came_brings_the_principal_that_it_needs(project: Project) -> None:
    entry = {"principal": "bob", "role": "Reader", "scope": "vault.one", "import": True}
    person = {"bob": {"object_id": "9f9f0000-0000-0000-0000-000000000000"}}
    come = Come(Address.parse("role_assignment.one-bob"), ("role_assignments", "one-bob"), entry, person)
    changed, _ = project.adopt(f"vaults:\n  one: {{{VAULT}}}\n", come, come)
    assert changed == [
        "+   bob: {object_id: 9f9f0000-0000-0000-0000-000000000000}",
        "+ role_assignments: {one-bob: {principal: bob, role: Reader, scope: vault.one, import: true}}",
    ]


@pytest.mark.parametrize(
    ("written", "live", "after"),
    [
        ("{secrets: [get]}", {"secrets": ("get", "list"), "keys": ("get",)}, "{secrets: [get, list], keys: [get]}"),
        ("{secrets: [get], keys: [get]}", {"secrets": ("get",)}, "{secrets: [get]}"),
        ("{template: secret-management}", {"secrets": (*TEMPLATES["secret-management"]["secrets"], "purge")}, None),
        ("{template: secret-management}", {"secrets": ("get",)}, "{secrets: [get]}"),
        (
            "{template: secret-management}",
            {"keys": tuple(TEMPLATES["key-management"]["keys"])},
            "{template: key-management}",
        ),
        (
            "{template: secret-management, secrets: [purge]}",
            {"secrets": tuple(TEMPLATES["secret-management"]["secrets"])},
            "{template: secret-management}",
        ),
    ],
)
def test_a_policy_keeps_as_much_of_its_template_as_fits(
    project: Project, written: str, live: dict[str, tuple[str, ...]], after: str | None
) -> None:
    text = f"vaults:\n  one:\n    {VAULT.replace(', ', chr(10) + '    ')}\n    access_policies:\n      me: {written}\n"
    changed, _ = project.adopt(text, policy("access_policy.one/me", **live))
    expected = after or "{template: secret-management, secrets: [purge]}"
    assert changed == [f"-       me: {written}", f"+       me: {expected}"]


def test_roles_of_a_list_are_taken_out_one_by_one(project: Project) -> None:
    text = (
        f"vaults:\n  one: {{{VAULT.replace('policies', 'rbac')}, "
        "roles: {me: [Reader, Key Vault Reader], ci: [Reader]}, "
        "secrets: {db: {value_from: kept, roles: {ci: [Key Vault Secrets User]}}}}\n"
    )
    changed, made = project.adopt(
        text,
        gone("role_assignment.one/me/reader"),
        gone("role_assignment.one/ci/reader"),
        gone("role_assignment.one/db/ci/key-vault-secrets-user"),
    )
    assert refusals(made) == []
    assert (
        changed[1].partition("roles:")[2] == " {me: [Key Vault Reader]}, secrets: {db: {value_from: kept, roles: {}}}}"
    )


def test_what_counts_for_more_than_one_entry_is_refused_with_its_reason(project: Project) -> None:
    two = f"vaults:\n  one: {{{VAULT}}}\n  two: {{{VAULT.replace('kv-one', 'kv-two')}}}\n"
    grant = 'access_policies:\n  many: {principal: ci, secrets: [get], on: ["vault.*"]}\n'
    changed, made = project.adopt(
        two + grant,
        policy("access_policy.one/many", secrets=("get", "list")),
        gone("access_policy.two/many"),
        moved("vault.one", "access", "rbac"),
    )
    assert changed == []
    assert refusals(made) == [
        "it is one grant on 2 vaults",
        "it is one grant on 2 vaults",
        "the access model decides what may stand below the vault, so it is changed by hand",
    ]
    alone, _ = project.adopt(
        f"vaults:\n  one: {{{VAULT}}}\n{grant}", policy("access_policy.one/many", secrets=("get", "list"))
    )
    assert alone[1] == '+   many: {principal: ci, secrets: [get, list], on: ["vault.*"]}'


def test_a_setting_that_a_merge_key_brings_is_overridden_and_one_within_an_alias_refused(project: Project) -> None:
    text = (
        "vaults:\n"
        f"  one: &base\n    {VAULT.replace(', ', chr(10) + '    ')}\n"
        "    sku: standard\n    network: &net {default: deny}\n"
        "  two:\n    <<: *base\n    name: kv-two\n    network: *net\n"
    )
    changed, made = project.adopt(
        text, moved("vault.two", "sku", "premium"), moved("vault.two", "network.default", "allow")
    )
    assert changed == ["+     sku: premium"]
    assert refusals(made) == ["it comes through an alias, which stands for other entries too"]
    _, made = project.adopt(text, moved("vault.one", "sku", "premium"))
    assert refusals(made) == ["something else would change, or the file would not load"]


def test_what_others_need_is_not_taken_out(project: Project) -> None:
    text = (
        f"vaults:\n  one: {{{VAULT}, tags: {{a: b}}}}\n"
        "role_assignments: {r: {principal: ci, role: Reader, scope: vault.one}}\n"
    )
    changed, made = project.adopt(text, gone("vault.one"), moved("vault.one", "tags.a", "c"))
    assert refusals(made) == ["something else would change, or the file would not load"]
    assert changed[1].endswith("tags: {a: c}}")


def test_other_environments_that_need_a_variable_are_no_hindrance(project: Project) -> None:
    text = f"environments:\n  a: {{}}\n  b: {{vars: {{sku: premium}}}}\nvaults:\n  one: {{{VAULT}, sku: $(sku)}}\n"
    changed, made = project.adopt(text, moved("vault.one", "sku", "standard"), environment="b")
    assert refusals(made) == []
    assert changed == ["-   b: {vars: {sku: premium}}", "+   b: {vars: {sku: standard}}"]


def test_the_one_environment_has_its_variables(project: Project) -> None:
    text = f"environments:\n  b: {{vars: {{sku: premium}}}}\nvaults:\n  one: {{{VAULT}, sku: $(sku)}}\n"
    changed, _ = project.adopt(text, moved("vault.one", "sku", "standard"), environment="b")
    assert changed == ["-   b: {vars: {sku: premium}}", "+   b: {vars: {sku: standard}}"]


def test_a_place_beyond_what_is_counted_is_refused(project: Project) -> None:
    text = f"vaults: {{one: {{{VAULT}, {' ' * 70_000}sku: standard}}}}\n"
    _, made = project.adopt(text, moved("vault.one", "sku", "premium"))
    assert refusals(made) == ["its place in the file cannot be told"]


def test_an_item_of_a_list_has_no_settings(project: Project) -> None:
    rbac = VAULT.replace("policies", "rbac")
    text = f"vaults:\n  one: {{{rbac}, roles: {{ci: [Reader]}}}}\n"
    _, made = project.adopt(text, moved("role_assignment.one/ci/reader", "description", "why"))
    assert refusals(made) == ["it is an item of a list of roles"]


def test_a_principal_that_is_there_already_is_not_brought_again(project: Project) -> None:
    entry = {"principal": "ci", "role": "Reader", "scope": "vault.one", "import": True}
    other = {"ci": {"object_id": "9f9f0000-0000-0000-0000-000000000000"}}
    come = Come(Address.parse("role_assignment.one-ci"), ("role_assignments", "one-ci"), entry, other)
    changed, made = project.adopt(f"vaults:\n  one: {{{VAULT}}}\n", come)
    assert refusals(made) == []
    assert changed == ["+ role_assignments: {one-ci: {principal: ci, role: Reader, scope: vault.one, import: true}}"]


def test_a_setting_that_is_not_written_yet_is_written_for_the_environment_alone(project: Project) -> None:
    text = f"environments:\n  a: {{}}\n  b: {{}}\nvaults:\n  one: {{{VAULT}}}\n"
    changed, made = project.adopt(text, moved("vault.one", "sku", "premium"), environment="b")
    assert refusals(made) == []
    assert changed == ["-   b: {}", "+   b: {vaults: {one: {sku: premium}}}"]


def test_the_last_setting_of_a_group_takes_the_group_with_it(project: Project) -> None:
    changed, made = project.adopt(
        f"vaults:\n  one: {{{VAULT}, network: {{default: deny}}}}\n", moved("vault.one", "network.default", None)
    )
    assert refusals(made) == []
    assert changed == [f"-   one: {{{VAULT}, network: {{default: deny}}}}", f"+   one: {{{VAULT}, network: {{}}}}"]
