"""Colour for terminals, and none elsewhere: what is printed reads the same without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bold": "1",
        "dim": "2",
        "red": "31",
        "green": "32",
        "yellow": "33",
        "blue": "34",
        "magenta": "35",
        "cyan": "36",
    }
)


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in ANSI colours, or leaves it alone."""

    colour: bool = False

    def __call__(self, style: str, text: str) -> str:
        """`text` in `style`, colour names separated by spaces; empty text and an empty style stay as they are."""
        if not (self.colour and style and text):
            return text
        codes = ";".join(_CODES[name] for name in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN: Final = Paint()
