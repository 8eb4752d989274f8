"""Who can do what in each vault, before and after: a grid with a row a principal and a column a right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from declarative_kv.render.html.element import NOTHING, Html, joined, tag
from declarative_kv.render.html.frame import Section


class Hold(IntEnum):
    """How somebody holds a right: not at all, by giving it to itself first, or outright."""

    NONE = 0
    COULD = 1
    HAS = 2


_CELLS: Final = MappingProxyType(
    {
        (Hold.HAS, Hold.HAS): ("●", "kept", "before and after"),
        (Hold.NONE, Hold.HAS): ("+", "plus", "gained: not before, but after"),
        (Hold.HAS, Hold.NONE): ("−", "minus", "lost: before, but not after"),
        (Hold.COULD, Hold.COULD): ("○", "kept", "could give it to itself, before and after"),
        (Hold.NONE, Hold.COULD): ("○", "plus", "could give it to itself after, not before"),
        (Hold.COULD, Hold.NONE): ("○", "minus", "could give it to itself before, not after"),
        (Hold.COULD, Hold.HAS): ("+", "plus", "gained: could give it to itself before, has it after"),
        (Hold.HAS, Hold.COULD): ("−", "minus", "lost: had it before, could give it to itself after"),
    }
)
_EXPLAINED: Final = ((Hold.HAS, Hold.HAS), (Hold.NONE, Hold.HAS), (Hold.HAS, Hold.NONE), (Hold.COULD, Hold.COULD))
_WORDS: Final = ("before and after", "gained", "lost", "could give it to itself")
_ORDER: Final = ("secrets", "vault", "keys", "certificates", "storage")
_FOLDED: Final = 3
"""More than so many rights of one kind that all principals hold alike are one column."""
Pair = tuple[Hold, Hold]


@dataclass(frozen=True, slots=True)
class Right:
    """One principal's right at one place, before and after; `category` is what it is about."""

    who: str
    object_id: str
    place: str
    phrase: str
    category: str
    before: Hold
    after: Hold


@dataclass(frozen=True, slots=True)
class _Column:
    """One right, or several that everybody holds alike."""

    title: str
    told: str
    cells: tuple[Pair, ...]


def section(rights: Iterable[Right], lead: str) -> Section:
    """One grid a place; rows and columns only for what somebody holds or held."""
    places: dict[str, list[Right]] = {}
    for right in rights:
        places.setdefault(right.place, []).append(right)
    grids = [_grid(place, many) for place, many in sorted(places.items())]
    body = tag("div", _legend(), joined(grids), class_="matrix") if grids else NOTHING
    return Section("matrix", "Access, before and after", body, len(grids), lead=lead)


def _legend() -> Html:
    cells = (
        tag("li", tag("span", _CELLS[pair][0], class_=f"cell {_CELLS[pair][1]}"), f" {word}")
        for pair, word in zip(_EXPLAINED, _WORDS, strict=True)
    )
    return tag("ul", joined(cells), class_="legend")


def _grid(place: str, rights: Sequence[Right]) -> Html:
    people = sorted({(right.who, right.object_id) for right in rights})
    columns = _columns(rights, [object_id for _, object_id in people])
    moved = sum(1 for right in rights if right.before is not right.after)
    header = tag(
        "tr",
        tag("th", "Principal", scope="col"),
        joined(tag("th", tag("span", one.title, title=one.told), scope="col", class_="right") for one in columns),
    )
    rows = (
        _row(who, object_id, [column.cells[number] for column in columns])
        for number, (who, object_id) in enumerate(people)
    )
    table = tag("table", tag("thead", header), tag("tbody", joined(rows)))
    badge = tag("span", f"{moved} changed" if moved else "unchanged", class_=f"badge {'turn' if moved else 'quiet'}")
    summary = tag("summary", tag("h3", place), tag("span", badge, class_="badges"))
    return tag("details", summary, tag("div", table, class_="scroll", tabindex=0), open=bool(moved), class_="group")


def _columns(rights: Sequence[Right], people: Sequence[str]) -> list[_Column]:
    """The rights by what they are about, in their own order; many that all hold alike are one."""
    held: dict[tuple[str, str], dict[str, Pair]] = {}
    for right in rights:
        held.setdefault((right.category, right.phrase), {})[right.object_id] = (right.before, right.after)
    alike: dict[tuple[str, tuple[Pair, ...]], list[str]] = {}
    for (category, phrase), by_person in held.items():
        cells = tuple(by_person.get(person, (Hold.NONE, Hold.NONE)) for person in people)
        alike.setdefault((category, cells), []).append(phrase)
    columns = []
    for (category, cells), phrases in sorted(alike.items(), key=lambda item: _ORDER.index(item[0][0])):
        if len(phrases) > _FOLDED and category not in ("secrets", "vault"):
            columns.append(_Column(f"{len(phrases)} rights on {category}", ", ".join(phrases), cells))
        else:
            columns += [_Column(phrase, phrase, cells) for phrase in phrases]
    return columns


def _row(who: str, object_id: str, cells: Sequence[Pair]) -> Html:
    known = tag("small", object_id) if object_id != who else None
    return tag("tr", tag("th", who, known, scope="row"), joined(map(_cell, cells)))


def _cell(sides: Pair) -> Html:
    if sides == (Hold.NONE, Hold.NONE):
        return tag("td", tag("span", "·", class_="cell none", aria_label="neither before nor after"))
    sign, tone, told = _CELLS[sides]
    return tag("td", tag("span", sign, class_=f"cell {tone}", title=told, aria_label=told))
