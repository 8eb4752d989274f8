"""Markdown for comments: what matters comes first and is never cut; names of others are not markup."""

from __future__ import annotations

from declarative_kv.model.plan import Action, AttrDiff, Block, Drift, Reason
from declarative_kv.render.drift_markdown import drift_markdown
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
    assert "Left out here, " in text
    assert "Plan: 400 to add, 0 to change, 0 to destroy." in text
    assert len(text) <= 40_000


def test_nothing_is_said_to_be_left_out_where_all_fits() -> None:
    assert "Left out" not in plan_markdown(SAMPLE)


def test_a_name_cannot_close_the_code_block_or_mention_anybody() -> None:
    evil = change(
        "vault.payments", Action.UPDATE, vault(), diff=(AttrDiff(("tags", "a"), "b", "```\n# gone @everyone"),)
    )
    text = plan_markdown(plan_of(evil, notes=("@everyone <img src=x> [a](b)",)))
    assert "\n# gone" not in text
    assert "\\<img" in text
    assert "- &#64;everyone" in text


def test_code_spans_hold_backticks_and_pipes() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert code("a|b") == "`a\\|b`"


def test_prose_is_not_markup() -> None:
    assert prose("*a* _b_ #1 | ~x~") == "\\*a\\* \\_b\\_ \\#1 \\| \\~x\\~"


def test_drift_tells_what_moved() -> None:
    moved = Drift(at("vault.payments"), Action.UPDATE, (AttrDiff(("sku",), "standard", "premium"),), since="2026-11-20")
    text = drift_markdown(plan_of(drift=(moved,)))
    assert "**Drift: 1 changed outside.**" in text
    assert "~ vault.payments  changed 2026-11-20" in text
