"""HTML built from values: text is escaped by construction, for only this module makes markup of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from declarative_kv.render.safe import markup

_VOID: Final = frozenset({"meta", "br", "hr", "input", "rect", "path", "line", "circle"})


@dataclass(frozen=True, slots=True)
class Html:
    """Markup. Nothing outside this module makes one from text that was not written by us."""

    text: str

    def __add__(self, other: Html) -> Html:
        return Html(self.text + other.text)


Child = Html | str | None
Attribute = str | int | bool | None
NOTHING: Final = Html("")


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. Strings are text; None is left out. `class_` and `data_x` are the attributes `class` and `data-x`."""
    opening = f"{name}{''.join(_attribute(key, value) for key, value in attributes.items())}"
    if name in _VOID:
        return Html(f"<{opening}>" if name not in ("rect", "path", "line", "circle") else f"<{opening}/>")
    return Html(f"<{opening}>{''.join(map(_child, children))}</{name}>")


def joined(parts: Iterable[Child], between: str = "") -> Html:
    """Several pieces after one another, with `between` as text."""
    return Html(markup(between).join(_child(part) for part in parts))


def trusted(text: str) -> Html:
    """Text that we wrote as markup: the style sheet and the script, where nothing of others is in it."""
    return Html(text)


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Html) else markup(child)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{markup(str(value))}"'
