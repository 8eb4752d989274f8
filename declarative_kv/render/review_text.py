"""A review as text: access first, then guards, what cannot be undone, the changes with what they risk, the rest."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.model.review import Comparison, Reviewed
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.plan_text import body_lines, labelled
from declarative_kv.render.review_words import closing, finding_words, tags, title
from declarative_kv.render.rows import place
from declarative_kv.render.safe import safe


def review_text(compared: Comparison, paint: Paint = PLAIN) -> str:
    """All reviews, one after the other; colour says nothing that the text does not."""
    return "\n\n".join("\n".join(_lines(compared, one, paint)) for one in compared.reviews)


def _lines(compared: Comparison, one: Reviewed, paint: Paint) -> Iterator[str]:
    review, named = one.review, title(one)
    environments = f" · env {named}" if named else ""
    yield paint("dim", f"{safe(compared.base)} -> {safe(compared.head)}{environments}")
    yield from body_lines(review.plan, paint, tags(review))
    settings = [
        "  ".join(part for part in (safe(each.subject), safe(each.text), place(each.span)) if part)
        for each in review.settings
    ]
    yield from labelled("Rules", ([line] for line in settings), paint, "bold")
    yield from labelled("Lint", ([finding_words(each)] for each in review.findings), paint, "bold yellow")
    yield ""
    yield from (paint("bold", line) for line in closing(review))
