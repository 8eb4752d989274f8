"""Pieces of Markdown, and the budget that a comment has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from declarative_kv.render.safe import prose, safe

BUDGET: Final = 60_000
"""Characters of a whole document; forges refuse comments a little above that."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the cells are Markdown already."""
    return [_line(header), _line(["---"] * len(header)), *map(_line, rows), ""]


def fenced(lines: Iterable[str], language: str = "diff") -> list[str]:
    """A code block, its fence longer than any run of backticks at the start of a line inside."""
    body = [safe(line) for line in lines]
    longest = max((len(line) - len(line.lstrip("`")) for line in body), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *body, fence, ""]


def within(fixed: str, blocks: Iterable[str], closing: str, budget: int = BUDGET) -> str:
    """`fixed` and `closing` whole, and as many of `blocks` between as fit; says how many did not."""
    room = budget - len(fixed) - len(closing) - 200
    taken: list[str] = []
    left = 0
    for block in blocks:
        if left or len(block) + 1 > room:
            left += 1
            continue
        taken.append(block)
        room -= len(block) + 1
    more = [f"_Left out here, {left} more; the job's log has all of it._\n"] if left else []
    return "\n".join([fixed, *taken, *more, closing])


def ended(lines: Iterable[str], plan: str) -> str:
    """How an apply ended, above the Markdown of the plan that it carried out."""
    return "\n".join([*(f"**{prose(line)}**\n" for line in lines), plan])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
