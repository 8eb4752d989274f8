"""Two writers at one object: whether what is there is what was seen, and both sides in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from declarative_kv.engine.words import word
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.kind import ResourceKind
from declarative_kv.model.plan import AttrDiff, Change
from declarative_kv.model.resource import Condition, Observed

NOT_TAKEN: Final = "write-not-taken"
STAMPS: Final = ("created", "updated")
"""The facts that tell when an object was written, where Azure says so."""


def differs(kind: ResourceKind, seen: Observed | None, now: Observed | None) -> bool:
    """Whether one side has other settings than the other, or was written at another time, or is alone."""
    if seen is None or now is None:
        return seen is not now
    if seen.condition is not now.condition:
        return True
    facts = (*STAMPS, "deleted")
    moved = any(seen.facts[name] != now.facts[name] for name in facts if name in seen.facts and name in now.facts)
    return moved or bool(between(kind, seen, now))


def as_known(change: Change) -> Observed | None:
    """What the plan saw, with the id of the version where the state has that very version."""
    seen, facts = change.live, change.prior.facts if change.prior is not None else {}
    if seen is None or "created" not in facts or facts["created"] != seen.facts.get("created"):
        return seen
    return replace(seen, facts={**seen.facts, "version": facts["version"]}) if facts.get("version") else seen


def may_lag(seen: Observed | None, now: Observed | None) -> bool:
    """Whether the difference may come from an old list: something is missing, or is older than it was seen before."""
    if seen is None or now is None or seen.condition is not now.condition:
        return True
    return any(_stamp(now, name) < _stamp(seen, name) for name in STAMPS)


def between(kind: ResourceKind, seen: Observed, now: Observed) -> tuple[AttrDiff, ...]:
    """Every setting in which both differ, unmanaged ones too; `before` is what was seen."""
    back = {d.path: AttrDiff(d.path, d.after, d.before) for d in kind.diff(seen.spec, now.spec)}
    forth = {d.path: d for d in kind.diff(now.spec, seen.spec)}
    return tuple(found for _, found in sorted({**back, **forth}.items()))


def moved(kind: ResourceKind, at: Address, seen: Observed | None, now: Observed | None) -> Diagnostic:
    """The object is not as the plan saw it, so nothing was written to it."""
    return Diagnostic(
        code="moved-meanwhile",
        summary="Somebody else changed the object after it was read",
        detail=f"{at} was left as it is. {_since(kind, seen, now)}.",
        hint="Look at both in a new plan:\n    dkv plan",
        address=at,
    )


def filled(at: Address, left: Sequence[str]) -> Diagnostic:
    """Something came into what was about to be deleted with all that is in it."""
    names = ", ".join(one.rpartition("/")[2] for one in left[:5]) + (" …" if len(left) > 5 else "")
    return Diagnostic(
        code="moved-meanwhile",
        summary="Somebody else changed the object after it was read",
        detail=f"{at} was left as it is. The plan saw nothing in it that stays; now there is {names}.",
        hint="Look at it in a new plan:\n    dkv plan",
        address=at,
    )


def beneath(kind: ResourceKind, at: Address, seen: Observed, now: Observed, ours: str) -> Diagnostic:
    """This run wrote over what somebody else had written between the last look and the write; `ours` says how."""
    return Diagnostic(
        code="overwritten-meanwhile",
        summary="Two writers met at one object",
        detail=(f"{ours} went over a write of somebody else's. {_since(kind, seen, now, 'theirs is')}."),
        hint=_retrieval(now),
        address=at,
    )


def above(at: Address, ours: str, now: Observed | None, found: str) -> Diagnostic:
    """Somebody else wrote over what this run had written; `ours` is our side, `found` what is different now."""
    detail = f"This run wrote {ours}; then somebody else did: now there is {_side(now)}"
    return Diagnostic(
        code="overwritten-meanwhile",
        summary="Two writers met at one object",
        detail=f"{at}: {detail}{f' ({found})' if found else ''}.",
        hint="Look at both in a new plan:\n    dkv plan",
        address=at,
    )


def untaken(change: Change, found: str) -> Diagnostic:
    """Azure said yes to the write, and reading it back shows what is `found`."""
    return Diagnostic(
        code="write-not-taken",
        summary="Azure accepted a write that did not take",
        detail=f"Azure confirmed the {change.action} of {change.address}, but reading it back shows {found}.",
        hint=(
            "Plan again. If it stays so, somebody else writes the same object: "
            "whoever writes a whole vault, as `az keyvault set-policy` does, undoes what came in between.\n    dkv plan"
        ),
        span=change.span,
        address=change.address,
    )


def written(facts: Mapping[str, Any]) -> str:
    """When an object was written, and as which version, as far as the facts tell; empty where they do not."""
    version = f"version {facts['version']}" if facts.get("version") else ""
    made, changed = facts.get("created"), facts.get("updated")
    parts = [version, f"made {_moment(made)}" if made else ""]
    parts.append(f"changed {_moment(changed)}" if changed and changed != made else "")
    return ", ".join(part for part in parts if part)


def foreign(
    versions: Iterable[Observed], seen: Observed, ours: Mapping[str, Any], kind: ResourceKind
) -> list[Observed]:
    """The versions, oldest first, that somebody else has made or changed since `seen`, `ours` being this run's own."""
    found = [one for one in versions if one.facts.get("version") != ours.get("version")]
    since = _stamp(seen, "created")
    newer = [one for one in found if _stamp(one, "created") > since]
    # Of several in the second that was seen, one is that very version; Key Vault's clock tells no more.
    same = [one for one in found if _stamp(one, "created") == since]
    if same and all(differs(kind, seen, one) for one in same):
        newer.append(max(same, key=lambda one: _stamp(one, "updated")))
    return sorted(newer, key=lambda one: (_stamp(one, "created"), _stamp(one, "updated")))


