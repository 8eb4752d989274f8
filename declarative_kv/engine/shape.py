"""What no plan can be made of: objects of somebody else, settings that cannot change, things that must exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declarative_kv.engine.changes import Inputs, identity_diff
from declarative_kv.engine.words import word
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError, UnmanagedExists
from declarative_kv.model.plan import Action, Change
from declarative_kv.model.resource import Condition, Resource
from declarative_kv.model.source import Kept


def check_shape(inputs: Inputs, changes: Iterable[Change]) -> None:
    """Raise one `PlanError` with every such mistake; `UnmanagedExists` where there is no other kind."""
    changes = tuple(changes)
    if inputs.options.refresh_only:
        return
    unmanaged, fixed = unmanaged_of(inputs, changes), immutable_of(inputs, changes)
    problems = [
        *unmanaged,
        *(problem for change in changes for problem in _nothing_to_import(inputs, change)),
        *fixed,
        *(problem for at in sorted(inputs.chosen) for problem in _existing(inputs, at)),
        *(problem for at in sorted(inputs.options.replace) for problem in _replaceable(inputs, at)),
    ]
    if problems:
        raise (UnmanagedExists if len(unmanaged) == len(problems) else PlanError).of(problems)


def unmanaged_of(inputs: Inputs, changes: Iterable[Change]) -> tuple[Diagnostic, ...]:
    """What is wanted, is there, and is not ours."""
    # An entry that was renamed or moved: its object is ours, and goes on under the new address.
    let_go = frozenset(e.remote_id.lower() for at, e in inputs.state.entries.items() if inputs.wanted(at) is None)
    return tuple(problem for change in changes for problem in _unmanaged(inputs, change, let_go))


def immutable_of(inputs: Inputs, changes: Iterable[Change]) -> tuple[Diagnostic, ...]:
    """The settings that Azure cannot change."""
    return tuple(problem for change in changes for problem in _immutable(inputs, change))


def _unmanaged(inputs: Inputs, change: Change, let_go: frozenset[str]) -> Iterator[Diagnostic]:
    takes_over = change.action in (Action.IMPORT, Action.RECOVER) and change.prior is None
    # What stays somebody else's cannot be made to differ less.
    unlike = change.action is Action.REPLACE and change.facts.get("shared") and change.diff != identity_diff(change)
    if unlike:
        yield _is_there(change, "exists in Azure under another id, with other settings,")
    if not takes_over or inputs.importing(change.address) or (change.live is not None and change.live.id in let_go):
        return
    deleted = change.live is not None and change.live.condition is Condition.SOFT_DELETED
    yield _is_there(change, "exists in Azure, soft-deleted," if deleted else "exists in Azure")


def _is_there(change: Change, state: str) -> Diagnostic:
    run = f"run:\n    dkv import {change.address}\nor " if change.prior is None else ""
    return Diagnostic(
        code="unmanaged-exists",
        summary="The object already exists",
        detail=f"{change.address} {state} but is not in the state, so it may belong to somebody else.",
        hint=f"To manage it from here, {run}write `import: true` beside it.",
        span=change.span,
        address=change.address,
    )


def _nothing_to_import(inputs: Inputs, change: Change) -> Iterator[Diagnostic]:
    """An import that was asked for by address makes nothing."""
    if not inputs.options.alone or change.action is not Action.CREATE:
        return
    yield Diagnostic(
        code="nothing-to-import",
        summary="There is nothing to import",
        detail=f"{change.address} is not in Azure, so there is nothing to take over.",
        hint="Check its name, or let it be made:\n    dkv apply",
        span=change.span,
        address=change.address,
    )


def _immutable(inputs: Inputs, change: Change) -> Iterator[Diagnostic]:
    kind = inputs.kinds[change.address.kind]
    if change.desired is None or kind.replaceable or change.action is Action.FORGET:
        return
    for diff in change.diff:
        if diff.path[0] in kind.immutable or _back_to_false(diff.path, diff.before, diff.after):
            yield _cannot_change(change, ".".join(diff.path), diff.before, diff.after)
    if change.prior is None or _renamed(inputs, Address("vault", change.address.container), change.address):
        return
    if kind.remote_id(change.desired.spec).lower() != change.prior.remote_id.lower():
        for diff in identity_diff(change):
            yield _cannot_change(change, ".".join(diff.path), diff.before, diff.after)


def _back_to_false(path: tuple[str, ...], before: object, after: object) -> bool:
    """Azure never switches purge protection off again."""
    return path == ("purge_protection",) and before is True and after is False


def _renamed(inputs: Inputs, vault: Address, at: Address) -> bool:
    """Whether the vault around it has another name now: then one error, the vault's, is enough."""
    if vault == at or vault not in inputs.desired or vault not in inputs.state.entries:
        return False
    now = inputs.kinds["vault"].remote_id(inputs.desired[vault].spec)
    return now.lower() != inputs.state.entries[vault].remote_id.lower()


