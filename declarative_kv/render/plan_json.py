"""A plan as Terraform's plan JSON, format 1.2; what Terraform has no place for stands under `dkv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Final

from declarative_kv import __version__
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Change, Drift, Plan, Reason
from declarative_kv.render.facts import Json, drift_facts, plan_facts
from declarative_kv.render.names import Names
from declarative_kv.render.summary import of_plan
from declarative_kv.render.terraform import PROVIDER, Name, name_of, sensitive_of, unknown_of, values_of

FORMAT_VERSION: Final = "1.2"
_ACTIONS: Final[Mapping[Action, tuple[str, ...]]] = MappingProxyType(
    {
        Action.NOOP: ("no-op",),
        Action.CREATE: ("create",),
        Action.UPDATE: ("update",),
        Action.REPLACE: ("create", "delete"),
        Action.RECOVER: ("update",),
        Action.DESTROY: ("delete",),
        Action.FORGET: ("forget",),
    }
)
_REASONS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.UNDECLARED: "delete_because_no_resource_config",
        Reason.OTHERS_DELETE: "delete_because_no_resource_config",
        Reason.REQUESTED: "replace_by_request",
    }
)


def plan_json(plan: Plan, *, detailed: bool = False) -> Json:
    """The whole plan as JSON values; no secret value is in it."""
    names = Names.of(plan)
    changes = [change for change in plan.changes if not _existing(change)]
    summary = of_plan(plan, detailed=detailed)
    sources = {move.target: move.source for move in plan.moves}
    return {
        "format_version": FORMAT_VERSION,
        "terraform_version": __version__,
        "planned_values": {"root_module": {"resources": _planned(changes, names)}},
        "resource_drift": [_drift(drift, names) for drift in plan.drift],
        "resource_changes": [{**_resource_change(change, names), **_previous(change, sources)} for change in changes],
        "configuration": _configuration(changes, names),
        "timestamp": plan.head.read_at,
        "applyable": not plan.blocked and plan.complete and plan.counts().any,
        "complete": plan.complete,
        "errored": False,
        "dkv": {**plan_facts(plan), "exit_code": summary.code, "summary": list(summary.lines)},
    }


def _existing(change: Change) -> bool:
    return change.desired is not None and change.desired.lifecycle.existing


def _identified(name: Name) -> Json:
    index = {} if name.index is None else {"index": name.index}
    return {"address": str(name), "mode": "managed", "type": name.type, "name": name.name, **index}


def _resource_change(change: Change, names: Names) -> Json:
    reason = {"action_reason": text} if (text := _reason(change)) else {}
    where = {"file": change.span.file, "line": change.span.line} if change.span else {}
    verdict = {"value": change.verdict.value.value} if change.verdict else {}
    return {
        **_identified(name_of(change.address)),
        "provider_name": PROVIDER,
        "change": _change(change, names),
        **reason,
        "dkv": {
            "address": str(change.address),
            "action": change.action.value,
            "reason": change.reason.value,
            **where,
            **verdict,
        },
    }


def _previous(change: Change, sources: Mapping[Address, Address]) -> Json:
    """Terraform's word for where a moved one was."""
    source = sources.get(change.address)
    return {"previous_address": str(name_of(source))} if source else {}


def _reason(change: Change) -> str:
    """Terraform's words where it has some for our reason; ours for what Terraform never does."""
    match change.action:
        case Action.RECOVER:
            return "recover_soft_deleted"
        case Action.REPLACE:
            return _REASONS.get(change.reason, "replace_because_cannot_update")
        case Action.DESTROY:
            return _REASONS.get(change.reason, "")
    return ""


def _change(change: Change, names: Names) -> Json:
    after_spec = after_of(change)
    before = _values(before_of(change), names, change.live.remote_id if change.live else None)
    after = _values(after_spec, names, change.live.remote_id if change.live else None)
    imported = {"importing": {"id": change.live.remote_id}} if change.action is Action.IMPORT and change.live else {}
    return {
        "actions": list(_actions(change)),
        "before": before,
        "after": after,
        "after_unknown": unknown_of(after_spec) if after and change.action in (Action.CREATE, Action.REPLACE) else {},
        "before_sensitive": sensitive_of(before_of(change)) if before else False,
        "after_sensitive": sensitive_of(after_spec) if after else False,
        **imported,
    }


