"""One change for every chosen address: the decision table applied, with the cases that stand under it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from declarative_kv.engine.decide import ABSENT, UNSEEN, Seen, decide
from declarative_kv.engine.entries import replaced_id
from declarative_kv.engine.standing import is_ours, standing
from declarative_kv.engine.verdict import value_moved
from declarative_kv.model.address import Address
from declarative_kv.model.alike import NOTHING
from declarative_kv.model.kind import Kinds, Plane, ResourceKind
from declarative_kv.model.plan import Action, AttrDiff, Change, Options, Reason, Value, Verdict
from declarative_kv.model.resource import Condition, Desired, Importing, Observed, Reading, Resource
from declarative_kv.model.state import Entry, State, Status


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a plan is made of; `aside` counts entries of the state that are left out, as nothing is new.

    `elsewhere` is declared too, and held by this state still, but another shard wants it from now on.
    """

    kinds: Kinds
    desired: Desired
    state: State
    reading: Reading
    verdicts: Mapping[Address, Verdict]
    options: Options
    chosen: frozenset[Address]
    fingerprints: bool = True
    groups: frozenset[str] = frozenset()
    removed: frozenset[Address] = frozenset()
    aside: int = 0
    elsewhere: Desired = field(default_factory=dict)

    def lets_go(self, at: Address) -> bool:
        """Whether the YAML says that the entry, or the vault around it, is to be forgotten."""
        return at in self.removed or (bool(at.key) and Address("vault", at.container) in self.removed)

    def wanted(self, at: Address) -> Resource | None:
        """The declaration of an address, unless the run destroys."""
        return None if self.options.destroy else self.desired.get(at)

    def declared(self, at: Address) -> Resource | None:
        """What the YAML says of an address, for this shard or another one."""
        return self.desired.get(at) or self.elsewhere.get(at)

    def importing(self, at: Address) -> bool:
        """Whether an existing object may be taken over: by its own word, its vault's `import: all`, or the option."""
        if self.options.import_all or self.options.import_only:
            return True
        own = self.desired[at].lifecycle.importing is not Importing.NO
        vault = self.desired.get(Address("vault", at.container))
        return own or (bool(at.key) and vault is not None and vault.lifecycle.importing is Importing.ALL)


def changes_of(inputs: Inputs) -> tuple[Change, ...]:
    """A change for every chosen address that could be read and is not merely checked, no-ops included."""
    changes = {at: change for at in sorted(inputs.chosen) if (change := _change(inputs, at)) is not None}
    if inputs.options.refresh_only:
        return tuple(_accepting(change, changes) for change in changes.values())
    changes = {at: _known_after_recover(change, changes, inputs.kinds) for at, change in changes.items()}
    owners = claimed(inputs, {known for change in changes.values() for known in _let_go(change)})
    changes = {at: _handed_over(change, owners) for at, change in changes.items()}
    changes = {at: _waiting(change, changes) for at, change in changes.items()}
    return tuple(_contained(change, changes, inputs) for change in changes.values())


def _change(inputs: Inputs, at: Address) -> Change | None:
    wanted, prior, live = inputs.wanted(at), inputs.state.entries.get(at), inputs.reading.live.get(at)
    if at in inputs.reading.unread:
        return None
    if wanted is not None and wanted.lifecycle.existing:
        return None if prior is None else Change(at, Action.FORGET, Reason.ATTACHED, prior=prior, span=wanted.span)
    if wanted is None and prior is None:
        return None
    kind = inputs.kinds[at.kind]
    seen: Seen = live.condition if live is not None else UNSEEN if _half_seen(inputs, at) else ABSENT
    action, reason = decide(wanted=wanted is not None, known=prior is not None, condition=seen)
    verdict, span = inputs.verdicts.get(at), wanted.span if wanted is not None else None
    base = Change(at, action, reason, desired=wanted, prior=prior, live=live, verdict=verdict, span=span)
    if wanted is None:
        return _removal(base, inputs)
    match action:
        case Action.CREATE:
            return _creation(kind, base, inputs)
        case Action.RECOVER:
            return _recovery(kind, base)
        case Action.IMPORT:
            return _import(kind, base, inputs)
        case _:
            return _comparison(kind, base, inputs)


def _half_seen(inputs: Inputs, at: Address) -> bool:
    """Whether the list that would show the address shows no soft-deleted ones."""
    kind, side = inputs.kinds[at.kind], inputs.desired.get(at) or inputs.state.entries.get(at)
    if kind.plane is not Plane.DATA or side is None:
        return False
    return inputs.reading.listed.get(kind.scope(side.spec).at.lower()) is not None


