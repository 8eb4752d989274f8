"""Names that others chose, made harmless before they reach a terminal, a web page, a comment or a CI job's log.

Each way out has one function here, and nothing else in the program escapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Final

_COMMANDS: Final = re.compile(r"^(\s*):(?=:)|#(?=#(?:vso)?\[)", re.IGNORECASE)
"""What a CI runner would take for a command to itself: `::` at the start of a line, `##[` and `##vso[` anywhere."""

_MARKUP: Final = re.compile(r"(@|#(?=\d))|[\\`*_\[\]#|~<&]")
"""What is markup anywhere in a line, and first what a forge takes for somebody's name or an issue's number."""

_IN_HCL: Final[Mapping[str, str]] = MappingProxyType({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_TEMPLATES: Final = re.compile(r"(\$+|%+)(?=\{)")


def safe(text: str) -> str:
    """One line without control, bidirectional or invisible characters; those appear as escapes such as `\\u202e`.

    Neither does a runner of GitHub or Azure Pipelines find a command in it.
    """
    shown = text if text.isprintable() else "".join(map(_visible, text))
    return _COMMANDS.sub(_inert, shown) if "::" in shown or "##" in shown else shown


def markup(text: str) -> str:
    """Text for HTML, SVG and XML, in an element or between quotes."""
    return escape(safe(text), quote=True)


def in_json(text: str) -> str:
    """JSON text in which no runner finds a command; the values are the same."""
    return text.replace("##", "#\\u0023") if "##" in text else text


def in_hcl(text: str) -> str:
    """Text between quotes in HashiCorp's language: nothing in it is a template, ends it, or cannot be seen."""
    escaped = "".join(_IN_HCL.get(char) or (char if char.isprintable() else _hcl_code(char)) for char in text)
    return _TEMPLATES.sub(_no_template, escaped).replace("##", "#\\u0023")


def _no_template(found: re.Match[str]) -> str:
    """`${` as people write it; a longer run, which parsers take in different ways, by its code."""
    signs = found[1]
    return signs * 2 if len(signs) == 1 else "".join(map(_hcl_code, signs))


def _hcl_code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def github(text: str) -> str:
    """What follows the `::` of a GitHub workflow command; line ends stay."""
    return safe_block(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: str) -> str:
    """A property of a GitHub workflow command."""
    return github(text).replace(":", "%3A").replace(",", "%2C")


def azure_pipelines(text: str) -> str:
    """What follows the `]` of an Azure Pipelines logging command; line ends stay."""
    return safe_block(text).replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def azure_pipelines_property(text: str) -> str:
    """A property of an Azure Pipelines logging command."""
    return azure_pipelines(text).replace("]", "%5D").replace(";", "%3B")


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
    escaped = _MARKUP.sub(_unmarked, safe(text))
    return re.sub(r"^(\s*)([>+=-])", r"\1\\\2", escaped)  # at the start of a line these begin a block


def _unmarked(found: re.Match[str]) -> str:
    """What begins a mention with a space of no width behind it, everything else with a backslash before it.

    Forges look for mentions in what was rendered, where no backslash and no entity is left (github/markup#1168).
    """
    return f"{found[1]}&#8203;" if found[1] else f"\\{found[0]}"


def _inert(found: re.Match[str]) -> str:
    return f"{found[1]}\\x3a" if found[1] is not None else "\\x23"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
