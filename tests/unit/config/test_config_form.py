"""The canonical layout: each thing that it decides, and each that it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.config import STARTER
from declarative_kv.config.emit import Block, Remarked, emit
from declarative_kv.config.form import formed
from declarative_kv.config.forming import doubts, formed_files, says_the_same
from declarative_kv.config.source import Source
from declarative_kv.model.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("two blanks a level", "a:\n     b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
        ("a file that begins further in", "  a: 1\n  b: 2\n", "a: 1\nb: 2\n"),
        ("a list under its key", "a:\n- 1\n-   b: 2\n    c: 3\nd: 4\n", "a:\n  - 1\n  - b: 2\n    c: 3\nd: 4\n"),
        ("lists in lists", "-   -   a\n    -   b\n", "- - a\n  - b\n"),
        ("a list in its key's column at the end", "a:\n  b:\n  - 1\n", "a:\n  b:\n    - 1\n"),
        ("a value on a line of its own", "a:\n        b\n", "a:\n  b\n"),
        ("a map below its dash", "-\n    a: 1\n", "-\n  a: 1\n"),
        ("blanks around colons", "a :   1\n", "a: 1\n"),
        ("brackets", "a: { b : [ 1,2 , 3 ] , c: {} }\n", "a: {b: [1, 2, 3], c: {}}\n"),
        ("a key with nothing behind it", "a: {b: , c: }\n", "a: {b: , c: }\n"),
        ("an alias as a key", "a: &x y\n*x : 1\n", "a: &x y\n*x : 1\n"),
        ("a question", "?   a\n:   b\n", "? a\n: b\n"),
        (
            "brackets on many lines move as one",
            "a:\n    b: [\n      1,  # c\n\n      2\n    ]\n",
            "a:\n  b: [\n    1,  # c\n\n    2\n  ]\n",
        ),
        (
            "comments in brackets",
            "a:\n    b: [\n      1,\n        # c\n      2]\n",
            "a:\n  b: [\n    1,\n      # c\n    2]\n",
        ),
        ("brackets alone", "{ a: 1,\n  b: 2 }\n", "{a: 1,\n  b: 2}\n"),
        ("quotes that mean nothing", "'a': \"b c\"\n", "a: b c\n"),
        (
            "quotes that mean something",
            "a: 'on'\nb: \"1\"\nc: 'x: y'\nd: ''\n",
            "a: 'on'\nb: \"1\"\nc: 'x: y'\nd: ''\n",
        ),
        ("blanks at ends", "a: 1   \n   \nb: 2\t\n", "a: 1\n\nb: 2\n"),
        ("several empty lines", "\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
        ("no end", "a: 1", "a: 1\n"),
        ("a comment behind", "a: 1 # c\nb: 2     # d\n", "a: 1  # c\nb: 2     # d\n"),
        ("a comment that goes on below", "a:  1  # c\n       # d\nb: 2\n", "a: 1  # c\n      # d\nb: 2\n"),
        ("comments go with what follows", "a:\n    # b\n    b: 1\n# c\nc: 2\n", "a:\n  # b\n  b: 1\n# c\nc: 2\n"),
        ("or with what they stood under", "a:\n    b: 1\n    # more\nc: 2\n", "a:\n  b: 1\n  # more\nc: 2\n"),
        ("or with the level between", "a:\n    b:\n        c: 1\n    # d\ne: 2\n", "a:\n  b:\n    c: 1\n  # d\ne: 2\n"),
        ("what is commented out", "a:\n    b:\n        # c: 1\n    d: 2\n", "a:\n  b:\n    # c: 1\n  d: 2\n"),
        ("further out than anything", "  a: 1\n # c\n", "a: 1\n# c\n"),
        ("comments alone", "   # a\n\n\n # b\n", "# a\n\n# b\n"),
        ("comments at the end", "a: 1\n# b\n\n\n", "a: 1\n# b\n"),
        ("empty", "", ""),
        (
            "a text moves with its level",
            "a:\n    b: |  # c\n        x\n          y \n\n    d: >-\n      z\n",
            "a:\n  b: |  # c\n      x\n        y \n\n  d: >-\n    z\n",
        ),
        ("a text at the end of a list", "a:\n- |\n x\n\n  y\n", "a:\n  - |\n   x\n\n    y\n"),
        ("lines that end a text count where it says so", "a: |+\n  x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("blanks that a text ends with are its own", "a: |\n  x\n     \n \nb: 1\n", "a: |\n  x\n     \n\nb: 1\n"),
        ("a text without its last line end", "a: |\n  x", "a: |\n  x"),
        ("a comment behind a text is no part of it", "a:\n    b: |\n     x\n    # c\n", "a:\n  b: |\n   x\n  # c\n"),
        (
            "not even one that stands further in",
            "a:\n  b: |\n      x\n    # c\nd: 1\n",
            "a:\n  b: |\n      x\n  # c\nd: 1\n",
        ),
        ("plain text of several lines", "a:\n    b: x\n      y\n\n      z  \n", "a:\n  b: x\n    y\n\n    z\n"),
        ("quoted text of several lines", "a:\n    b: 'x\n  y'\n", "a:\n  b: 'x\n  y'\n"),
        ("plain text alone", "x\n y\n", "x\n y\n"),
        ("anchors", "a:   &x   {b: 1}\nc:   *x\nd: &y\n    e: 1\n", "a: &x {b: 1}\nc: *x\nd: &y\n  e: 1\n"),
        ("a marker", "# a\n---\na: 1\n", "# a\n---\na: 1\n"),
        ("a directive", "%YAML 1.1\n---\na:   1\n", "%YAML 1.1\n---\na:   1\n"),
        ("line ends of Windows", "a:   1\r\nb: 2\n", "a: 1\r\nb: 2\r\n"),
        ("line ends of nobody", "a:   1\u2028b: 2\n", "a:   1\u2028b: 2\n"),
    ],
)
def test_the_layout(reason: str, before: str, after: str) -> None:
    assert formed(before) == after, reason
    assert formed(after) == after, reason
    assert not before.strip() or before.startswith(("%", "   #")) or says_the_same(before, after)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("examples/**/dkv.yaml")) + sorted(ROOT.glob("examples/platform/teams/*.yaml")), ids=str
)
def test_the_examples_have_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formed(text) == text


def test_what_the_program_writes_has_it() -> None:
    assert formed(STARTER) == STARTER
    tree = {"a": Block(b={"c": ["x y", "on"]}, d=Remarked(1, "why")), "e": ["x" * 100, "y" * 100]}
    assert formed(emit(tree, "head")) == emit(tree, "head")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nb: 2\n", "b: 2\na: 1\n"),
        ("a: 1\n", "a: 2\n"),
        ("a: [1]\n", "a: [1, 2]\n"),
        ("a: [1]\n", "a: 1\n"),
        ("a: {b: 1}\n", "a: [b]\n"),
        ("a: null\n", "a: 'null'\n"),
        ("a: 1\n", "a: 1\na: 1\n"),
    ],
)
def test_another_meaning_is_seen(before: str, after: str) -> None:
    assert not says_the_same(before, after)
    (problem,) = doubts(Source(0, Path("x"), "x", before), after)
    assert problem.code == "not-formatted"


def test_an_alias_that_stands_for_much_is_compared_once() -> None:
    text = "a: &a {x: &b {y: 1}}\nc: [*a, *a, *b]\n"
    assert says_the_same(text, text)
    assert list(doubts(Source(0, Path("x"), "x", text), text)) == []


def names(folder: Path, *paths: str, including: bool = False, shown: bool = False) -> list[tuple[str, bool]]:
    found = formed_files([Path(path) for path in paths], folder, including=including, shown=shown)
    return [(one.name, one.differs) for one in found]


def test_a_root_file_brings_what_it_includes_whatever_its_variables_say(tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_text("version: 1\ninclude: [one.yaml, $(env)/*.yaml, none-*.yaml, [x]]\n")
    (tmp_path / "one.yaml").write_text("vaults:   {}\n")
    (tmp_path / "test").mkdir()
    (tmp_path / "test/two.yaml").write_text("vaults: {}\n")
    whole = [("dkv.yaml", False), ("one.yaml", True), ("test/two.yaml", False)]
    assert names(tmp_path, "dkv.yaml", including=True) == whole
    assert [(Path(name).name, differs) for name, differs in names(tmp_path, ".")] == [
        (Path(name).name, differs) for name, differs in whole
    ]
    assert names(tmp_path, "dkv.yaml", "one.yaml", "one.yaml") == whole[:2]
    (tmp_path / "dkv.yaml").write_text("version: 1\n")
    assert names(tmp_path, "dkv.yaml", including=True) == whole[:1]


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("a: [\n", "syntax", False),
        ("a: 1\na: 2\n", "duplicate-key", False),
        ("", "empty-file", False),
        ("vaults: {v: {secrets: {s: {value: correct-horse}}}}\n", "value-in-yaml", True),
    ],
)
def test_a_mistake_is_told_and_never_a_value(tmp_path: Path, text: str, code: str, shown: bool) -> None:
    (tmp_path / "dkv.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        names(tmp_path, "dkv.yaml", shown=shown)
    assert [one.code for one in caught.value.diagnostics] == [code]
    assert "correct-horse" not in str(caught.value.diagnostics)


def test_a_diff_has_the_lines_that_change(tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_text("version: 1\nvaults:   {}\n")
    (one,) = formed_files([Path("dkv.yaml")], tmp_path, including=True, shown=True)
    assert list(one.diff())[2:] == ["@@ -1,2 +1,2 @@", " version: 1", "-vaults:   {}", "+vaults: {}"]
