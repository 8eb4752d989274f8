"""What holders could give themselves: a policy, a role, another access model; and what goes around the data plane.

Left out, and named so in the guide: what leads through other resources (identities of machines, groups that somebody
owns, deployments that refer to a vault), through role definitions, and through the tenant's administrators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from declarative_kv.engine.access.conditions import Verdict
from declarative_kv.engine.access.direct import (
    about,
    assigned,
    may,
    policies_count,
    role_name,
    role_path,
    roles_count,
    scope_name,
)
from declarative_kv.engine.access.estate import Assignment, Vault, lies_in
from declarative_kv.engine.access.rules import Rule
from declarative_kv.engine.access.view import BY_OPERATION, Held, Operation, Spot, Step, StepKind, View
from declarative_kv.model.capabilities import (
    ACTIONS,
    AROUND,
    ASSIGNMENTS_WRITE,
    BY_NAME,
    CONTENTS,
    KEYS_WRITE,
    SECRETS_WRITE,
    VAULTS_WRITE,
    Capability,
)

_BY_ACTION = {one.action: (one,) for one in ACTIONS} | dict(AROUND)
_GIVE_ROLES, _CHANGE_VAULT, _CHANGE_POLICIES = (
    (BY_NAME[name].action, name) for name in ("give-roles", "change-vault", "change-policies")
)
_AROUND_RULES = {SECRETS_WRITE: Rule.WRITE_SECRETS, KEYS_WRITE: Rule.WRITE_KEYS}


@dataclass(frozen=True, slots=True)
class _Power:
    """An action on Resource Manager that a principal holds, or could; `block` is the condition of the role's block."""

    path: tuple[Step, ...]
    grant: Assignment
    certain: bool
    conditions: tuple[str | None, ...] = ()
    assignment_condition: str | None = None
    own: bool = True


@dataclass(slots=True)
class _Reach:
    """What one principal can come to at one spot: actions for a capability, and roles that it may give itself."""

    actions: dict[tuple[str, str], list[_Power]] = field(default_factory=dict)
    roles: dict[str, list[_Power]] = field(default_factory=dict)


def indirect(view: View, principal: str, spot: Spot) -> Iterator[Held]:
    """Every way to a capability that is not given outright; the shortest ways first."""
    assert spot.vault is not None, "only vaults and what lies in them are opened"
    whole = reach = _reach(view, principal, Spot(spot.vault.id, spot.vault))
    if spot.on_object:
        reach = _reach(view, principal, spot)
        _add_from_above(view, principal, spot, whole, reach)
    ways = (
        _around(view, reach),
        _own_policies(view, whole, spot.vault),
        _own_roles(view, principal, reach, spot),
        _switched(view, whole, spot.vault),
        _own_actions(reach),
    )
    yield from (one for way in ways for one in way if spot.shows(one.capability))


def _add_from_above(view: View, principal: str, spot: Spot, whole: _Reach, reach: _Reach) -> None:
    """Add what the principal could give itself on the whole vault, as far as nothing denies it on the object."""
    for guid, powers in whole.roles.items():
        reach.roles.setdefault(guid, []).extend(powers)
    for (action, name), powers in whole.actions.items():
        asked = spot.asked_at(BY_NAME[name])
        if asked is not None and not view.denied(principal, (action, False), asked):
            reach.actions.setdefault((action, name), []).extend(power for power in powers if not power.own)


def _reach(view: View, principal: str, spot: Spot) -> _Reach:
    reach = _Reach()
    for chain, assignment in assigned(view, principal, spot.id):
        for operation, blocks in view.given(assignment.role).items():
            action, data = operation
            here = (
                []
                if data
                else [
                    one for one in _BY_ACTION[action] if may(view, principal, assignment, operation, spot.asked_at(one))
                ]
            )
            if not here:
                continue
            # Which roles may be given is judged role by role; here it is enough that some request may pass.
            verdict = True if action == ASSIGNMENTS_WRITE else view.permits(assignment, operation, blocks)
            if verdict is not False:
                path = role_path(view, principal, chain, assignment)
                inner = tuple(block.condition for block in blocks)
                power = _Power(path, assignment, verdict is True, inner, assignment.condition)
                for one in here:
                    reach.actions.setdefault((action, one.name), []).append(power)
    if Rule.OWN_ROLE in view.rules:
        _widen(view, principal, spot, reach)
    return reach


