"""The order of work: make after what you need; unmake after what needed you.

On top of these two sentences, changes on a vault's data plane come after the grants to the running identity and before
the removal of such grants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DependencyCycle
from declarative_kv.model.kind import Kinds, Plane
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Desired

Edges = dict[Address, set[Address]]

_MAKES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RECOVER, Action.IMPORT})
_UNMAKES = frozenset({Action.DESTROY, Action.FORGET})


def in_order(kinds: Kinds, changes: Iterable[Change], helpful: frozenset[str]) -> tuple[Change, ...]:
    """The changes with `after` filled in, sorted so that each stands behind what it waits for.

    `helpful` are the object ids whose grants may give access to the running identity. Raises `DependencyCycle`.
    """
    by_address = {change.address: change for change in changes}
    edges: Edges = {at: set() for at in by_address}
    _make_after_needs(by_address, edges)
    _unmake_after_needers(by_address, edges)
    _contained_after_container(by_address, edges)
    _data_between_grants(kinds, by_address, edges, helpful)
    ranked = _ranks(edges)
    placed = (replace(change, after=frozenset(edges[at])) for at, change in by_address.items())
    return tuple(sorted(placed, key=lambda change: (ranked[change.address], change.address)))


def check_cycles(desired: Desired) -> None:
    """Raise `DependencyCycle` where declared resources need each other in a circle."""
    _ranks({at: {need for need in resource.depends_on if need in desired} for at, resource in desired.items()})


def _make_after_needs(changes: Mapping[Address, Change], edges: Edges) -> None:
    for at, change in changes.items():
        if change.action in _MAKES and change.desired is not None:
            edges[at] |= {need for need in change.desired.depends_on if _acts(changes, need, _MAKES)}


def _unmake_after_needers(changes: Mapping[Address, Change], edges: Edges) -> None:
    """By the dependencies recorded in state: a needer is unmade, or turned away from it, first."""
    for at, change in changes.items():
        if change.prior is None or change.action is Action.NOOP or change.reason is Reason.CONTAINED:
            continue
        still = change.desired.depends_on if change.desired is not None else frozenset()
        for need in change.prior.depends_on - still:
            if _acts(changes, need, _UNMAKES):
                edges[need].add(at)


def _contained_after_container(changes: Mapping[Address, Change], edges: Edges) -> None:
    for at, change in changes.items():
        container = Address("vault", at.container)
        if change.reason is Reason.CONTAINED and container in changes:
            edges[at].add(container)


def _data_between_grants(
    kinds: Kinds, changes: Mapping[Address, Change], edges: Edges, helpful: frozenset[str]
) -> None:
    grants = [
        (at, change, where)
        for at, change in changes.items()
        if change.action in _MAKES | _UNMAKES and (where := _granted_at(kinds, change, helpful)) is not None
    ]
    if not grants:
        return
    by_vault = defaultdict(list)
    for at, change in changes.items():
        kind = kinds[at.kind]
        if kind.plane is Plane.DATA and change.action is not Action.NOOP and change.reason is not Reason.CONTAINED:
            by_vault[_vault_id(change).lower()].append(at)
    for vault, writes in by_vault.items():
        for at, change, where in grants:
            if not (vault + "/").startswith(where):
                continue
            for write in writes:
                if change.action in _MAKES and at not in edges[write]:
                    edges[write].add(at)
                elif change.action in _UNMAKES and change.reason is not Reason.CONTAINED:
                    edges[at].add(write)


def _granted_at(kinds: Kinds, change: Change, helpful: frozenset[str]) -> str | None:
    """Where a change grants something to, or takes it from, the running identity: an ARM id with a slash behind."""
    spec = change.desired.spec if change.desired is not None else None
    if spec is None:
        spec = change.live.spec if change.live is not None else change.prior.spec if change.prior is not None else None
    kind = kinds[change.address.kind]
    grantee = kind.grantee(spec)
    if grantee is None or grantee.lower() not in helpful:
        return None
    where = str(getattr(spec, "scope", None) or getattr(spec, "vault", ""))
    return where.rstrip("/").lower() + "/"


def _vault_id(change: Change) -> str:
    side = change.desired or change.prior or change.live
    assert side is not None
    vault: str = side.spec.vault
    return vault


def _acts(changes: Mapping[Address, Change], at: Address, actions: frozenset[Action]) -> bool:
    return at in changes and changes[at].action in actions


def _ranks(edges: Mapping[Address, Iterable[Address]]) -> dict[Address, int]:
    """How many steps stand in front of each; raises `DependencyCycle` with the whole circle."""
    try:
        order = tuple(TopologicalSorter({at: sorted(before) for at, before in sorted(edges.items())}).static_order())
    except CycleError as error:
        raise DependencyCycle(_cycle(error.args[1])) from error
    ranks: dict[Address, int] = {}
    for at in order:
        ranks[at] = 1 + max((ranks[before] for before in edges.get(at, ())), default=-1)
    return ranks


def _cycle(circle: list[Address]) -> Diagnostic:
    return Diagnostic(
        code="dependency-cycle",
        summary="Resources need each other in a circle",
        detail=" needs ".join(str(at) for at in reversed(circle)) + ".",
        hint="Break the circle: one of these must not refer to the next.",
        address=circle[0],
    )
