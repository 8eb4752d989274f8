"""What Terraform's JSON has no place for, as JSON values in our own words."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Listing
from declarative_kv.model.plan import AccessLine, Block, Drift, Plan, Value
from declarative_kv.render.values import plain

Json = dict[str, Any]


def drift_facts(drift: Drift) -> Json:
    """One drift in our words."""
    return {
        "address": str(drift.address),
        "action": drift.action.value,
        "value_moved": drift.value_moved,
        "since": drift.since or None,
        "differences": [{"path": list(d.path), "before": plain(d.before), "after": plain(d.after)} for d in drift.diff],
        **where_facts(drift.span),
    }


def unmanaged_facts(plan: Plan) -> list[Json]:
    """What Azure holds in our vaults and the YAML does not."""
    return [
        {
            "kind": item.live.kind,
            "name": item.live.label,
            "vault": str(item.vault),
            "policy": item.policy.value,
            "id": item.live.remote_id,
            "since": item.since or None,
        }
        for item in plan.unmanaged
    ]


def move_facts(plan: Plan) -> list[Json]:
    """What goes on under another address."""
    return [{"from": str(move.source), "to": str(move.target)} for move in plan.moves]


def orphan_facts(plan: Plan) -> list[Json]:
    """Grants to principals that the directory does not have."""
    return [
        {
            "address": str(item.address),
            "kind": item.live.kind,
            "object_id": item.principal,
            "id": item.live.remote_id,
            **where_facts(item.span),
        }
        for item in plan.orphans
    ]


def diagnostic_facts(diagnostic: Diagnostic) -> Json:
    """A diagnostic as data."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "hint": diagnostic.hint,
        "address": str(diagnostic.address) if diagnostic.address else None,
        "request_id": diagnostic.request_id,
        **where_facts(diagnostic.span),
    }


def head_facts(plan: Plan) -> Json:
    """What was compared, as whom and when."""
    head = plan.head
    return {
        "environment": head.environment,
        "cloud": head.cloud,
        "tenant": head.tenant,
        "subscription": head.subscription,
        "subscription_from": head.subscription_from,
        "identity": head.identity,
        "identity_from": head.identity_from,
        "object_id": head.object_id,
        "state_serial": head.serial,
        "read_at": head.read_at,
        **({"shard": str(plan.options.shard)} if plan.options.shard else {}),
        **({"as_of": head.as_of} if head.as_of else {}),
        "secrets_listed": [_listing(one) for one in plan.listings],
    }


def _listing(listing: Listing) -> Json:
    """Which of Azure's two APIs listed a vault's secrets, and why it was not the vault's own."""
    through = "key-vault" if listing.why is None else "resource-manager"
    return {"vault": listing.vault, "through": through, "why": listing.why.value if listing.why else None}


def where_facts(span: Span | None) -> Json:
    """A place in the YAML; nothing where there is none."""
    return {"file": span.file, "line": span.line} if span else {}


def plan_facts(plan: Plan) -> Json:
    """Everything about a plan that is ours."""
    counts = plan.counts()
    uncompared = [c for c in plan.changes if c.verdict is not None and c.verdict.value is Value.NOT_COMPARED]
    return {
        "head": head_facts(plan),
        "counts": {field.name: getattr(counts, field.name) for field in fields(counts)},
        "access": [access_facts(line) for line in plan.access],
        "guards": [guard_facts(block) for block in plan.blocks],
        "irreversible": [
            {"address": str(item.address), "detail": item.detail, **where_facts(item.span)}
            for item in plan.irreversible
        ],
        "unmanaged": unmanaged_facts(plan),
        "values_not_compared": [
            {"address": str(change.address), "why": change.verdict.why if change.verdict else ""}
            for change in uncompared
        ],
        "no_longer_managed": [
            {"address": str(item.address), "attributes": list(item.attributes)} for item in plan.unwritten
        ],
        "moves": move_facts(plan),
        "notes": list(plan.notes),
        "unreadable": [diagnostic_facts(diagnostic) for diagnostic in plan.unreadable],
        "warnings": [diagnostic_facts(diagnostic) for diagnostic in plan.warnings],
    }


def access_facts(line: AccessLine) -> Json:
    """Something gained or lost."""
    return {
        "change": "gained" if line.gained else "lost",
        "who": line.who,
        "object_id": line.object_id,
        "what": line.phrase,
        "resource": line.resource,
        "via": line.via,
        "address": str(line.address),
        "permission": line.permission or None,
    }


def guard_facts(block: Block) -> Json:
    """A guard's finding."""
    return {
        "code": block.code,
        "address": str(block.address) if block.address else None,
        "detail": block.detail,
        "allowed": block.allowed,
        "allow": block.allow,
        **({"invariant": block.name} if block.name else {}),
    }
