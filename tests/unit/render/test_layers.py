"""The drawing of what needs what: everything right of what it needs, no arrow too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from declarative_kv.render.html.layers import layered


def test_each_stands_right_of_what_it_needs_and_detours_are_left_out() -> None:
    layout = layered(
        ["group", "vault", "policy", "secret"],
        {"vault": ["group"], "policy": ["vault"], "secret": ["vault", "policy", "group", "elsewhere"]},
    )
    assert layout.columns == (("group",), ("vault",), ("policy",), ("secret",))
    assert set(layout.arrows) == {("group", "vault"), ("vault", "policy"), ("policy", "secret")}


def test_nothing_has_no_columns() -> None:
    layout = layered([], {})
    assert (layout.columns, layout.arrows, layout.rows) == ((), (), 0)


def test_arrows_do_not_cross_where_they_need_not() -> None:
    layout = layered(["a", "b", "x", "y"], {"x": ["b"], "y": ["a"]})
    assert layout.columns == (("a", "b"), ("y", "x"))


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40))
def test_any_graph_is_drawn_whole(pairs: list[tuple[int, int]]) -> None:
    needs: dict[int, list[int]] = {}
    for one, other in pairs:
        if one != other:
            needs.setdefault(max(one, other), []).append(min(one, other))
    layout = layered(range(12), needs)
    column = {node: number for number, nodes in enumerate(layout.columns) for node in nodes}
    assert sorted(column) == list(range(12))
    reached: dict[int, set[int]] = {}
    for node in range(12):
        firsts = [first for first, later in layout.arrows if later == node]
        reached[node] = {further for first in firsts for further in (first, *reached[first])}
        assert all(column[first] < column[node] for first in needs.get(node, ()))
        assert set(needs.get(node, ())) <= reached[node]
