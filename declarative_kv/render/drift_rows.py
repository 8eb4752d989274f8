"""What changed outside, what nobody declared and what was not read, in words: shared by all renderings."""

from __future__ import annotations

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.found import Orphan, Unmanaged
from declarative_kv.model.plan import Action, Drift
from declarative_kv.model.resource import Condition
from declarative_kv.model.specs import RoleAssignmentSpec
from declarative_kv.render.names import Names, short
from declarative_kv.render.safe import safe
from declarative_kv.render.values import changed


def drift_lines(drift: Drift) -> tuple[str, ...]:
    """The address with what happened to it, then one line for each setting that moved."""
    hidden = drift.live is not None and drift.live.condition is Condition.SOFT_DELETED
    match drift.action:
        case Action.UPDATE:
            sign, word = "~", "changed"
        case _:
            sign, word = "-", "soft-deleted" if hidden else "deleted"
    since = f" {safe(drift.since)}" if drift.since else ""
    return (f"{sign} {safe(str(drift.address))}  {word}{since}", *differences(drift))


def differences(drift: Drift) -> tuple[str, ...]:
    """The settings that moved, from what was applied to what Azure holds."""
    value = ("value: a new version was set",) if drift.value_moved else ()
    return (*value, *map(changed, drift.diff))


def unmanaged_line(item: Unmanaged, names: Names) -> str:
    """`access_policy 77aa… on vault.payments (alarm)`; of a role assignment also what it grants to whom."""
    label = short(names.principal(safe(item.live.label or item.address.key or item.address.path)))
    spec = item.live.spec
    if isinstance(spec, RoleAssignmentSpec):
        label += f" ({names.role(spec.role)} for {short(names.principal(spec.principal))})"
    return f"{item.live.kind} {label} on {safe(str(item.vault))} ({item.policy.value})"


def orphan_line(item: Orphan, names: Names) -> str:
    """`ci (1b2c…) is not in the directory`, with the role where it is one."""
    spec = item.live.spec
    role = f" ({names.role(spec.role)})" if isinstance(spec, RoleAssignmentSpec) else ""
    name, object_id = names.principal(item.principal), safe(item.principal)
    who = object_id if name == object_id else f"{name} ({short(object_id)})"
    return f"{who} is not in the directory{role}"


def unread_line(diagnostic: Diagnostic) -> str:
    """What could not be read, in one line: `Reading the vault kv-one failed (status 403, AuthorizationFailed)`."""
    first = diagnostic.detail.partition(". ")[0].rstrip(".") or diagnostic.summary
    return safe(f"{diagnostic.address}  {first}" if diagnostic.address else first)
