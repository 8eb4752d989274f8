"""The six steps of a run in their order: load, resolve, refresh, plan, guard, apply."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from declarative_kv.azure.existence import existing
from declarative_kv.azure.surroundings import surroundings
from declarative_kv.cli.context import Place, Run, now
from declarative_kv.engine.access.around import questions
from declarative_kv.engine.access.estate import Estate
from declarative_kv.engine.access.picture import pictures
from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.fingerprint import KeyRing
from declarative_kv.engine.moves import relocated
from declarative_kv.engine.orphans import grantees, orphans_of
from declarative_kv.engine.others import unmanaged_objects
from declarative_kv.engine.picture import answered
from declarative_kv.engine.plan import only_drift, plan, wished
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.resolve import Resolved, resolve
from declarative_kv.engine.select import select
from declarative_kv.engine.shard import away, missing_elsewhere, needed_elsewhere, own
from declarative_kv.engine.values import compare
from declarative_kv.kinds.fingerprint_key import FingerprintKeys
from declarative_kv.model.access import Questions, Surroundings
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document, Selector
from declarative_kv.model.errors import AzureError
from declarative_kv.model.found import Orphan
from declarative_kv.model.invariant import Scrutiny
from declarative_kv.model.plan import Head, Options, Plan, Verdict
from declarative_kv.model.resource import Reading
from declarative_kv.model.shard import Shard
from declarative_kv.model.specs import RoleAssignmentSpec
from declarative_kv.model.state import State
from declarative_kv.values import Sources


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what an apply of it goes on with.

    `shared` and `off` are the settings of the fingerprint keys; `groups` the object ids known as groups.
    """

    plan: Plan
    place: Place
    ring: KeyRing
    sources: Sources
    shared: str | None = None
    off: bool = False
    groups: frozenset[str] = frozenset()


def place_of(document: Document) -> Place:
    """Where a document's run works."""
    return Place(document.cloud, document.tenant.value, document.state, document.root)


async def planned(run: Run, document: Document, state: State, options: Options) -> Planned:
    """Resolve, refresh, compare values, plan. Writes nothing."""
    return await planned_from(run, document, await resolve(document, run.directory, run.kinds), state, options)


def settings_of(document: Document) -> Document:
    """The document without its resources, to go on with once they are resolved.

    Of a large estate they take a good part of the memory, and whoever lets go of the whole document has them once.
    """
    return replace(document, resources={})


async def planned_from(run: Run, document: Document, resolved: Resolved, state: State, options: Options) -> Planned:
    """Refresh, compare values, plan; of the document only the settings are looked at. Writes nothing."""
    state, moves = relocated(state, document.moved)
    elsewhere = away(resolved.desired, state, options.shard)
    resolved = replace(resolved, desired=own(resolved.desired, state, options.shard))
    chosen = select(resolved.desired, state, options)
    groups = _groups(document, resolved)
    needed = _needed_elsewhere(document, resolved, chosen, options)
    reading = await refresh(
        run.kinds, run.session, resolved.desired, state, chosen | needed, destroying=options.destroy, around=True
    )
    ring = key_ring(run, state, shared=resolved.fingerprint, off=document.fingerprint_off)
    sources = Sources(os.environ)
    inputs = Inputs(run.kinds, resolved.desired, state, reading, {}, options, chosen)
    verdicts = await _verdicts(run, resolved, inputs, sources, ring)
    asked = questions(resolved.desired, state, reading, groups, directory=bool(document.invariants))
    around = await _around(run, asked)
    made = plan(
        run.kinds,
        resolved.desired,
        state,
        reading,
        verdicts,
        head_of(document, resolved, state),
        options,
        fingerprints=not document.fingerprint_off,
        groups=groups,
        shared_key=resolved.fingerprint,
        removed=document.removed,
        scrutiny=Scrutiny(around, document.invariants, resolved.ids, document.guards),
        elsewhere=elsewhere,
    )
    blocks = (*made.blocks, *missing_elsewhere(resolved.desired, made.changes, reading, needed, options.shard))
    noted = replace(made, blocks=blocks, notes=(*made.notes, *ring.notes), warnings=document.warnings, moves=moves)
    return Planned(noted, run.place, ring, sources, resolved.fingerprint, document.fingerprint_off, groups)


async def _around(run: Run, asked: Questions) -> Surroundings:
    """What stands around the grants: asked for, or as a picture shows it."""
    if run.around is not None:
        return answered(run.around, asked)
    return await surroundings(run.session, asked)


