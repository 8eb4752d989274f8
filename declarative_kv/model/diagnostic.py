"""Diagnostics: problems as data, with a place, a reason and a way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from declarative_kv.model.address import Address


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file, one-based; `width` counts the marked characters, `source` is the line's text."""

    file: str
    line: int
    column: int
    width: int = 1
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a diagnostic matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `summary` is fixed words without user data; `detail` says what and why; `hint` is the fix."""

    code: str
    summary: str
    detail: str = ""
    hint: str = ""
    span: Span | None = None
    address: Address | None = None
    severity: Severity = Severity.ERROR
    request_id: str | None = None

    @property
    def place(self) -> tuple[str, int, int, str, str]:
        """A sort key: by place, then address, then code; what has no place comes last."""
        where = (self.span.file, self.span.line, self.span.column) if self.span else ("\uffff", 0, 0)
        return (*where, str(self.address or ""), self.code)
