"""Which of what happened outside can be written into the YAML, and as what. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.declared import policy_settings, secret_settings
from declarative_kv.engine.naming import People, key_for
from declarative_kv.model.address import Address
from declarative_kv.model.adoption import Come, Gone, Item, Moved
from declarative_kv.model.found import Unmanaged
from declarative_kv.model.permissions import PERMISSIONS
from declarative_kv.model.plan import Action, Drift, Plan
from declarative_kv.model.resource import Observed, OtherPolicy
from declarative_kv.model.roles import slug
from declarative_kv.model.specs import AccessPolicySpec

TAKEN_OVER = frozenset({OtherPolicy.ALARM, OtherPolicy.DELETE})
"""The policies of `others` under which an unknown object is drift, or would be deleted by the next apply."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What drift has to do with the YAML: `items` can be written into it, `gone` only where that is asked for.

    `values` are secrets with another value, and `unsaid` objects that no entry can say: neither changes any YAML.
    """

    items: tuple[Item, ...]
    gone: tuple[Gone, ...]
    values: tuple[Address, ...]
    unsaid: tuple[Unmanaged, ...]


def outside(inputs: Inputs, found: Plan, people: People, roles: Mapping[str, str]) -> Outside:
    """Sort what `dkv drift` found. Adds to `people` whom new entries name."""
    drifts = [drift for drift in found.drift if drift.address in inputs.desired]
    moved = [item for drift in drifts if drift.action is Action.UPDATE for item in _moved(inputs, drift)]
    come: list[Item] = []
    unsaid: list[Unmanaged] = []
    grants = {at.path for at in inputs.desired}
    for one in found.unmanaged:
        if one.policy not in TAKEN_OVER:
            continue
        meaningless = one.live.kind == "access_policy" and inputs.desired[one.vault].spec.access == "rbac"
        item = None if meaningless else _come(one, people, roles, grants)
        if item is None:
            unsaid.append(one)
        else:
            come.append(item)
    return Outside(
        items=(*moved, *come),
        gone=tuple(Gone(drift.address) for drift in drifts if drift.action is not Action.UPDATE),
        values=tuple(drift.address for drift in found.drift if drift.value_moved),
        unsaid=tuple(unsaid),
    )


def strangers(found: Plan) -> tuple[Observed, ...]:
    """The grants among what would be taken over."""
    kinds = ("access_policy", "role_assignment")
    return tuple(one.live for one in found.unmanaged if one.policy in TAKEN_OVER and one.live.kind in kinds)


def _moved(inputs: Inputs, drift: Drift) -> Iterator[Item]:
    """The settings that Azure and the YAML have otherwise, as far as Azure is who moved."""
    at, live = drift.address, drift.live
    assert live is not None, "what has changed is there"
    resource = inputs.desired[at]
    outside = {diff.path for diff in drift.diff}
    diffs = [diff for diff in inputs.kinds[at.kind].diff(resource.spec, live.spec) if diff.path in outside]
    diffs = [diff for diff in diffs if diff.path[0] not in resource.lifecycle.ignore]
    if diffs and isinstance(live.spec, AccessPolicySpec):
        before, after = ({kind: getattr(spec, kind) for kind in PERMISSIONS} for spec in (resource.spec, live.spec))
        yield Moved(at, (), before, after)
        return
    yield from (Moved(at, diff.path, diff.after, diff.before) for diff in diffs)


def _come(one: Unmanaged, people: People, roles: Mapping[str, str], grants: set[str]) -> Come | None:
    """An entry for an object that nobody declared; None where there can be none."""
    vault, live = one.vault.path, one.live
    if live.kind == "secret":
        settings, _ = secret_settings(live.spec)
        entry = {**settings, "import": True}
        return Come(Address("secret", f"{vault}/{live.label}"), ("vaults", vault, "secrets", live.label), entry)
    if live.kind == "access_policy":
        return _policy(vault, live, people)
    spec = live.spec
    who, role = _who(people, spec.principal, spec.principal_type), roles.get(str(spec.role), str(spec.role))
    key = key_for(f"{vault}-{who[0]}-{slug(role)}", grants, "more")
    grants.add(key)
    scope = f"vault.{vault}" if str(spec.scope).lower() == (live.parent or "").lower() else str(spec.scope)
    more = {name: text for name in ("description", "condition") if (text := getattr(spec, name))}
    entry = {"principal": who[0], "role": role, "scope": scope, **more, "import": True}
    return Come(Address("role_assignment", key), ("role_assignments", key), entry, who[1])


def _policy(vault: str, live: Observed, people: People) -> Come | None:
    settings = policy_settings(live.spec)
    if settings is None or live.spec.application:
        return None
    key, principals = _who(people, live.spec.principal, None)
    entry = {**settings, "import": True}
    at = Address("access_policy", f"{vault}/{key}")
    return Come(at, ("vaults", vault, "access_policies", key), entry, principals)


def _who(people: People, principal: object, kind: object) -> tuple[str, Mapping[str, Any]]:
    """The key of a principal, and the entry that it needs where it has none."""
    key = people.key(principal, kind)
    return key, {key: people.entries[key]} if key in people.entries else {}
