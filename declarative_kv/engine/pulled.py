"""Vaults as they are, turned into the entries of a configuration that takes them over and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from declarative_kv.engine.declared import policy_settings, repeated, secret_settings, vault_settings
from declarative_kv.engine.naming import People, key_for
from declarative_kv.engine.survey import Survey
from declarative_kv.model.diagnostic import Diagnostic, Severity
from declarative_kv.model.resource import Observed
from declarative_kv.model.roles import slug
from declarative_kv.model.specs import RoleAssignmentSpec

Entries = dict[str, Any]


@dataclass(slots=True)
class Pulled:
    """One vault: its key and entry, and what has to stand beside it; `left_out` says what no entry can say."""

    key: str
    entry: Entries
    access_policies: Entries = field(default_factory=dict)
    role_assignments: Entries = field(default_factory=dict)
    left_out: list[Diagnostic] = field(default_factory=list)


@dataclass(slots=True)
class Naming:
    """The keys that entries use. `roles` are written as here by GUID, `groups` by subscription and name, lower case.

    `grants` are the keys that grants beside the vaults have so far.
    """

    people: People
    roles: Mapping[str, str]
    groups: Mapping[tuple[str, str], str]
    grants: set[str] = field(default_factory=set)

    def grant(self, name: str, suffix: str) -> str:
        """A new key for a grant that stands beside its vault."""
        key = key_for(name, self.grants, suffix)
        self.grants.add(key)
        return key


def pulled(found: Survey, naming: Naming, key: str, *, attach: bool) -> Pulled:
    """The entries of one vault. Adds to `naming.people` whom they name."""
    spec = found.vault.spec
    entry: Entries = vault_settings(spec, attach=attach)
    entry["resource_group"] = naming.groups[spec.subscription.lower(), spec.resource_group.lower()]
    if key != spec.name:
        entry = {"name": spec.name, **entry}
    made = Pulled(key, entry)
    _policies(made, found, naming)
    _roles(made, found, naming)
    _secrets(made, found, naming)
    return made


def group_keys(found: Iterable[Survey]) -> dict[tuple[str, str], str]:
    """A key for each resource group that vaults lie in, by subscription and name in lower case."""
    keys: dict[tuple[str, str], str] = {}
    for one in found:
        spec = one.vault.spec
        at = (spec.subscription.lower(), str(spec.resource_group).lower())
        if at not in keys:
            keys[at] = key_for(str(spec.resource_group), keys.values(), spec.subscription[:8])
    return keys


def _policies(made: Pulled, found: Survey, naming: Naming) -> None:
    """The access policies; where a principal has several, for applications, those stand beside the vault."""
    if found.vault.spec.access == "rbac":
        what = "uses roles, so the access policies that it has too mean nothing; they are not declared"
        made.left_out += [_left_out(made, what)] if found.policies else []
        return
    several = repeated([one.spec.principal for one in found.policies])
    entries: Entries = {}
    for one in found.policies:
        settings = policy_settings(one.spec)
        if settings is None:
            made.left_out.append(_left_out(made, f"has an access policy for {one.label} that no entry can say"))
            continue
        who = naming.people.key(one.spec.principal)
        if one.spec.principal in several and one.spec.application:
            beside = naming.grant(f"{made.key}-{who}", one.spec.application[:8])
            made.access_policies[beside] = {"principal": who, "on": [f"vault.{made.key}"], **settings}
        else:
            entries[who] = settings
    if entries:
        made.entry["access_policies"] = dict(sorted(entries.items()))


def _roles(made: Pulled, found: Survey, naming: Naming) -> None:
    """The role assignments at the vault; what says more than principal and role stands beside it."""
    at_vault: dict[str, list[str]] = {}
    for one in found.assignments:
        spec: RoleAssignmentSpec = one.spec
        who, role = naming.people.key(spec.principal, spec.principal_type), _role(naming, spec)
        if _is_short(spec) and str(spec.scope).lower() == found.vault.id and _is_new(at_vault.get(who), role):
            at_vault.setdefault(who, []).append(role)
        elif not (_is_short(spec) and _secret_of(found, spec)):
            _beside(made, found, naming, spec)
    if at_vault:
        made.entry["roles"] = {who: sorted(roles) for who, roles in sorted(at_vault.items())}


def _beside(made: Pulled, found: Survey, naming: Naming, spec: RoleAssignmentSpec) -> None:
    who, role = naming.people.key(spec.principal, spec.principal_type), _role(naming, spec)
    scope = f"vault.{made.key}" if str(spec.scope).lower() == found.vault.id else spec.scope
    more = {name: text for name in ("description", "condition") if (text := getattr(spec, name))}
    key = naming.grant(f"{made.key}-{who}-{slug(role)}", "more")
    entry = {"principal": who, "role": role, "scope": scope, **more, "import": True}
    made.role_assignments[key] = entry


def _secrets(made: Pulled, found: Survey, naming: Naming) -> None:
    entries: Entries = {}
    for one in found.secrets:
        settings, unsaid = secret_settings(one.spec)
        if unsaid:
            made.left_out.append(
                _left_out(made, f"has a secret {one.label} whose {', '.join(unsaid)} no entry can say")
            )
        roles: dict[str, list[str]] = {}
        for spec in _short_ones_at(found, one):
            who, role = naming.people.key(spec.principal, spec.principal_type), _role(naming, spec)
            if _is_new(roles.get(who), role):
                roles.setdefault(who, []).append(role)
            else:
                _beside(made, found, naming, spec)
        entries[one.label] = {**settings, **({"roles": dict(sorted(roles.items()))} if roles else {})}
    if entries:
        made.entry["secrets"] = entries


def _short_ones_at(found: Survey, secret: Observed) -> list[RoleAssignmentSpec]:
    specs: list[RoleAssignmentSpec] = [one.spec for one in found.assignments]
    return [spec for spec in specs if _is_short(spec) and _secret_of(found, spec) == secret.id]


def _is_short(spec: RoleAssignmentSpec) -> bool:
    """Whether principal and role say it all."""
    return not spec.description and not spec.condition


def _is_new(roles: list[str] | None, role: str) -> bool:
    """Whether the role gives an address that no other one of the list has."""
    return slug(role) not in map(slug, roles or ())


def _secret_of(found: Survey, spec: RoleAssignmentSpec) -> str | None:
    """The id of the vault's secret that the assignment is at, on a vault whose secrets may have roles."""
    at = str(spec.scope).lower()
    return at if found.vault.spec.access == "rbac" and at in {one.id for one in found.secrets} else None


def _role(naming: Naming, spec: RoleAssignmentSpec) -> str:
    return naming.roles.get(str(spec.role), str(spec.role))


def _left_out(made: Pulled, what: str) -> Diagnostic:
    return Diagnostic(
        code="not-pulled",
        severity=Severity.WARNING,
        summary="Something in Azure is left out of the YAML",
        detail=f"vault.{made.key} {what}. It stays as it is in Azure.",
    )
