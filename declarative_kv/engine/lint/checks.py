"""The checks of each kind: a resource as it is declared, and what it would be better without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from declarative_kv.model.document import Document
from declarative_kv.model.lint import RULES, Finding, Weight
from declarative_kv.model.permissions import PERMISSIONS
from declarative_kv.model.refs import RoleRef, ScopeRef, VaultRef
from declarative_kv.model.resource import Resource
from declarative_kv.model.roles import Role, builtin_role, can_change_or_read_values
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, RoleAssignmentSpec, SecretSpec, VaultSpec

Check = Callable[[Document, Resource], Iterator[Finding]]

_WIDEST: Final = 16
"""The shortest prefix of a range of IPv4 addresses that is still somebody's own."""


def _found(resource: Resource, rule: str, text: str, setting: str = "", weight: Weight | None = None) -> Finding:
    """A finding at the place of a setting, or of the entry where the setting is not written."""
    span = resource.spans.get(setting, resource.span) if setting else resource.span
    return Finding(RULES[rule], weight or RULES[rule].weight, resource.address, text, span)


def _secret(_: Document, resource: Resource) -> Iterator[Finding]:
    spec: SecretSpec = resource.spec
    if spec.expires is None:
        yield _found(resource, "secret-expiry", "It has no `expires`.")
    if not spec.content_type:
        yield _found(resource, "secret-content-type", "It has no `content_type`.")


def _vault(_: Document, resource: Resource) -> Iterator[Finding]:
    spec: VaultSpec = resource.spec
    network = spec.network or NetworkSpec()
    if not spec.purge_protection:
        said = "is false" if spec.purge_protection is False else "is not written, and is off for a new vault"
        yield _found(resource, "purge-protection", f"`purge_protection` {said}.", "purge_protection")
    if network.default != "deny":
        said = "is `allow`" if network.default else "is not written, and is `allow` for a new vault"
        weight = Weight.NOTE if network.public is False else None
        yield _found(resource, "network-open", f"`network.default` {said}.", "network", weight)
    if network.public is not False and not network.ip_rules and not network.subnets:
        yield _found(
            resource, "network-public", "`network.public` is not false, and no rule lets anybody in.", "network"
        )
    wide = [rule for rule in network.ip_rules or () if ip_network(rule, strict=False).prefixlen < _WIDEST]
    if wide:
        yield _found(resource, "network-range", f"`network.ip_rules` has {', '.join(wide)}.", "network")
    if spec.access == "policies":
        yield _found(resource, "access-model", "`access` is `policies`.", "access")


def _access_policy(document: Document, resource: Resource) -> Iterator[Finding]:
    spec: AccessPolicySpec = resource.spec
    granted = {name: frozenset(getattr(spec, name)) for name in PERMISSIONS}
    every = [name for name, words in granted.items() if "all" in words or words >= PERMISSIONS[name] - {"all"}]
    if every:
        yield _found(resource, "policy-all", f"It grants every permission for {', '.join(every)}.", every[0])
    purging = [name for name, words in granted.items() if "purge" in words and name not in every]
    if purging:
        protected = isinstance(spec.vault, VaultRef) and document.resources[spec.vault.at].spec.purge_protection
        weight = Weight.NOTE if protected else None
        yield _found(resource, "policy-purge", f"It grants `purge` for {', '.join(purging)}.", purging[0], weight)


def _role_assignment(_: Document, resource: Resource) -> Iterator[Finding]:
    spec: RoleAssignmentSpec = resource.spec
    role = _role(spec.role.name) if isinstance(spec.role, RoleRef) else None
    if role is None:
        return
    if "*" in role.actions:
        yield _found(resource, "role-wildcard", f"`{role.name}` permits every action that is not taken out.", "role")
        return
    # Who may do it only on a condition is not given the whole scope.
    power = _power(role.guid) if not spec.condition and _is_wide(spec.scope) else None
    if power:
        text = f"`{role.name}` permits {power} on everything in {_words(spec.scope)}."
        yield _found(resource, "role-scope", text, "scope")


@lru_cache(maxsize=256)
def _role(name: str) -> Role | None:
    return builtin_role(name)


@lru_cache(maxsize=256)
def _power(name: str) -> str | None:
    role = builtin_role(name)
    return can_change_or_read_values(role) if role else None


def _words(scope: str | ScopeRef) -> str:
    return scope.text if isinstance(scope, ScopeRef) else scope


def _is_wide(scope: str | ScopeRef) -> bool:
    """Whether a scope is a subscription, a management group, or all there is."""
    text = _words(scope).lower()
    if not text.startswith("/"):
        return text.partition(".")[0] in ("subscription", "management_group")
    parts = [part for part in text.split("/") if part]
    return len(parts) <= 2 or (len(parts) == 4 and parts[2] == "managementgroups")


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "access_policy": _access_policy,
        "reader_role": _role_assignment,
        "role_assignment": _role_assignment,
        "secret": _secret,
        "vault": _vault,
    }
)
