"""What the sources say beside the code: nothing decorative, nothing left for later, nothing silenced without reason."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Function, modules, trees

BANNER = re.compile(r"#+\s*([-=*#~_]{3,}|.*[-=*#~_]{4,}\s*$)")
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SILENCED = re.compile(r"#\s*(type: ignore\[[\w, -]+\]|noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|pragma: no (?:cover|branch))(.*)")
BARE = re.compile(r"#\s*(type: ignore(?!\[)|noqa(?!: [A-Z]+\d))")

SILENCED_AT_MOST = 6
NOT_COVERED_AT_MOST = 0
"""Ratchets: these numbers only ever fall."""


def comments(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every comment, with its place."""
    for name, text in texts.items():
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield f"{name}:{token.start[0]}", token.string


def matching(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [f"{place} {comment}" for place, comment in comments(texts) if pattern.search(comment)]


def unexplained(texts: dict[str, str]) -> list[str]:
    """The comments that silence a tool and do not say why."""
    found = [(place, SILENCED.search(comment)) for place, comment in comments(texts)]
    return [place for place, match in found if match and not re.search(r"\w", match[2])] + matching(BARE, texts)


def undocumented(name: str, tree: ast.Module) -> Iterator[str]:
    """The public things of a module that have no docstring; a nested function is nobody's but its parent's."""
    if not ast.get_docstring(tree):
        yield name
    waiting: list[ast.Module | ast.ClassDef] = [tree]
    while waiting:
        for node in waiting.pop().body:
            if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and not overloaded(node):
                yield f"{name}:{node.lineno} {node.name}"
            if isinstance(node, ast.ClassDef):
                waiting.append(node)


def overloaded(node: ast.ClassDef | Function) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)


def swallowing(tree: ast.Module) -> Iterator[int]:
    """The lines of handlers that do nothing at all with an error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            yield node.lineno


def test_no_comment_is_a_banner() -> None:
    assert matching(BANNER, modules()) == []


def test_nothing_is_left_for_later() -> None:
    assert [name for name, text in modules().items() if LATER.search(text)] == []
    assert [name for name, text in modules().items() if "NotImplementedError" in text] == []


def test_everything_public_says_what_it_is_for() -> None:
    assert [gap for name, tree in trees().items() for gap in undocumented(name, tree)] == []


def test_no_error_is_swallowed() -> None:
    assert [f"{name}:{line}" for name, tree in trees().items() for line in swallowing(tree)] == []


def test_what_silences_a_tool_says_why() -> None:
    assert unexplained(modules()) == []


def test_few_places_silence_a_tool() -> None:
    silenced = matching(SILENCED, modules())
    assert len(silenced) <= SILENCED_AT_MOST, silenced
    assert len([one for one in silenced if "pragma: no" in one]) <= NOT_COVERED_AT_MOST, silenced


@pytest.mark.parametrize("comment", ["# ---- helpers ----", "# =====", "##########", "# helpers ------"])
def test_a_banner_is_known_when_seen(comment: str) -> None:
    assert matching(BANNER, {"a.py": f"{comment}\n"})
    assert not matching(BANNER, {"a.py": "# one - two -- and `a__b`\n"})


@pytest.mark.parametrize(
    ("comment", "explained"),
    [
        ("# noqa: S603 - the arguments are our own", True),
        ("# type: ignore[attr-defined]  # the stubs leave it out", True),
        ("# noqa: S603", False),
        ("# noqa", False),
        ("# type: ignore", False),
        ("# type: ignore  # odd", False),
        ("# type: ignore[attr-defined]", False),
        ("# pragma: no cover", False),
    ],
)
def test_a_reason_is_known_when_seen(comment: str, explained: bool) -> None:
    assert (unexplained({"a.py": f"x = 1  {comment}\n"}) == []) is explained


def test_a_gap_in_the_docstrings_is_known_when_seen() -> None:
    tree = ast.parse(
        '"""Says."""\nclass A:\n    """Says."""\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...\n'
    )
    assert list(undocumented("a.py", tree)) == ["a.py:6 d", "a.py:4 b"]


def test_a_swallowed_error_is_known_when_seen() -> None:
    assert list(swallowing(ast.parse("try:\n    f()\nexcept OSError:\n    pass\n"))) == [3]
