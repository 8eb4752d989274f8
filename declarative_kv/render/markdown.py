"""Pieces of Markdown, and the budget that a comment has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from declarative_kv.render.safe import prose, safe

BUDGET: Final = 60_000
"""Characters of a whole document: GitHub refuses a comment above 65,536, Azure DevOps 150,000, GitLab 1,000,000."""
_ROOM: Final = 240
"""Characters kept for the line that says what is left out."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the cells are Markdown already."""
    return [_line(header), _line(["---"] * len(header)), *map(_line, rows), ""]


def fenced(lines: Iterable[str], language: str = "diff") -> list[str]:
    """A code block, its fence longer than any run of backticks at the start of a line inside."""
    body = [safe(line) for line in lines]
    longest = max((len(line) - len(line.lstrip("`")) for line in body), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *body, fence, ""]


@dataclass(frozen=True, slots=True)
class Block:
    """A part that may be shortened: a heading, and lines below it, in a code block unless `plain`, which are Markdown.

    `counts` says what the lines are about.
    """

    heading: str
    lines: Sequence[str]
    counts: str = "changes"
    plain: bool = False

    def text(self, lines: Sequence[str]) -> str:
        """The block with these of its lines."""
        body = [*lines, ""] if self.plain else fenced(lines)
        return "\n".join([*([self.heading, ""] if self.heading else []), *body])


def within(fixed: str, blocks: Iterable[Block], closing: str, budget: int = BUDGET, *, how: str = "dkv show") -> str:
    """`fixed` and `closing`, and as many lines of the blocks between as fit; says how many do not, and where they are.

    Only where `fixed` and `closing` leave no room by themselves are they cut too, `fixed` last: a forge refuses the
    whole of a comment that is too long.
    """
    closing = _cut(closing, max(0, budget // 3), how) if len(fixed) + len(closing) + _ROOM > budget else closing
    fixed = _cut(fixed, budget - len(closing) - _ROOM, how)
    room = budget - len(fixed) - len(closing) - _ROOM
    taken: list[str] = []
    left: Counter[str] = Counter()
    for block in blocks:
        fits = _fitting(block, room) if not left else 0
        if fits:
            taken.append(block.text(block.lines[:fits]))
            room -= len(taken[-1]) + 1
        left[block.counts] += len(block.lines) - fits
        left += Counter()
    more = [_left_out(left, how)] if left else []
    return "\n".join([fixed, *taken, *more, closing])


def _fitting(block: Block, room: int) -> int:
    """How many of the block's lines fit."""
    if len(block.text(block.lines)) + 1 <= room:
        return len(block.lines)
    room -= len(block.text(())) + 1
    for number, line in enumerate(block.lines):
        room -= len(safe(line)) + 1
        if room < 0:
            return number
    return len(block.lines)


def _left_out(left: Mapping[str, int], how: str) -> str:
    told = " and ".join(f"{number} lines of {what}" for what, number in left.items())
    return f"_{told} are left out here; {how} has all of them._\n"


def _cut(text: str, room: int, how: str) -> str:
    """The first lines of a text that is too long, with how many are missing."""
    if len(text) <= room:
        return text
    kept = text[: max(0, room - _ROOM // 2)].rpartition("\n")[0]
    missing = text.count("\n") - kept.count("\n")
    return f"{kept}\n\n_{missing} lines are left out here; {how} has all of them._\n"


def ended(lines: Iterable[str], plan: str) -> str:
    """How an apply ended, above the Markdown of the plan that it carried out."""
    return "\n".join([*(f"**{prose(line)}**\n" for line in lines), plan])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
