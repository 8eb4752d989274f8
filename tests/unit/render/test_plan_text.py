"""The text of a plan is what a reviewer and an auditor read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.model.plan import Action, AttrDiff, Block, Options, Plan, Reason, Unwritten, Value, Verdict
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.paint import Paint
from declarative_kv.render.plan_text import plan_text

from .plans import (
    HEAD,
    SAMPLE,
    VAULT_LOCKS,
    at,
    change,
    grant,
    plan_of,
    policy,
    secret,
    vault,
)

EXPECTED = """\
env prod · subscription 2222… (from YAML) · as kv-plan (workload identity) · state serial 41 · read 09:14:07Z
Access        + ci  reads secret values   vault.payments   (secrets: get)
Blocked       ! value-moved-outside  secret.hr/api-key  changed in Azure 2026-11-20, source unchanged
                --allow value-moved-outside=secret.hr/api-key
Irreversible  ! vault.payments  purge_protection: false -> true                       dkv.yaml:31
                --allow irreversible=vault.payments
vault.hr
  ~ secret.hr/api-key               value                                             dkv.yaml:63
vault.payments
  ~ access_policy.payments/ci       secrets: [list] -> [get, list]                    dkv.yaml:40
  ? secret.payments/db-password     value not compared (PAYMENTS_DB_PASSWORD is not set)
  + secret.payments/session-key     value (generated)                                 dkv.yaml:52
Unmanaged     access_policy 77aa… on vault.payments (alarm)

