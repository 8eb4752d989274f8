"""What grants give by themselves: every way in which a principal holds a capability at one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from declarative_kv.engine.access.conditions import Attributes, Verdict
from declarative_kv.engine.access.estate import Assignment, Policy, Vault
from declarative_kv.engine.access.rules import Rule
from declarative_kv.engine.access.view import BY_OPERATION, Held, Operation, Spot, Step, StepKind, View
from declarative_kv.model.access import Permission
from declarative_kv.model.capabilities import CAPABILITIES
from declarative_kv.model.roles import GUID


def direct(view: View, principal: str, spot: Spot) -> Iterator[Held]:
    """Every way in which grants give the principal a capability at a spot, the nearest first."""
    if spot.vault is not None:
        yield from (one for one in _by_policies(view, principal, spot.vault) if spot.shows(one.capability))
    for chain, assignment in assigned(view, principal, spot.id):
        for operation, blocks in view.given(assignment.role).items():
            if operation not in BY_OPERATION or (operation[1] and not roles_count(view, spot)):
                continue
            verdict = _some_verdict(view, assignment, operation, blocks)
            if verdict is False:
                continue
            path = role_path(view, principal, chain, assignment)
            for capability in BY_OPERATION[operation]:
                asked = spot.asked_at(capability)
                if spot.shows(capability) and may(view, principal, assignment, operation, asked):
                    yield Held(capability, operation[0], path, assignment, verdict is True)


def _some_verdict(view: View, assignment: Assignment, operation: Operation, blocks: Iterable[Permission]) -> Verdict:
    """Whether an assignment lets an operation through; of writing role assignments, for any role and principal."""
    if not operation[0].startswith("Microsoft.Authorization/roleAssignments/"):
        return view.permits(assignment, operation, blocks)
    conditions = {assignment.condition, *(block.condition for block in blocks)}
    if conditions == {None}:
        return True
    found = {view.permits(assignment, operation, blocks, about(role, None)) for role in view.estate.roles}
    return True if found == {True} else False if found == {False} else None


def about(role: str, principal: str | None) -> Attributes:
    """What a request about a role assignment says of itself; a principal that is not said may be anybody."""
    said = {"roledefinitionid": role, "principalid": principal, "principaltype": None}
    return {(source, name): value for source in ("request", "resource") for name, value in said.items()}


def assigned(view: View, principal: str, place: str) -> Iterator[tuple[tuple[str, ...], Assignment]]:
    """The assignments that count for a principal at a place, each with the groups on the way to its principal."""
    reaching = view.reaching(place)
    for identity, chain in view.chains(principal).items():
        for assignment in reaching.get(identity, ()):
            yield chain, assignment


def roles_count(view: View, spot: Spot) -> bool:
    """Whether roles open the contents at a spot."""
    return spot.vault is None or spot.vault.rbac or Rule.ROLES_OPEN_RBAC not in view.rules


def policies_count(view: View, vault: Vault) -> bool:
    """Whether access policies open the contents of a vault."""
    return not vault.rbac or Rule.POLICIES_OPEN_POLICIES not in view.rules


def may(view: View, principal: str, assignment: Assignment, operation: Operation, asked: str | None) -> bool:
    """Whether an assignment reaches the scope at which an operation is asked for, and nothing denies it there."""
    return asked is not None and view.covers(assignment.scope, asked) and not view.denied(principal, operation, asked)


def _by_policies(view: View, principal: str, vault: Vault) -> Iterator[Held]:
    if not policies_count(view, vault):
        return
    for identity, chain in view.chains(principal).items():
        for policy in vault.policies:
            if policy.principal == identity:
                yield from _of_policy(view, principal, chain, policy, vault)


def _of_policy(view: View, principal: str, chain: tuple[str, ...], policy: Policy, vault: Vault) -> Iterator[Held]:
    for capability in CAPABILITIES:
        words = policy.granted.get(capability.category, frozenset())
        by_all = "all" in words and Rule.POLICY_ALL in view.rules
        if capability.word and (capability.word in words or by_all):
            word = capability.word if capability.word in words else "all"
            through = f" through application {policy.application}" if policy.application else ""
            way = (
                Step(StepKind.POLICY, f"{capability.category}: {word}{through}", policy.application or ""),
                Step(StepKind.SCOPE, scope_name(view, vault.id), vault.id),
            )
            yield Held(capability, capability.policy, (*_who(view, principal, chain), *way), policy)


def role_path(view: View, principal: str, chain: tuple[str, ...], assignment: Assignment) -> tuple[Step, ...]:
    """The steps from a principal to the scope of an assignment."""
    way = (
        Step(StepKind.ROLE, role_name(view, assignment.role), assignment.role),
        Step(StepKind.SCOPE, scope_name(view, assignment.scope), assignment.scope),
    )
    return (*_who(view, principal, chain), *way)


def _who(view: View, principal: str, chain: tuple[str, ...]) -> tuple[Step, ...]:
    groups = (Step(StepKind.GROUP, view.estate.name(group), group) for group in chain)
    return (Step(StepKind.PRINCIPAL, view.estate.name(principal), principal), *groups)


def role_name(view: View, guid: str) -> str:
    """A role's name, else its GUID."""
    role = view.estate.roles.get(guid)
    return role.name if role is not None else guid


_WORDS: Final = MappingProxyType(
    {
        "subscriptions": "subscription",
        "resourcegroups": "resource group",
        "vaults": "vault",
        "secrets": "secret",
        "keys": "key",
        "certificates": "certificate",
        "managementgroups": "management group",
    }
)


def scope_name(view: View, scope: str) -> str:
    """A scope in words: the address where it is declared, else `resource group rg`."""
    if scope in view.estate.addresses:
        return str(view.estate.addresses[scope])
    parts = [part for part in view.estate.spelled(scope).split("/") if part]
    if len(parts) < 2:
        return "the whole tenant"
    kind = _WORDS.get(parts[-2].lower(), parts[-2])
    name = f"{parts[-1][:4]}…" if kind == "subscription" and GUID.fullmatch(parts[-1]) else parts[-1]
    return f"{kind} {name}"