def _actions(change: Change) -> tuple[str, ...]:
    if change.action is Action.IMPORT:
        return ("update",) if change.diff or change.writes_value else ("no-op",)
    if change.action is Action.REPLACE and not change.diff:
        return ("delete", "create")  # Azure refuses an equal second one, so the old one goes first
    return _ACTIONS[change.action]


def before_of(change: Change) -> Any:
    """What is there now; for a forget, what was."""
    if change.action is Action.CREATE:
        return None
    if change.live is not None:
        return change.live.spec
    return change.prior.spec if change.prior else None


def after_of(change: Change) -> Any:
    """What will be: the wish laid over what is there; nothing after a destroy or forget."""
    if change.action in (Action.DESTROY, Action.FORGET):
        return None
    wanted = change.desired.spec if change.desired else None
    if wanted is None or change.action is Action.CREATE:
        return wanted or before_of(change)
    return _overlaid(wanted, change.live.spec if change.live else None)


def _overlaid(wanted: Any, live: Any) -> Any:
    """The settings of `wanted` over those of `live`: what is not written stays as it is, tags key by key."""
    if live is None or type(wanted) is not type(live):
        return wanted
    merged = {}
    for field in fields(wanted):
        new, old = getattr(wanted, field.name), getattr(live, field.name)
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            merged[field.name] = {**old, **new}
        elif new is None:
            merged[field.name] = old
        elif hasattr(new, "__dataclass_fields__"):
            merged[field.name] = _overlaid(new, old)
        else:
            merged[field.name] = new
    return replace(live, **{**merged, **({"value": None} if "value" in merged else {})})


def _values(spec: Any, names: Names, remote_id: str | None = None) -> Json | None:
    if spec is None:
        return None
    values = values_of(spec, names.roles)
    return {"id": remote_id, **values} if remote_id else values


def _planned(changes: list[Change], names: Names) -> list[Json]:
    """Every managed resource as it will be."""
    found = []
    for change in changes:
        spec = after_of(change)
        if spec is None:
            continue
        found.append(
            {
                **_identified(name_of(change.address)),
                "provider_name": PROVIDER,
                "schema_version": 0,
                "values": _values(spec, names),
                "sensitive_values": sensitive_of(spec),
            }
        )
    return found


def _configuration(changes: list[Change], names: Names) -> Json:
    """One block for each Terraform block; those with keys are `for_each` blocks, whose expressions are in the plan."""
    blocks: dict[str, Json] = {}
    for change in changes:
        if change.desired is None:
            continue
        name = name_of(change.address)
        indexed = name.index is not None
        spec = _values(change.desired.spec, names) or {}
        written = (
            {} if indexed else {key: {"constant_value": value} for key, value in spec.items() if value is not None}
        )
        blocks.setdefault(
            name.block,
            {
                "address": name.block,
                "mode": "managed",
                "type": name.type,
                "name": name.name,
                "provider_config_key": "azurerm",
                "expressions": written,
                "schema_version": 0,
                **({"for_each_expression": {}} if indexed else {}),
            },
        )
    return {
        "provider_config": {"azurerm": {"name": "azurerm", "full_name": PROVIDER}},
        "root_module": {"resources": [blocks[address] for address in sorted(blocks)]},
    }


def _drift(drift: Drift, names: Names) -> Json:
    gone = drift.action is not Action.UPDATE
    before = _values(drift.prior.spec, names, drift.prior.remote_id) if drift.prior else None
    after = None if gone or drift.live is None else _values(drift.live.spec, names, drift.live.remote_id)
    spec = drift.prior.spec if drift.prior else drift.live.spec if drift.live else None
    return {
        **_identified(name_of(drift.address)),
        "provider_name": PROVIDER,
        "change": {
            "actions": ["delete"] if gone else ["update"],
            "before": before,
            "after": after,
            "after_unknown": {},
            "before_sensitive": sensitive_of(spec) if before else False,
            "after_sensitive": sensitive_of(spec) if after else False,
        },
        "dkv": drift_facts(drift),
    }
