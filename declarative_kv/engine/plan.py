"""Make the plan: pure, from what is wanted, what the state knows and what Azure holds.

The body of `plan` is the whole story; each step is a function of values in a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from declarative_kv.engine.access.difference import access_lines
from declarative_kv.engine.access.invariants import broken
from declarative_kv.engine.access.network import network_notes
from declarative_kv.engine.access.picture import pictures
from declarative_kv.engine.changes import Inputs, changes_of
from declarative_kv.engine.coverage import check_data_access, helpful_principals
from declarative_kv.engine.drift import checked_of, drift_of
from declarative_kv.engine.fingerprint import vault_of
from declarative_kv.engine.guards import guard, irreversible
from declarative_kv.engine.notes import listings_of, notes_of, outside_notes, unwritten
from declarative_kv.engine.order import check_cycles, in_order
from declarative_kv.engine.others import inherited_grants, last_grant_notes, unmanaged_changes, unmanaged_objects
from declarative_kv.engine.select import select
from declarative_kv.engine.shape import check_shape
from declarative_kv.model.address import Address
from declarative_kv.model.found import Orphan, Unmanaged
from declarative_kv.model.invariant import NO_SCRUTINY, Scrutiny
from declarative_kv.model.kind import Kinds
from declarative_kv.model.plan import Change, Head, Options, Plan, Verdict
from declarative_kv.model.resource import Desired, Reading
from declarative_kv.model.state import State

NOWHERE: Final[Desired] = {}


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
    elsewhere: Desired = NOWHERE,
) -> Plan:
    """Decide every change. Pure: no I/O, no clock, no randomness.

    `fingerprints` is false where the YAML says `fingerprint: none`; `groups` are object ids known as groups;
    `shared_key` is the id of the fingerprint key that all vaults share, if they do; what is `removed` is forgotten;
    `scrutiny` is by what access is judged; `elsewhere` is what of this state another shard wants from now on.

    Raises `UnmanagedExists`, `DependencyCycle` or another `PlanError` with all mistakes that no plan can be made of.
    """
    check_cycles(desired)
    chosen = select(desired, state, options)
    inputs = Inputs(
        *(kinds, desired, state, reading, verdicts, options, chosen, fingerprints, groups, removed), elsewhere=elsewhere
    )
    unmanaged = unmanaged_objects(inputs)
    changes = wished(inputs, unmanaged, head.object_id)
    check_shape(inputs, changes)
    check_data_access(inputs, changes, head)
    helpful = helpful_principals(inputs, head.object_id)
    ordered = in_order(kinds, changes, helpful, key_vault=shared_key and vault_of(shared_key))
    notes = (*notes_of(inputs, ordered, shared_key, helpful), *last_grant_notes(inputs, unmanaged, head.object_id))
    return _judged(_told(inputs, ordered, head, unmanaged), inputs, scrutiny, notes)


def _told(inputs: Inputs, changes: tuple[Change, ...], head: Head, unmanaged: tuple[Unmanaged, ...]) -> Plan:
    """The changes with everything that a reviewer sees beside them, but for access and what rests on it."""
    return Plan(
        head=head,
        changes=changes,
        drift=drift_of(inputs),
        unmanaged=unmanaged,
        irreversible=irreversible(inputs, changes),
        unwritten=unwritten(inputs),
        unreadable=inputs.reading.unreadable,
        listings=listings_of(inputs),
        base=inputs.state.base,
        options=inputs.options,
        inherited=inherited_grants(inputs),
    )


def wished(inputs: Inputs, unmanaged: tuple[Unmanaged, ...], current: str) -> tuple[Change, ...]:
    """Every change that the YAML asks for, whatever stands in its way; `current` is who runs us."""
    return (*changes_of(inputs), *unmanaged_changes(inputs, unmanaged, current))


def _judged(told: Plan, inputs: Inputs, scrutiny: Scrutiny, notes: tuple[str, ...]) -> Plan:
    """The plan with who gains or loses access, what stands in its way, and these notes behind those on the network."""
    # Of single secrets only invariants speak.
    whole = bool(scrutiny.invariants)
    before, after = pictures(inputs, told.changes, scrutiny.around, told.head.principals, whole=whole)
    access = access_lines(before, after)
    invariants = broken(after, scrutiny.invariants, scrutiny.ids)
    blocks = guard(inputs, told.changes, access, invariants, scrutiny.guards)
    return replace(told, access=access, blocks=blocks, notes=(*network_notes(before, after), *notes))


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
        inherited=inherited_grants(inputs),
    )
