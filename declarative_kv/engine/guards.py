"""Guards: what a plan must not do unasked. Each finding blocks unless `--allow` lifts it, which the plan records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from declarative_kv.engine.access.invariants import Broken
from declarative_kv.engine.changes import Inputs
from declarative_kv.model.address import Address
from declarative_kv.model.plan import AccessLine, Action, Block, Change, Irreversible, Reason, Value
from declarative_kv.model.resource import Reading
from declarative_kv.model.specs import RoleAssignmentSpec, VaultSpec

Changes = tuple[Change, ...]
Access = tuple[AccessLine, ...]
Guard = Callable[[Inputs, Changes], Iterator[Block]]
AccessGuard = Callable[[Changes, Access], Iterator[Block]]

_CHANGES = frozenset({Action.UPDATE, Action.IMPORT, Action.RECOVER})
MANY_SHARE = 0.3
MANY_LEAST = 10
"""`many-destroys` speaks when more than this share of at least this many objects would go (product page)."""


def guard(
    inputs: Inputs,
    changes: Changes,
    access: Access = (),
    invariants: Iterable[Broken] = (),
    asked: frozenset[str] = frozenset(),
) -> tuple[Block, ...]:
    """Every guard's findings, sorted; those that an option allows are marked so.

    `access` is what is gained and lost; `invariants` are those that would not hold, `asked` the guards that
    the YAML switches on.
    """
    found = {block for check in GUARDS.values() for block in check(inputs, changes)}
    found |= {block for look in _on(asked) for block in look(changes, access)}
    found |= {broken_block(one) for one in invariants}
    marked = (_marked(inputs, block) for block in found)
    return tuple(sorted(marked, key=lambda block: (block.code, block.about)))


def _on(asked: frozenset[str]) -> Iterator[AccessGuard]:
    """The guards over access that watch: those that are off by default only where they are asked for."""
    return (look for code, look in ACCESS_GUARDS.items() if code not in OFF or code in asked)


def broken_block(one: Broken) -> Block:
    """An invariant that does not hold, as what stands in the way."""
    return Block("invariant", None, f"{one.invariant.claim}: {one.detail}", name=one.invariant.name)


def irreversible(inputs: Inputs, changes: Changes) -> tuple[Irreversible, ...]:
    """What cannot be undone once it is done, guarded or not."""
    seen = (*inputs.reading.rest, *inputs.reading.live.values())
    granted = Counter(one.parent.lower() for one in seen if one.parent and isinstance(one.spec, RoleAssignmentSpec))
    left = left_behind(inputs.reading, changes)
    swept = (Irreversible(at, f"everything else in it goes too: {_some(ids)}") for at, ids in left.items())
    return (*(one for change in changes for one in _irreversible(change, granted)), *swept)


def _marked(inputs: Inputs, block: Block) -> Block:
    allowed = block.code in inputs.options.allow or block.allow in inputs.options.allow
    return replace(block, allowed=bool(block.allow) and allowed)


def _protected(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        if change.action is not Action.DESTROY:
            continue
        if (change.prior is not None and change.prior.protect) or _declared_protected(inputs, change.address):
            yield Block("protected", change.address, "is protected and would be destroyed")


def _declared_protected(inputs: Inputs, at: Address) -> bool:
    # What another shard wants from now on is only let go here, unless all of it is to be destroyed.
    resource = inputs.declared(at) if inputs.options.destroy else inputs.desired.get(at)
    return resource is not None and resource.lifecycle.protect


def _access_model_flip(changes: Changes, access: Access) -> Iterator[Block]:
    for change in changes:
        for diff in change.diff:
            if diff.path == ("access",) and change.action in _CHANGES:
                losers = dict.fromkeys(line.who for line in access if not line.gained and _is_in(line, change.address))
                yield Block(
                    "access-model-flip",
                    change.address,
                    f"would go from {diff.before} to {diff.after}: every grant of the old model stops at once"
                    + (f", so {_some([*losers])} would lose access" if losers else ""),
                )


def _access_lost_on_import(changes: Changes, access: Access) -> Iterator[Block]:
    imported = {change.address: change for change in changes if change.action is Action.IMPORT}
    removed = {change.address for change in changes if change.reason is Reason.OTHERS_DELETE}
    lost: dict[Address, list[str]] = defaultdict(list)
    for line in access:
        if line.gained:
            continue
        switched = [at for at, change in imported.items() if _switches(change) and _is_in(line, at)]
        with_vault = line.address in removed and Address("vault", line.address.container) in imported
        if switched or with_vault or line.address in imported:
            at = switched[0] if switched else line.address
            lost[at].append(f"{line.phrase} ({line.via})")
    for at, phrases in lost.items():
        found = ", ".join(sorted(dict.fromkeys(phrases)))
        yield Block("access-lost-on-import", at, f"would lose what is there now: {found}")


def _switches(change: Change) -> bool:
    return any(diff.path == ("access",) for diff in change.diff)


def _is_in(line: AccessLine, vault: Address) -> bool:
    """Whether a line is about a vault or something in it."""
    return line.resource == str(vault) or line.resource.startswith(f"secret.{vault.path}/")


def _access_widened(_: Changes, access: Access) -> Iterator[Block]:
    gained: dict[Address, list[str]] = defaultdict(list)
    for line in access:
        if line.gained:
            gained[line.address].append(f"{line.who} {line.phrase}")
    for at, phrases in gained.items():
        yield Block("access-widened", at, f"would give more than there is now: {', '.join(sorted(phrases))}")


def _value_moved_outside(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        verdict = change.verdict
        if verdict is not None and verdict.value is Value.MOVED_OUTSIDE and change.writes_value:
            yield Block("value-moved-outside", change.address, verdict.why)


def _recover_unmanaged(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        if change.action is Action.RECOVER and change.prior is None:
            yield Block(
                "recover-unmanaged",
                change.address,
                "is soft-deleted, was never in this state, and would be brought back",
            )


def _group_not_empty(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for at, left in left_behind(inputs.reading, changes).items():
        yield Block("group-not-empty", at, f"holds {len(left)} that this plan does not destroy: {_some(left)}")


def _some(ids: Sequence[str]) -> str:
    """The names of the first few."""
    return ", ".join(one.rpartition("/")[2] for one in ids[:5]) + (" …" if len(ids) > 5 else "")


def left_behind(reading: Reading, changes: Changes) -> dict[Address, tuple[str, ...]]:
    """The ids of what lies in a container that is destroyed and is not destroyed itself, by the container's address."""
    going = [change for change in changes if change.action is Action.DESTROY]
    destroyed = {change.live.id for change in going if change.live is not None}
    left = {
        change.address: tuple(one for one in reading.contents.get(change.address, ()) if one.lower() not in destroyed)
        for change in going
    }
    return {at: ids for at, ids in left.items() if ids}