def _widen(view: View, principal: str, spot: Spot, reach: _Reach) -> None:
    """Add the roles that the principal may give itself, what they let it do, and the roles that follow from those."""
    waiting = list(reach.actions.get(_GIVE_ROLES, ()))
    widest = sorted(view.estate.roles, key=lambda guid: (-len(view.given(guid)), guid))
    covered: dict[Assignment, set[Operation]] = {}
    seen: set[tuple[Assignment, str, bool]] = set()
    for power in waiting:
        known = covered.setdefault(power.grant, set())
        for guid in widest:
            # A role that adds nothing to those already within reach makes the answer no longer, only slower.
            verdict = not view.given(guid).keys() <= known and _may_take(view, principal, power, guid)
            sure = power.certain and verdict is True
            if verdict is False or not seen.isdisjoint({(power.grant, guid, True), (power.grant, guid, sure)}):
                continue
            seen.add((power.grant, guid, sure))
            if sure:
                known |= {op for op, blocks in view.given(guid).items() if None in (b.condition for b in blocks)}
            step = Step(StepKind.TAKES_ROLE, f"gives itself the role {role_name(view, guid)}", guid)
            taken = replace(power, path=(*power.path, step), certain=sure, own=False)
            reach.roles.setdefault(guid, []).append(taken)
            more = _actions_of(view, principal, spot, guid, taken)
            for way, gained in more:
                reach.actions.setdefault(way, []).append(gained)
                if way == _GIVE_ROLES and Rule.OWN_ROLE_AGAIN in view.rules:
                    waiting.append(gained)


def _may_take(view: View, principal: str, power: _Power, role: str) -> Verdict:
    """Whether the conditions of a power to assign roles let the principal give itself this one."""
    if Rule.OWN_ROLE_LIMITS not in view.rules:
        return True
    attributes = about(role, principal)
    own = view.passes(power.assignment_condition, ASSIGNMENTS_WRITE, attributes)
    inner = [view.passes(condition, ASSIGNMENTS_WRITE, attributes) for condition in power.conditions]
    best = True if True in inner else None if None in inner else False
    return False if False in (own, best) else None if None in (own, best) else True


def _actions_of(
    view: View, principal: str, spot: Spot, role: str, taken: _Power
) -> Iterator[tuple[tuple[str, str], _Power]]:
    """What a role that the principal gave itself at the spot lets it do on Resource Manager."""
    for operation, blocks in view.given(role).items():
        action, data = operation
        here = [] if data else [one for one in _BY_ACTION[action] if _is_below(view, principal, spot, operation, one)]
        if not here:
            continue
        verdicts = [view.passes(block.condition, action) for block in blocks]
        if action == ASSIGNMENTS_WRITE or any(verdict is not False for verdict in verdicts):
            certain = taken.certain and (action == ASSIGNMENTS_WRITE or True in verdicts)
            inner = tuple(block.condition for block in blocks)
            power = replace(taken, certain=certain, conditions=inner, assignment_condition=None)
            yield from (((action, one.name), power) for one in here)


def _is_below(view: View, principal: str, spot: Spot, operation: Operation, capability: Capability) -> bool:
    """Whether a role taken at a spot reaches the scope at which an operation is asked for, and nothing denies it."""
    asked = spot.asked_at(capability)
    return asked is not None and lies_in(asked, spot.id) and not view.denied(principal, operation, asked)


def _held(capability: Capability, permission: str, power: _Power, *steps: Step) -> Held:
    return Held(capability, permission, (*power.path, *steps), power.grant, power.certain, direct=False)


def _around(view: View, reach: _Reach) -> Iterator[Held]:
    for action, capabilities in AROUND.items():
        if _AROUND_RULES.get(action, Rule.READ_NAMES) not in view.rules:
            continue
        step = Step(StepKind.RESOURCE_MANAGER, "goes through Resource Manager", action)
        for capability in capabilities:
            for power in reach.actions.get((action, capability.name), ()):
                yield _held(capability, action, power, step)


def _own_policies(view: View, reach: _Reach, vault: Vault) -> Iterator[Held]:
    if not policies_count(view, vault):
        return
    ways = ((_CHANGE_VAULT, Rule.OWN_POLICY_BY_VAULT), (_CHANGE_POLICIES, Rule.OWN_POLICY))
    for way, rule in ways:
        if rule in view.rules:
            for power in reach.actions.get(way, ()):
                yield from _by_own_policy(power, way[0])


