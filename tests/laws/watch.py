"""The laws of an apply, each as a function that says in words where it was broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.engine.events import Finished, Started
from declarative_kv.model.plan import Action, Change, Plan, Reason
from tests.laws.lab import KINDS, Done, Dump

KEY: Final = "/secrets/dkv-fingerprint-key"
_OWN: Final = frozenset({"meta", "operations"})
"""Tables that no client can see."""
_MAKES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RECOVER, Action.IMPORT})


def broken_laws(done: Done) -> list[str]:
    """Everything that an apply must never do, whether it succeeded or not, and did."""
    return [*strangers_touched(done), *left_untried(done), *forgotten(done), *orphans(done), *out_of_order(done)]


def objects(dump: Dump) -> dict[str, Any]:
    """Every object of Azure by its id, lower case, as it is; a policy of a vault is an object of its own."""
    found: dict[str, Any] = {}
    homes: dict[str, str] = {}
    gone = {record["uid"] for record in dump.get("deleted_vaults", {}).values()}
    for table in ("vaults", "deleted_vaults"):
        for record in dump.get(table, {}).values():
            properties = {k: v for k, v in record["properties"].items() if k != "accessPolicies"}
            vault = {k: v for k, v in record.items() if k not in ("properties", "systemData", "ready_at")}
            homes[record["uid"]] = record["id"].lower()
            found[record["id"].lower()] = (table, vault, properties)
            for policy in record["properties"]["accessPolicies"]:
                at = ids.policy_id(record["id"], policy["objectId"], policy.get("applicationId"))
                found[at.lower()] = (table, policy)
    for table, rows in dump.items():
        if table in ("vaults", "deleted_vaults") or table in _OWN:
            continue
        for key, record in rows.items():
            if table in ("secrets", "deleted_secrets"):
                uid, _, name = key.partition("/")
                place = "deleted_secrets" if uid in gone else table
                found[f"{homes.get(uid, uid)}/secrets/{name}".lower()] = (place, record)
            else:
                found[record["id"].lower() if "id" in record else f"{table}:{key}"] = (table, record)
    return found


def is_live(thing: Any) -> bool:
    """Whether an object of `objects` is there, not soft-deleted."""
    return thing is not None and not thing[0].startswith("deleted")


def touched(done: Done) -> set[str]:
    """The ids of all objects that are otherwise now."""
    before, after = objects(done.before), objects(done.after)
    return {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}


def ids_of(change: Change) -> set[str]:
    """What Azure knows a change's object as: where it is wanted, where it was, where it is."""
    found = []
    if change.desired is not None:
        found.append(KINDS[change.address.kind].remote_id(change.desired.spec))
    if change.prior is not None:
        found += [change.prior.remote_id, str(change.prior.facts.get("replaces", ""))]
    if change.live is not None:
        found.append(change.live.remote_id)
    return {one.lower() for one in found if one}


def strangers_touched(done: Done) -> Iterator[str]:
    """Nothing that was not in the plan changed; a vault takes along what is in it, and has a key where values are."""
    pending = done.plan.pending if done.plan else ()
    planned = {one for change in pending for one in ids_of(change)}
    whole = [one for change in pending if _takes_all_along(change) for one in ids_of(change)]
    keyed = {str(_spec(c).vault).lower() + KEY for c in pending if c.address.kind == "secret"}
    for one in sorted(touched(done) - planned - keyed):
        if not any(one.startswith(f"{place}/") for place in whole):
            yield f"{one} changed and was not in the plan"


def _takes_all_along(change: Change) -> bool:
    return change.address.kind in ("vault", "resource_group") and change.action in (Action.DESTROY, Action.RECOVER)


def _spec(change: Change) -> Any:
    side = change.desired or change.prior or change.live
    assert side is not None
    return side.spec


