"""What a change of the YAML means: HEAD planned as if BASE had been applied, nobody asked and nothing read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any

from declarative_kv.engine.access.difference import access_lines
from declarative_kv.engine.access.invariants import broken
from declarative_kv.engine.access.network import network_notes
from declarative_kv.engine.access.picture import pictures
from declarative_kv.engine.changes import Inputs, changes_of
from declarative_kv.engine.guards import guard, irreversible
from declarative_kv.engine.lint import findings
from declarative_kv.engine.moves import relocated
from declarative_kv.engine.nobody import between, resolved
from declarative_kv.engine.notes import unwritten
from declarative_kv.engine.order import check_cycles
from declarative_kv.engine.resolve import Resolved
from declarative_kv.engine.risk import retentions, risks_of
from declarative_kv.engine.rules import from_now_on, rules_of
from declarative_kv.engine.select import select
from declarative_kv.engine.shape import immutable_of, unmanaged_of
from declarative_kv.engine.unchanged import origin, without_equal
from declarative_kv.model.access import NOTHING_AROUND
from declarative_kv.model.address import Address, Move
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.kind import Kinds
from declarative_kv.model.lint import Finding
from declarative_kv.model.plan import Block, Change, Head, Options, Plan, Value, Verdict
from declarative_kv.model.resource import Desired, Importing, Observed, Reading, Resource
from declarative_kv.model.review import Review, differences
from declarative_kv.model.source import GenerateSource, Kept
from declarative_kv.model.state import Entry, State


def nothing(document: Document) -> Document:
    """A document of the same place that declares nothing, for a revision without a root file."""
    return replace(
        document,
        resources={},
        principals={},
        fingerprint=None,
        moved={},
        removed=frozenset(),
        invariants=(),
        guards=frozenset(),
        warnings=(),
    )


def review(kinds: Kinds, base: Document, head: Document, today: date, allow: tuple[str, ...] = ()) -> Review:
    """The changes with who gains or loses access, what they risk and what would stand in their way.

    `today` is what dates count from; `allow` lifts guards as in a plan. Raises `ConfigError` or `PlanError` where one
    of the two makes no sense by itself.
    """
    given = base, head
    base, head, aside = without_equal(base, head)
    world = _world(kinds, base, head)
    check_cycles(world.head.desired)
    inputs = replace(_inputs(kinds, world, base, head, allow), aside=aside)
    changes = tuple(_placed(change, world) for change in changes_of(inputs))
    plan = _judged(inputs, changes, world, head)
    kept = retentions((at, seen.spec) for at, seen in inputs.reading.live.items() if at in world.ours)
    return Review(
        plan=plan,
        risks=risks_of(kinds, plan, differences(plan), kept, today),
        settings=tuple(rules_of(*given, world.before, world.head.desired)),
        findings=_new_findings(*given, world.renamed),
    )


def _new_findings(base: Document, head: Document, renamed: Mapping[Address, Address]) -> tuple[Finding, ...]:
    """What lint finds in HEAD and not in BASE, whatever entries are called there."""
    found = findings(_changed(head, base))
    if not found:
        return ()
    known = {(one.rule.id, renamed.get(one.address, one.address)) for one in findings(_changed(base, head))}
    return tuple(one for one in found if (one.rule.id, one.address) not in known)


def _changed(one: Document, other: Document) -> Document:
    """The document without the entries that the other has too, but for vaults, by which what is in them is judged."""
    if one.lint != other.lint:
        return one
    theirs = other.resources
    kept = {
        at: resource
        for at, resource in one.resources.items()
        if at.kind == "vault" or at not in theirs or theirs[at].spec != resource.spec
    }
    return replace(one, resources=kept)


@dataclass(frozen=True, slots=True)
class _World:
    """What there would be had BASE been applied: the state under HEAD's addresses, and the objects by id.

    `before` has BASE's entries under HEAD's addresses, `renamed` which those were; `ours` are those of which
    every setting is known.
    """

    head: Resolved
    names: Mapping[str, str]
    before: Desired
    state: State
    moves: tuple[Move, ...]
    renamed: Mapping[Address, Address]
    objects: Mapping[str, Observed]
    ours: frozenset[Address]


def _world(kinds: Kinds, base: Document, head: Document) -> _World:
    asked = between(base, head)
    was, will = (resolved(one, nobody, kinds) for one, nobody in zip((base, head), asked, strict=True))
    applied = {at: one for at, one in was.desired.items() if not one.lifecycle.existing}
    state = State(entries={at: _entry(kinds, one) for at, one in applied.items()})
    state, moves = relocated(state, head.moved)
    renamed = {**head.moved, **{move.source: move.target for move in moves}}
    before = {
        (to := renamed.get(at, at)): one if to == at else replace(one, address=to) for at, one in was.desired.items()
    }
    ours = frozenset(at for at, one in before.items() if not _found_there(before, one))
    objects = {}
    for at, one in before.items():
        spec = one.spec if at in ours else _known(one, will.desired.get(at))
        seen = kinds[at.kind].made(spec)
        objects[seen.id] = seen
    for at, one in will.desired.items():
        if one.lifecycle.existing and (seen := kinds[at.kind].made(one.spec)).id not in objects:
            objects[seen.id] = seen
    return _World(will, {**was.principals, **will.principals}, before, state, moves, renamed, objects, ours)


def _entry(kinds: Kinds, resource: Resource) -> Entry:
    remote_id = kinds[resource.address.kind].remote_id(resource.spec)
    protect = resource.lifecycle.protect
    return Entry(resource.address, remote_id, resource.spec, resource.depends_on, protect=protect)


def _found_there(declared: Desired, one: Resource) -> bool:
    """Whether somebody else may have made it, so that what is not written of it is not known."""
    vault = declared.get(Address("vault", one.address.container))
    with_vault = bool(one.address.key) and vault is not None and vault.lifecycle.importing is Importing.ALL
    return one.lifecycle.existing or with_vault or one.lifecycle.importing is not Importing.NO


def _known(was: Resource, will: Resource | None) -> Any:
    """What is known of something that we did not make: what BASE writes, else what HEAD does; once attached, HEAD's."""
    if will is None:
        return was.spec
    first, second = (will, was) if was.lifecycle.existing and will.lifecycle.existing else (was, will)
    return _filled(first.spec, second.spec)