def _by_own_policy(power: _Power, action: str) -> Iterator[Held]:
    step = Step(StepKind.TAKES_POLICY, "gives itself an access policy", action)
    return (_held(one, one.policy, power, step) for one in CONTENTS if one.word)


def _own_roles(view: View, principal: str, reach: _Reach, spot: Spot) -> Iterator[Held]:
    if not roles_count(view, spot):
        return
    for guid, powers in reach.roles.items():
        for operation, blocks in view.given(guid).items():
            verdicts = [view.passes(block.condition, operation[0]) for block in blocks]
            if operation[1] and any(verdict is not False for verdict in verdicts):
                for power in powers:
                    sure = replace(power, certain=power.certain and True in verdicts)
                    yield from _by_own_role(view, principal, spot, operation, sure)


def _by_own_role(view: View, principal: str, spot: Spot, operation: Operation, power: _Power) -> Iterator[Held]:
    for capability in BY_OPERATION[operation]:
        asked = spot.asked_at(capability)
        if asked is not None and not view.denied(principal, operation, asked):
            yield _held(capability, operation[0], power)


def _switched(view: View, reach: _Reach, vault: Vault) -> Iterator[Held]:
    """Turning a vault to access policies: Azure asks for the vault's write and for unrestricted role assignments.

    Each of the two may come from a grant of its own, and be there only once a role is taken.
    """
    if Rule.SWITCH_MODEL not in view.rules or not vault.rbac:
        return
    free = [power for power in reach.actions.get(_GIVE_ROLES, ()) if _unrestricted(view, power)]
    if not free:
        return
    for power in reach.actions.get(_CHANGE_VAULT, ()):
        others = sorted(free, key=lambda other: other.grant != power.grant)
        ways = (_switching(view, power, other) for other in others)
        ready = min(ways, key=lambda one: (not one.certain, len(one.path)))
        yield from _by_own_policy(ready, VAULTS_WRITE)


def _switching(view: View, power: _Power, other: _Power) -> _Power:
    """A power over the vault, once the principal has switched its access model with another one's help.

    The path stays that of the first power's grant. What the other one adds is named after it: the roles that have to be
    taken first, and the grant that it comes from where that is another one.
    """
    taken = {step.id for step in power.path if step.kind is StepKind.TAKES_ROLE}
    more = [step for step in other.path if step.kind is StepKind.TAKES_ROLE and step.id not in taken]
    more.append(Step(StepKind.SWITCHES_MODEL, "switches the vault to access policies", VAULTS_WRITE))
    if other.grant != power.grant:
        means = f"{role_name(view, other.grant.role)} at {scope_name(view, other.grant.scope)}"
        more[0] = replace(more[0], name=f"{more[0].name} through {means}")
    return replace(power, path=(*power.path, *more), certain=power.certain and other.certain)


def _unrestricted(view: View, power: _Power) -> bool:
    """Whether a power to assign roles holds for every request."""
    if view.passes(power.assignment_condition, ASSIGNMENTS_WRITE) is not True:
        return False
    return any(view.passes(condition, ASSIGNMENTS_WRITE) is True for condition in power.conditions)


def _own_actions(reach: _Reach) -> Iterator[Held]:
    """What the principal could let itself do with the vault itself."""
    for capability in ACTIONS:
        for power in reach.actions.get((capability.action, capability.name), ()):
            if not power.own:
                yield _held(capability, capability.action, power)


def shortest(found: Iterable[Held]) -> tuple[Held, ...]:
    """Of each capability and grant the way with the fewest steps, in the order of capabilities."""
    best: dict[tuple[str, object], Held] = {}
    for one in found:
        key = (one.capability.name, one.grant)
        if key not in best or _rank(one) < _rank(best[key]):
            best[key] = one
    order = {name: place for place, name in enumerate(BY_NAME)}
    return tuple(sorted(best.values(), key=lambda one: (order[one.capability.name], _rank(one))))


def _rank(one: Held) -> tuple[bool, int, bool, tuple[str, ...]]:
    """Of ways that are equally long one by which everything is reached, so that there is one to tell of."""
    around = any(step.kind is StepKind.RESOURCE_MANAGER for step in one.path)
    return not one.certain, len(one.path), around, tuple(f"{step.kind} {step.name} {step.id}" for step in one.path)
