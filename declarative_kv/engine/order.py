"""The order of work: make after what you need; unmake after what needed you.

On top of these two sentences, changes on a vault's data plane come after the grants to the running identity and the
switch of the vault's access model, and before the removal of such grants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DependencyCycle
from declarative_kv.model.kind import Kinds, Plane
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Desired, Resource

Edges = dict[Address, set[Address]]

_MAKES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RECOVER, Action.IMPORT})
_UNMAKES = frozenset({Action.DESTROY, Action.FORGET})


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be ordered. `helpful` are the object ids whose grants may give access to the running identity.

    `key_vault` is the ARM id, lower case, of the vault whose fingerprint key all vaults share, if they do.
    """

    kinds: Kinds
    changes: Mapping[Address, Change]
    helpful: frozenset[str]
    key_vault: str | None = None


Rule = Callable[[Work, Edges], None]
"""Adds to each address what has to be done before it."""


def in_order(
    kinds: Kinds,
    changes: Iterable[Change],
    helpful: frozenset[str],
    rules: Iterable[Rule] | None = None,
    *,
    key_vault: str | None = None,
) -> tuple[Change, ...]:
    """The changes with `after` filled in, sorted so that each stands behind what it waits for.

    `helpful` are the object ids whose grants may give access to the running identity; `rules` are RULES unless given;
    `key_vault` is the ARM id, lower case, of the vault whose fingerprint key all vaults share.
    Raises `DependencyCycle`.
    """
    by_address = {change.address: change for change in changes}
    work = Work(kinds, by_address, helpful, key_vault)
    edges: Edges = defaultdict(set)
    for rule in RULES if rules is None else rules:
        rule(work, edges)
    ranked = _ranks(edges)
    placed = (_placed(change, frozenset(edges.get(at, ()))) for at, change in by_address.items())
    return tuple(sorted(placed, key=lambda change: (ranked.get(change.address, 0), change.address)))


def _placed(change: Change, after: frozenset[Address]) -> Change:
    """The change after these; most are after none, and stay the objects that they are."""
    return change if change.after == after else replace(change, after=after)


def check_cycles(desired: Desired) -> None:
    """Raise `DependencyCycle` where declared resources need each other in a circle."""
    # What nobody needs, as most of what is declared, is in no circle.
    needed = frozenset[Address]().union(*{resource.depends_on for resource in desired.values()})
    _ranks({at: {need for need in desired[at].depends_on if need in desired} for at in needed if at in desired})


def make_after_needs(work: Work, edges: Edges) -> None:
    """What is made or changed comes after what it needs, and after what that needs where nothing happens to it."""
    for at, change in work.changes.items():
        if change.action in _MAKES and change.desired is not None:
            edges[at].update(_made_needs(work, change.desired))


def unmake_after_needers(work: Work, edges: Edges) -> None:
    """By the dependencies recorded in state: a needer is unmade, or turned away from it, first.

    So is who takes an object over under another address: a run that ends in between must not have forgotten it.
    """
    takers = _takers(work)
    for at, change in work.changes.items():
        if change.reason is Reason.HANDED_OVER and change.action is Action.FORGET and change.prior is not None:
            edges[at] |= takers.get(change.prior.remote_id.lower(), frozenset())
        if change.prior is None or change.action is Action.NOOP or change.reason is Reason.CONTAINED:
            continue
        still = change.desired.depends_on if change.desired is not None else frozenset()
        for need in change.prior.depends_on - still:
            if _acts(work, need, _UNMAKES):
                edges[need].add(at)


def contained_after_container(work: Work, edges: Edges) -> None:
    """What goes with its vault leaves the state only when that is gone; what comes back with it goes after it."""
    for at, change in work.changes.items():
        container = Address("vault", at.container)
        comes_back = change.action is Action.DESTROY and not change.known
        if (change.reason is Reason.CONTAINED or comes_back) and container in work.changes:
            edges[at].add(container)


def data_between_grants(work: Work, edges: Edges) -> None:
    """Changes on a vault's data plane come after our own grants and its access model, and before grants are removed."""
    grants = [
        (at, change, where)
        for at, change in work.changes.items()
        if change.action in _MAKES | _UNMAKES and (where := _granted_at(work, change)) is not None
    ]
    if not grants:
        return
    by_vault = defaultdict(list)
    for at, change in work.changes.items():
        kind = work.kinds[at.kind]
        if kind.plane is Plane.DATA and change.action is not Action.NOOP and change.reason is not Reason.CONTAINED:
            for vault in {_vault_id(change).lower(), *_key_vault(work, change)}:
                by_vault[vault].append(at)
    for vault, writes in by_vault.items():
        for at, change, where in grants:
            if not (vault + "/").startswith(where):
                continue
            for write in writes:
                if change.action in _MAKES and at not in edges.get(write, ()):
                    edges[write].add(at)
                elif change.action in _UNMAKES and change.reason is not Reason.CONTAINED:
                    edges[at].add(write)


def _made_needs(work: Work, resource: Resource) -> Iterator[Address]:
    """A resource's nearest needs that are made or changed: a secret that stays in a vault that comes back is none."""
    for need in resource.depends_on:
        change = work.changes.get(need)
        if change is not None and change.action in _MAKES:
            yield need
        elif change is not None and change.desired is not None:
            yield from _made_needs(work, change.desired)


RULES: tuple[Rule, ...] = (make_after_needs, unmake_after_needers, contained_after_container, data_between_grants)
"""All rules of the order of work. The last one looks at the edges that the others made, so as to close no circle."""


def _takers(work: Work) -> Mapping[str, frozenset[Address]]:
    """Who makes an object its own in this plan, by the object's id in lower case."""
    found: defaultdict[str, frozenset[Address]] = defaultdict(frozenset)
    for at, change in work.changes.items():
        if change.action not in _MAKES or change.desired is None:
            continue
        wanted = work.kinds[at.kind].remote_id(change.desired.spec)
        for known in {wanted.lower(), *([change.live.id] if change.action is Action.IMPORT and change.live else [])}:
            found[known] |= {at}
    return found


def _granted_at(work: Work, change: Change) -> str | None:
    """Where a change grants something to, or takes it from, the running identity: an ARM id with a slash behind.

    A vault that switches its access model does: what we may do in it afterwards is what the YAML provides for.
    """
    if any(one.path == ("access",) for one in change.diff) and change.desired is not None:
        return work.kinds[change.address.kind].remote_id(change.desired.spec).lower() + "/"
    spec = change.desired.spec if change.desired is not None else None
    if spec is None:
        spec = change.live.spec if change.live is not None else change.prior.spec if change.prior is not None else None
    grantee = work.kinds[change.address.kind].grantee(spec)
    if grantee is None or grantee.lower() not in work.helpful:
        return None
    where = str(getattr(spec, "scope", None) or getattr(spec, "vault", ""))
    return where.rstrip("/").lower() + "/"


def _key_vault(work: Work, change: Change) -> Iterator[str]:
    """Where else a change works: who writes a value reads, or makes, the fingerprint key."""
    if change.writes_value and work.key_vault is not None:
        yield work.key_vault


def _vault_id(change: Change) -> str:
    side = change.desired or change.prior or change.live
    assert side is not None
    vault: str = side.spec.vault
    return vault


def _acts(work: Work, at: Address, actions: frozenset[Action]) -> bool:
    return at in work.changes and work.changes[at].action in actions


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
