"""The specs: what a resource of each kind is, in our words; the same type for desired and live.

In a desired spec None means "not written in the YAML, so neither compared nor sent on an update". A live spec is
complete.
Reference types stand in a field only between load and resolve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from declarative_kv.model.refs import (
    GroupRef,
    PrincipalRef,
    PrincipalTypeRef,
    RoleRef,
    ScopeRef,
    SubscriptionRef,
    TenantRef,
    VaultRef,
)
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import Source

IDENTITY: Mapping[str, Any] = {"identity": True}
"""Metadata of a field that is part of the object's name: never compared, since another name is another object."""
HIDDEN: Mapping[str, Any] = {"hidden": True}
"""Metadata of a field that the state and saved plans never hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGroupSpec:
    """A resource group. `location` is lower case without spaces."""

    subscription: str | SubscriptionRef = field(metadata=IDENTITY)
    name: str = field(metadata=IDENTITY)
    location: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A vault's firewall. `default`: allow | deny; `bypass`: azure_services; `ip_rules`: CIDR.

    `subnets` are ARM ids in lower case. The lists are sorted, since Azure gives their order no meaning.
    """

    public: bool | None = None
    default: str | None = None
    bypass: tuple[str, ...] | None = None
    ip_rules: tuple[str, ...] | None = None
    subnets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSpec:
    """A vault. `access`: policies | rbac; `sku`: standard | premium; `retention_days`: 7-90."""

    subscription: str | SubscriptionRef = field(metadata=IDENTITY)
    resource_group: str | GroupRef | None = field(metadata=IDENTITY)
    name: str = field(metadata=IDENTITY)
    tenant: str | TenantRef | None = None
    location: str | None = None
    access: str | None = None
    sku: str | None = None
    retention_days: int | None = None
    purge_protection: bool | None = None
    network: NetworkSpec | None = None
    enabled_for: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicySpec:
    """One principal's whole entry in a vault's access policies; permissions lower case and sorted."""

    vault: str | VaultRef = field(metadata=IDENTITY)
    principal: str | PrincipalRef = field(metadata=IDENTITY)
    application: str | None = field(default=None, metadata=IDENTITY)
    secrets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A secret's latest version. `value` is filled in by the applier, just before it is written."""

    vault: str | VaultRef = field(metadata=IDENTITY)
    name: str = field(metadata=IDENTITY)
    content_type: str | None = None
    enabled: bool | None = None
    not_before: datetime | None = None
    expires: datetime | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    """Only for `existing` secrets: the version that must be the latest."""
    source: Source | None = field(default=None, compare=False)
    value: Sensitive | None = field(default=None, compare=False, repr=False, metadata=HIDDEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignmentSpec:
    """A role for a principal at a scope; also what a `reader_role` is. `role` is the definition's GUID."""

    scope: str | ScopeRef = field(metadata=IDENTITY)
    role: str | RoleRef = field(metadata=IDENTITY)
    principal: str | PrincipalRef = field(metadata=IDENTITY)
    principal_type: str | PrincipalTypeRef | None = field(default=None, metadata=IDENTITY)
    description: str | None = None
    condition: str | None = None


Spec = ResourceGroupSpec | VaultSpec | AccessPolicySpec | SecretSpec | RoleAssignmentSpec
