"""Plain data written as YAML comes back as it was, whoever chose the texts in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from declarative_kv.config.emit import WIDTH, Block, Remarked, emit, moment, scalar
from declarative_kv.config.source import Source
from declarative_kv.config.tree import Map, parse
from declarative_kv.config.variables import Variables, replace_all

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "no",
        "0123",
        "1e3",
        "null",
        "~",
        "",
        " x",
        "x ",
        "a: b",
        "#x",
        "$(env)",
        "$$(x",
        "2027-06-30",
        "{a",
        "- a",
        "\u202e",
    ]
)


def read_back(text: str) -> Any:
    """What our own reader makes of a file, variables replaced."""
    source = Source(0, Path("x.yaml"), "x.yaml", text)
    tree, problems, _ = parse(source)
    assert problems == []
    assert isinstance(tree, Map)
    problems, unsettled = replace_all(source, (tree,), Variables({"env": "WRONG"}))
    assert (problems, unsettled) == ([], set())
    return tree


def unescaped(value: Any) -> Any:
    """Values (keys have no variables) in which `$$(` stands for `$(`."""
    match value:
        case dict():
            return {key: unescaped(one) for key, one in value.items()}
        case list():
            return [unescaped(one) for one in value]
        case _:
            return value.replace("$$(", "$(")


@given(
    st.dictionaries(TEXTS.filter(lambda key: key != "<<"), TEXTS | st.lists(TEXTS, max_size=4), min_size=1, max_size=5)
)
def test_every_text_is_read_back_as_it_was_by_us_and_by_others(entries: dict[str, Any]) -> None:
    for tree in (Block(entries), Block({"a": entries}), Block({"a": Block(entries)})):
        text = emit(tree)
        assert read_back(text) == tree
        assert unescaped(yaml.safe_load(text)) == tree


def test_layout_is_what_a_person_would_write() -> None:
    tree = Block(
        {
            "version": 1,
            "people": Block({"ci": Remarked({"id": "1-2", "on": True}, "gone"), "x": {}}),
            "long": ["x" * 50, "y" * 50, "z" * 50],
            "deep": {"a": Remarked("b", "c"), "n": None},
        }
    )
    assert emit(tree, "One.\nTwo.") == (
        '# One.\n# Two.\nversion: 1\npeople:\n  ci: {id: 1-2, "on": true}  # gone\n  x: {}\n'
        f"long:\n  - {'x' * 50}\n  - {'y' * 50}\n  - {'z' * 50}\ndeep:\n  a: b  # c\n  n: null\n"
    )
    assert max(map(len, emit(tree).splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2027, 6, 30, tzinfo=UTC), "2027-06-30"),
        (datetime(2027, 6, 30, 12, 5, tzinfo=UTC), "2027-06-30T12:05:00Z"),
        ("2027-06-30", '"2027-06-30"'),
        ("/subscriptions/2/x", "/subscriptions/2/x"),
        ("Key Vault Reader", "Key Vault Reader"),
        ("https://a.example/b", "https://a.example/b"),
        ("tab\tbell\x07\x85\u2028\U0001f600\U000e0001", '"tab\\tbell\\x07\\x85\\u2028\U0001f600\\U000E0001"'),
        ('a"b\\', '"a\\"b\\\\"'),
        (False, "false"),
        (90, "90"),
    ],
)
def test_a_scalar_is_as_plain_as_it_can_be(value: Any, text: str) -> None:
    assert scalar(value) == text
    assert not isinstance(value, datetime) or moment(value) == text
