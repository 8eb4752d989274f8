"""The state's entries as an apply writes them: pending before the first call, applied after the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from declarative_kv.model.kind import ResourceKind
from declarative_kv.model.plan import Action, Change, Reason, Value
from declarative_kv.model.resource import Observed, Resource
from declarative_kv.model.state import Entry, Status

FINGERPRINT = ("fingerprint", "fingerprint_key")
NEW_VALUE = "given a new value"
_PENDING = ("pending", "begun", "pending_fingerprint", "pending_key", "seen_version", "replaces")

_ANNOUNCED: Mapping[str, str] = {Action.DESTROY: "deleted", Action.RECOVER: "recovered"}
_BEGUN: Mapping[str, str] = {
    Action.CREATE: "created",
    Action.UPDATE: NEW_VALUE,
    Action.IMPORT: NEW_VALUE,
    Action.RECOVER: NEW_VALUE,
    Action.REPLACE: "replaced",
}


def pending_entry(
    kind: ResourceKind,
    change: Change,
    *,
    fingerprint: Mapping[str, Any],
    replaces: str | None = None,
    live: Observed | None = None,
) -> Entry:
    """What must stand in the state before the first call that could create an object or a version.

    Nothing of what an earlier run had in flight stays: this plan has seen what became of it, and what is left of an
    announcement would say that no value is in flight. `live` is what came back, where it was soft-deleted.
    """
    wanted = _wanted(change)
    facts = kept_facts(change.prior)
    if fingerprint:
        facts["pending_fingerprint"] = fingerprint.get("fingerprint")
        facts["pending_key"] = fingerprint.get("fingerprint_key")
    if kind.holds_value:
        facts["seen_version"] = _seen_version(change, live) or facts.get("version")
    facts["begun"] = str(change.action)
    if replaces is not None:
        facts["replaces"] = replaces
    known = change.prior.remote_id if change.prior is not None and replaces is None else kind.remote_id(wanted.spec)
    return _entry(wanted, known, Status.PENDING, facts)


def announced_entry(prior: Entry, action: Action) -> Entry:
    """What stands in the state before a call that changes or deletes what the entry has, and writes no value."""
    return replace(prior, status=Status.PENDING, facts={**prior.facts, "pending": str(action)})


def begun_value(prior: Entry) -> Entry:
    """What stands in the state before a new version of a secret that the state has, its settings left as they are."""
    return replace(prior, status=Status.PENDING, facts={**kept_facts(prior), "begun": str(Action.UPDATE)})


def was_being(entry: Entry) -> str:
    """What an interrupted run was about to do with the object, in a participle; empty where a torn line hides it."""
    if (announced := entry.facts.get("pending")) is not None:
        return _ANNOUNCED.get(str(announced), "changed")
    return _BEGUN.get(str(entry.facts.get("begun")), "")


def value_open(entry: Entry) -> bool:
    """Whether a value may have been written by a run that was ended before it could save so."""
    return entry.status is Status.PENDING and "pending" not in entry.facts


def applied_entry(kind: ResourceKind, change: Change, live: Observed, *, fingerprint: Mapping[str, Any]) -> Entry:
    """What stands in the state when the change is done."""
    wanted = _wanted(change)
    left_open = _left_open(change)
    facts = dict(change.prior.facts) if left_open and change.prior else kept_facts(change.prior)
    facts |= change.facts
    facts |= live.facts  # what the write answered is newer than what the plan established
    if change.writes_value:
        facts = {name: fact for name, fact in facts.items() if name not in FINGERPRINT}
    facts |= fingerprint
    if change.action is not Action.UPDATE:
        facts.pop("shared", None)  # what is made or taken over by us is ours
    return _entry(wanted, live.remote_id, Status.PENDING if left_open else Status.APPLIED, facts)


def quiet_entry(kind: ResourceKind, change: Change) -> Entry | None:
    """The entry of a change that writes nothing, or None where the state has it so already.

    Of a secret only what a comparison established is taken over: the list's own facts would hide a foreign version.
    An interrupted write stays open until its value can be compared.
    """
    if change.live is None or change.desired is None or (change.prior is None and not change.facts):
        return None
    if _left_open(change) or change.reason is Reason.WAITING:
        return None
    facts = kept_facts(change.prior)
    if not kind.holds_value:
        facts |= change.live.facts
    facts |= change.facts
    if change.prior is not None and change.prior.facts.get("shared"):
        facts["shared"] = True
    entry = _entry(change.desired, change.live.remote_id, Status.APPLIED, facts)
    return None if entry == change.prior and _same_source(entry, change.prior) else entry


def _left_open(change: Change) -> bool:
    """Whether an interrupted write of a value stays undecided: nobody could look, and this change writes none."""
    interrupted = change.prior is not None and value_open(change.prior)
    unknown = change.verdict is not None and change.verdict.value is Value.NOT_COMPARED
    return interrupted and unknown and not change.writes_value


def accepted_entry(kind: ResourceKind, change: Change) -> Entry | None:
    """The entry after `--refresh-only`: the settings that we manage as Azure has them now."""
    prior, live = change.prior, change.live
    if prior is None or live is None:
        return None
    facts = kept_facts(prior) | dict(live.facts)
    if kind.holds_value and live.facts.get("created") != prior.facts.get("created"):
        facts.pop("version", None)
        facts |= change.facts
    entry = replace(prior, spec=accepted(prior.spec, live.spec), facts=facts)
    return None if entry == prior else entry


def accepted(prior: Any, live: Any) -> Any:
    """The settings that `prior` writes, with the values of `live`."""
    found = {}
    for field in fields(prior):
        was, now = getattr(prior, field.name), getattr(live, field.name)
        if was is None or field.metadata.get("identity") or not field.compare:
            continue
        if is_dataclass(was) and now is not None:
            found[field.name] = accepted(was, now)
        elif isinstance(was, Mapping) and isinstance(now, Mapping):
            found[field.name] = {key: now[key] for key in was if key in now}
        else:
            found[field.name] = now
    return replace(prior, **found)


def replaced_id(prior: Entry | None) -> str | None:
    """The remote id of the object that an interrupted replacement was to delete at its end, if there was one."""
    return prior.facts.get("replaces") if prior is not None else None


def kept_facts(prior: Entry | None) -> dict[str, Any]:
    """The facts that outlive a write: all but those of an interrupted one."""
    return {name: fact for name, fact in (prior.facts if prior else {}).items() if name not in _PENDING}


def _seen_version(change: Change, live: Observed | None) -> str | None:
    """The latest version that is about to be written over, where it was looked at.

    None where somebody has to allow that: then it stays somebody else's until it is done, and is asked about again.
    """
    verdict = change.verdict
    if verdict is None or verdict.value is Value.MOVED_OUTSIDE:
        return None
    back: str | None = live.facts.get("version") if live is not None else None
    return back or verdict.version


def without_value(spec: Any) -> Any:
    """The spec with nothing hidden in it."""
    names: Iterable[str] = (field.name for field in fields(spec) if field.metadata.get("hidden"))
    hidden = dict.fromkeys(names)
    return replace(spec, **hidden) if hidden else spec


def _wanted(change: Change) -> Resource:
    assert change.desired is not None, change.address
    return change.desired


def _entry(wanted: Resource, remote_id: str, status: Status, facts: Mapping[str, Any]) -> Entry:
    return Entry(
        address=wanted.address,
        remote_id=remote_id,
        spec=without_value(wanted.spec),
        depends_on=wanted.depends_on,
        status=status,
        facts=facts,
        protect=wanted.lifecycle.protect,
    )


def _same_source(entry: Entry, prior: Entry | None) -> bool:
    """Sources are no part of a comparison, so equality of entries does not see them."""
    return prior is not None and getattr(entry.spec, "source", None) == getattr(prior.spec, "source", None)
