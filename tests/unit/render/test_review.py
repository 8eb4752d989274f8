"""A review in its forms: what all environments say together, how it ends, and names that try to break out."""

from __future__ import annotations

import json
from datetime import date

from markdown_it import MarkdownIt

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.lint import RULES, Finding, Weight
from declarative_kv.model.plan import AccessLine, Action, AttrDiff, Block, Change, Head, Options, Plan, Reason
from declarative_kv.model.review import Comparison, Review, Reviewed, Risk, RiskClass, Setting
from declarative_kv.render.review_json import review_json
from declarative_kv.render.review_markdown import review_markdown
from declarative_kv.render.review_text import review_text
from declarative_kv.render.review_words import of_review

EVIL = "a\x1b[31m|<script>`\u202e\n::error::x"
AT = Address("secret", f"pay/{EVIL}")
SPAN = Span(EVIL, 3, 1)


def plan(*blocks: Block, changes: tuple[Change, ...] = (), access: tuple[AccessLine, ...] = ()) -> Plan:
    head = Head(None, "", "", "", "", 0, "")
    return Plan(head, changes, blocks=blocks, access=access, options=Options(values="never"))


def evil() -> Review:
    change = Change(AT, Action.UPDATE, Reason.CONFIG_MOVED, (AttrDiff(("content_type",), None, EVIL),), span=SPAN)
    line = AccessLine(True, EVIL, EVIL, "reads", EVIL, EVIL, AT, "p")
    risks = (Risk(RiskClass.WIDENS), Risk(RiskClass.RECOVERABLE, date(2027, 1, 2)))
    finding = Finding(RULES["secret-expiry"], Weight.BLOCK, AT, EVIL, SPAN)
    return Review(
        plan(Block("protected", AT, EVIL), changes=(change,), access=(line,)),
        {AT: risks},
        (Setting(EVIL, EVIL, SPAN), Setting("guards.access-widened", "no longer blocks")),
        (finding, Finding(RULES["secret-expiry"], Weight.NOTE, Address("secret", "pay/db"), "It has no end.")),
    )


def compared(*reviews: tuple[tuple[str, ...], Review]) -> Comparison:
    return Comparison(EVIL, "working tree", tuple(Reviewed(names, one) for names, one in reviews))


def test_nothing_breaks_out_of_any_form() -> None:
    both = compared(((EVIL,), evil()), (("test", "prod"), Review(plan())))
    forms = (review_text(both), review_markdown(both), json.dumps(review_json(both)))
    for text in forms:
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for text in forms for line in text.splitlines())
    page = MarkdownIt("commonmark", {"html": True}).enable("table").parse(review_markdown(both))
    tokens = [inner for token in page for inner in (token, *(token.children or ()))]
    assert not [token.content for token in tokens if token.type in ("html_block", "html_inline")]


def test_each_environment_has_its_heading_and_its_closing() -> None:
    both = compared((("prod", "test"), Review(plan())), (("dev",), evil()))
    assert "env prod, test" in review_text(both)
    text = review_markdown(both)
    assert text.index("### dkv review: prod, test") < text.index("### dkv review: dev") < text.index("#### Access")
    assert " in dev\n" in text
    assert of_review(both).lines == (
        "prod, test: No changes. Both mean the same.",
        "dev: Review: 0 to add, 1 to change, 0 to destroy.",
        "dev: Risk: 1 widens access.",
    )


def test_blocked_beats_different_and_different_counts_only_where_it_is_asked_for() -> None:
    same, other = Review(plan()), Review(plan(), settings=(Setting("a", "b"),))
    assert of_review(compared(((), evil())), detailed=True).code == 3
    assert [of_review(compared(((), one)), detailed=True).code for one in (same, other)] == [0, 2]
    assert of_review(compared(((), other))).code == 0
    assert of_review(compared(((), other))).lines == ("Review: 0 to add, 0 to change, 0 to destroy.",)


def test_the_json_says_it_all_in_one_shape() -> None:
    found = review_json(compared(((), evil())), detailed=True)
    (one,) = found["reviews"]
    assert (found["format"], found["exit_code"], found["blocked"], found["differs"]) == ("dkv-review/1", 3, True, True)
    assert one["changes"][0]["risks"] == [
        {"class": "widens access", "until": None},
        {"class": "recoverable", "until": "2027-01-02"},
    ]
    assert [each["rule"] for each in one["lint"]] == ["secret-expiry"] * 2
    assert one["environments"] == []


def test_the_list_of_changes_is_shortened_before_anything_that_must_be_seen() -> None:
    many = tuple(
        Change(Address("secret", f"pay/s{number}"), Action.DESTROY, Reason.UNDECLARED) for number in range(3000)
    )
    safe = (Risk(RiskClass.SAFE),)
    found = Review(plan(Block("many-destroys", None, "x"), changes=many), {one.address: safe for one in many})
    text = review_markdown(compared(((), found)))
    assert len(text) <= 60_000
    assert "many-destroys" in text
    assert "`dkv review` has all of them" in text
