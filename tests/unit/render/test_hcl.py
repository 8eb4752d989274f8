"""Terraform's language, read again by somebody else's parser."""

from __future__ import annotations

from typing import Any

import hcl2
import pytest

from declarative_kv.render.hcl import Code, Stanza, expression, hcl, template

EVIL = '${file("x")} %{ if true } "; } resource "a" "b" { \n\t\r\\ $${x} \u202e\x07\U000e0041 ::set-output ##vso[a]'


def parsed(text: str) -> dict[str, Any]:
    """The blocks of a text, their texts without quotes."""
    found: dict[str, Any] = hcl2.loads(text, serialization_options=hcl2.SerializationOptions(strip_string_quotes=True))
    return found


def test_blocks_attributes_and_remarks_are_laid_out_as_terraform_does() -> None:
    inner = Stanza("lifecycle", attributes={"ignore_changes": [Code("tags"), Code("value")]})
    attributes = {"name": "n", "tags": {"a": "1", "b c": "2"}, "count": 3, "on": True, "off": False, "none": None}
    one = Stanza("resource", ("t", "n"), attributes, (inner, Stanza("empty")), ("what it is", "and why"))
    assert hcl([one, Stanza("data", ("d", "c"))]) == (
        "# what it is\n# and why\n"
        'resource "t" "n" {\n  name = "n"\n  tags = {\n    a     = "1"\n    "b c" = "2"\n  }\n'
        "  count = 3\n  on    = true\n  off   = false\n\n"
        "  lifecycle {\n    ignore_changes = [tags, value]\n  }\n\n  empty {}\n}\n\n"
        'data "d" "c" {}\n'
    )
    assert hcl([]) == ""


def test_a_long_list_stands_on_lines_of_its_own() -> None:
    words = ["a" * 40, "b" * 40, "c" * 40]
    assert expression(words) == "[\n" + "".join(f'  "{word}",\n' for word in words) + "]"
    assert expression([{"a": 1}]) == "[\n  {\n    a = 1\n  },\n]"
    assert expression([]) == "[]"
    assert expression({}) == "{}"


def test_no_text_becomes_anything_but_a_text() -> None:
    block = Stanza("resource", ("t", EVIL), {"name": EVIL, "tags": {EVIL: EVIL}, "list": [EVIL]}, remarks=(EVIL,))
    text = hcl([block])
    assert [name for name in parsed(text) if name != "__comments__"] == ["resource"]
    (found,) = parsed(text)["resource"][0]["t"].values()
    assert set(found) == {"name", "tags", "list", *(key for key in found if key.startswith("__"))}
    code = text.partition("\n")[2]
    assert "${" not in code.replace(" $${", "").replace('"$${', "")
    assert "%{" not in code.replace(" %%{", "")
    assert r"\u0024\u0024{x}" in code
    assert "##" not in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_text_with_an_expression_in_it_is_a_template_and_an_expression_alone_itself() -> None:
    assert template(["a"]) == "a"
    assert template([Code("var.x")]) == Code("var.x")
    assert template(["/a${/", Code("var.x"), '"']) == Code('"/a$${/${var.x}\\""')


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        expression(1.5)
