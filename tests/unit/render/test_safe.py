"""Every way out has its escape, and no text of others gets past it."""

from __future__ import annotations

import json

import pytest

from declarative_kv.render.safe import (
    azure_pipelines,
    azure_pipelines_property,
    github,
    github_property,
    in_json,
    markup,
    safe,
    safe_block,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("::error::x", "\\x3a:error::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("a::b", "a::b"),
        ("x ##vso[task.complete]", "x \\x23#vso[task.complete]"),
        ("x ##VSO[task.complete]", "x \\x23#VSO[task.complete]"),
        ("##[error]x", "\\x23#[error]x"),
        ("## heading", "## heading"),
    ],
)
def test_a_line_has_no_control_character_and_no_command_of_a_runner(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert safe(shown) == shown


def test_every_line_of_a_block_is_made_safe() -> None:
    assert safe_block("a\n::set-output name=x::y\n##[group]") == "a\n\\x3a:set-output name=x::y\n\\x23#[group]"


def test_markup_is_text_in_elements_and_between_quotes() -> None:
    assert markup("<a href='x\">&\u202e") == "&lt;a href=&#x27;x&quot;&gt;&amp;\\u202e"


def test_json_keeps_its_values_and_shows_a_runner_nothing() -> None:
    value = {"tag": "##vso[task.setvariable variable=x]y", "other": "##[error]", "three": "###", "odd": "a#b"}
    text = in_json(json.dumps(value))
    assert json.loads(text) == value
    assert "##" not in text


def test_a_github_command_is_one_line_and_its_properties_end_where_they_should() -> None:
    assert github("100%\nnext\r") == "100%25%0Anext\\x0d"
    assert github_property("a:b,c%") == "a%3Ab%2Cc%25"


def test_an_azure_command_is_one_line_and_its_properties_end_where_they_should() -> None:
    assert azure_pipelines("100%\nnext ##vso[x]") == "100%AZP25%0Anext \\x23#vso[x]"
    assert azure_pipelines_property("a]b;c") == "a%5Db%3Bc"
