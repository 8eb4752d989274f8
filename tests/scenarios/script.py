"""A scenario file: Markdown whose fenced blocks are files to write and commands to run, with their exact output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[a-z]+)(?: (?P<name>\S+))?\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
"""A block; where its output holds fences of its own it has one of four backticks."""


@dataclass(frozen=True, slots=True)
class Write:
    """A block with a file name: the file's whole text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line `$ command` of a console block and what it must print; `start` and `end` delimit that in the file."""

    command: str
    expected: str
    start: int
    end: int


def parse(text: str) -> list[Write | Step]:
    """The parts of a scenario in their order."""
    parts: list[Write | Step] = []
    for fence in _FENCE.finditer(text):
        if fence["language"] == "console":
            parts.extend(_steps(fence["body"], fence.start("body")))
        elif fence["name"]:
            parts.append(Write(fence["name"], fence["body"]))
    return parts


def _steps(body: str, offset: int) -> list[Step]:
    starts = [match.start() for match in re.finditer(r"^\$ ", body, re.MULTILINE)]
    steps = []
    for start, following in zip(starts, [*starts[1:], len(body)], strict=True):
        block = body[start:following]
        line, _, expected = block.partition("\n")
        begin = offset + start + len(line) + 1
        steps.append(Step(line[2:].strip(), expected, begin, begin + len(expected)))
    return steps


def rewritten(text: str, outputs: list[tuple[Step, str]]) -> str:
    """The scenario with what was really printed."""
    for step, actual in reversed(outputs):
        text = text[: step.start] + actual + text[step.end :]
    return text


def scenario_files(root: Path) -> list[Path]:
    """Every scenario of the project, the pages of the guide among them."""
    return sorted([*(root / "tests" / "scenarios").glob("**/*.md"), *(root / "docs" / "guide").glob("*.md")])
