"""What Azure holds in a managed vault and the YAML does not: found, and treated as the vault's `others` says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from declarative_kv.engine.access.estate import ROOT, is_management_group, normal
from declarative_kv.engine.access.view import upwards
from declarative_kv.engine.changes import Inputs, below_vaults, claimed
from declarative_kv.engine.drift import since_of
from declarative_kv.model.address import Address
from declarative_kv.model.found import Unmanaged
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Condition, Observed, OtherPolicy
from declarative_kv.model.specs import RoleAssignmentSpec

_NAMED = 5
"""How many vaults a note names."""


def unmanaged_objects(inputs: Inputs) -> tuple[Unmanaged, ...]:
    """Live objects below declared vaults that have no address, less what `others` ignores and what is the system's."""
    vaults = {vault_id: at for at, vault_id in below_vaults(inputs)}
    found = [
        Unmanaged(
            Address(one.kind, f"{vault.path}/{one.label}"),
            vault,
            policy,
            one,
            since_of(one),
            inputs.desired[vault].span,
        )
        for one in inputs.reading.rest
        if _counts(one) and (vault := vaults.get((one.parent or "").lower())) is not None
        if (policy := _policy(inputs, vault, one.kind)) is not OtherPolicy.IGNORE
    ]
    return tuple(sorted(found, key=lambda one: (one.vault, one.address)))


def inherited_grants(inputs: Inputs) -> tuple[Observed, ...]:
    """The role assignments without an address that reach declared vaults from above them."""
    declared = [(at, one) for at, one in inputs.desired.items() if at.kind == "vault"]
    vaults = {normal(inputs.kinds[at.kind].remote_id(one.spec)) for at, one in declared}
    near = {place for vault in vaults for place in upwards(vault)} - vaults
    found = []
    for one in inputs.reading.rest:
        if isinstance(one.spec, RoleAssignmentSpec) and vaults:
            scope = normal(str(one.spec.scope))
            if scope in near or scope == ROOT or is_management_group(scope):
                found.append(one)
    return tuple(sorted(found, key=lambda one: one.id))


def unlisted_notes(inputs: Inputs) -> tuple[str, ...]:
    """One note a kind that could not be listed in some vaults, for who may think that nothing else is there."""
    hidden: dict[str, list[str]] = defaultdict(list)
    for at, kind in sorted(inputs.reading.unlisted):
        if inputs.desired[at].lifecycle.policy(kind) is OtherPolicy.REPORT:
            hidden[kind].append(str(at))
    return tuple(
        f"{kind}s of {_several(vaults)} cannot be listed, so unmanaged ones are not shown"
        for kind, vaults in sorted(hidden.items())
    )


def last_grant_notes(inputs: Inputs, unmanaged: Iterable[Unmanaged], current: str) -> Iterator[str]:
    """Which grants stay although `others: delete` is for all of their kind."""
    for one in unmanaged:
        if one.policy is OtherPolicy.DELETE and _is_last_grant(inputs, one, current):
            yield f"{one.live.kind} {one.live.label} on {one.vault} stays: it is the last grant there to who runs dkv"


def _several(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def unmanaged_changes(inputs: Inputs, unmanaged: Collection[Unmanaged], current: str) -> Iterator[Change]:
    """The destroys that `others: delete` asks for; the running identity's last grant on a vault stays.

    A vault that a run only brings along, because a target needs it, keeps what is in it.
    """
    options = inputs.options
    if options.destroy or options.refresh_only:
        return
    owners = claimed(inputs, {one.live.id for one in unmanaged})
    for one in unmanaged:
        if (options.targets and one.vault not in options.targets) or one.live.id in owners:
            continue
        if one.policy is OtherPolicy.DELETE and not _is_last_grant(inputs, one, current):
            yield Change(one.address, Action.DESTROY, Reason.OTHERS_DELETE, live=one.live)


def _counts(one: Observed) -> bool:
    return one.condition is Condition.LIVE and not one.system and one.kind != "vault"


def _policy(inputs: Inputs, vault: Address, kind: str) -> OtherPolicy:
    return inputs.desired[vault].lifecycle.policy(kind)


def _is_last_grant(inputs: Inputs, one: Unmanaged, current: str) -> bool:
    """Whether deleting it would take the running identity's last grant on this vault."""
    kind = inputs.kinds[one.live.kind]
    grantee = kind.grantee(one.live.spec)
    if grantee is None or not current or grantee.lower() != current.lower():
        return False
    declared = (
        resource
        for at, resource in inputs.desired.items()
        if at.container == one.vault.path and not resource.lifecycle.existing
    )
    return not any(
        (other := inputs.kinds[resource.address.kind].grantee(resource.spec)) and other.lower() == current.lower()
        for resource in declared
    )
