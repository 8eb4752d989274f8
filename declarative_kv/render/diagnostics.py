"""Diagnostics as text: what is wrong, where, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final
from unicodedata import east_asian_width

from declarative_kv.model.diagnostic import Diagnostic, Severity, Span
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.safe import safe, safe_block

_STYLES: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
)
_LONGEST_LINE: Final = 140


def diagnostics_text(diagnostics: Iterable[Diagnostic], paint: Paint = PLAIN) -> str:
    """All of them, a blank line between two; ends without a line break."""
    return "\n\n".join(diagnostic_text(diagnostic, paint) for diagnostic in diagnostics)


def diagnostic_text(diagnostic: Diagnostic, paint: Paint = PLAIN) -> str:
    """One diagnostic: headline, place with the source line, reason, hint, request id."""
    head = paint(_STYLES[diagnostic.severity], f"{diagnostic.severity}[{diagnostic.code}]")
    blocks = ["\n".join([f"{head}: {paint('bold', safe(diagnostic.summary))}", *_place(diagnostic, paint)])]
    tail = []
    if diagnostic.detail:
        tail.append(safe_block(diagnostic.detail))
    if diagnostic.hint:
        tail.append(f"{paint('cyan', 'hint:')} {safe_block(diagnostic.hint)}")
    if diagnostic.request_id:
        tail.append(f"request id: {safe(diagnostic.request_id)}   docs: errors.md#{diagnostic.code}")
    if tail:
        blocks.append("\n".join(tail))
    return "\n\n".join(blocks)


def _place(diagnostic: Diagnostic, paint: Paint) -> list[str]:
    """The arrow with file and address, and the source line with its marks."""
    span, address = diagnostic.span, safe(str(diagnostic.address or ""))
    if span is None:
        return [f"  {paint('dim', '-->')} {address}"] if address else []
    where = safe(str(span))
    return [f"  {paint('dim', '-->')} {where}" + (f"        {address}" if address else ""), *_marked(span, paint)]


def _marked(span: Span, paint: Paint) -> list[str]:
    """The source line and the marks under it; nothing where the line's text is unknown."""
    if not span.source.strip():
        return []
    source = span.source.rstrip("\r\n")
    start = max(span.column - 1, 0)
    first = max(0, start - _LONGEST_LINE // 2) if len(source) > _LONGEST_LINE else 0
    window = source[first : first + _LONGEST_LINE].replace("\t", " ")
    before, marked = window[: start - first], window[start - first : start - first + max(span.width, 1)]
    gutter = str(span.line)
    marks = " " * _columns(safe(before)) + "^" * max(_columns(safe(marked)), 1)
    return [
        f"{paint('dim', f'{gutter} |')} {safe(window)}".rstrip(),
        f"{paint('dim', ' ' * len(gutter) + ' |')} {paint('bold red', marks)}",
    ]


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
