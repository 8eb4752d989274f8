"""What exists, as the settings that would declare it: plain data that has no value in it and leaves defaults out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.model.permissions import PERMISSIONS, TEMPLATES
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, SecretSpec, VaultSpec

Settings = dict[str, Any]

RESERVED_TAG: Final = "dkv"
CONTENT_TYPE_LIMIT: Final = 255
_DEFAULTS: Final[Mapping[str, object]] = {"sku": "standard", "retention_days": 90, "purge_protection": False}
_OPEN: Final = NetworkSpec(public=True, default="allow", bypass=("azure_services",), ip_rules=(), subnets=())


def vault_settings(spec: VaultSpec, *, attach: bool) -> Settings:
    """A vault's settings; of one that is attached to, which is checked and never written, only where it is."""
    where = {"resource_group": spec.resource_group}
    if attach:
        return {"existing": True, "import": "all", **where, "access": spec.access}
    differing = {name: getattr(spec, name) for name, usual in _DEFAULTS.items() if getattr(spec, name) != usual}
    found: Settings = {"import": "all", **where, "location": spec.location, "access": spec.access, **differing}
    if network := network_settings(spec.network or _OPEN):
        found["network"] = network
    if spec.enabled_for:
        found["enabled_for"] = list(spec.enabled_for)
    if spec.tags:
        found["tags"] = dict(sorted(spec.tags.items()))
    return found


def network_settings(spec: NetworkSpec) -> Settings:
    """A firewall's settings: nothing for one that is open; for a closed one all that decides who comes through."""
    found: Settings = {}
    if spec.public is False:
        found["public"] = False
    if spec.default == "deny" or spec.ip_rules or spec.subnets:
        found |= {"default": spec.default, "bypass": list(spec.bypass or ()), "ip_rules": list(spec.ip_rules or ())}
    elif spec.bypass != _OPEN.bypass:
        found["bypass"] = list(spec.bypass or ())
    if spec.subnets:
        found["subnets"] = list(spec.subnets)
    return found


def secret_settings(spec: SecretSpec) -> tuple[Settings, tuple[str, ...]]:
    """A secret's settings, its value kept where it is; and the names of those that the YAML cannot say."""
    found: Settings = {"value_from": "kept"}
    unsaid: list[str] = []
    if spec.content_type and len(spec.content_type) <= CONTENT_TYPE_LIMIT:
        found["content_type"] = spec.content_type
    elif spec.content_type:
        unsaid.append("content_type")
    if spec.enabled is False:
        found["enabled"] = False
    if spec.not_before and spec.expires and spec.expires <= spec.not_before:
        unsaid += ["not_before", "expires"]
    else:
        found |= {name: date for name in ("not_before", "expires") if (date := getattr(spec, name)) is not None}
    tags = {name: text for name, text in sorted((spec.tags or {}).items()) if name.lower() != RESERVED_TAG}
    unsaid += [f"tags.{name}" for name in sorted(spec.tags or {}) if name not in tags]
    if tags:
        found["tags"] = tags
    return found, tuple(unsaid)


def policy_settings(spec: AccessPolicySpec) -> Settings | None:
    """An access policy's permissions, as the portal's template where it is exactly one; None where no entry can say it.

    A set of permissions that several templates have in common is written out: which of them was meant nobody knows.
    """
    granted = {kind: getattr(spec, kind) for kind in PERMISSIONS if getattr(spec, kind)}
    if not granted or any(frozenset(words) - PERMISSIONS[kind] for kind, words in granted.items()):
        return None
    written: Settings = {kind: list(words) for kind, words in granted.items()}
    template = template_of({kind: frozenset(words) for kind, words in granted.items()})
    settings = {"template": template} if template else written
    return {**settings, "application": spec.application} if spec.application else settings


def template_of(granted: Mapping[str, frozenset[str]]) -> str | None:
    """The one template of the portal that grants exactly this."""
    names = [name for name, template in TEMPLATES.items() if dict(template) == dict(granted)]
    return names[0] if len(names) == 1 else None


def repeated(names: list[str]) -> frozenset[str]:
    """Those that stand more than once."""
    return frozenset(name for name, times in Counter(names).items() if times > 1)