def _cannot_change(change: Change, attribute: str, before: object, after: object) -> Diagnostic:
    spans = change.desired.spans if change.desired is not None else {}
    return Diagnostic(
        code="immutable",
        summary="Azure cannot change this",
        detail=f"{attribute} of {change.address} is {word(before)} and cannot become {word(after)}.",
        hint=f"Set it back to {word(before)}, or declare a new entry under another key and take this one out.",
        span=spans.get(attribute.split(".")[0], change.span),
        address=change.address,
    )


def _existing(inputs: Inputs, at: Address) -> Iterator[Diagnostic]:
    wanted = inputs.wanted(at)
    if wanted is None or not wanted.lifecycle.existing or at in inputs.reading.unread:
        return
    live = inputs.reading.live.get(at)
    if live is None or live.condition is not Condition.LIVE:
        yield _missing(wanted, soft_deleted=live is not None)
        return
    for diff in inputs.kinds[at.kind].diff(wanted.spec, live.spec):
        yield Diagnostic(
            code="existing-differs",
            summary="An existing object is not as declared",
            detail=f"{'.'.join(diff.path)} of {at} is {word(diff.before)}, the configuration says {word(diff.after)}; "
            "an `existing` entry is checked and never written.",
            hint="Correct the configuration, or manage the object by taking `existing: true` out.",
            span=wanted.spans.get(diff.path[0], wanted.span),
            address=at,
        )


def _missing(wanted: Resource, *, soft_deleted: bool) -> Diagnostic:
    state = "is soft-deleted in Azure" if soft_deleted else "is not in Azure"
    return Diagnostic(
        code="existing-missing",
        summary="An existing object is not there",
        detail=f"{wanted.address} is declared with `existing: true` but {state}.",
        hint="Correct its name, or let it be made here by taking `existing: true` out.",
        span=wanted.span,
        address=wanted.address,
    )


def _kept(resource: Resource) -> bool:
    return isinstance(getattr(resource.spec, "source", None), Kept)


def _replaceable(inputs: Inputs, at: Address) -> Iterator[Diagnostic]:
    kind, wanted = inputs.kinds[at.kind], inputs.wanted(at)
    if kind.holds_value and wanted is not None and (wanted.lifecycle.existing or _kept(wanted)):
        yield Diagnostic(
            code="not-replaceable",
            summary="This cannot be replaced",
            detail=f"The value of {at} is not written from here, so no new version can be made of it.",
            hint=f"Set a `kept` value with:\n    dkv secret set {at}",
            span=wanted.span,
            address=at,
        )
    if kind.replaceable or kind.holds_value:
        return
    yield Diagnostic(
        code="not-replaceable",
        summary="This cannot be replaced",
        detail=f"{at} is neither a role assignment nor a secret; replacing it would delete what depends on it.",
        hint=f"Destroy it on its own if you mean it:\n    dkv apply --destroy --target {at}",
        address=at,
    )
