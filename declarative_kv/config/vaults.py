"""Resource groups and vaults."""

from __future__ import annotations

import re
from collections.abc import Sequence

from declarative_kv.config import schema
from declarative_kv.config.draft import Draft, Entry, entries, lifecycle, require, resource, subscription, tags
from declarative_kv.config.tree import Map
from declarative_kv.model.address import Address
from declarative_kv.model.refs import GroupRef, SubscriptionRef, TenantRef, needed_addresses
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.model.specs import NetworkSpec, ResourceGroupSpec, VaultSpec

_GROUP_NAME = re.compile(r"[\w().-]{0,89}[\w()-]")
_VAULT_NAME = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_DEFAULTS = "Write it on the entry, or once under `defaults`."


def resource_groups(draft: Draft) -> None:
    """Add every resource group."""
    names: dict[object, Entry] = {}
    for key, model, node, mark in entries(draft, ("resource_groups",), draft.settings.resource_groups):
        entry = Entry(Address("resource_group", key), ("resource_groups", key), node, mark)
        name = model.name or key
        where = subscription(draft, model.subscription, entry.place("subscription"))
        if not _GROUP_NAME.fullmatch(name):
            detail = f"`{name}` is not a group's name: 1 to 90 letters, digits or -._(), no full stop at the end."
            draft.report("invalid-name", detail, "Set `name`.", entry.place("name"), entry.address)
        _unique(draft, names, (draft.subscriptions.get(where.key or "", where.key), name.lower()), entry)
        if not model.existing:
            require(draft, entry, "location", model.location, _DEFAULTS)
        spec = ResourceGroupSpec(
            subscription=where, name=name, location=model.location, tags=tags(draft, entry, model.tags)
        )
        settings = lifecycle(draft, entry, model, ResourceGroupSpec, protect=True)
        draft.add(resource(draft, entry, spec, frozenset(), settings), mark)


def vaults(draft: Draft) -> None:
    """Add every vault; what is below them is added by others."""
    names: dict[object, Entry] = {}
    for key, model, node, mark in entries(draft, ("vaults",), draft.settings.vaults):
        entry = Entry(Address("vault", key), ("vaults", key), node, mark)
        name = model.name or key
        if not _VAULT_NAME.fullmatch(name) and not draft.is_broken(*entry.path, "name"):
            detail = (
                f"`{name}` is not a vault's name: 3 to 24 letters, digits and single hyphens, "
                "a letter first, no hyphen at the end."
            )
            hint = "Write another `name`; without one the key is the name."
            draft.report("invalid-name", detail, hint, entry.place("name"), entry.address)
        _unique(draft, names, name.lower(), entry)
        group = _group(draft, model.resource_group)
        if not model.existing:
            for setting in ("access", "location", "resource_group"):
                hint = "Write `access: policies` or `access: rbac`." if setting == "access" else _DEFAULTS
                require(draft, entry, setting, getattr(model, setting), hint)
        spec = _spec(draft, entry, model, name, group)
        others = _others(model.others)
        settings = lifecycle(draft, entry, model, VaultSpec, protect=True, others=others)
        draft.add(resource(draft, entry, spec, needed_addresses(spec), settings), mark)


def _unique(draft: Draft, names: dict[object, Entry], name: object, entry: Entry) -> None:
    first = names.setdefault(name, entry)
    if first is not entry:
        place = draft.sources.span(first.mark)
        detail = f"{first.address} ({place}) has the same name in Azure; letter case does not count."
        draft.report("duplicate-name", detail, "Set another `name`.", entry.place("name"), entry.address)


def _spec(draft: Draft, entry: Entry, model: schema.Vault, name: str, group: GroupRef | None) -> VaultSpec:
    return VaultSpec(
        subscription=_subscription(draft, entry, model, group),
        resource_group=group,
        name=name,
        tenant=None if model.existing else TenantRef(),
        location=model.location,
        access=model.access,
        sku=model.sku,
        retention_days=model.retention_days,
        purge_protection=model.purge_protection,
        network=_network(model.network),
        enabled_for=_sorted(model.enabled_for),
        tags=tags(draft, entry, model.tags),
    )


def _subscription(draft: Draft, entry: Entry, model: schema.Vault, group: GroupRef | None) -> SubscriptionRef:
    """The vault's subscription: its own, else the one of its declared group."""
    own = subscription(draft, model.subscription, entry.place("subscription"))
    if group is None or group.at is None:
        return own
    theirs: SubscriptionRef = draft.resources[group.at].spec.subscription
    if own.key is None:
        return theirs
    if _id(draft, own) != _id(draft, theirs):
        detail = f"{entry.address} and {group.at} are in different subscriptions; a vault lies in its group's."
        draft.report(
            "subscription-mismatch", detail, "Write the same `subscription` on both.", entry.place("subscription")
        )
    return own


def _id(draft: Draft, ref: SubscriptionRef) -> str | None:
    """What a reference comes to as far as it shows offline."""
    key = ref.key if ref.key is not None else draft.settings.subscription
    return draft.subscriptions.get(key or "", key)


def _group(draft: Draft, name: str | None) -> GroupRef | None:
    """A resource group by key, else by the name of a declared one, else by any name."""
    if name is None:
        return None
    declared = Address("resource_group", name)
    if declared in draft.resources:
        return GroupRef(draft.resources[declared].spec.name, declared)
    for at, each in draft.resources.items():
        if at.kind == "resource_group" and each.spec.name.lower() == name.lower():
            return GroupRef(each.spec.name, at)
    return GroupRef(name)


def _network(model: schema.Network | None) -> NetworkSpec | None:
    if model is None:
        return None
    return NetworkSpec(
        public=model.public,
        default=model.default,
        bypass=_sorted(model.bypass),
        ip_rules=_sorted(model.ip_rules),
        subnets=_sorted(model.subnets),
    )


def _sorted(items: Sequence[str] | None) -> tuple[str, ...] | None:
    """A list whose order means nothing, in the one order that both sides are compared in."""
    return None if items is None else tuple(sorted(set(items)))


def _others(model: schema.Others | None) -> dict[str, OtherPolicy]:
    if model is None:
        return {}
    written = {
        "access_policy": model.access_policies,
        "role_assignment": model.role_assignments,
        "secret": model.secrets,
    }
    return {kind: OtherPolicy(policy) for kind, policy in written.items() if policy is not None}


def without_secrets(tree: Map) -> Map:
    """The tree without what is under `secrets` of the vaults, which `below` looks at."""
    there = tree.get("vaults")
    if not isinstance(there, Map):
        return tree
    light, bare = tree.copy(), there.copy()
    for key, vault in there.items():
        if isinstance(vault, Map) and "secrets" in vault:
            bare[key] = vault.copy()
            bare[key].drop("secrets")
    light["vaults"] = bare
    return light


def below(draft: Draft, key: str) -> tuple[schema.Vault, Map]:
    """A vault's model, with its secrets, and its part of the tree; raises `Unfit` as they may."""
    model, node = (draft.settings.vaults or {})[key], draft.tree["vaults"][key]
    if not isinstance(node, Map):
        return model, Map(draft.tree["vaults"].at)
    held = schema.Vault.model_validate({"secrets": node.get("secrets")})
    return model.model_copy(update={"secrets": held.secrets}), node