def left_untried(done: Done) -> Iterator[str]:
    """What was not tried, since something that it needed failed, is as it was; so is what Azure refused to delete.

    Not so a resource group: the request after the one that deletes it may be the one that was refused.
    """
    if done.outcome is None or done.plan is None:
        return
    by_address = {change.address: change for change in done.plan.pending}
    refused = {
        one.address
        for one in done.outcome.failed
        if one.code == "forbidden" and one.address in by_address and one.address.kind != "resource_group"
        if by_address[one.address].action is Action.DESTROY
    }
    still = {*(done.outcome.skipped or {}), *done.outcome.unstarted, *refused} & by_address.keys()
    tried = [change for at, change in by_address.items() if at not in still]
    planned = {one for change in tried for one in ids_of(change)}
    whole = tuple(f"{one}/" for change in tried if _takes_all_along(change) for one in ids_of(change))
    for at in sorted(still):
        for one in sorted((ids_of(by_address[at]) - planned) & touched(done)):
            if not one.startswith(whole):
                yield f"{at} was not carried out, and {one} changed"


def forgotten(done: Done) -> Iterator[str]:
    """What leaves the state has left Azure, or was never ours to delete."""
    there = objects(done.after)
    let_go = {c.address for c in done.plan.pending if c.action is Action.FORGET} if done.plan else set()
    for at, entry in sorted(done.state_before.entries.items()):
        if at not in done.state_after.entries and at not in let_go and is_live(there.get(entry.remote_id.lower())):
            yield f"{at} is still there and the state has forgotten it"


def orphans(done: Done) -> Iterator[str]:
    """What came into being is in the state, even if the run was killed a moment later."""
    before, after = objects(done.before), objects(done.after)
    known = {entry.remote_id.lower() for entry in done.state_after.entries.values()}
    known |= {str(entry.facts.get("replaces", "")).lower() for entry in done.state_after.entries.values()}
    back = [one for one, thing in after.items() if thing[0] == "vaults" and before.get(one, ("",))[0] != "vaults"]
    for one in sorted(after.keys() - before.keys() - known):
        if not one.endswith(KEY) and not any(one.startswith(f"{vault}/") and one in before for vault in back):
            yield f"{one} was made and the state does not know it"


def out_of_order(done: Done) -> Iterator[str]:
    """Make after what you need; unmake after what needed you."""
    changes = {change.address: change for change in done.plan.pending} if done.plan else {}
    finished = set()
    for event in done.events:
        if isinstance(event, Finished):
            finished.add(event.change.address)
        if not isinstance(event, Started):
            continue
        for need in sorted(_first(event.change, changes) & changes.keys()):
            if need not in finished:
                yield f"{event.change.address} was begun before {need} was done"


def _first(change: Change, changes: Mapping[Any, Change]) -> set[Any]:
    if change.action in _MAKES and change.desired is not None:
        return {at for at in change.desired.depends_on if at in changes and changes[at].action in _MAKES}
    if change.action is not Action.DESTROY or change.reason is Reason.CONTAINED:
        return set()
    return {
        at
        for at, other in changes.items()
        if other.prior is not None and change.address in other.prior.depends_on and other.reason is not Reason.CONTAINED
        if other.desired is None or change.address not in other.desired.depends_on
    }


def unmanaged_moved(plan: Plan, afterwards: Plan) -> Iterator[str]:
    """Settings that the YAML does not write stay as they were, through every update."""
    later = {change.address: change.live for change in afterwards.changes}
    for change in plan.changes:
        live = later.get(change.address)
        if change.action is not Action.UPDATE or change.live is None or change.desired is None or live is None:
            continue
        for name in _moved(change.desired.spec, change.live.spec, live.spec):
            yield f"{name} of {change.address} is not written in the YAML and changed"


def _moved(wanted: Any, before: Any, after: Any) -> Iterator[str]:
    for field in fields(wanted):
        if not field.compare or field.metadata or field.name == "version":
            continue
        written, was, now = (getattr(side, field.name) for side in (wanted, before, after))
        if written is None:
            if was != now:
                yield field.name
        elif is_dataclass(written) and was is not None:
            yield from _moved(written, was, now)
        elif isinstance(written, Mapping):
            unwritten = (was.keys() | now.keys()) - written.keys()
            yield from (f"{field.name}.{key}" for key in sorted(unwritten) if was.get(key) != now.get(key))
