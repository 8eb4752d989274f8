"""Who can do what in each vault, before and after: a grid with a row a principal and a column a right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from declarative_kv.render.html.element import NOTHING, Html, joined, tag
from declarative_kv.render.html.frame import Section

_CELLS: Final = MappingProxyType(
    {
        (True, True): ("●", "kept", "before and after"),
        (False, True): ("+", "plus", "gained: not before, but after"),
        (True, False): ("−", "minus", "lost: before, but not after"),
    }
)


@dataclass(frozen=True, slots=True)
class Right:
    """One principal's right at one place, before and after."""

    who: str
    object_id: str
    place: str
    phrase: str
    before: bool
    after: bool


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
        tag("li", tag("span", sign, class_=f"cell {tone}"), f" {told.partition(':')[0]}")
        for sign, tone, told in _CELLS.values()
    )
    return tag("ul", joined(cells), class_="legend")


def _grid(place: str, rights: Sequence[Right]) -> Html:
    phrases = sorted({right.phrase for right in rights}, key=_rank)
    people = sorted({(right.who, right.object_id) for right in rights})
    held: dict[tuple[str, str], tuple[bool, bool]] = {}
    for right in rights:
        before, after = held.get((right.object_id, right.phrase), (False, False))
        held[right.object_id, right.phrase] = (before or right.before, after or right.after)
    moved = sum(1 for before, after in held.values() if before != after)
    header = tag(
        "tr",
        tag("th", "Principal", scope="col"),
        joined(tag("th", tag("span", phrase), scope="col", class_="right") for phrase in phrases),
    )
    rows = (_row(who, object_id, phrases, held) for who, object_id in people)
    table = tag("table", tag("thead", header), tag("tbody", joined(rows)))
    badge = tag("span", f"{moved} changed" if moved else "unchanged", class_=f"badge {'turn' if moved else 'quiet'}")
    summary = tag("summary", tag("h3", place), tag("span", badge, class_="badges"))
    return tag("details", summary, tag("div", table, class_="scroll", tabindex=0), open=bool(moved), class_="group")


def _row(who: str, object_id: str, phrases: Sequence[str], held: Mapping[tuple[str, str], tuple[bool, bool]]) -> Html:
    known = tag("small", object_id) if object_id != who else None
    cells = (_cell(held.get((object_id, phrase), (False, False))) for phrase in phrases)
    return tag("tr", tag("th", who, known, scope="row"), joined(cells))


def _cell(sides: tuple[bool, bool]) -> Html:
    if sides == (False, False):
        return tag("td", tag("span", "·", class_="cell none", aria_label="neither before nor after"))
    sign, tone, told = _CELLS[sides]
    return tag("td", tag("span", sign, class_=f"cell {tone}", title=told, aria_label=told))


def _rank(phrase: str) -> tuple[int, str]:
    """Rights on secrets first, on the vault itself last; alike ones by name."""
    for number, word in enumerate(("secret", "key", "certificate", "storage")):
        if word in phrase:
            return number, phrase
    return 9, phrase
