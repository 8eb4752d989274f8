"""What needs what, as a drawing: inline SVG that needs no script and no request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Change, Plan
from declarative_kv.render.html.changes import DRIFTED, WORDS
from declarative_kv.render.html.element import NOTHING, Html, joined, tag
from declarative_kv.render.html.frame import Section
from declarative_kv.render.html.layers import Layout, layered
from declarative_kv.render.rows import SYMBOLS

_ALIKE: Final = 3
"""More than so many that nothing needs and that are alike are drawn as one."""
_MOST: Final = 150
_WIDTH, _HEIGHT, _GAP, _AISLE, _EDGE = 214, 44, 14, 48, 8
_LETTERS: Final = 26


@dataclass(frozen=True, slots=True)
class Node:
    """One address, or several that are alike."""

    title: str
    kind: str
    tone: str
    word: str
    many: int = 1


def of_plan(plan: Plan) -> Section:
    """The changes, and what they need."""
    pending = {change.address for change in plan.pending}
    needs = {change.address: _needs(change) for change in plan.changes}
    shown = pending | {first for at in pending for first in needs[at] if first in needs}
    looks = {change.address: _look(change.action) for change in plan.changes if change.address in shown}
    lead = "An arrow leads from what comes first to what needs it."
    return _section(looks, {at: needs[at] for at in shown}, lead)


def of_drift(plan: Plan) -> Section:
    """Everything that was held against Azure; what moved stands out."""
    moved = {one.address: DRIFTED["~" if one.action is Action.UPDATE else "-"] for one in plan.drift}
    looks = {one.address: moved.get(one.address, ("as applied", "quiet")) for one in plan.checked}
    needs = {one.address: frozenset(one.needs) for one in plan.checked}
    return _section(looks, needs, "An arrow leads to what needs it; what moved outside has a colour.")


def _look(action: Action) -> tuple[str, str]:
    if action is Action.NOOP:
        return "no change", "quiet"
    return WORDS[SYMBOLS[action]]


def _needs(change: Change) -> frozenset[Address]:
    desired = change.desired.depends_on if change.desired is not None else frozenset[Address]()
    return desired | frozenset(change.prior.depends_on if change.prior is not None else ())


def _section(
    looks: Mapping[Address, tuple[str, str]], needs: Mapping[Address, frozenset[Address]], lead: str
) -> Section:
    nodes, edges = _gathered(looks, needs)
    if len(nodes) < 2:
        return Section("graph", "Dependencies", NOTHING)
    if len(nodes) > _MOST:
        told = tag("p", f"{len(looks)} addresses are too many to draw. ", tag("code", "dkv graph"), " lists them.")
        return Section("graph", "Dependencies", told, len(looks))
    body = tag("figure", _drawn(layered(list(nodes), edges), nodes), class_="scroll", tabindex=0)
    return Section("graph", "Dependencies", body, len(looks), lead=lead)


def _gathered(
    looks: Mapping[Address, tuple[str, str]], needs: Mapping[Address, frozenset[Address]]
) -> tuple[dict[str, Node], dict[str, list[str]]]:
    """The nodes by a name of their own, and what each needs; leaves that are alike are one node."""
    needed = {first for at in looks for first in needs.get(at, ())}
    alike: dict[object, list[Address]] = defaultdict(list)
    for at in sorted(looks):
        leaf = at not in needed and bool(at.key)
        alike[(at.kind, at.container, looks[at], needs.get(at)) if leaf else at].append(at)
    names: dict[Address, str] = {}
    nodes: dict[str, Node] = {}
    for many in alike.values():
        groups = [many] if len(many) > _ALIKE else [[at] for at in many]
        for group in groups:
            at, (word, tone) = group[0], looks[group[0]]
            title = at.path if len(group) == 1 else f"{len(group)} in {at.container}"
            nodes[str(at)] = Node(title, at.kind, tone, word, len(group))
            names |= dict.fromkeys(group, str(at))
    edges = {
        names[at]: list(dict.fromkeys(names[first] for first in sorted(needs.get(at, ())) if first in names))
        for at in looks
    }
    return nodes, edges


def _drawn(layout: Layout[str], nodes: Mapping[str, Node]) -> Html:
    width = len(layout.columns) * (_WIDTH + _AISLE) - _AISLE + 2 * _EDGE
    height = layout.rows * (_HEIGHT + _GAP) - _GAP + 2 * _EDGE
    places = _places(layout.columns, height)
    arrows = (_arrow(places[first], places[later]) for first, later in layout.arrows)
    boxes = (_box(nodes[name], *places[name]) for column in layout.columns for name in column)
    told = "; ".join(f"{later} needs {first}" for first, later in layout.arrows)
    return tag(
        "svg",
        tag("title", "What needs what"),
        tag("desc", told),
        tag("defs", _head()),
        tag("g", joined(arrows), class_="arrows"),
        joined(boxes),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        class_="graph",
    )


def _places(columns: Iterable[Sequence[str]], height: int) -> dict[str, tuple[int, int]]:
    """The upper left corner of each box; columns are centred."""
    places = {}
    for number, column in enumerate(columns):
        tall = len(column) * (_HEIGHT + _GAP) - _GAP
        top = (height - tall) // 2
        for row, name in enumerate(column):
            places[name] = (_EDGE + number * (_WIDTH + _AISLE), top + row * (_HEIGHT + _GAP))
    return places


def _head() -> Html:
    shape = tag("path", d="M0,0 L8,4 L0,8 z", class_="head")
    return tag("marker", shape, id="head", markerWidth=8, markerHeight=8, refX=7, refY=4, orient="auto")


def _arrow(first: tuple[int, int], later: tuple[int, int]) -> Html:
    x1, y1 = first[0] + _WIDTH, first[1] + _HEIGHT // 2
    x2, y2 = later[0] - 2, later[1] + _HEIGHT // 2
    bend = _AISLE // 2
    curve = f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
    return tag("path", d=curve, marker_end="url(#head)")


def _box(node: Node, x: int, y: int) -> Html:
    whole = f"{node.kind} {node.title}: {node.word}"
    shown = node.title if len(node.title) <= _LETTERS else f"{node.title[: _LETTERS - 1]}…"
    return tag(
        "g",
        tag("title", whole),
        tag("rect", x=x, y=y, width=_WIDTH, height=_HEIGHT, rx=8),
        tag("text", f"{node.kind} · {node.word}", x=x + 12, y=y + 17, class_="kind"),
        tag("text", shown, x=x + 12, y=y + 34, class_="title"),
        class_=f"node {node.tone}",
    )