Plan: 1 to add, 2 to change, 0 to destroy."""


def rows(plan: Plan) -> list[str]:
    return plan_text(plan).splitlines()[1:]


def test_the_sample_of_the_product_page_reads_as_it_does_there() -> None:
    assert plan_text(SAMPLE) == EXPECTED


def test_a_plan_without_changes_says_so_in_terraforms_words() -> None:
    assert plan_text(plan_of()).endswith("\nNo changes. Your infrastructure matches the configuration.")


@pytest.mark.parametrize(
    ("action", "symbol"),
    [
        (Action.CREATE, "  +"),
        (Action.UPDATE, "  ~"),
        (Action.REPLACE, "-/+"),
        (Action.RECOVER, "  ^"),
        (Action.IMPORT, "  >"),
        (Action.DESTROY, "  -"),
        (Action.FORGET, "  ."),
    ],
)
def test_each_action_has_a_symbol_that_needs_no_colour(action: Action, symbol: str) -> None:
    text = rows(plan_of(change("secret.payments/db", action, secret("db"))))
    assert text[1].startswith(f"{symbol} secret.payments/db ")


def test_the_row_says_which_side_moved() -> None:
    moved = change(
        "vault.payments",
        Action.UPDATE,
        vault(sku="standard"),
        Reason.AZURE_MOVED,
        diff=(AttrDiff(("sku",), "premium", "standard"), AttrDiff(("tags", "team"), None, "payments")),
    )
    assert rows(plan_of(moved))[1:3] == [
        "  ~ vault.payments                  sku: premium -> standard (changed in Azure)",
        "                                    tags.team: (none) -> payments",
    ]


def test_a_new_grant_names_role_holder_and_scope() -> None:
    new = change("role_assignment.payments/ci/key-vault-reader", Action.CREATE, grant(), Reason.NEW)
    assert "Key Vault Reader for ci at vault kv-payments-p1" in plan_text(plan_of(new))


def test_an_access_policy_under_another_key_says_whose_it_is() -> None:
    new = change("access_policy.payments/harness", Action.CREATE, policy("get"), Reason.NEW)
    assert "for ci, secrets: [get]" in plan_text(plan_of(new))


def test_a_recovered_vault_says_that_its_settings_are_not_known_yet() -> None:
    back = change("vault.payments", Action.RECOVER, vault(), Reason.SOFT_DELETED, known=False)
    assert "recover (soft-deleted outside)" in plan_text(plan_of(back))
    assert "(known after recover)" in plan_text(plan_of(back))


def test_forgets_have_a_line_of_their_own_so_that_terraforms_line_stays() -> None:
    gone = change("secret.payments/old", Action.FORGET, reason=Reason.GONE)
    assert rows(plan_of(gone))[-2:] == [
        "Forget: 1 entry to drop from the state; Azure is left alone.",
        "Plan: 0 to add, 0 to change, 0 to destroy.",
    ]


def test_grants_beside_the_vaults_come_after_them_and_groups_before() -> None:
    plan = plan_of(
        change("reader_role.harness", Action.CREATE, grant(), Reason.NEW),
        change("role_assignment.writer", Action.CREATE, grant(), Reason.NEW),
        change("vault.payments", Action.CREATE, vault(), Reason.NEW),
        change("resource_group.rg", Action.DESTROY, reason=Reason.UNDECLARED),
    )
    titles = [line for line in rows(plan) if line and not line.startswith((" ", "Plan"))]
    assert titles == ["resource_groups", "vault.payments", "reader_roles", "role_assignments"]


def test_a_lifted_guard_stays_visible_and_no_longer_asks_to_be_lifted() -> None:
    block = Block("protected", at("vault.payments"), "vaults are protected", allowed=True)
    text = plan_text(plan_of(VAULT_LOCKS, blocks=(block,)))
    assert "Allowed       ! protected  vault.payments  vaults are protected" in text
    assert "--allow" not in text


def test_settings_that_left_the_yaml_are_noted() -> None:
    plan = plan_of(unwritten=(Unwritten(at("vault.payments"), ("network",)),))
    assert "Note          vault.payments  no longer managed: network (stays as it is)" in plan_text(plan)


def test_an_ignored_unmanaged_object_is_not_listed() -> None:
    ignored = replace(SAMPLE.unmanaged[0], policy=OtherPolicy.IGNORE)
    assert "Unmanaged" not in plan_text(plan_of(unmanaged=(ignored,)))


def test_an_update_whose_value_could_not_be_compared_says_both() -> None:
    both = change(
        "secret.payments/db",
        Action.UPDATE,
        secret("db"),
        diff=(AttrDiff(("enabled",), False, True),),
        verdict=Verdict(Value.NOT_COMPARED, "DB is not set"),
    )
    lines = rows(plan_of(both))
    assert lines[1].endswith("enabled: false -> true")
    assert lines[2].strip() == "value not compared (DB is not set)"


def test_names_cannot_steer_the_terminal() -> None:
    evil = change(
        "vault.payments",
        Action.UPDATE,
        vault(),
        diff=(AttrDiff(("tags", "a\x1b[2K"), "\u202eevil", "x\r\ny"),),
    )
    text = plan_text(plan_of(evil))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text
    assert "tags.a\\x1b[2K: \\u202eevil -> x\\x0d\\x0ay" in text


def test_nothing_of_the_first_sections_is_cut_however_long() -> None:
    blocks = tuple(Block("protected", at(f"vault.v{number}"), "x" * 300) for number in range(500))
    text = plan_text(plan_of(blocks=blocks))
    assert all(f"--allow protected=vault.v{number}\n" in text for number in range(500))
    assert text.count("x" * 300) == 500


def test_colour_adds_nothing_but_colour() -> None:
    coloured = plan_text(SAMPLE, Paint(colour=True))
    assert coloured != EXPECTED
    stripped = coloured
    for code in ("1", "2", "31", "32", "33", "36", "1;31", "1;33", "0"):
        stripped = stripped.replace(f"\x1b[{code}m", "")
    assert stripped == EXPECTED


def test_a_refresh_only_plan_shows_the_drift_that_it_takes_over() -> None:
    from declarative_kv.model.plan import Drift

    drift = Drift(at("vault.payments"), Action.UPDATE, (AttrDiff(("sku",), "standard", "premium"),))
    text = plan_text(plan_of(drift=(drift,), options=Options(refresh_only=True)))
    assert "Drift         ~ vault.payments  changed\n                sku: standard -> premium" in text
    assert "into the state only" in text


def test_the_head_leaves_out_an_environment_that_there_is_none_of() -> None:
    assert plan_text(plan_of(head=replace(HEAD, environment=None))).startswith("subscription 2222…")


def test_a_row_that_is_too_long_for_its_place_keeps_it() -> None:
    long = change(
        "vault.payments",
        Action.UPDATE,
        vault(),
        diff=(AttrDiff(("tags", "a"), "x" * 100, "y"),),
        span=VAULT_LOCKS.span,
    )
    assert rows(plan_of(long))[1].endswith(" -> y  dkv.yaml:31")
