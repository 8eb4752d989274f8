"""Names that others chose, made harmless before they reach a terminal or a web page."""

from __future__ import annotations

import re


def safe(text: str) -> str:
    """One line without control, bidirectional or invisible characters; those appear as escapes such as `\\u202e`."""
    return text if text.isprintable() else "".join(map(_visible, text))


def safe_block(text: str) -> str:
    """The same for text of several lines, whose line ends stay."""
    return "\n".join(map(safe, text.split("\n")))


def code(text: str) -> str:
    """A Markdown code span, longer fences where the text has backticks itself; safe in a table's cell."""
    shown = safe(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def prose(text: str) -> str:
    """Markdown text in which nothing is markup, a mention or a link."""
    return re.sub(r"([\\`*_\[\]#|~<@&])", r"\\\1", safe(text)).replace("\\@", "&#64;")


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