async def estates(run: Run, document: Document, state: State) -> tuple[Estate, Estate, tuple[Diagnostic, ...]]:
    """Who was given what, as it is and as an apply would leave it, and what could not be read. Writes nothing."""
    options = Options(values="never", import_all=True)
    state, _ = relocated(state, document.moved)
    resolved = await resolve(document, run.directory, run.kinds)
    chosen = select(resolved.desired, state, options)
    reading: Reading = await refresh(run.kinds, run.session, resolved.desired, state, chosen, around=True)
    asked = questions(resolved.desired, state, reading, _groups(document, resolved), directory=True)
    around = await _around(run, asked)
    inputs = Inputs(run.kinds, resolved.desired, state, reading, {}, options, chosen, removed=document.removed)
    changes = wished(inputs, unmanaged_objects(inputs), resolved.identity.object_id)
    before, after = pictures(inputs, changes, around, resolved.principals, whole=True)
    return before, after, reading.unreadable


def _needed_elsewhere(
    document: Document, resolved: Resolved, chosen: frozenset[Address], options: Options
) -> frozenset[Address]:
    """What another shard makes and this one needs, the vault of the key that all share among it."""
    if options.destroy:
        return frozenset()
    holder = Address("vault", document.fingerprint.container) if document.fingerprint is not None else None
    return needed_elsewhere(resolved.desired, chosen, options.shard, holder)


async def drifted(run: Run, document: Document, state: State, shard: Shard | None = None) -> Plan:
    """Resolve, refresh, and hold the state against Azure. Reads no source; writes nothing."""
    inputs, resolved = await inspected(run, document, state, shard)
    orphans, note = await _orphans(run, inputs, resolved)
    return only_drift(inputs, head_of(document, resolved, state), orphans, note)


async def inspected(run: Run, document: Document, state: State, shard: Shard | None = None) -> tuple[Inputs, Resolved]:
    """Everything that drift is judged by."""
    options = Options(values="never", shard=shard)
    state, _ = relocated(state, document.moved)
    resolved = await resolve(document, run.directory, run.kinds)
    elsewhere = away(resolved.desired, state, shard)
    resolved = replace(resolved, desired=own(resolved.desired, state, shard))
    chosen = select(resolved.desired, state, options)
    reading: Reading = await refresh(run.kinds, run.session, resolved.desired, state, chosen, around=True)
    inputs = Inputs(run.kinds, resolved.desired, state, reading, {}, options, chosen, elsewhere=elsewhere)
    return inputs, resolved


async def _orphans(run: Run, inputs: Inputs, resolved: Resolved) -> tuple[tuple[Orphan, ...], str]:
    """The grants to nobody, from one question to the directory; else a note that it could not be asked."""
    asked = grantees(inputs) - {resolved.identity.object_id.lower()}
    if not asked:
        return (), ""
    try:
        there = await existing(run.session, asked)
    except AzureError as error:
        return (), f"whether grants are to principals that still exist is not known: {error.diagnostics[0].detail}"
    return orphans_of(inputs, there | {resolved.identity.object_id.lower()}), ""


def key_ring(run: Run, state: State, *, shared: str | None, off: bool) -> KeyRing:
    """The fingerprint keys of a run."""
    return KeyRing(FingerprintKeys(run.session), shared=shared, off=off, recorded=state.keys)


def head_of(document: Document, resolved: Resolved, state: State) -> Head:
    """What is compared, as whom, and when: now."""
    return Head(
        environment=document.environment,
        subscription=resolved.subscription.value or "",
        subscription_from=resolved.subscription.source,
        identity=resolved.identity.name,
        identity_from=resolved.identity.source,
        serial=state.serial,
        read_at=now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        object_id=resolved.identity.object_id,
        tenant=resolved.tenant,
        cloud=document.cloud.name,
        state=document.state,
        root=document.root,
        principals=dict(resolved.principals),
    )


def helpful(made: Plan, groups: Iterable[str]) -> frozenset[str]:
    """The object ids whose grants may help the running identity: its own, and those of groups."""
    specs = (side.spec for change in made.changes for side in (change.desired, change.live) if side is not None)
    granted = {
        str(spec.principal).lower()
        for spec in specs
        if isinstance(spec, RoleAssignmentSpec) and str(spec.principal_type).lower() == "group"
    }
    return frozenset({made.head.object_id.lower(), *granted, *groups} - {""})


async def _verdicts(
    run: Run, resolved: Resolved, inputs: Inputs, sources: Sources, ring: KeyRing
) -> Mapping[Address, Verdict]:
    """What is known about each secret's value; a plan that destroys or only refreshes asks no source."""
    options = inputs.options
    if options.destroy or options.refresh_only:
        return {}

    async def examine(live: Any) -> Any:
        return await run.kinds[live.kind].examine(run.session, live)

    return await compare(
        resolved,
        inputs.state,
        inputs.reading,
        sources,
        ring,
        examine,
        importing=inputs.importing,
        chosen=inputs.chosen,
        mode=options.values,
    )


def _groups(document: Document, resolved: Resolved) -> frozenset[str]:
    """The object ids that are known to be groups."""
    return frozenset(
        object_id
        for object_id, key in resolved.principals.items()
        if (principal := document.principals.get(key)) is not None
        and (principal.selector is Selector.GROUP or principal.type == "Group")
    )