def _many_destroys(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    known = len(inputs.state.entries) + inputs.aside
    gone = sum(1 for change in changes if change.action is Action.DESTROY and change.prior is not None)
    if inputs.options.destroy or known < MANY_LEAST or gone <= known * MANY_SHARE:
        return
    yield Block("many-destroys", None, f"{gone} of {known} managed objects would be destroyed")


def _irreversible_guard(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        if change.live is None or change.action not in _CHANGES:
            continue
        if any(diff.path == ("purge_protection",) and diff.after is True for diff in change.diff):
            yield Block(
                "irreversible", change.address, "would get purge protection, which can never be switched off again"
            )


def _import_only(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    if not inputs.options.import_only:
        return
    for change in changes:
        imports_only = change.action is Action.IMPORT and not change.diff
        if change.action is not Action.NOOP and not imports_only:
            also = ", ".join(".".join(diff.path) for diff in change.diff) if change.action is Action.IMPORT else ""
            verb = f"an import, and a change of {also}" if also else str(change.action)
            yield Block("import-only", change.address, f"needs {verb}, and only imports were asked for")


def _irreversible(change: Change, granted: Mapping[str, int]) -> Iterator[Irreversible]:
    wanted = change.desired.spec if change.desired is not None else None
    if change.action is Action.CREATE and isinstance(wanted, VaultSpec) and wanted.purge_protection:
        yield Irreversible(
            change.address, "made with purge protection: never switched off, its name stays taken", change.span
        )
    for diff in change.diff:
        if diff.path == ("purge_protection",) and diff.after is True and change.action is not Action.CREATE:
            place = change.desired.spans.get("purge_protection", change.span) if change.desired else change.span
            before = "null" if diff.before is None else str(diff.before).lower()
            yield Irreversible(change.address, f"purge_protection: {before} -> true", place)
    lost = granted.get(change.live.id, 0) if change.action is Action.DESTROY and change.live is not None else 0
    if lost:
        what, them = ("1 role assignment is", "it") if lost == 1 else (f"{lost} role assignments are", "them")
        yield Irreversible(change.address, f"{what} lost with it: recovering the vault does not bring {them} back")


GUARDS: dict[str, Guard] = {
    "protected": _protected,
    "value-moved-outside": _value_moved_outside,
    "recover-unmanaged": _recover_unmanaged,
    "group-not-empty": _group_not_empty,
    "many-destroys": _many_destroys,
    "irreversible": _irreversible_guard,
    "import-only": _import_only,
}
ACCESS_GUARDS: dict[str, AccessGuard] = {
    "access-model-flip": _access_model_flip,
    "access-lost-on-import": _access_lost_on_import,
    "access-widened": _access_widened,
}
OFF = frozenset({"access-widened"})
"""The guards that block only where the YAML switches them on."""