def _since(kind: ResourceKind, seen: Observed | None, now: Observed | None, there: str = "now there is") -> str:
    """What the plan saw and what there is now; of an object that nobody can tell the age of, only the difference."""
    what = _what(kind, seen, now)
    stamped = any(one is None or one.condition is not Condition.LIVE or written(one.facts) for one in (seen, now))
    if not stamped and what:
        return f"Since the plan: {what}"
    return f"The plan saw {_side(seen)}; {there} {_side(now)}{f' ({what})' if what else ''}"


def _side(one: Observed | None) -> str:
    if one is None:
        return "nothing"
    if one.condition is Condition.SOFT_DELETED:
        since = one.facts.get("deleted")
        return f"a soft-deleted one (since {_moment(since)})" if since else "a soft-deleted one"
    return written(one.facts) or "one"


def _what(kind: ResourceKind, seen: Observed | None, now: Observed | None) -> str:
    """The settings that differ; empty where none does."""
    if seen is None or now is None:
        return ""
    return "; ".join(f"{'.'.join(d.path)}: {word(d.before)} -> {word(d.after)}" for d in between(kind, seen, now))


def _retrieval(now: Observed) -> str:
    """How to get back what was written over."""
    place = f"--vault-name {str(now.parent).rpartition('/')[2]} --name {now.label}"
    if now.condition is Condition.SOFT_DELETED:
        return f"Theirs can be brought back, with all versions:\n    az keyvault secret recover {place}"
    if now.facts.get("version"):
        version = f"--version {now.facts['version']}"
        return (
            f"Theirs is kept as an earlier version:\n    az keyvault secret show {place} {version} --query attributes"
        )
    return "Ask who else writes it, and plan again:\n    dkv plan"


def _stamp(one: Observed, name: str) -> int:
    stamp = one.facts.get(name)
    return stamp if isinstance(stamp, int) else 0


def _moment(stamp: object) -> str:
    if isinstance(stamp, int):
        return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(stamp)
