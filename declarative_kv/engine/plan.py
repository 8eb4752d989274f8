"""Make the plan: pure, from what is wanted, what the state knows and what Azure holds.

The body of `plan` is the whole story; each step is a function of values in a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from declarative_kv.engine.access.difference import access_lines, network_notes
from declarative_kv.engine.access.invariants import broken
from declarative_kv.engine.access.picture import pictures
from declarative_kv.engine.changes import Inputs, changes_of
from declarative_kv.engine.coverage import check_data_access, helpful_principals
from declarative_kv.engine.drift import checked_of, drift_of
from declarative_kv.engine.fingerprint import vault_of
from declarative_kv.engine.guards import guard, irreversible
from declarative_kv.engine.notes import listings_of, notes_of, outside_notes, unwritten
from declarative_kv.engine.order import check_cycles, in_order
from declarative_kv.engine.others import last_grant_notes, unmanaged_changes, unmanaged_objects
from declarative_kv.engine.select import select
from declarative_kv.engine.shape import check_shape
from declarative_kv.model.address import Address
from declarative_kv.model.found import Orphan
from declarative_kv.model.invariant import NO_SCRUTINY, Scrutiny
from declarative_kv.model.kind import Kinds
from declarative_kv.model.plan import AccessLine, Block, Change, Head, Options, Plan, Unmanaged, Verdict
from declarative_kv.model.resource import Desired, Reading
from declarative_kv.model.state import State


def plan(
    kinds: Kinds,
    desired: Desired,
    state: State,
    reading: Reading,
    verdicts: Mapping[Address, Verdict],
    head: Head,
    options: Options,
    *,
    fingerprints: bool = True,
    groups: frozenset[str] = frozenset(),
    shared_key: str | None = None,
    removed: frozenset[Address] = frozenset(),
    scrutiny: Scrutiny = NO_SCRUTINY,
) -> Plan:
    """Decide every change. Pure: no I/O, no clock, no randomness.

    `fingerprints` is false where the YAML says `fingerprint: none`; `groups` are object ids known as groups;
    `shared_key` is the id of the fingerprint key that all vaults share, if they do; what is `removed` is forgotten;
    `scrutiny` is by what access is judged.

    Raises `UnmanagedExists`, `DependencyCycle` or another `PlanError` with all mistakes that no plan can be made of.
    """
    check_cycles(desired)
    chosen = select(desired, state, options)
    inputs = Inputs(kinds, desired, state, reading, verdicts, options, chosen, fingerprints, groups, removed)
    unmanaged = unmanaged_objects(inputs)
    changes = wished(inputs, unmanaged, head.object_id)
    check_shape(inputs, changes)
    check_data_access(inputs, changes, head)
    helpful = helpful_principals(inputs, head.object_id)
    ordered = in_order(kinds, changes, helpful, key_vault=shared_key and vault_of(shared_key))
    access, blocks, notes = _judged(inputs, ordered, head, scrutiny)
    return Plan(
        head=head,
        changes=ordered,
        drift=drift_of(inputs),
        unmanaged=unmanaged,
        access=access,
        blocks=blocks,
        irreversible=irreversible(inputs, ordered),
        unwritten=unwritten(inputs),
        notes=(
            *notes,
            *notes_of(inputs, ordered, shared_key, helpful),
            *last_grant_notes(inputs, unmanaged, head.object_id),
        ),
        unreadable=reading.unreadable,
        listings=listings_of(inputs),
        base=state.base,
        options=options,
    )


def wished(inputs: Inputs, unmanaged: tuple[Unmanaged, ...], current: str) -> tuple[Change, ...]:
    """Every change that the YAML asks for, whatever stands in its way; `current` is who runs us."""
    return (*changes_of(inputs), *unmanaged_changes(inputs, unmanaged, current))


def _judged(
    inputs: Inputs, changes: tuple[Change, ...], head: Head, scrutiny: Scrutiny
) -> tuple[tuple[AccessLine, ...], tuple[Block, ...], tuple[str, ...]]:
    """Who gains or loses access, what stands in the way, and what is to be noted about the network."""
    before, after = pictures(inputs, changes, scrutiny.around, head.principals)
    access = access_lines(before, after)
    invariants = broken(after, scrutiny.invariants, scrutiny.ids)
    return access, guard(inputs, changes, access, invariants, scrutiny.guards), tuple(network_notes(before, after))


def only_drift(inputs: Inputs, head: Head, orphans: tuple[Orphan, ...] = (), note: str = "") -> Plan:
    """The state held against Azure, without any wish: what `dkv drift` reports. `note` is what else there is to say."""
    return Plan(
        head=head,
        changes=(),
        drift=drift_of(inputs),
        unmanaged=unmanaged_objects(inputs),
        notes=(*outside_notes(inputs), *([note] if note else [])),
        unreadable=inputs.reading.unreadable,
        listings=listings_of(inputs),
        base=inputs.state.base,
        options=inputs.options,
        orphans=orphans,
        checked=checked_of(inputs),
    )
