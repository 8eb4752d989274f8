"""Replace the references of a document by ids, once all that had to be asked is known. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document, Origin, Principal, Selector
from declarative_kv.model.errors import ConfigError, DkvError
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds
from declarative_kv.model.refs import (
    GroupRef,
    PrincipalRef,
    PrincipalTypeRef,
    RoleRef,
    ScopeRef,
    SubscriptionRef,
    TenantRef,
    VaultRef,
    named_references,
)
from declarative_kv.model.resource import Desired, Resource

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MANAGEMENT_GROUPS = "/providers/Microsoft.Management/managementGroups/"


@dataclass(slots=True)
class Answers:
    """What was asked so far, and the problems met on the way.

    `principals` holds object id and type by key, `groups` the resource group of vaults that do not say it, `roles`
    GUIDs by place and lower-case name, `resources` what is resolved already, `ids` the ids of what others refer to.
    """

    document: Document
    kinds: Kinds
    identity: Identity
    subscription: Origin
    principals: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    groups: dict[Address, str] = field(default_factory=dict)
    roles: dict[tuple[str, str], str] = field(default_factory=dict)
    resources: dict[Address, Resource] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    problems: list[DkvError] = field(default_factory=list)


def known_offline(principal: Principal, identity: Identity) -> tuple[str, str | None] | None:
    """Object id and type where no directory is needed to tell."""
    if principal.selector is Selector.CURRENT:
        return identity.object_id.lower(), principal.type or ("User" if identity.user else "ServicePrincipal")
    if principal.selector is Selector.OBJECT_ID:
        return (principal.object_id or principal.name).lower(), principal.type
    return None


def guid_of(text: str) -> str | None:
    """The GUID that a role's name or definition id ends in, lower case."""
    last = text.rsplit("/", 1)[-1]
    return last.lower() if GUID.fullmatch(last) else None


def lookup_scope(scope: str) -> str:
    """Where role names are looked up for an assignment at `scope`, which need not exist yet."""
    parts = scope.split("/")
    return "/".join(parts[:3]) if parts[1].lower() == "subscriptions" else scope


def resource_at(answers: Answers, at: Address) -> Resource:
    """The resource at an address without references; worked out once."""
    if (known := answers.resources.get(at)) is not None:
        return known
    one = answers.document.resources[at]
    made = Resource(at, _spec(answers, one), one.depends_on, one.lifecycle, one.span, one.spans)
    answers.resources[at] = made
    return made


def _spec(answers: Answers, resource: Resource) -> Any:
    spec = resource.spec
    values = {name: value_of(answers, value, spec) for name, value in named_references(spec)}
    if resource.address in answers.groups:
        values["resource_group"] = answers.groups[resource.address]
    return replace(spec, **values) if values else spec


def value_of(answers: Answers, ref: Any, spec: Any) -> Any:
    """What stands for one reference; a value that is none stays as it is."""
    match ref:
        case SubscriptionRef(key):
            return _subscription(answers, key)
        case TenantRef():
            return tenant_of(answers)
        case PrincipalRef(key):
            return answers.principals[key][0]
        case PrincipalTypeRef(key):
            return answers.principals[key][1]
        case RoleRef(name):
            at = lookup_scope(value_of(answers, spec.scope, spec))
            return guid_of(name) or answers.roles[at, name.lower()].lower()
        case GroupRef(name):
            return name
        case VaultRef(at):
            return _remote_id(answers, at)
        case ScopeRef():
            return _scope(answers, ref)
    return ref


def _subscription(answers: Answers, key: str | None) -> str:
    if key is None:
        assert answers.subscription.value is not None, "asked for whenever something needs it"
        return answers.subscription.value
    return answers.document.subscriptions.get(key, key)


def tenant_of(answers: Answers) -> str:
    """The tenant's id; where the configuration has a domain name, the signed-in identity's id for it."""
    said = answers.document.tenant.value
    return said if said and GUID.fullmatch(said) else answers.identity.tenant


def _remote_id(answers: Answers, at: Address) -> str:
    if at not in answers.ids:
        answers.ids[at] = answers.kinds[at.kind].remote_id(resource_at(answers, at).spec)
    return answers.ids[at]


def _scope(answers: Answers, ref: ScopeRef) -> str:
    """The ARM id of a scope in the YAML's words."""
    if ref.at is not None:
        return _remote_id(answers, ref.at)
    if ref.text.startswith("/"):
        return ref.text.rstrip("/") or "/"
    word, _, name = ref.text.partition(".")
    if word == "management_group":
        return _MANAGEMENT_GROUPS + name
    return f"/subscriptions/{_subscription(answers, name or None)}"


def check_duplicates(desired: Desired, kinds: Kinds) -> None:
    """Two entries under different names may turn out to be one object of Azure; then neither could win."""
    first: dict[str, Resource] = {}
    again: list[tuple[str, Resource]] = []
    for at, resource in desired.items():
        identifier = kinds[at.kind].remote_id(resource.spec).lower()
        if first.setdefault(identifier, resource) is not resource:
            again.append((identifier, resource))
    if again:
        again.sort(key=lambda found: found[0])
        raise ConfigError(*(_duplicate(first[identifier], other) for identifier, other in again))


def _duplicate(first: Resource, other: Resource) -> Diagnostic:
    where = f" ({first.span})" if first.span else ""
    return Diagnostic(
        code="same-object",
        summary="Two entries are one object in Azure",
        detail=f"{other.address} and {first.address}{where} mean the same object, so each would overwrite the other.",
        hint="Keep one of the two; put what both grant into it.",
        span=other.span,
        address=other.address,
    )


def names_of(answers: Answers) -> dict[str, str]:
    """The YAML's key for each object id that is known; the first key wins where two name one principal."""
    known = {key: object_id for key, (object_id, _) in answers.principals.items()}
    for key, principal in answers.document.principals.items():
        if (offline := known_offline(principal, answers.identity)) is not None:
            known.setdefault(key, offline[0])
        elif principal.object_id:
            known.setdefault(key, principal.object_id.lower())
    return {known[key]: key for key in sorted(known, reverse=True)}


def fingerprint_at(answers: Answers) -> str | None:
    """The remote id of the shared key's secret; the secret itself need not be declared, its vault must be."""
    at = answers.document.fingerprint
    if at is None:
        return None
    return f"{_remote_id(answers, Address('vault', at.container))}/secrets/{at.key}"
