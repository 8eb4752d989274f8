"""Draw an estate: from what Azure holds, from what it will hold after a plan, or from the YAML alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from declarative_kv.engine.access.estate import Assignment, Estate, Network, Policy, Vault, lies_in, normal
from declarative_kv.engine.changes import Inputs
from declarative_kv.model.access import NOTHING_AROUND, Surroundings, builtin_definitions
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, AttrDiff, Change
from declarative_kv.model.resource import Condition, Desired
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)

Thing = tuple[Address | None, Any]
"""A spec, and where it is declared."""
Counts = Callable[[object], bool]
"""Whether a spec is part of a picture."""
_CATEGORIES = ("secrets", "keys", "certificates", "storage")


def pictures(
    inputs: Inputs, changes: Iterable[Change], around: Surroundings, names: Mapping[str, str], *, whole: bool
) -> tuple[Estate, Estate]:
    """The estate as it is and as it will be when these changes are made.

    Unless it is to be `whole`, the secrets that have no grants of their own are left out: nothing differs between them.
    """
    counts = _everything if whole else _with_grants(inputs, around)
    changes = tuple(change for change in changes if counts(_spec(change)))
    before = _before(inputs, changes, counts)
    after = _after(inputs, before, changes)
    unknown = tuple(f"{one.address or 'something'} could not be read" for one in inputs.reading.unreadable)
    around = replace(around, unknown=(*unknown, *around.unknown))
    things = ((at, spec) for at, spec in _declared(inputs) if counts(spec))
    declared = {normal(place): at for at, spec in things if at and (place := _place(spec))}
    now, then = (picture(things.values(), around, names) for things in (before, after))
    return (
        replace(now, addresses={**declared, **now.addresses}),
        replace(then, addresses={**declared, **then.addresses}),
    )


def _everything(_: object) -> bool:
    return True


def _with_grants(inputs: Inputs, around: Surroundings) -> Counts:
    """All but the secrets at which nothing is granted or denied."""
    held: tuple[Any, ...] = (*inputs.desired.values(), *inputs.state.entries.values(), *inputs.reading.live.values())
    specs = (one.spec for one in (*held, *inputs.reading.rest))
    places = {normal(str(spec.scope)) for spec in specs if isinstance(spec, RoleAssignmentSpec)}
    places |= {normal(one.scope) for one in around.denials}
    return lambda spec: not isinstance(spec, SecretSpec) or (bool(places) and normal(_place(spec)) in places)


def _spec(change: Change) -> object:
    """What a change is about, as any side has it."""
    side = change.desired or change.live or change.prior
    return side.spec if side is not None else None


def _declared(inputs: Inputs) -> Iterator[Thing]:
    """Everything with an address, in state or in the YAML, also where this run leaves it out."""
    yield from ((at, entry.spec) for at, entry in inputs.state.entries.items())
    yield from ((at, resource.spec) for at, resource in inputs.desired.items())


def wanted(desired: Desired, around: Surroundings = NOTHING_AROUND, names: Mapping[str, str] | None = None) -> Estate:
    """The estate as the YAML has it, whatever else Azure holds."""
    return picture(((at, resource.spec) for at, resource in desired.items()), around, names or {})


def picture(things: Iterable[Thing], around: Surroundings, names: Mapping[str, str]) -> Estate:
    """An estate of these specs. Vaults that are declared nowhere are left out, grants that reach no other included."""
    things = tuple(things)
    policies: dict[str, dict[tuple[str, str | None], Policy]] = defaultdict(dict)
    assignments: dict[tuple[str, ...], Assignment] = {}
    for address, spec in things:
        match spec:
            case AccessPolicySpec():
                policy = policy_of(spec, address)
                policies[normal(str(spec.vault))][policy.principal, policy.application] = policy
            case RoleAssignmentSpec():
                one = _assignment(spec, address)
                key = (one.scope, one.role, one.principal)
                if key not in assignments or assignments[key].address is None:
                    assignments[key] = one
    vaults = {normal(vault_id(spec)): (at, spec) for at, spec in things if isinstance(spec, VaultSpec) and at}
    return Estate(
        vaults=tuple(
            _vault(identifier, at, spec, tuple(policies[identifier].values()))
            for identifier, (at, spec) in sorted(vaults.items())
        ),
        assignments=tuple(assignments.values()),
        roles={**builtin_definitions(), **around.definitions},
        denials=around.denials,
        groups=_groups(around),
        addresses={normal(place): at for at, spec in things if at and (place := _place(spec))},
        names={**around.names, **{key.lower(): name for key, name in names.items()}},
        spellings={normal(place): place for _, spec in things if (place := _place(spec) or _scope(spec))},
        unknown=(*around.unknown, *_unknown_roles(assignments.values(), around)),
    )


def vault_id(spec: VaultSpec) -> str:
    """A vault's ARM id."""
    group = f"/subscriptions/{spec.subscription}/resourceGroups/{spec.resource_group}"
    return f"{group}/providers/Microsoft.KeyVault/vaults/{spec.name}"


