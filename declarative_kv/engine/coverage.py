"""Whether the running identity may make a plan's changes on the data plane, by the grants present and planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declarative_kv.engine.changes import Inputs
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Action, Change, Head, Reason
from declarative_kv.model.resource import Condition
from declarative_kv.model.roles import builtin_roles
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec, SecretSpec

_NEEDS = {
    Action.CREATE: ("set", "Microsoft.KeyVault/vaults/secrets/setSecret/action"),
    Action.UPDATE: ("set", "Microsoft.KeyVault/vaults/secrets/setSecret/action"),
    Action.DESTROY: ("delete", "Microsoft.KeyVault/vaults/secrets/delete"),
    Action.RECOVER: ("recover", "Microsoft.KeyVault/vaults/secrets/recover/action"),
}
"""What each action needs: a secret permission of a policy, or a data action of a role (Key Vault documentation)."""


def helpful_principals(inputs: Inputs, current: str) -> frozenset[str]:
    """The object ids, lower case, whose grants may help the running identity: its own, and those of groups."""
    groups = {
        str(spec.principal).lower()
        for spec in _specs(inputs)
        if isinstance(spec, RoleAssignmentSpec) and str(spec.principal_type).lower() == "group"
    }
    return frozenset({current.lower(), *groups, *(one.lower() for one in inputs.groups)} - {""})


def check_data_access(inputs: Inputs, changes: Iterable[Change], head: Head) -> None:
    """Raise `PlanError` with `no-data-access` for each vault where no grant, present or planned, covers its changes."""
    needed: dict[tuple[Address, str], Change] = {}
    changes = tuple(changes)
    for change in changes:
        works = change.action in _NEEDS and change.reason is not Reason.CONTAINED
        if works and isinstance(_spec(change), SecretSpec):
            needed.setdefault((Address("vault", change.address.container), change.action), change)
    if not needed:
        return
    after = _grants_after(inputs, changes)
    helpful = helpful_principals(inputs, head.object_id)
    problems = {
        vault: _problem(inputs, vault, change, head, _left_out(inputs, change, vault, helpful))
        for (vault, _), change in needed.items()
        if head.object_id and not _covered(inputs, change, vault, after, helpful)
    }
    if problems:
        raise PlanError.of(problems.values())


def opening_grants(
    inputs: Inputs, changes: Iterable[Change], helpful: frozenset[str]
) -> Iterator[tuple[Address, Address]]:
    """The vaults whose secrets could not be read, each with a change that gives the running identity a grant there."""
    closed = {Address("vault", at.container) for at in inputs.reading.unread if at.kind == "secret"}
    granting = [change for change in changes if change.action in (Action.CREATE, Action.UPDATE, Action.REPLACE)]
    for vault in sorted(closed & inputs.reading.live.keys()):
        held, rbac = inputs.reading.live[vault].id, _is_rbac(inputs, vault)
        for change in granting:
            match _spec(change):
                case AccessPolicySpec(vault=place, principal=who) if not rbac:
                    opens = str(place).lower() == held
                case RoleAssignmentSpec(scope=place, principal=who) if rbac:
                    opens = f"{held}/".startswith(f"{str(place).lower().rstrip('/')}/")
                case _:
                    continue
            if opens and str(who).lower() in helpful:
                yield vault, change.address


def _spec(change: Change) -> object:
    side = change.desired or change.live or change.prior
    return side.spec if side is not None else None


def _specs(inputs: Inputs) -> Iterator[object]:
    yield from (resource.spec for resource in inputs.desired.values())
    yield from (one.spec for one in inputs.reading.rest)


def _grants_after(inputs: Inputs, changes: Iterable[Change]) -> list[tuple[object, bool]]:
    """The grants that hold while the data plane is worked on, each with whether it is only known from Azure.

    Removals come after that work, so what is there now still holds; what is changed holds as it will be.
    """
    changed = {change.address: change for change in changes}
    grants: list[tuple[object, bool]] = [(one.spec, True) for one in inputs.reading.rest]
    for at in inputs.reading.live.keys() | changed.keys():
        change, live = changed.get(at), inputs.reading.live.get(at)
        if change is not None and change.desired is not None and change.action is not Action.FORGET:
            grants.append((change.desired.spec, False))
        elif live is not None and live.condition is Condition.LIVE:
            grants.append((live.spec, True))
    return grants


def _covered(
    inputs: Inputs, change: Change, vault: Address, grants: Iterable[tuple[object, bool]], helpful: frozenset[str]
) -> bool:
    permission, data_action = _NEEDS[change.action]
    spec = _spec(change)
    assert isinstance(spec, SecretSpec)
    target = f"{spec.vault}/secrets/{spec.name}".lower()
    rbac = _is_rbac(inputs, vault)
    if rbac and (vault, "role_assignment") in inputs.reading.unlisted:
        return True  # Who may not see the grants learns from Azure whether there is one.
    for grant, only_live in grants:
        match grant:
            case AccessPolicySpec() if not rbac and str(grant.vault).lower() == str(spec.vault).lower():
                # A live entry of unknown type may be a group that the identity is in: only Azure can tell.
                fits = only_live or str(grant.principal).lower() in helpful
                if fits and {permission, "all"} & set(grant.secrets):
                    return True
            case RoleAssignmentSpec() if rbac and target.startswith(str(grant.scope).lower().rstrip("/") + "/"):
                role = builtin_roles().get(str(grant.role).lower())
                if str(grant.principal).lower() in helpful and (role is None or role.permits_data(data_action)):
                    return True
    return False


def _is_rbac(inputs: Inputs, vault: Address) -> bool:
    """The access model that holds during the run: as declared, else as it is."""
    wanted, live = inputs.desired.get(vault), inputs.reading.live.get(vault)
    for side in (wanted, live, inputs.state.entries.get(vault)):
        if side is not None and side.spec.access is not None:
            return bool(side.spec.access == "rbac")
    return False


def _left_out(inputs: Inputs, change: Change, vault: Address, helpful: frozenset[str]) -> Address | None:
    """A declared grant that would do, were it not for `--target` or `--exclude`."""
    others = ((at, inputs.desired[at].spec) for at in sorted(inputs.desired.keys() - inputs.chosen))
    return next((at for at, spec in others if _covered(inputs, change, vault, [(spec, False)], helpful)), None)


def _problem(inputs: Inputs, vault: Address, change: Change, head: Head, left_out: Address | None) -> Diagnostic:
    permission, data_action = _NEEDS[change.action]
    key = head.principals.get(head.object_id)
    who = head.identity if head.identity == head.object_id else f"{head.identity} ({head.object_id})"
    if _is_rbac(inputs, vault):
        missing = f"the data action {data_action}"
        entry = f"vaults:\n  {vault.path}:\n    roles: {{{key or 'deployer'}: [Key Vault Secrets Officer]}}"
    else:
        missing = f"the secret permission `{permission}` in an access policy"
        policy = f"{key or 'deployer'}: {{template: secret-management}}"
        entry = f"vaults:\n  {vault.path}:\n    access_policies:\n      {policy}"
    named = "" if key else "principals: {deployer: {current: true}}\n"
    hint = f"Add the entry:\n{_indented(named + entry)}"
    if left_out is not None and inputs.options.shard is not None:
        hint = f"{left_out} would give it, and another shard makes it: apply that one first, or --exclude the vault."
    elif left_out is not None:
        hint = f"{left_out} would give it and is left out of this run; take it along:\n    --target {left_out}"
    return Diagnostic(
        code="no-data-access",
        summary="The running identity has no access to the secrets",
        detail=f"{change.address} needs {missing} on {vault}, and {who} has no such grant, "
        "neither now nor in this plan.",
        hint=hint,
        span=change.span,
        address=change.address,
    )


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())
