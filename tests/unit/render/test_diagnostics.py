"""A diagnostic says what, where, why, and what to do."""

from __future__ import annotations

from declarative_kv.model.diagnostic import Diagnostic, Severity, Span
from declarative_kv.render.diagnostics import diagnostic_text, diagnostics_text

from .plans import at


def test_a_mistake_in_a_file_shows_the_line_and_marks_the_place() -> None:
    found = Diagnostic(
        "duplicate-key",
        "Duplicate key `sku`",
        "The same key is set on line 4; YAML would silently keep the last one.",
        "Remove one of the two.",
        Span("bad.yaml", 6, 5, 3, "    sku: standard"),
    )
    assert diagnostic_text(found) == (
        "error[duplicate-key]: Duplicate key `sku`\n"
        "  --> bad.yaml:6:5\n"
        "6 |     sku: standard\n"
        "  |     ^^^\n"
        "\n"
        "The same key is set on line 4; YAML would silently keep the last one.\n"
        "hint: Remove one of the two."
    )


def test_a_refusal_of_azure_names_the_address_and_the_request() -> None:
    found = Diagnostic(
        "forbidden",
        "Azure refused the operation",
        "It may not.",
        span=Span("vaults/prod.yaml", 14, 7, 11, "      db-password:"),
        address=at("secret.kv-prod/db-password"),
        request_id="5b0f",
    )
    assert diagnostic_text(found).splitlines() == [
        "error[forbidden]: Azure refused the operation",
        "  --> vaults/prod.yaml:14:7        secret.kv-prod/db-password",
        "14 |       db-password:",
        "   |       ^^^^^^^^^^^",
        "",
        "It may not.",
        "request id: 5b0f   docs: errors.md#forbidden",
    ]


def test_an_address_without_a_file_is_a_place_too() -> None:
    found = Diagnostic("stale-plan", "The plan no longer matches", address=at("vault.a"))
    assert diagnostic_text(found).endswith("\n  --> vault.a")


def test_the_severity_is_said() -> None:
    assert diagnostic_text(Diagnostic("w", "Odd", severity=Severity.WARNING)) == "warning[w]: Odd"


def test_a_very_long_line_is_shown_around_the_mark() -> None:
    source = "x" * 5000 + "here" + "y" * 5000
    lines = diagnostic_text(Diagnostic("c", "s", span=Span("f", 1, 5001, 4, source))).splitlines()
    assert len(lines[2]) < 160
    start = lines[3].index("^")
    assert lines[2][start : start + 4] == "here"
    assert lines[3].count("^") == 4


def test_a_mark_never_runs_past_its_line() -> None:
    lines = diagnostic_text(Diagnostic("c", "s", span=Span("f", 1, 3, 900, "abcd"))).splitlines()
    assert lines[3] == "  |   ^^"


def test_wide_characters_and_tabs_before_the_mark_do_not_shift_it() -> None:
    lines = diagnostic_text(Diagnostic("c", "s", span=Span("f", 1, 4, 2, "\t鍵:no"))).splitlines()
    assert lines[2:] == ["1 |  鍵:no", "  |     ^^"]


def test_a_file_cannot_steer_the_terminal() -> None:
    span = Span("a\x1b]0;x\x07.yaml", 1, 1, 1, "\x1b[31mred\u202e")
    text = diagnostic_text(Diagnostic("c", "bad \x9b", "why \u2066", span=span))
    assert text.isascii()
    assert "\x1b" not in text


def test_several_are_parted_by_a_blank_line() -> None:
    assert diagnostics_text([Diagnostic("a", "A"), Diagnostic("b", "B")]) == "error[a]: A\n\nerror[b]: B"
