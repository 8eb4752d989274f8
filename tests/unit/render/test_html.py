"""The page is one document that asks for nothing; its parts say what they are about, and empty ones are left out."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.found import Checked
from declarative_kv.model.plan import Action, AttrDiff, Drift, Options, Plan, Reason
from declarative_kv.model.resource import Resource
from declarative_kv.render.html.drift_page import drift_page
from declarative_kv.render.html.element import joined, tag
from declarative_kv.render.html.plan_page import plan_page

from .plans import HEAD, SAMPLE, SECRET_IS_NEW, at, change, plan_of, secret, vault


def sections(text: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', text)


def test_text_is_text_and_markup_is_markup() -> None:
    made = tag("p", "<b>", tag("b", "x"), None, class_="a", hidden=True, title=None, open=False, data_find='"')
    assert made.text == '<p class="a" hidden data-find="&quot;">&lt;b&gt;<b>x</b></p>'
    assert tag("br").text == "<br>"
    assert tag("rect", x=1).text == '<rect x="1"/>'
    assert joined(["a", tag("b"), None], " & ").text == "a &amp; <b></b> &amp; "


def test_the_policy_knows_the_style_and_the_script_by_their_digests() -> None:
    page = plan_page(SAMPLE)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    for kind, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} &#x27;sha256-{digest}&#x27;" in policy
    assert policy.startswith("default-src &#x27;none&#x27;;")
    assert "http" not in style + script.replace("https", "")


def test_a_plan_begins_with_access_and_has_no_part_that_is_empty() -> None:
    assert sections(plan_page(SAMPLE))[:4] == ["access", "guards", "irreversible", "changes"]
    assert sections(plan_page(plan_of())) == []


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        (SAMPLE, "Blocked"),
        (plan_of(SECRET_IS_NEW), "Changes"),
        (plan_of(), "In order"),
        (plan_of(unreadable=(Diagnostic("forbidden", "Azure refused the operation"),)), "Incomplete"),
        (plan_of(drift=(Drift(at("vault.a"), Action.DESTROY),), options=Options(refresh_only=True)), "Changes"),
    ],
)
def test_the_verdict_of_a_plan_is_one_word(plan: Plan, word: str) -> None:
    assert re.findall(r'<span class="pill \w+">([^<]*)</span> ', plan_page(plan))[0] == word


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        (plan_of(), "No drift"),
        (plan_of(drift=(Drift(at("vault.a"), Action.DESTROY),)), "Drift"),
        (plan_of(unreadable=(Diagnostic("forbidden", "Azure refused the operation"),)), "Incomplete"),
    ],
)
def test_the_verdict_of_drift_is_one_word(plan: Plan, word: str) -> None:
    assert re.findall(r'<span class="pill \w+">([^<]*)</span> ', drift_page(plan))[0] == word


def test_without_an_environment_the_title_does_without() -> None:
    plain = replace(HEAD, environment=None)
    assert "<h1>Plan</h1>" in plan_page(replace(SAMPLE, head=plain))
    assert "<h1>Drift</h1>" in drift_page(plan_of(head=plain))
    assert "<h1>Plan for prod</h1>" in plan_page(SAMPLE)


def test_old_and_new_stand_apart_where_it_is_sure_which_is_which() -> None:
    sure = AttrDiff(("sku",), "standard", "premium")
    unsure = AttrDiff(("tags", "a"), "x -> y", "z")
    page = plan_page(plan_of(change("vault.v", Action.UPDATE, vault(), diff=(sure, unsure))))
    assert "<p>sku: <del>standard</del> → <ins>premium</ins></p>" in page
    assert "<p>tags.a: x -&gt; y -&gt; z</p>" in page


def test_a_large_vault_begins_closed() -> None:
    many = [change(f"secret.v/s{number}", Action.CREATE, secret("s"), Reason.NEW) for number in range(50)]
    assert '<details class="group"><summary><h3>vault.v</h3>' in plan_page(plan_of(*many))
    assert '<details open class="group"><summary><h3>vault.v</h3>' in plan_page(plan_of(*many[:9]))


def test_what_is_alike_is_drawn_once_and_too_much_is_not_drawn() -> None:
    many = [change(f"secret.v/s{number}", Action.CREATE, secret("s"), Reason.NEW) for number in range(50)]
    page = plan_page(plan_of(change("vault.v", Action.CREATE, vault()), *many))
    assert "50 in v" in page
    vaults = [change(f"vault.v{number}", Action.CREATE, vault(), Reason.NEW) for number in range(200)]
    page = plan_page(plan_of(*vaults))
    assert "200 addresses are too many to draw." in page
    assert "<svg" not in page


def test_a_drawing_has_what_is_needed_and_did_not_change() -> None:
    resting = change("vault.v", Action.NOOP, vault(), Reason.EQUAL)
    idle = change("vault.idle", Action.NOOP, vault(), Reason.EQUAL)
    wanted = Resource(at("secret.v/s"), secret("s"), depends_on=frozenset({at("vault.v")}))
    page = plan_page(plan_of(resting, idle, replace(SECRET_IS_NEW, address=at("secret.v/s"), desired=wanted)))
    assert "vault · no change" in page
    assert "idle" not in page
    assert "secret.v/s needs vault.v" in page


def test_drift_is_drawn_with_what_moved_in_colour() -> None:
    checked = (Checked(at("vault.v")), Checked(at("secret.v/s"), (at("vault.v"),)))
    page = drift_page(plan_of(drift=(Drift(at("secret.v/s"), Action.UPDATE),), checked=checked))
    assert "vault · as applied" in page
    assert '<g class="node turn"><title>secret v/s: changed</title>' in page


def test_a_refresh_only_plan_shows_what_it_takes_over() -> None:
    moved = Drift(at("vault.v"), Action.UPDATE, (AttrDiff(("sku",), "standard", "premium"),), since="2026-11-20")
    page = plan_page(plan_of(drift=(moved,), options=Options(refresh_only=True)))
    assert "Changed outside" in page
    assert "changed 2026-11-20" in page
