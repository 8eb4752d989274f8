"""Make the plan: pure, from what is wanted, what the state knows and what Azure holds.

The body of `plan` is the whole story; each step is a function of values in a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from declarative_kv.engine.access import access_lines
from declarative_kv.engine.changes import Inputs, changes_of, left_out
from declarative_kv.engine.coverage import check_data_access, helpful_principals
from declarative_kv.engine.drift import drift_of
from declarative_kv.engine.guards import guard, irreversible
from declarative_kv.engine.order import check_cycles, in_order
from declarative_kv.engine.others import unlisted_notes, unmanaged_changes, unmanaged_objects
from declarative_kv.engine.select import select
from declarative_kv.engine.shape import check_shape
from declarative_kv.model.address import Address
from declarative_kv.model.kind import Kinds
from declarative_kv.model.plan import Change, Head, Options, Plan, Unwritten, Verdict
from declarative_kv.model.resource import Condition, Desired, Reading
from declarative_kv.model.specs import VaultSpec
from declarative_kv.model.state import State

KEY_NAME = "dkv-fingerprint-key"


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
) -> Plan:
    """Decide every change. Pure: no I/O, no clock, no randomness.

    `fingerprints` is false where the YAML says `fingerprint: none`; `groups` are object ids known as groups;
    `shared_key` is the id of the fingerprint key that all vaults share, if they do.

    Raises `UnmanagedExists`, `DependencyCycle` or another `PlanError` with all mistakes that no plan can be made of.
    """
    check_cycles(desired)
    chosen = select(desired, state, options)
    inputs = Inputs(kinds, desired, state, reading, verdicts, options, chosen, fingerprints, groups)
    unmanaged = unmanaged_objects(inputs)
    changes = [*changes_of(inputs), *unmanaged_changes(inputs, unmanaged, head.object_id)]
    check_shape(inputs, changes)
    check_data_access(inputs, changes, head)
    ordered = in_order(kinds, changes, helpful_principals(inputs, head.object_id))
    return Plan(
        head=head,
        changes=ordered,
        drift=drift_of(inputs),
        unmanaged=unmanaged,
        access=access_lines(ordered, head, _vaults(desired)),
        blocks=guard(inputs, ordered),
        irreversible=irreversible(inputs, ordered),
        unwritten=_unwritten(inputs),
        notes=(*_key_notes(inputs, ordered, shared_key), *_shared_notes(ordered), *unlisted_notes(inputs)),
        unreadable=reading.unreadable,
        base=state.base,
        options=options,
    )


def only_drift(inputs: Inputs, head: Head) -> Plan:
    """The state held against Azure, without any wish: what `dkv drift` reports."""
    return Plan(
        head=head,
        changes=(),
        drift=drift_of(inputs),
        unmanaged=unmanaged_objects(inputs),
        notes=unlisted_notes(inputs),
        unreadable=inputs.reading.unreadable,
        base=inputs.state.base,
        options=inputs.options,
    )


def _vaults(desired: Desired) -> Iterator[VaultSpec]:
    return (resource.spec for resource in desired.values() if isinstance(resource.spec, VaultSpec))


def _unwritten(inputs: Inputs) -> tuple[Unwritten, ...]:
    """The settings that left the YAML since the last apply; Azure keeps them."""
    found = []
    for at in sorted(inputs.chosen):
        wanted, prior = inputs.wanted(at), inputs.state.entries.get(at)
        if wanted is None or prior is None or wanted.lifecycle.existing:
            continue
        gone = tuple(left_out(prior.spec, wanted.spec))
        if gone:
            found.append(Unwritten(at, gone))
    return tuple(found)


def _shared_notes(changes: tuple[Change, ...]) -> Iterator[str]:
    """Which assignments of somebody else's satisfy ours, where the state does not say so yet."""
    for change in changes:
        if change.facts.get("shared") and change.prior is None:
            yield f"{change.address} is there already, under another id: it is shared, and never deleted from here"


def _key_notes(inputs: Inputs, changes: tuple[Change, ...], shared: str | None) -> tuple[str, ...]:
    """Where this run will make a fingerprint key: in each vault that it writes a value to, or one for all of them."""
    writing = {
        Address("vault", one.address.container) for one in changes if one.writes_value and one.verdict is not None
    }
    if not inputs.fingerprints or not writing:
        return ()
    known = _known_keys(inputs, shared)
    if shared is not None:
        place, _, name = shared.partition("/secrets/")
        return () if shared.lower() in known else (_key_note(_holder(inputs, place), name),)
    there = {at: live.id for at in writing if (live := inputs.reading.live.get(at)) is not None}
    missing = sorted(at for at in writing if f"{there.get(at)}/secrets/{KEY_NAME}" not in known)
    return tuple(_key_note(str(at), KEY_NAME) for at in missing)


def _key_note(holder: str, name: str) -> str:
    return f"{holder} gets a fingerprint key (secret {name}), by which later plans see that a value changed"


def _known_keys(inputs: Inputs, shared: str | None) -> frozenset[str]:
    """The keys that are there, by id in lower case; of a shared one, whose vault may not be listed, as recorded."""
    listed = {one.id for one in inputs.reading.rest if one.system and one.condition is Condition.LIVE}
    used = {one.key for one in inputs.verdicts.values() if one.key is not None}
    recorded = {str(facts["id"]) for facts in inputs.state.keys.values() if "id" in facts} if shared else set()
    return frozenset(listed | {one.rpartition("/")[0].lower() for one in used | recorded})


def _holder(inputs: Inputs, vault: str) -> str:
    """The address of the vault with this id, or its name where it is not declared."""
    ours = {inputs.kinds[at.kind].remote_id(one.spec).lower(): at for at, one in inputs.desired.items()}
    return str(ours.get(vault.lower(), f"vault {vault.rpartition('/')[2]}"))