def _filled(spec: Any, other: Any) -> Any:
    """A spec with another's settings where it has none."""
    found = {}
    for one in fields(spec):
        own, theirs = getattr(spec, one.name), getattr(other, one.name)
        if own is None:
            found[one.name] = theirs
        elif is_dataclass(own) and type(own) is type(theirs) and not one.metadata:
            found[one.name] = _filled(own, theirs)
        elif isinstance(own, Mapping) and isinstance(theirs, Mapping):
            found[one.name] = {**theirs, **own}
    return replace(spec, **found)


def _inputs(kinds: Kinds, world: _World, base: Document, head: Document, allow: tuple[str, ...]) -> Inputs:
    options, desired = Options(values="never", allow=allow), world.head.desired
    live = {}
    for at in sorted(desired.keys() | world.state.entries.keys()):
        if (seen := _seen(kinds, world, at)) is not None:
            live[at] = seen
    matched = {one.id for one in live.values()}
    rest = tuple(one for one in world.objects.values() if one.id not in matched)
    reading = Reading(live, rest, contents=_contents(desired, world))
    chosen = select(desired, world.state, options)
    verdicts = dict(_verdicts(world, base, head))
    return Inputs(kinds, desired, world.state, reading, verdicts, options, chosen, removed=head.removed)


def _seen(kinds: Kinds, world: _World, at: Address) -> Observed | None:
    """The object of an address: the one in the state, else the one that is wanted now."""
    entry, wanted = world.state.entries.get(at), world.head.desired.get(at)
    if entry is not None and (found := world.objects.get(entry.remote_id.lower())) is not None:
        return found
    return None if wanted is None else world.objects.get(kinds[at.kind].remote_id(wanted.spec).lower())


def _contents(desired: Desired, world: _World) -> dict[Address, tuple[str, ...]]:
    """The vaults in each group that goes."""
    gone = {at: entry for at, entry in world.state.entries.items() if at.kind == "resource_group" and at not in desired}
    vaults = [one.remote_id for one in world.objects.values() if one.kind == "vault"]
    return {
        at: tuple(one for one in vaults if one.lower().startswith(f"{entry.remote_id.lower()}/"))
        for at, entry in gone.items()
    }


def _verdicts(world: _World, base: Document, head: Document) -> Iterator[tuple[Address, Verdict]]:
    """Which secrets have no value of ours, and which get theirs from somewhere else than before."""
    for at, wanted in world.head.desired.items():
        source = getattr(wanted.spec, "source", None)
        before = getattr(world.before[at].spec, "source", None) if at in world.before else None
        if isinstance(source, Kept):
            yield at, Verdict(Value.NONE)
        elif isinstance(source, GenerateSource) or source is None or before is None:
            continue  # one that is there is not generated again, and what is new says where its value comes from
        elif origin(before, base) != origin(source, head):
            yield at, Verdict(Value.NOT_COMPARED, f"its source changes from {before} to {source}")


def _placed(change: Change, world: _World) -> Change:
    """The change with its place: of what goes, where BASE had it."""
    if change.span is not None or change.address not in world.before:
        return change
    return replace(change, span=world.before[change.address].span)


def _judged(inputs: Inputs, changes: tuple[Change, ...], world: _World, head: Document) -> Plan:
    before, after = pictures(inputs, changes, NOTHING_AROUND, world.names, whole=bool(head.invariants))
    access = access_lines(before, after)
    invariants = broken(after, head.invariants, world.head.ids, offline=True)
    refused = (*unmanaged_of(inputs, changes), *immutable_of(inputs, changes))
    return Plan(
        head=Head(head.environment, "", "", "", "", 0, "", root=head.root, principals=world.names),
        changes=changes,
        access=access,
        blocks=(*guard(inputs, changes, access, invariants, head.guards), *map(_refusal, refused)),
        irreversible=irreversible(inputs, changes),
        unwritten=unwritten(inputs),
        notes=(*network_notes(before, after), *from_now_on(world.before, world.head.desired, changes)),
        options=inputs.options,
        moves=world.moves,
    )


def _refusal(problem: Diagnostic) -> Block:
    """What no plan would be made of, as something that stands in the way."""
    return Block(problem.code, problem.address, problem.detail)
