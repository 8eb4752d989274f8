"""The reference of commands in the documentation is the program's own."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.cli.reference import reference
from declarative_kv.render.lint.page import lint_page

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "cli.md"


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m declarative_kv.cli.reference > docs/cli.md"


def test_the_page_of_lints_rules_is_up_to_date() -> None:
    assert (DOCS / "lint.md").read_text(encoding="utf-8") == lint_page(), "run: make reference"


def test_every_option_of_plan_is_in_it() -> None:
    text = reference()
    for option in ("--detailed-exitcode", "--refresh-only", "--import-only", "--values", "--allow", "--out"):
        assert f"`{option}" in text, option