def _removal(base: Change, inputs: Inputs) -> Change:
    if base.action is Action.DESTROY and inputs.lets_go(base.address):
        return replace(base, action=Action.FORGET, reason=Reason.LET_GO)
    if base.action is Action.DESTROY and base.prior is not None and base.prior.facts.get("shared"):
        return replace(base, action=Action.FORGET, reason=Reason.SHARED)
    if replaced_id(base.prior) is not None:
        # The new one was not made yet; the one that it was to take the place of may still be there.
        base = replace(base, action=Action.DESTROY, reason=Reason.UNDECLARED)
    if base.action is Action.DESTROY and inputs.options.destroy:
        return replace(base, reason=Reason.DESTROYING)
    return base


def _creation(kind: ResourceKind, base: Change, inputs: Inputs) -> Change | None:
    """A create; a `kept` secret that is not there has no value to create it with, so it is only shown."""
    reason = Reason.INTERRUPTED if _interrupted(base.prior) else base.reason
    if replaced_id(base.prior) is not None:
        return replace(base, action=Action.REPLACE, reason=reason)
    if not kind.holds_value:
        return replace(base, reason=reason)
    if base.verdict is not None and base.verdict.value is Value.NONE:
        why = f"it has no value in Azure yet; set one with: dkv secret set {base.address}"
        return replace(base, action=Action.NOOP, reason=Reason.WAITING, verdict=Verdict(Value.NOT_COMPARED, why))
    return replace(base, reason=reason, writes_value=True)


def _recovery(kind: ResourceKind, base: Change) -> Change:
    assert base.desired is not None
    assert base.live is not None
    if kind.plane is Plane.CONTROL:
        expected = _difference(kind, base.desired, base.prior) if base.prior is not None else ()
        return replace(base, known=False, diff=expected)
    diff = _difference(kind, base.desired, base.live)
    return replace(base, diff=diff, writes_value=_moved(base.verdict))


def _import(kind: ResourceKind, base: Change, inputs: Inputs) -> Change:
    assert base.desired is not None
    assert base.live is not None
    diff = _difference(kind, base.desired, base.live)
    shared = kind.replaceable and base.live.id != kind.remote_id(base.desired.spec).lower()
    if shared and not diff and not inputs.importing(base.address):
        return replace(base, action=Action.NOOP, reason=Reason.EQUAL, facts={"shared": True})
    return replace(base, diff=diff, facts=base.verdict.facts if base.verdict else NOTHING)


def _comparison(kind: ResourceKind, base: Change, inputs: Inputs) -> Change:
    """Wanted, known and live: an update, a replacement, or nothing."""
    assert base.desired is not None
    assert base.live is not None
    assert base.prior is not None
    requested = base.address in inputs.options.replace
    facts = base.verdict.facts if base.verdict else NOTHING
    if kind.replaceable and (requested or _another_object(kind, base)):
        moved = Reason.INTERRUPTED if _interrupted(base.prior) else Reason.CONFIG_MOVED
        reason = Reason.REQUESTED if requested else moved
        made = replace(base, action=Action.REPLACE, reason=reason, diff=identity_diff(base))
        return _replacement(kind, made, inputs)
    diff = _difference(kind, base.desired, base.live)
    writes = _moved(base.verdict) or (requested and kind.holds_value)
    if _interrupted(base.prior) and (diff or writes):
        return replace(base, reason=Reason.INTERRUPTED, diff=diff, writes_value=writes, facts=facts)
    if not diff and not writes:
        return replace(base, action=Action.NOOP, reason=Reason.EQUAL, facts=facts)
    reason = Reason.REQUESTED if requested else _who_moved(kind, base, diff)
    return replace(base, reason=reason, diff=diff, writes_value=writes, facts=facts)


def _replacement(kind: ResourceKind, base: Change, inputs: Inputs) -> Change:
    """A replacement; where an equal object stands in its place, that serves, and the fact `shared` says whose it is.

    It is ours where it may be taken over, with what differs written, or where another entry had it.
    """
    assert base.desired is not None
    assert base.prior is not None
    there = standing(kind, base.desired, base.prior, inputs.reading)
    if there is None:
        return base
    shared = not inputs.importing(base.address) and not is_ours(inputs.state, there)
    diff = (*base.diff, *_difference(kind, base.desired, there))
    return replace(base, diff=diff, facts={"shared": shared})


