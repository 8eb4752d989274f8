"""A review as Markdown for a pull request: what a reviewer must see first, never cut; the rest as far as it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from declarative_kv.model.review import Comparison, Review, Reviewed
from declarative_kv.render.markdown import BUDGET, Block, within
from declarative_kv.render.plan_markdown import blocks, first_parts, notes
from declarative_kv.render.review_words import closing, finding_words, tags, title
from declarative_kv.render.rows import place
from declarative_kv.render.safe import code, prose

_HOW = "`dkv review`"


def review_markdown(compared: Comparison, budget: int = BUDGET) -> str:
    """All reviews in at most `budget` characters; access, guards and what cannot be undone are whole where they fit."""
    fixed = [line for one in compared.reviews for line in _first(compared, one)]
    last = [line for one in compared.reviews for line in _last(one)]
    return within("\n".join(fixed), _changes(compared), "\n".join(last), budget, how=_HOW) + "\n"


def _first(compared: Comparison, one: Reviewed) -> Iterator[str]:
    yield from (f"### dkv review{f': {prose(title(one))}' if one.environments else ''}", "")
    yield from (line for text in closing(one.review) for line in (f"**{prose(text)}**", ""))
    yield from (f"{code(compared.base)} → {code(compared.head)}", "")
    yield from first_parts(one.review.plan)
    yield from _rules(one.review)


def _rules(review: Review) -> Iterator[str]:
    if review.settings:
        yield from ("#### Rules", "")
        for each in review.settings:
            where = f" ({code(place(each.span))})" if each.span else ""
            yield f"- {code(each.subject)} {prose(each.text)}{where}"
        yield ""


def _changes(compared: Comparison) -> Iterator[Block]:
    """The changes by vault; where there are several reviews each heading says of which environments it is."""
    for one in compared.reviews:
        for block in blocks(one.review.plan, tags(one.review)):
            whose = f" in {prose(title(one))}" if len(compared.reviews) > 1 else ""
            yield replace(block, heading=f"{block.heading}{whose}")


def _last(one: Reviewed) -> Iterator[str]:
    yield from notes(one.review.plan)
    if one.review.findings:
        yield from ("#### Lint", "")
        yield from (f"- {prose(finding_words(each))}" for each in one.review.findings)
        yield ""
