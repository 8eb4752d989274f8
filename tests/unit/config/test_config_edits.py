"""Edits of a YAML text: what is not meant stays as it is, to the letter."""

from __future__ import annotations

import pytest

from declarative_kv.config.edits import Untouchable, remove, set_value
from declarative_kv.config.layout import Shape, keys_by_place, layout
from declarative_kv.config.tree import events


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("a: 1  # why\nb: 2\n", "a", "x", "a: x  # why\nb: 2\n"),
        ("a: 'q'\n", "a", "no", 'a: "no"\n'),
        ("a:\n", "a", "x", "a: x\n"),
        ("a:  # c\nb: 2\n", "a.x", 1, "a: {x: 1}  # c\nb: 2\n"),
        ("a: {}\n", "a.x.y", [1], "a: {x: {y: [1]}}\n"),
        ("a: {x: 1}  # c\n", "a.y", 2, "a: {x: 1, y: 2}  # c\n"),
        ("a:\n  x: 1  # c\nb: 2\n", "a.y", {"p": "q"}, "a:\n  x: 1  # c\n  y: {p: q}\nb: 2\n"),
        ("a:\n  x:\n    deep: |\n      text\n\nb: 2", "a.y", 2, "a:\n  x:\n    deep: |\n      text\n  y: 2\n\nb: 2"),
        ("a: [x, y]  # c\n", "a", ["y", "z"], "a: [y, z]  # c\n"),
        ("a: [X]\n", "a", ["x", "y"], "a: [X, y]\n"),
        ("a:\n  - x  # c\n  - y\n", "a", ["y", "z"], "a:\n  - y\n  - z\n"),
        ("a:\n- x\n- y\n", "a", ["x"], "a:\n- x\n"),
        ("a: [1.2.3.4]\n", "a", ["1.2.3.4/32"], "a: [1.2.3.4]\n"),
        ("a: [x]\n", "a", ["z"], "a: [z]\n"),
        ("a:\n  - x\nb: 1\n", "a", ["z"], "a: [z]\nb: 1\n"),
        ("a: [x]\n", "a", [], "a: []\n"),
        ("a: []  # c\n", "a", ["x", "y"], "a: [x, y]  # c\n"),
        ("a: [$(v), x]\n", "a", ["x"], "a: [x]\n"),
        ("a: x\n", "a", None, "a: null\n"),
        ("a:\n  x: 1\n", "a", None, "a: null\n"),
        ("é: \U0001f600  # ü\nb: 2\r\n", "é", "ö", "é: ö  # ü\nb: 2\r\n"),
    ],
)
def test_a_setting_is_written_where_it_stands(before: str, path: str, value: object, after: str) -> None:
    assert set_value(before, tuple(path.split(".")), value) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("a: 1\nb: 2\n", "a", "b: 2\n"),
        ("a:\n  x: 1  # c\n  # about y\n  y: {p: q}\nb: 2\n", "a.y", "a:\n  x: 1  # c\n  # about y\nb: 2\n"),
        ("a: {x: 1, y: 2, z: 3}\n", "a.x", "a: {y: 2, z: 3}\n"),
        ("a: {x: 1, y: 2, z: 3}\n", "a.z", "a: {x: 1, y: 2}\n"),
        ("a: {x: 1}  # c\n", "a.x", "a: {}  # c\n"),
        ("a:\n  x: 1\nb: 2\n", "a.x", "a:\nb: 2\n"),
        (
            "environments:  # c: d\n  t:\n    a:\n      x: 1\n",
            "environments.t.a.x",
            "environments:  # c: d\n  t:\n    a: {}\n",
        ),
        ("a: 1", "a", ""),
    ],
)
def test_an_entry_is_taken_out(before: str, path: str, after: str) -> None:
    assert remove(before, tuple(path.split("."))) == after


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        ("a: &x 1\nb: *x\n", "a", "anchor"),
        ("a: &x 1\nb: *x\n", "b", "alias"),
        ("a: &x {p: 1}\nb: *x\n", "b.p", "alias"),
        ("a: {x: 1,  # c\n  y: 2}\n", "a", "comments"),
        ("a:  # c\n  x: 1\n", "a", "comments"),
        ("a: 1\n", "a.b", "no map"),
    ],
)
def test_what_stands_for_more_than_itself_is_left_alone(text: str, path: str, why: str) -> None:
    with pytest.raises(Untouchable, match=why):
        set_value(text, tuple(path.split(".")), 3)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: 1\n", "b"),
        ("a: 1\n", "b.c"),
        ("a: {x: 1,  # c\n  y: 2}\n", "a.x"),
        ("- a: 1\n  b: 2\n", "0.a"),
        ("x: &y\n  a: 1\n", "x.a"),
    ],
)
def test_what_cannot_be_taken_out_by_itself_stays(text: str, path: str) -> None:
    with pytest.raises(Untouchable):
        remove(text, tuple(int(part) if part.isdigit() else part for part in path.split(".")))


def test_a_list_whose_items_share_a_line_with_others_is_left_alone() -> None:
    with pytest.raises(Untouchable):
        set_value("a: [x,  # c\n  y]\n", ("a",), ["y"])


def test_a_layout_knows_what_is_where() -> None:
    root = layout("a: &n !!str q\nb: [x, {c: *n}]\nd: >-\n  folded\n")
    assert root.at(("a",)).properties == "&n !!str "  # type: ignore[union-attr]
    assert root.at(("b", 1, "c")).shape is Shape.ALIAS  # type: ignore[union-attr]
    assert root.at(("b", 7)) is None
    assert root.at(("nothing",)) is None
    assert keys_by_place(root) == {
        (0, 0): ("a",),
        (1, 0): ("b",),
        (2, 0): ("d",),
        (1, 4): ("b", 0),
        (1, 7): ("b", 1),
        (1, 8): ("b", 1, "c"),
    }


def test_a_list_without_brackets_that_would_begin_with_a_comment_is_left_alone() -> None:
    with pytest.raises(Untouchable, match="first line"):
        set_value("a:\n  - x\n  # about y\n  - y\n", ("a",), ["y"])


def test_the_events_of_a_text_end_with_it() -> None:
    assert [type(one).__name__ for one in events("a: 1")][-1] == "StreamEndEvent"
