"""Access policies: those of a vault, and grants on many vaults at once."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from declarative_kv.config import schema
from declarative_kv.config.draft import Draft, Entry, entries, lifecycle, require, resource
from declarative_kv.config.principals import check_principal, identity
from declarative_kv.config.problem import choices
from declarative_kv.config.tree import Seq
from declarative_kv.model.address import Address
from declarative_kv.model.permissions import PERMISSIONS, TEMPLATES, granted
from declarative_kv.model.refs import PrincipalRef, VaultRef
from declarative_kv.model.resource import Importing
from declarative_kv.model.specs import AccessPolicySpec

_ON_RBAC = "Write `roles` instead, or `access: policies` on the vault."


def of_vault(draft: Draft, vault: Address, model: schema.Vault) -> None:
    """Add the access policies that a vault's own entry declares; their keys are principals."""
    path = ("vaults", vault.path, "access_policies")
    for key, policy, node, mark in entries(draft, path, model.access_policies):
        entry = Entry(Address("access_policy", f"{vault.path}/{key}"), (*path, key), node, mark)
        permissions = _permissions(draft, entry, policy)
        if check_principal(draft, key, mark):
            _add(draft, entry, vault, key, policy, permissions)


def on_many(draft: Draft) -> None:
    """Add the top-level grants: one address for each vault that `on` covers."""
    for key, policy, node, mark in entries(draft, ("access_policies",), draft.settings.access_policies):
        path = ("access_policies", key)
        entry = Entry(Address("access_policy", key), path, node, mark)
        require(draft, entry, "principal", policy.principal, "Write `principal: KEY`, a key of `principals`.")
        require(
            draft, entry, "on", policy.on, 'Write `on: [vault.KEY]`; `*` stands for any text: `on: ["vault.pay*"]`.'
        )
        permissions = _permissions(draft, entry, policy)
        covered = _covered(draft, entry, policy.on or [])
        if policy.principal is None or not check_principal(draft, policy.principal, entry.place("principal")):
            continue
        for vault in covered:
            one = Entry(Address("access_policy", f"{vault.path}/{key}"), path, node, mark)
            _add(draft, one, vault, policy.principal, policy, permissions)


def _covered(draft: Draft, entry: Entry, patterns: list[str]) -> list[Address]:
    """The declared vaults that any pattern matches, in order; a pattern that matches none is a problem."""
    vaults = [address for address in draft.resources if address.kind == "vault"]
    found: set[Address] = set()
    written = entry.node.get("on")
    for index, pattern in enumerate(patterns):
        matching = {vault for vault in vaults if fnmatchcase(str(vault), pattern)}
        if not matching and not draft.is_broken("vaults"):
            mark = written.marks[index] if isinstance(written, Seq) else entry.mark
            hint = choices(pattern, map(str, vaults), what="vaults")
            draft.report("unknown-reference", f"`{pattern}` matches no declared vault.", hint, mark)
        found |= matching
    return [vault for vault in vaults if vault in found]


def _add(
    draft: Draft,
    entry: Entry,
    vault: Address,
    principal: str,
    policy: schema.Permissions,
    permissions: Mapping[str, tuple[str, ...]],
) -> None:
    holder = (draft.settings.vaults or {})[vault.path]
    if holder.access == "rbac":
        detail = f"{vault} uses Azure roles (`access: rbac`), so Azure would ignore an access policy on it."
        draft.report("policy-on-rbac-vault", detail, _ON_RBAC, entry.mark, entry.address)
    spec = AccessPolicySpec(
        vault=VaultRef(vault), principal=PrincipalRef(principal), application=policy.application, **permissions
    )
    importing = Importing.THIS if holder.import_ == "all" else Importing.NO
    settings = lifecycle(draft, entry, policy, AccessPolicySpec, importing=importing)
    if draft.add(resource(draft, entry, spec, frozenset((vault,)), settings), entry.mark):
        _check_twice(draft, entry, (vault, identity(draft, principal), policy.application))


def _check_twice(draft: Draft, entry: Entry, grant: tuple[object, ...]) -> None:
    first = draft.grants.setdefault(grant, entry.address)
    if first != entry.address:
        detail = f"{first} ({draft.resources[first].span}) is for the same principal; each would overwrite the other."
        draft.report("duplicate-grant", detail, "Put all permissions into one of the two.", entry.mark, entry.address)


def _permissions(draft: Draft, entry: Entry, policy: schema.Permissions) -> Mapping[str, tuple[str, ...]]:
    """What the entry grants, all four collections; unknown words are problems and are left out."""
    template = policy.template
    if template is not None and template not in TEMPLATES:
        hint = choices(template, TEMPLATES, what="templates")
        draft.report("not-one-of", f"`{template}` is no template of the portal.", hint, entry.place("template"))
        template = None
    written: dict[str, frozenset[str]] = {}
    for kind, known in PERMISSIONS.items():
        words = getattr(policy, kind) or []
        written[kind] = frozenset(word.lower() for word in words) & known
        for index, word in enumerate(words):
            if word.lower() not in known:
                mark = entry.node[kind].marks[index]
                detail = f"`{word}` is no permission for {kind}."
                draft.report("not-one-of", detail, choices(word, known, what="permissions"), mark)
    empty = policy.template is None and not any(getattr(policy, kind) for kind in PERMISSIONS)
    if empty and not policy.existing and not draft.is_touched(*entry.path):
        hint = "Write `secrets: [get, list]`, say, or a `template`; to take access away remove the entry."
        draft.report("empty-policy", f"{entry.address} names no permission.", hint, entry.mark, entry.address)
    return granted(template, written)
