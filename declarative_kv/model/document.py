"""The loaded configuration: settings, principals and resources, before any name is turned to an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.invariant import Invariant
from declarative_kv.model.lint import Lint
from declarative_kv.model.resource import Resource


class Selector(StrEnum):
    """How a principal is named in the YAML."""

    CURRENT = "current"
    APP_ID = "app_id"
    GROUP = "group"
    USER = "user"
    SERVICE_PRINCIPAL = "service_principal"
    MANAGED_IDENTITY = "managed_identity"
    OBJECT_ID = "object_id"


@dataclass(frozen=True, slots=True)
class Principal:
    """One entry of `principals`. `object_id` pins it; `type` is Azure's word (User, Group, …) if known."""

    key: str
    selector: Selector
    name: str
    object_id: str | None = None
    type: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where Azure is. `name` is public, usgov, china, emulator or custom; URLs without trailing slash."""

    name: str
    authority: str = "https://login.microsoftonline.com"
    resource_manager: str = "https://management.azure.com"
    graph: str = "https://graph.microsoft.com"
    key_vault_suffix: str = "vault.azure.net"


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting and where it came from, in words for the plan's head (`from YAML`, `AZURE_SUBSCRIPTION_ID`, …)."""

    value: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that a run needs from the YAML and the operator's environment.

    `root` is the absolute path of the root file; `state` a location: an absolute path or `azblob://…`.
    `subscription.value` is an id, or None where only Azure can tell; `subscriptions` maps keys to ids. `fingerprint` is
    the address of the one secret that holds the key, or None where each vault has its own; `fingerprint_off` says that
    there shall be none. `moved` gives the new address of what had another; what is `removed` is forgotten, not deleted.
    """

    root: str
    environment: str | None
    cloud: Cloud
    tenant: Origin
    subscription: Origin
    subscriptions: Mapping[str, str]
    state: str
    principals: Mapping[str, Principal]
    resources: Mapping[Address, Resource]
    fingerprint: Address | None = None
    fingerprint_off: bool = False
    moved: Mapping[Address, Address] = field(default_factory=dict)
    removed: frozenset[Address] = frozenset()
    invariants: tuple[Invariant, ...] = ()
    guards: frozenset[str] = frozenset()
    lint: Lint = field(default_factory=Lint)
    warnings: tuple[Diagnostic, ...] = field(default=())
