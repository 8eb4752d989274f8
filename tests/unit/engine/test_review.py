"""What a change of the YAML means, from two texts alone."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from declarative_kv.config import load
from declarative_kv.engine.review import nothing, review
from declarative_kv.engine.unchanged import without_equal
from declarative_kv.kinds import registry
from declarative_kv.model.document import Document, Origin
from declarative_kv.model.errors import PlanError
from declarative_kv.model.review import Review
from declarative_kv.render.review_words import closing, risk_words, tags

TODAY = date(2026, 11, 22)
HEAD = """
version: 1
tenant: 11111111-1111-1111-1111-111111111111
subscription: 22222222-2222-2222-2222-222222222222
principals:
  ci: {object_id: 1b2c0000-0000-4000-8000-0000000000c1, type: service_principal}
  dev: {group: Developers}
resource_groups: {rg: {location: westeurope}}
"""
PAY = """
vaults:
  pay:
    name: kv-pay
    access: policies
    location: westeurope
    resource_group: rg
    retention_days: 30
"""
DB = "    secrets: {db: {value_from: {env: DB}}}"


def document(folder: Path, text: str, head: str = HEAD) -> Document:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dkv.yaml").write_text(head.lstrip() + textwrap.dedent(text).strip("\n") + "\n", encoding="utf-8")
    return load(Path("dkv.yaml"), environ={}, cwd=folder)


def reviewed(folder: Path, base: str, head: str, allow: tuple[str, ...] = ()) -> Review:
    """The review of two texts behind the same head."""
    one, other = document(folder / "base", base), document(folder / "head", head)
    return review(registry(), one, other, TODAY, allow)


def pay(*lines: str) -> str:
    return PAY + "\n".join(lines) + "\n"


def changes(found: Review) -> list[str]:
    return [
        f"{one.action} {one.address} {', '.join('.'.join(diff.path) for diff in one.diff)}".rstrip()
        for one in found.differences
    ]


def risks(found: Review) -> dict[str, str]:
    return {str(at): risk_words(each) for at, each in found.risks.items()}


def blocks(found: Review) -> list[str]:
    return [f"{one.code} {one.about}".rstrip() for one in found.plan.blocked]


def rules(found: Review) -> list[str]:
    return [f"{one.subject} {one.text}" for one in found.settings]


def test_comments_order_and_the_way_of_writing_mean_nothing(tmp_path: Path) -> None:
    base = pay("    secrets:", "      a: {value_from: {env: A}}", "      b: {value_from: {env: B}, tags: {x: y}}")
    head = pay("    # all of them", "    secrets:", "      b: {tags: {x: 'y'}, value_from: {env: B}}", "      a:") + (
        "        value_from:\n          env: A\n"
    )
    found = reviewed(tmp_path, base, head)
    assert not found.differs
    assert (found.risks, closing(found)) == ({}, ("No changes. Both mean the same.",))


def test_what_comes_changes_and_goes_is_named_with_its_place(tmp_path: Path) -> None:
    base = pay("    secrets:", "      db: {value_from: {env: DB}}", "      old: {value_from: {env: OLD}}")
    head = pay("    secrets:", "      db: {value_from: {env: DB}, content_type: text}", "      new: {value_from: kept}")
    found = reviewed(tmp_path, base + "  new: {existing: true, name: kv-new, access: rbac}", head)
    assert changes(found) == ["update secret.pay/db content_type", "no-op secret.pay/new", "destroy secret.pay/old"]
    places = {str(one.address): str(one.span) for one in found.differences}
    assert places["secret.pay/db"].startswith("dkv.yaml:16:")
    assert places["secret.pay/old"].startswith("dkv.yaml:17:"), "where BASE had it"
    assert risks(found) == {
        "secret.pay/db": "safe",
        "secret.pay/new": "safe",
        "secret.pay/old": "recoverable until 2026-12-22",
    }
    assert tags(found) == {one.address: risk_words(found.risks[one.address]) for one in found.differences[2:]}
    assert closing(found) == (
        "Review: 0 to add, 1 to change, 1 to destroy; 1 value not known from here.",
        "Risk: 1 recoverable, 2 safe.",
    )


def test_who_gains_access_makes_the_grant_widen_it(tmp_path: Path) -> None:
    found = reviewed(
        tmp_path,
        pay("    access_policies: {ci: {secrets: [get]}, dev: {secrets: [list]}}"),
        pay("    access_policies: {ci: {secrets: [get, list]}}"),
    )
    lines = [f"{'+' if one.gained else '-'} {one.who} {one.phrase}" for one in found.plan.access]
    assert lines == ["+ ci lists secrets", "- dev lists secrets"]
    assert risks(found) == {"access_policy.pay/ci": "widens access", "access_policy.pay/dev": "safe"}


def test_a_switched_access_model_widens_by_the_vault_and_is_blocked(tmp_path: Path) -> None:
    roles = "role_assignments: {x: {principal: ci, role: Key Vault Secrets User, scope: vault.pay}}\n"
    found = reviewed(tmp_path, PAY + roles, PAY.replace("policies", "rbac") + roles)
    assert changes(found) == ["update vault.pay access"]
    assert risks(found) == {"vault.pay": "widens access"}
    assert blocks(found) == ["access-model-flip vault.pay"]
    assert (
        reviewed(tmp_path, PAY + roles, PAY.replace("policies", "rbac") + roles, ("access-model-flip",)).plan.blocked
        == ()
    )


def test_a_vault_that_goes_takes_what_is_in_it_along(tmp_path: Path) -> None:
    roles = "role_assignments: {x: {principal: ci, role: Reader, scope: vault.pay}}\n"
    found = reviewed(tmp_path, pay("    roles: {ci: [Key Vault Reader]}", DB, "    protect: false"), "")
    assert risks(found) == {
        "vault.pay": "irreversible, recoverable until 2026-12-22",
        "secret.pay/db": "recoverable until 2026-12-22",
        "role_assignment.pay/ci/key-vault-reader": "recoverable until 2026-12-22",
    }
    assert blocks(reviewed(tmp_path, PAY + roles, "")) == ["protected vault.pay"]


def test_a_group_that_goes_is_not_brought_back_and_must_be_empty(tmp_path: Path) -> None:
    head = HEAD.replace("{rg: {location: westeurope}}", "{other: {location: westeurope}}")
    base = document(tmp_path / "base", PAY, HEAD.replace("westeurope}}", "westeurope, protect: false}}"))
    found = review(registry(), base, document(tmp_path / "head", PAY, head), TODAY)
    assert risks(found)["resource_group.rg"] == "irreversible"
    assert blocks(found) == ["group-not-empty resource_group.rg"]


def test_what_azure_cannot_change_stands_in_the_way(tmp_path: Path) -> None:
    found = reviewed(tmp_path, PAY, PAY.replace("retention_days: 30", "retention_days: 60\n    purge_protection: true"))
    assert risks(found) == {"vault.pay": "irreversible"}
    assert blocks(found) == ["irreversible vault.pay", "immutable vault.pay"]
    assert [one.allow for one in found.plan.blocks] == ["irreversible=vault.pay", ""]


def test_a_third_of_everything_gone_is_blocked(tmp_path: Path) -> None:
    many = [f"      s{number}: {{value_from: {{env: S}}}}" for number in range(12)]
    found = reviewed(tmp_path, pay("    secrets:", *many), pay("    secrets:", *many[:6]))
    assert blocks(found) == ["many-destroys"]


def test_access_that_widens_blocks_only_where_the_yaml_says_so(tmp_path: Path) -> None:
    wider = pay("    access_policies: {ci: {secrets: [get]}}")
    assert blocks(reviewed(tmp_path, PAY, wider)) == []
    found = reviewed(tmp_path, PAY, wider + "guards: {access-widened: block}\n")
    assert blocks(found) == ["access-widened access_policy.pay/ci"]
    assert rules(found) == ["guards.access-widened blocks from now on"]
    back = reviewed(tmp_path, PAY + "guards: {access-widened: block}\n", PAY)
    assert rules(back) == ["guards.access-widened no longer blocks"]
    assert back.differs


def test_a_rule_that_would_not_hold_blocks_and_one_that_goes_is_told(tmp_path: Path) -> None:
    never = "invariants: {none: {never: {who: ci, can: read-value, on: vault.pay}}}\n"
    found = reviewed(tmp_path, PAY, pay("    access_policies: {ci: {secrets: [get]}}") + never)
    assert blocks(found) == ["invariant none"]
    assert rules(found) == ["invariants.none is new"]
    assert rules(reviewed(tmp_path, PAY + never, PAY)) == ["invariants.none no longer has to hold"]
    other = reviewed(tmp_path, PAY + never, PAY + never.replace("read-value", "delete"))
    assert rules(other) == ["invariants.none says something else"]
    assert rules(reviewed(tmp_path, PAY + never, "# moved by a line\n" + PAY + never)) == []


def test_how_entries_are_treated_is_a_rule(tmp_path: Path) -> None:
    base = pay("    others: {secrets: report}", DB)
    head = pay(
        "    protect: false",
        "    import: all",
        "    ignore: [sku]",
        "    others: {secrets: delete}",
        "    secrets: {db: {value_from: kept, import: true}}",
    )
    assert rules(reviewed(tmp_path, base, head)) == [
        "secret.pay/db import: (none) -> true",
        "secret.pay/db value_from: env DB -> kept",
        "vault.pay ignore: (none) -> [sku]",
        "vault.pay import: (none) -> all",
        "vault.pay others.secret: report -> delete",
        "vault.pay protect: true -> false",
    ]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("{env: A}", "{env: B}", "its source changes from env A to env B"),
        ("{file: a}", "{file: b}", "its source changes from file a to file b"),
        ("{command: [a, b]}", "{command: [a, c]}", "its source changes from command a to command a"),
        ("kept", "{env: A}", "its source changes from kept to env A"),
    ],
)
def test_a_value_from_elsewhere_is_not_known_from_here(tmp_path: Path, before: str, after: str, why: str) -> None:
    one, other = (pay(f"    secrets: {{db: {{value_from: {source}}}}}") for source in (before, after))
    found = reviewed(tmp_path, one, other)
    assert [change.verdict.why for change in found.differences if change.verdict] == [why]
    assert risks(found) == {"secret.pay/db": "safe"}
    assert not reviewed(tmp_path, one, one).differs


def test_a_secret_that_is_there_is_not_generated_again(tmp_path: Path) -> None:
    one, other = (pay(f"    secrets: {{db: {{value_from: {{generate: {{length: {n}}}}}}}}}") for n in (20, 40))
    found = reviewed(tmp_path, one, other)
    assert changes(found) == []
    said = "generated (20 letters-digits) -> generated (40 letters-digits)"
    assert rules(found) == [f"secret.pay/db value_from: {said}"]


def test_settings_that_come_as_azure_has_them_anyway_and_those_that_go_are_no_change(tmp_path: Path) -> None:
    found = reviewed(tmp_path, pay("    tags: {a: b}"), pay("    sku: standard", "    network: {default: allow}"))
    assert changes(found) == []
    assert [(str(one.address), one.attributes) for one in found.plan.unwritten] == [("vault.pay", ("tags",))]
    assert found.plan.notes == ("vault.pay from now on manages sku, network, taken to be so already",)
    assert found.differs
    premium = reviewed(tmp_path, PAY, pay("    sku: premium", "    network: {default: deny}"))
    assert changes(premium) == ["update vault.pay network.default, sku"]
    assert premium.plan.notes == ("the network of vault.pay goes from open to restricted: rights stay as they are",)


def test_what_moves_or_is_forgotten_is_no_change(tmp_path: Path) -> None:
    moved = PAY.replace("  pay:", "  paid:") + DB + "\nmoved: {vault.pay: vault.paid}\n"
    found = reviewed(tmp_path, pay(DB), moved)
    assert (changes(found), found.differs) == ([], False)
    assert [(str(one.source), str(one.target)) for one in found.plan.moves] == [
        ("secret.pay/db", "secret.paid/db"),
        ("vault.pay", "vault.paid"),
    ]
    forgotten = reviewed(tmp_path, pay(DB), PAY + "removed: {secret.pay/db: forget}\n")
    assert (changes(forgotten), forgotten.differs) == ([], False)


def test_an_entry_under_another_name_without_a_move_is_taken_over(tmp_path: Path) -> None:
    one, other = (pay(f"    secrets: {{{key}: {{name: db, value_from: {{env: A}}}}}}") for key in ("a", "b"))
    assert changes(reviewed(tmp_path, one, other)) == ["import secret.pay/b"]


HR = "vaults:\n  hr: {existing: true, name: kv-hr, access: rbac%s}\n"


def test_what_is_attached_is_known_as_far_as_it_is_written(tmp_path: Path) -> None:
    roles = ", roles: {ci: [Key Vault Reader]}"
    found = reviewed(tmp_path, HR % "", HR % f"{roles}, resource_group: rg-hr")
    assert changes(found) == ["create role_assignment.hr/ci/key-vault-reader"]
    attached = reviewed(tmp_path, "", HR % ", secrets: {a: {value_from: kept}}")
    assert changes(attached) == ["no-op secret.hr/a"]
    gone = reviewed(tmp_path, HR % ", secrets: {a: {value_from: kept}}", HR % "")
    assert risks(gone) == {"secret.hr/a": "recoverable for 7 to 90 days"}
    assert reviewed(tmp_path, HR % "", "").differences == ()


def test_what_becomes_ours_was_somebody_elses(tmp_path: Path) -> None:
    ours = "vaults:\n  hr: {name: kv-hr, access: rbac, resource_group: rg, location: westeurope%s}\n"
    found = reviewed(tmp_path, HR % ", resource_group: rg", ours % ", tags: {a: b}, network: {public: true}")
    assert changes(found) == ["import vault.hr"]
    assert blocks(found) == ["unmanaged-exists vault.hr"]
    assert blocks(reviewed(tmp_path, HR % ", resource_group: rg", ours % ", import: true")) == []
    let_go = reviewed(tmp_path, ours % "", HR % ", resource_group: rg")
    assert (changes(let_go), [one.action for one in let_go.plan.changes]) == ([], ["no-op", "forget"])


def test_of_what_was_imported_only_the_written_is_known(tmp_path: Path) -> None:
    base = pay("    import: all", "    network: {default: deny}", "    tags: {a: b}", DB)
    more = "    network: {default: deny, ip_rules: [203.0.113.0/24]}"
    head = pay("    import: all", "    sku: premium", more, "    tags: {a: c, d: e}", DB)
    found = reviewed(tmp_path, base, head)
    assert changes(found) == ["update vault.pay tags.a"]
    assert found.plan.notes == ("vault.pay from now on manages sku, network.ip_rules, tags.d, taken to be so already",)


def test_a_name_that_is_pinned_is_the_same_principal(tmp_path: Path) -> None:
    text = pay("    access_policies: {dev: {secrets: [list]}}")
    pinned = HEAD.replace("{group: Developers}", "{group: Developers, object_id: 1b2c0000-0000-4000-8000-0000000000d1}")
    plain, exact = document(tmp_path / "a", text), document(tmp_path / "b", text, pinned)
    for one, other in ((plain, exact), (exact, plain)):
        assert not review(registry(), one, other, TODAY).differs
    moved = document(tmp_path / "c", text, pinned.replace("00d1", "00d2"))
    other_person = review(registry(), exact, moved, TODAY)
    assert blocks(other_person) == ["immutable access_policy.pay/dev"]
    assert risks(other_person) == {"access_policy.pay/dev": "irreversible"}


def test_what_one_side_leaves_open_is_as_the_other_has_it(tmp_path: Path) -> None:
    head = HEAD.replace("tenant: 11111111-1111-1111-1111-111111111111\n", "")
    open_ = head.replace("subscription: 22222222-2222-2222-2222-222222222222\n", "")
    text = pay("    roles: {ci: [My Role]}").replace("policies", "rbac")
    one, other = document(tmp_path / "a", text, open_), document(tmp_path / "b", text)
    assert not review(registry(), one, other, TODAY).differs
    assert not review(registry(), other, one, TODAY).differs
    assert not review(registry(), one, one, TODAY).differs


def test_another_tenant_is_another_vault(tmp_path: Path) -> None:
    other = HEAD.replace("tenant: 1111", "tenant: 3333")
    found = review(registry(), document(tmp_path / "a", PAY), document(tmp_path / "b", PAY, other), TODAY)
    assert blocks(found) == ["immutable vault.pay"]


def test_a_side_without_a_root_file_declares_nothing(tmp_path: Path) -> None:
    one = document(tmp_path / "a", pay(DB) + "fingerprint: secret.pay/key\n")
    new, gone = review(registry(), nothing(one), one, TODAY), review(registry(), one, nothing(one), TODAY)
    assert changes(new) == ["create resource_group.rg", "create secret.pay/db", "create vault.pay"]
    assert [one.action for one in gone.differences] == ["destroy"] * 3


def test_a_move_onto_something_else_is_an_error(tmp_path: Path) -> None:
    both = pay("    secrets: {a: {value_from: {env: A}}, b: {value_from: {env: B}}}")
    head = pay("    secrets: {b: {value_from: {env: B}}}") + "moved: {secret.pay/a: secret.pay/b}\n"
    with pytest.raises(PlanError, match="move-taken"):
        reviewed(tmp_path, both, head)


def lint(found: Review) -> list[str]:
    return sorted(f"{one.address} {one.rule.id}" for one in found.findings)


def test_lint_tells_only_what_the_change_brings(tmp_path: Path) -> None:
    bare = pay("    secrets: {db: {value_from: {env: DB}}, ok: {value_from: {env: A}, expires: 2030-01-01}}")
    head = pay(
        "    secrets: {db: {value_from: {env: DB}, tags: {a: b}}, ok: {value_from: {env: A}}, new: {value_from: kept}}"
    )
    new = [f"secret.pay/{one}" for one in ("new secret-content-type", "new secret-expiry", "ok secret-expiry")]
    assert lint(reviewed(tmp_path, bare, head)) == new
    moved = head.replace("  pay:", "  paid:") + "moved: {vault.pay: vault.paid}\n"
    assert lint(reviewed(tmp_path, bare, moved)) == [one.replace("pay/", "paid/") for one in new]
    ignoring = "lint: {ignore: {secret-content-type: they are all alike}}\n"
    assert lint(reviewed(tmp_path, bare, head + ignoring)) == new[1:]
    assert "vault.pay purge-protection" in lint(
        reviewed(tmp_path, PAY.replace("30", "30\n    purge_protection: true"), bare)
    )


def test_what_is_the_same_in_both_is_left_aside_and_counted(tmp_path: Path) -> None:
    many = [f"      s{number}: {{value_from: {{env: S}}}}" for number in range(12)]
    command = ["      c: {value_from: {command: [x]}}", "      k: {existing: true}"]
    one = document(tmp_path / "a", pay("    secrets:", *many, *command))
    other = document(tmp_path / "b", pay("    secrets:", *many[:-1], many[-1].replace("S", "T"), *command))
    left, right, aside = without_equal(one, other)
    assert aside == 12
    assert [str(at) for at in left.resources if at.kind == "secret"] == ["secret.pay/s11"]
    assert left.resources.keys() == right.resources.keys()
    moved = replace(other, moved={next(iter(other.resources)): next(iter(one.resources))})
    assert without_equal(one, moved) == (one, moved, 0)
    assert without_equal(one, replace(other, tenant=Origin("other", "test")))[2] == 0
