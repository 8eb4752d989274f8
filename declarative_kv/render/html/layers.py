"""A layered drawing of what needs what: which column, which row, and which arrows are worth drawing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final, Generic, TypeVar

N = TypeVar("N", bound=Hashable)
_SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Layout(Generic[N]):
    """The nodes by column, each column from top to bottom, and the arrows between them, first to later."""

    columns: tuple[tuple[N, ...], ...]
    arrows: tuple[tuple[N, N], ...]

    @property
    def rows(self) -> int:
        """The length of the longest column."""
        return max(map(len, self.columns), default=0)


def layered(nodes: Sequence[N], needs: Mapping[N, Iterable[N]]) -> Layout[N]:
    """What needs nothing stands in the first column, everything else right of all that it needs.

    Within a column the order keeps arrows short; `nodes` says it where they do not. Needs must have no cycle, and those
    that lead to none of the nodes are left out.
    """
    there = set(nodes)
    direct = {node: [first for first in needs.get(node, ()) if first in there and first != node] for node in nodes}
    column: dict[N, int] = {}
    above: dict[N, set[N]] = {}
    for node in TopologicalSorter(direct).static_order():
        column[node] = max((column[first] + 1 for first in direct[node]), default=0)
        above[node] = {further for first in direct[node] for further in (first, *above[first])}
    kept = {node: _without_detours(direct[node], above) for node in nodes}
    columns: list[list[N]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for node in nodes:
        columns[column[node]].append(node)
    _untangle(columns, kept)
    arrows = tuple((first, node) for node in nodes for first in kept[node])
    return Layout(tuple(map(tuple, columns)), arrows)


def _without_detours(firsts: Sequence[N], above: Mapping[N, set[N]]) -> list[N]:
    """The needs that none of the others brings along already."""
    return [one for one in dict.fromkeys(firsts) if not any(one in above[other] for other in firsts if other != one)]


def _untangle(columns: list[list[N]], kept: Mapping[N, Sequence[N]]) -> None:
    """Order each column by the middle of its neighbours, from the left and from the right in turn."""
    later: dict[N, list[N]] = defaultdict(list)
    for node, firsts in kept.items():
        for first in firsts:
            later[first].append(node)
    place = {node: row for column in columns for row, node in enumerate(column)}
    for sweep in range(_SWEEPS):
        neighbours = kept if sweep % 2 == 0 else later
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda node: _middle([place[near] for near in neighbours.get(node, ())], place[node]))
            place.update({node: row for row, node in enumerate(column)})


def _middle(rows: Sequence[int], own: int) -> float:
    return sum(rows) / len(rows) if rows else float(own)
