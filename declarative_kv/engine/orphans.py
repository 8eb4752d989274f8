"""Grants to principals that the directory does not have, left behind when somebody was deleted."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.engine.changes import Inputs, below_vaults
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.found import Orphan
from declarative_kv.model.resource import Condition, Observed, OtherPolicy


def grantees(inputs: Inputs) -> frozenset[str]:
    """The object ids that live grants are for, lower case; of strangers' grants those that `others` does not ignore."""
    return frozenset(principal.lower() for _, _, principal in _grants(inputs))


def orphans_of(inputs: Inputs, existing: frozenset[str]) -> tuple[Orphan, ...]:
    """The live grants to who is not among `existing`, in order of address."""
    found = (
        Orphan(at, principal, live, _place(inputs, at))
        for at, live, principal in _grants(inputs)
        if principal.lower() not in existing
    )
    return tuple(sorted(found, key=lambda one: (one.address, one.live.id)))


def _grants(inputs: Inputs) -> Iterator[tuple[Address, Observed, str]]:
    """Every live grant that the run is about, with its address and whom it is for."""
    vaults = {vault_id: at for at, vault_id in below_vaults(inputs)}
    known = ((at, one) for at, one in sorted(inputs.reading.live.items()) if at in inputs.chosen)
    strangers = (
        (Address(one.kind, f"{vault.path}/{one.label}"), one)
        for one in inputs.reading.rest
        if (vault := vaults.get((one.parent or "").lower())) is not None
        and inputs.desired[vault].lifecycle.policy(one.kind) is not OtherPolicy.IGNORE
    )
    for at, one in (*known, *strangers):
        principal = inputs.kinds[one.kind].grantee(one.spec)
        if principal and one.condition is Condition.LIVE and not one.system:
            yield at, one, principal


def _place(inputs: Inputs, at: Address) -> Span | None:
    """The grant's own place, else that of the vault it is in."""
    resource = inputs.desired.get(at) or inputs.desired.get(Address("vault", at.container))
    return resource.span if resource is not None else None
