"""Guards: what a plan must not do unasked. Each finding blocks unless `--allow` lifts it, which the plan records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from declarative_kv.engine.access import lost_access
from declarative_kv.engine.changes import Inputs
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Block, Change, Irreversible, Reason, Value
from declarative_kv.model.resource import Reading
from declarative_kv.model.specs import RoleAssignmentSpec, VaultSpec

Changes = tuple[Change, ...]
Guard = Callable[[Inputs, Changes], Iterator[Block]]

_CHANGES = frozenset({Action.UPDATE, Action.IMPORT, Action.RECOVER})
MANY_SHARE = 0.3
MANY_LEAST = 10
"""`many-destroys` speaks when more than this share of at least this many objects would go (product page)."""


def guard(inputs: Inputs, changes: Changes) -> tuple[Block, ...]:
    """Every guard's findings, sorted; those that an option allows are marked so."""
    found = {block for check in GUARDS.values() for block in check(inputs, changes)}
    marked = (_marked(inputs, block) for block in found)
    return tuple(sorted(marked, key=lambda block: (block.code, str(block.address or ""))))


def irreversible(inputs: Inputs, changes: Changes) -> tuple[Irreversible, ...]:
    """What cannot be undone once it is done, guarded or not."""
    seen = (*inputs.reading.rest, *inputs.reading.live.values())
    granted = Counter(one.parent.lower() for one in seen if one.parent and isinstance(one.spec, RoleAssignmentSpec))
    left = left_behind(inputs.reading, changes)
    swept = (Irreversible(at, f"everything else in it goes too: {_some(ids)}") for at, ids in left.items())
    return (*(one for change in changes for one in _irreversible(change, granted)), *swept)


def _marked(inputs: Inputs, block: Block) -> Block:
    allowed = block.code in inputs.options.allow or block.allow in inputs.options.allow
    return Block(block.code, block.address, block.detail, bool(block.allow) and allowed)


def _protected(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        if change.action is not Action.DESTROY:
            continue
        if (change.prior is not None and change.prior.protect) or _declared_protected(inputs, change.address):
            yield Block("protected", change.address, "is protected and would be destroyed")


def _declared_protected(inputs: Inputs, at: Address) -> bool:
    return at in inputs.desired and inputs.desired[at].lifecycle.protect


def _access_model_flip(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    for change in changes:
        for diff in change.diff:
            if diff.path == ("access",) and change.action in _CHANGES:
                yield Block(
                    "access-model-flip",
                    change.address,
                    f"would go from {diff.before} to {diff.after}: every grant of the old model stops at once",
                )


def _access_lost_on_import(inputs: Inputs, changes: Changes) -> Iterator[Block]:
    imported = {change.address for change in changes if change.action is Action.IMPORT}
    for change in changes:
        with_vault = change.reason is Reason.OTHERS_DELETE and Address("vault", change.address.container) in imported
        if change.address not in imported and not with_vault:
            continue
        if lost := lost_access(change):
            yield Block("access-lost-on-import", change.address, "would lose what is there now: " + ", ".join(lost))


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
    known = len(inputs.state.entries)
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
    "access-model-flip": _access_model_flip,
    "access-lost-on-import": _access_lost_on_import,
    "value-moved-outside": _value_moved_outside,
    "recover-unmanaged": _recover_unmanaged,
    "group-not-empty": _group_not_empty,
    "many-destroys": _many_destroys,
    "irreversible": _irreversible_guard,
    "import-only": _import_only,
}