def _difference(kind: ResourceKind, desired: Resource, live: Observed | Entry) -> tuple[AttrDiff, ...]:
    """What differs, less what the entry ignores."""
    return tuple(d for d in kind.diff(desired.spec, live.spec) if d.path[0] not in desired.lifecycle.ignore)


def _moved(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.value in (Value.NEW, Value.CHANGED, Value.MOVED_OUTSIDE)


def _interrupted(prior: Entry | None) -> bool:
    return prior is not None and prior.status is Status.PENDING


def _another_object(kind: ResourceKind, base: Change) -> bool:
    """Whether the entry in state is a grant to somebody else, or of something else, than the one declared now."""
    assert base.desired is not None
    assert base.prior is not None
    return replaced_id(base.prior) is not None or not kind.equivalent(base.desired.spec, base.prior.spec)


def identity_diff(base: Change) -> tuple[AttrDiff, ...]:
    """The parts of the object's name that were applied and that are declared now, where they differ."""
    assert base.desired is not None
    assert base.prior is not None
    before, after = base.prior.spec, base.desired.spec
    return tuple(
        AttrDiff((name,), getattr(before, name), getattr(after, name))
        for name in sorted(field.name for field in fields(after) if field.metadata.get("identity"))
        if getattr(before, name) != getattr(after, name)
    )


def _who_moved(kind: ResourceKind, base: Change, diff: tuple[AttrDiff, ...]) -> Reason:
    """Which side differs from what was applied last, as far as this change writes it."""
    assert base.desired is not None
    assert base.prior is not None
    assert base.live is not None
    judged = base.verdict is not None and base.verdict.value is Value.MOVED_OUTSIDE
    written = {d.path for d in diff}
    outside = judged or any(d.path in written for d in drifted(kind, base.prior, base.live))
    outside = outside or (_moved(base.verdict) and value_moved(base.prior, base.live))
    inside = any(_written(base.prior.spec, d.path) != d.after for d in diff) or (
        base.verdict is not None and base.verdict.value is Value.CHANGED
    )
    if outside and inside:
        return Reason.BOTH_MOVED
    return Reason.AZURE_MOVED if outside else Reason.CONFIG_MOVED


def _written(spec: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of a spec: fields first, then keys of a mapping; None where there is none."""
    found = spec
    for part in path:
        if found is None:
            return None
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
    return found


def drifted(kind: ResourceKind, prior: Entry, live: Observed) -> tuple[AttrDiff, ...]:
    """What differs between what was applied and what Azure holds now, in that direction."""
    return tuple(AttrDiff(d.path, d.after, d.before) for d in kind.diff(prior.spec, live.spec))


def _accepting(change: Change, changes: Mapping[Address, Change]) -> Change:
    """A refresh-only run writes nothing to Azure: what is gone is forgotten, what moved is taken into the state.

    What is declared and soft-deleted, or may be, stays ours, with what lies in it: a later run recovers it.
    """
    vault = _vault_around(change, changes)
    maybe = _soft_deleted(change) or change.reason is Reason.UNSEEN
    if (change.desired is not None and maybe) or (
        vault is not None and vault.desired is not None and _soft_deleted(vault)
    ):
        return replace(change, action=Action.NOOP, reason=Reason.AZURE_MOVED, diff=(), writes_value=False, known=False)
    if change.prior is not None and (change.live is None or change.live.condition is not Condition.LIVE):
        return replace(change, action=Action.FORGET, reason=Reason.GONE, diff=(), writes_value=False)
    return replace(change, action=Action.NOOP, reason=Reason.AZURE_MOVED, diff=(), writes_value=False)


def _soft_deleted(change: Change) -> bool:
    return change.live is not None and change.live.condition is Condition.SOFT_DELETED


def _vault_around(change: Change, changes: Mapping[Address, Change]) -> Change | None:
    """The change of the vault that holds a secret or a policy which cannot be seen."""
    if change.live is not None or change.address.kind not in ("secret", "access_policy"):
        return None
    return changes.get(Address("vault", change.address.container))


def _known_after_recover(change: Change, changes: Mapping[Address, Change], kinds: Kinds) -> Change:
    """What lies in a vault that is about to come back is expected as it was applied, and checked when it is back.

    What the YAML changed meanwhile is changed then; what it no longer has came back all the same, and is destroyed.
    """
    vault = _vault_around(change, changes)
    if vault is None or vault.action is not Action.RECOVER or change.prior is None:
        return change
    if change.desired is None:
        return replace(change, action=Action.DESTROY, reason=Reason.UNDECLARED, known=False)
    diff = _difference(kinds[change.address.kind], change.desired, change.prior)
    action, reason = (Action.UPDATE, Reason.CONFIG_MOVED) if diff else (Action.NOOP, Reason.EQUAL)
    return replace(change, action=action, reason=reason, diff=diff, verdict=None, known=False, writes_value=False)


def claimed(inputs: Inputs, objects: Collection[str]) -> dict[str, Address]:
    """Who wants which of these objects, by its id in lower case: as the YAML computes it, or an equal one's other id.

    They are few, mostly none, where a large estate declares very many.
    """
    owners: dict[str, Address] = {}
    for at in sorted(inputs.desired) if objects else ():
        wanted, live = inputs.wanted(at), inputs.reading.live.get(at)
        if wanted is None:
            continue
        kind = inputs.kinds[at.kind]
        ids = [kind.remote_id(wanted.spec).lower()]
        if live is not None and kind.equivalent(wanted.spec, live.spec):
            ids.append(live.id)
        elif live is not None and kind.replaceable and (prior := inputs.state.entries.get(at)) is not None:
            there = standing(kind, wanted, prior, inputs.reading)
            ids += [there.id] if there is not None else []
        owners |= {one: at for one in ids if one in objects}
    return owners


def _let_go(change: Change) -> Iterator[str]:
    """The ids, lower case, of the objects that a change would delete unless another address wants them."""
    known, replaced = change.live or change.prior, replaced_id(change.prior)
    if replaced is not None:
        yield replaced.lower()
    if known is not None and change.action in (Action.DESTROY, Action.REPLACE):
        yield known.remote_id.lower()


def _handed_over(change: Change, owners: Mapping[str, Address]) -> Change:
    """An object that another address wants from now on is let go, not deleted: an entry was renamed or moved."""
    replaced, known = replaced_id(change.prior), change.live or change.prior
    if replaced is not None and owners.get(replaced.lower(), change.address) != change.address:
        return _without_replaced(change)
    if known is None or owners.get(known.remote_id.lower(), change.address) == change.address:
        return change
    if change.action is Action.DESTROY:
        return replace(change, action=Action.FORGET, reason=Reason.HANDED_OVER)
    return replace(change, reason=Reason.HANDED_OVER) if change.action is Action.REPLACE else change


def _without_replaced(change: Change) -> Change:
    """The change without the end of an interrupted replacement: what was to be deleted is another address's now."""
    if change.action is Action.REPLACE or change.prior is None:
        return replace(change, reason=Reason.HANDED_OVER)
    facts = {name: fact for name, fact in change.prior.facts.items() if name != "replaces"}
    return replace(change, prior=replace(change.prior, facts=facts))


def _waiting(change: Change, changes: Mapping[Address, Change]) -> Change:
    """What is for a `kept` secret without a value cannot be made: Azure has no such secret. It is only shown."""
    if change.action not in (Action.CREATE, Action.REPLACE) or change.desired is None:
        return change
    for need in sorted(change.desired.depends_on):
        if need in changes and changes[need].reason is Reason.WAITING:
            why = f"{need} has no value in Azure yet; set one with: dkv secret set {need}"
            return replace(change, action=Action.NOOP, reason=Reason.WAITING, verdict=Verdict(Value.NONE, why))
    return change


def _contained(change: Change, changes: Mapping[Address, Change], inputs: Inputs) -> Change:
    """What lies below a vault that is destroyed goes with it, without a call of its own."""
    vault = changes.get(Address("vault", change.address.container))
    if vault is None or vault is change or vault.action is not Action.DESTROY or not change.address.key:
        return change
    below = change.live is not None and (change.live.parent or "").lower() == vault_id(vault)
    return replace(change, reason=Reason.CONTAINED) if change.action is Action.DESTROY and below else change


def vault_id(change: Change) -> str:
    """The remote id of a change's object as last known, lower case."""
    known = change.live or change.prior
    return known.remote_id.lower() if known is not None else ""


def below_vaults(inputs: Inputs) -> Iterator[tuple[Address, str]]:
    """The declared vaults that are there: address and remote id, lower case."""
    for at in sorted(inputs.chosen):
        live = inputs.reading.live.get(at)
        if at.kind == "vault" and at in inputs.desired and live is not None and live.condition is Condition.LIVE:
            yield at, live.id
