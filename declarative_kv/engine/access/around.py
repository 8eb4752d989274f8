"""What has to be found out around the grants before it is known who can do what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from declarative_kv.model.access import Questions, builtin_definitions
from declarative_kv.model.resource import Condition, Desired, Reading
from declarative_kv.model.roles import GUID
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec, VaultSpec
from declarative_kv.model.state import State


def questions(
    desired: Desired, state: State, reading: Reading, groups: frozenset[str], *, directory: bool
) -> Questions:
    """What to ask about these grants; of groups and names only where the `directory` is to be asked at all.

    `groups` are object ids known to be groups.
    """
    specs = (*_specs(desired, state, reading),)
    places = {str(spec.subscription).lower() for spec in specs if isinstance(spec, VaultSpec)}
    roles = _roles(specs, places)
    if not directory:
        return Questions(frozenset(places), roles)
    grants = [spec for spec in specs if isinstance(spec, AccessPolicySpec | RoleAssignmentSpec)]
    holders = {str(spec.principal).lower() for spec in grants}
    known = groups | {str(spec.principal).lower() for spec in grants if _is_group(spec)}
    others = frozenset(one for one in holders - known if GUID.fullmatch(one))
    return Questions(frozenset(places), roles, frozenset(known), others)


def _is_group(spec: AccessPolicySpec | RoleAssignmentSpec) -> bool:
    return isinstance(spec, RoleAssignmentSpec) and str(spec.principal_type).lower() == "group"


def _specs(desired: Desired, state: State, reading: Reading) -> Iterator[object]:
    yield from (resource.spec for resource in desired.values())
    yield from (entry.spec for entry in state.entries.values())
    seen = (*reading.rest, *reading.live.values())
    yield from (one.spec for one in seen if one.condition is Condition.LIVE)


def _roles(specs: Iterable[object], subscriptions: Iterable[str]) -> dict[str, frozenset[str]]:
    """The roles that are not built in, by the subscription that a grant of them stands in; else by the first one."""
    found: dict[str, set[str]] = defaultdict(set)
    first = next(iter(sorted(subscriptions)), "")
    for spec in specs:
        if isinstance(spec, RoleAssignmentSpec) and str(spec.role).lower() not in builtin_definitions():
            parts = str(spec.scope).lower().split("/")
            inside = parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else first
            if inside:
                found[inside].add(str(spec.role).lower())
    return {subscription: frozenset(guids) for subscription, guids in found.items()}