def _place(spec: object) -> str:
    """The ARM id of what a spec describes; empty for a grant."""
    match spec:
        case ResourceGroupSpec():
            return f"/subscriptions/{spec.subscription}/resourceGroups/{spec.name}"
        case VaultSpec():
            return vault_id(spec)
        case SecretSpec():
            return f"{spec.vault}/secrets/{spec.name}"
    return ""


def _scope(spec: object) -> str:
    return str(spec.scope) if isinstance(spec, RoleAssignmentSpec) else ""


def policy_of(spec: AccessPolicySpec, address: Address | None) -> Policy:
    """An access policy as the estate has it."""
    granted = {name: frozenset(getattr(spec, name)) for name in _CATEGORIES}
    return Policy(str(spec.principal).lower(), granted, spec.application, address)


def _assignment(spec: RoleAssignmentSpec, address: Address | None) -> Assignment:
    scope, role, who = normal(str(spec.scope)), str(spec.role).lower(), str(spec.principal).lower()
    return Assignment(scope, role, who, spec.condition, address)


def _vault(identifier: str, address: Address, spec: VaultSpec, policies: tuple[Policy, ...]) -> Vault:
    network = _network(spec.network or NetworkSpec())
    return Vault(identifier, spec.access == "rbac", policies, network, address, spec.name)


def _network(spec: NetworkSpec) -> Network:
    if spec.public is False:
        return Network.CLOSED
    return Network.RESTRICTED if spec.default == "deny" else Network.OPEN


def _groups(around: Surroundings) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group, members in around.members.items():
        for member in members:
            found[member].add(group)
    return {member: frozenset(groups) for member, groups in found.items()}


def _unknown_roles(assignments: Iterable[Assignment], around: Surroundings) -> tuple[str, ...]:
    known = builtin_definitions().keys() | around.definitions.keys()
    return tuple(
        sorted({f"what the role {one.role} permits is not known" for one in assignments if one.role not in known})
    )


def _before(inputs: Inputs, changes: Iterable[Change], counts: Counts) -> dict[str, Thing]:
    """What is there by id; of a vault that is about to come back what it held when it was applied last."""
    removed = {change.live.id: change.address for change in changes if change.live is not None}
    found: dict[str, Thing] = {}
    for one in inputs.reading.rest:
        if one.condition is Condition.LIVE and counts(one.spec):
            found[one.id] = (removed.get(one.id), one.spec)
    for at, one in inputs.reading.live.items():
        if one.condition is Condition.LIVE and counts(one.spec):
            found[one.id] = (at, one.spec)
    for change in changes:
        if not change.known and change.prior is not None:
            spec = _returned(change) if isinstance(change.prior.spec, VaultSpec) else change.prior.spec
            found[change.prior.remote_id.lower()] = (change.address, spec)
    return found


def _returned(change: Change) -> VaultSpec:
    """A soft-deleted vault as it is expected to come back: its access model may have been left unmanaged."""
    assert change.prior is not None, "only what was applied is expected back"
    spec: VaultSpec = change.prior.spec
    fresh = change.desired.spec if change.desired is not None else spec
    return replace(spec, access=spec.access or fresh.access)


def _after(inputs: Inputs, before: Mapping[str, Thing], changes: Iterable[Change]) -> dict[str, Thing]:
    found, gone = dict(before), set[str]()
    for change in changes:
        known = change.live or change.prior
        there = known.remote_id.lower() if known is not None else ""
        match change.action:
            case Action.DESTROY:
                found.pop(there, None)
                gone |= {there} if known is not None and isinstance(known.spec, VaultSpec) else set()
            case Action.CREATE | Action.RECOVER | Action.REPLACE | Action.UPDATE | Action.IMPORT:
                old = found.pop(there, None)
                spec = _made(change, old)
                renew = change.action in (Action.CREATE, Action.REPLACE)
                key = inputs.kinds[change.address.kind].remote_id(spec).lower() if renew or not there else there
                found[key] = (change.address, spec)
    # A vault that is deleted takes along what is in it and the roles on it.
    return {key: thing for key, thing in found.items() if not any(lies_in(_stands_at(thing[1]), one) for one in gone)}


def _stands_at(spec: Any) -> str:
    return normal(str(spec.vault)) if isinstance(spec, AccessPolicySpec) else normal(_place(spec) or _scope(spec))


def _made(change: Change, old: Thing | None) -> Any:
    """What a change makes of what is there: the wish where it is new, else what is there with what differs."""
    assert change.desired is not None, "only a declared thing is made"
    if old is None or change.action in (Action.CREATE, Action.REPLACE):
        return change.desired.spec
    spec = old[1]
    for diff in change.diff:
        spec = _changed(spec, diff)
    return spec


def _changed(spec: Any, diff: AttrDiff) -> Any:
    first, *rest = diff.path
    if not rest:
        return replace(spec, **{first: diff.after})
    inner = getattr(spec, first)
    if first in {field.name for field in fields(spec)} and is_dataclass(inner):
        return replace(spec, **{first: _changed(inner, AttrDiff(tuple(rest), diff.before, diff.after))})
    return spec
