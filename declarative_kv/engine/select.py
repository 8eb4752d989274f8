"""Which addresses a run is about: `--target` and `--exclude`, with what they need and what needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from declarative_kv.engine.shard import members
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Options
from declarative_kv.model.resource import Desired
from declarative_kv.model.state import State


def needs(desired: Desired, state: State, *, destroy: bool = False) -> dict[Address, frozenset[Address]]:
    """What each address depends on: as declared, else as recorded in state."""
    found = {at: entry.depends_on for at, entry in state.entries.items()}
    if not destroy:
        found |= {at: resource.depends_on for at, resource in desired.items()}
    return found


def select(desired: Desired, state: State, options: Options) -> frozenset[Address]:
    """The addresses of a run. A target brings what it contains and needs; an exclude takes what needs it; of a shard
    they are those that are its own, and all of its state.

    Raises `PlanError` with `unknown-address` for an option that names nothing.
    """
    everything = frozenset(desired) | frozenset(state.entries)
    named = {*options.targets, *options.excludes, *options.replace}
    unknown = [at for at in named if not _family(everything, [at])]
    if unknown:
        raise PlanError.of(_unknown(at) for at in sorted(unknown))
    chosen = everything
    # Most runs are about everything, and need no graph.
    graph = needs(desired, state, destroy=options.destroy) if options.targets or options.excludes else {}
    if options.targets and options.alone:
        chosen = frozenset(options.targets)
    elif options.targets:
        towards = _reverse(graph) if options.destroy else graph
        chosen = _closure(_family(everything, options.targets), towards)
    if options.excludes:
        towards = graph if options.destroy else _reverse(graph)
        chosen = chosen - _closure(_family(everything, options.excludes), towards)
    if options.shard is not None:
        chosen = chosen & (members(desired, options.shard) | frozenset(state.entries))
    return chosen & everything


def _family(everything: Iterable[Address], roots: Iterable[Address]) -> frozenset[Address]:
    """The roots, and for a vault all that lies below it."""
    exact = frozenset(roots)
    vaults = {at.path for at in exact if at.kind == "vault"}
    return frozenset(at for at in everything if at in exact or (at.key and at.container in vaults))


def _closure(start: frozenset[Address], edges: Mapping[Address, Iterable[Address]]) -> frozenset[Address]:
    found, queue = set(start), list(start)
    while queue:
        for at in edges.get(queue.pop(), ()):
            if at not in found:
                found.add(at)
                queue.append(at)
    return frozenset(found)


def _reverse(edges: Mapping[Address, frozenset[Address]]) -> dict[Address, set[Address]]:
    turned: dict[Address, set[Address]] = {}
    for at, needed in edges.items():
        for one in needed:
            turned.setdefault(one, set()).add(at)
    return turned


def _unknown(at: Address) -> Diagnostic:
    return Diagnostic(
        code="unknown-address",
        summary="No such address",
        detail=f"{at} is neither declared nor in the state.",
        hint="List what there is:\n    dkv graph\n    dkv state list",
        address=at,
    )
