"""Markdown for comments: what matters comes first and is never cut; names of others are not markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from declarative_kv.model.plan import Action, AttrDiff, Block, Drift, Reason
from declarative_kv.render.drift_markdown import drift_markdown
from declarative_kv.render.markdown import BUDGET
from declarative_kv.render.plan_markdown import plan_markdown
from declarative_kv.render.safe import code, prose

from .plans import SAMPLE, at, change, plan_of, secret, vault


def test_a_plan_shows_access_guards_and_changes_in_this_order() -> None:
    text = plan_markdown(SAMPLE)
    marks = ["**Plan: 1 to add", "#### Access", "#### Blocked", "#### Cannot be undone", "```diff", "#### Unmanaged"]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_the_first_parts_stay_whole_where_the_rest_is_cut() -> None:
    changes = [change(f"secret.v{n}/db", Action.CREATE, secret("db"), Reason.NEW) for n in range(400)]
    blocks = tuple(Block("protected", at(f"vault.v{number}"), "it is protected") for number in range(300))
    text = plan_markdown(plan_of(*changes, blocks=blocks), budget=40_000)
    assert all(f"`--allow protected=vault.v{number}`" in text for number in range(300))
    assert re.search(r"_\d+ lines of changes are left out here; `dkv plan`", text)
    assert "Plan: 400 to add, 0 to change, 0 to destroy." in text
    assert len(text) <= 40_000


def test_nothing_is_said_to_be_left_out_where_all_fits() -> None:
    assert "left out" not in plan_markdown(SAMPLE)


def test_a_long_vault_is_shortened_line_by_line_and_all_lines_are_accounted_for() -> None:
    changes = [change(f"secret.v/s{n:04}", Action.CREATE, secret("s"), Reason.NEW) for n in range(3000)]
    text = plan_markdown(plan_of(*changes))
    shown = len(re.findall(r"^\+ secret\.v/s\d{4}", text, re.MULTILINE))
    (left,) = re.findall(r"_(\d+) lines of changes are left out", text)
    assert shown > 500
    assert shown + int(left) == 3000
    assert len(text) <= BUDGET
    assert "**Plan: 3000 to add, 0 to change, 0 to destroy.**" in text


@pytest.mark.parametrize("limit", [65_536, 150_000, 1_000_000])
def test_it_stays_under_every_forges_limit_whatever_is_in_it(limit: int) -> None:
    access = [replace(SAMPLE.access[0], who=f"principal-{n}") for n in range(5000)]
    blocks = tuple(Block("protected", at(f"vault.v{number}"), "it is protected" * 9) for number in range(2000))
    text = plan_markdown(replace(SAMPLE, access=tuple(access), blocks=blocks, notes=("a note",) * 3000))
    assert len(text) <= BUDGET < limit
    assert text.startswith("### dkv: prod\n\n**Plan: 1 to add")
    assert "principal-100" in text
    assert "lines are left out here" in text
    moved = Drift(at("vault.payments"), Action.UPDATE, (AttrDiff(("sku",), "standard", "premium"),))
    many = drift_markdown(plan_of(drift=(moved,) * 9000, unmanaged=SAMPLE.unmanaged * 50))
    assert len(many) <= BUDGET
    assert re.search(r"_\d+ lines of drift and 50 lines of unmanaged are left out here; `dkv drift`", many)


def test_a_name_cannot_close_the_code_block_or_mention_anybody() -> None:
    evil = change(
        "vault.payments", Action.UPDATE, vault(), diff=(AttrDiff(("tags", "a"), "b", "```\n# gone @everyone"),)
    )
    text = plan_markdown(plan_of(evil, notes=("@everyone <img src=x> [a](b)",)))
    assert "\n# gone" not in text
    assert "\\<img" in text
    assert "- @&#8203;everyone" in text


def test_code_spans_hold_backticks_and_pipes() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert code("a|b") == "`a\\|b`"


def test_prose_is_not_markup() -> None:
    assert prose("*a* _b_ # #1 | ~x~") == "\\*a\\* \\_b\\_ \\# #&#8203;1 \\| \\~x\\~"


def test_drift_tells_what_moved() -> None:
    moved = Drift(at("vault.payments"), Action.UPDATE, (AttrDiff(("sku",), "standard", "premium"),), since="2026-11-20")
    text = drift_markdown(plan_of(drift=(moved,)))
    assert "**Drift: 1 changed outside.**" in text
    assert "~ vault.payments  changed 2026-11-20" in text
