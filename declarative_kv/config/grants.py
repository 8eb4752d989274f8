"""Role assignments: those of vaults and secrets, those at any scope, and reader roles."""

from __future__ import annotations

from declarative_kv.config import schema
from declarative_kv.config.draft import PLAIN, Draft, Entry, entries, lifecycle, require, resource, subscription
from declarative_kv.config.principals import check_principal, identity
from declarative_kv.config.problem import choices
from declarative_kv.config.tree import Map
from declarative_kv.model.address import Address
from declarative_kv.model.refs import PrincipalRef, PrincipalTypeRef, RoleRef, ScopeRef, needed_addresses
from declarative_kv.model.resource import Importing, Lifecycle
from declarative_kv.model.roles import builtin_role, can_change_or_read_values, slug
from declarative_kv.model.specs import RoleAssignmentSpec

_WORDS = ("resource_group", "vault", "secret")
_SCOPES = (
    "Write `subscription`, `subscription.KEY`, `resource_group.KEY`, `vault.KEY`, `secret.VAULT/NAME`, "
    "`management_group.NAME` or an ARM id."
)


def of_vault(draft: Draft, vault: Address, model: schema.Vault, node: Map) -> None:
    """Add the assignments under `roles` of a vault and of its secrets."""
    importing = Importing.THIS if model.import_ == "all" else Importing.NO
    _listed(draft, vault, model.roles, node.get("roles"), importing)
    for key, secret in (model.secrets or {}).items():
        address = Address("secret", f"{vault.path}/{key}")
        if secret.roles and address in draft.resources:
            below = node["secrets"][key]
            if _secret_may_have_roles(draft, address, below.key_mark("roles")):
                _listed(draft, address, secret.roles, below.get("roles"), importing)


def _listed(draft: Draft, at: Address, roles: schema.Roles | None, node: object, importing: Importing) -> None:
    """Add the assignments of one `roles` map: principal to a list of roles."""
    settings = PLAIN if importing is Importing.NO else Lifecycle(importing=importing)
    for principal, names in (roles or {}).items():
        assert isinstance(node, Map)
        if not check_principal(draft, principal, node.key_mark(principal)):
            continue
        for index, name in enumerate(names or ()):
            mark = node[principal].marks[index]
            address = Address("role_assignment", f"{at.path}/{principal}/{slug(name)}")
            entry = Entry(address, (), Map(mark), mark)
            _add(draft, entry, ScopeRef(str(at), at), name, principal, settings)


def reader_roles(draft: Draft) -> None:
    """Add the reader roles: Reader unless another role is named, which must be one that only reads."""
    for key, model, node, mark in entries(draft, ("reader_roles",), draft.settings.reader_roles):
        entry = Entry(Address("reader_role", key), ("reader_roles", key), node, mark)
        name = model.role or "Reader"
        role = builtin_role(name)
        power = can_change_or_read_values(role) if role else None
        if power:
            detail = f"`{name}` permits {power}, so it is not a reader's role."
            hint = "Name a role such as `Reader` or `Key Vault Reader`, or move the entry to `role_assignments`."
            draft.report("reader-role-writes", detail, hint, entry.place("role"), entry.address)
        _top_level(draft, entry, model, name)


def role_assignments(draft: Draft) -> None:
    """Add the assignments of any role at any scope."""
    for key, model, node, mark in entries(draft, ("role_assignments",), draft.settings.role_assignments):
        entry = Entry(Address("role_assignment", key), ("role_assignments", key), node, mark)
        require(draft, entry, "role", model.role, "Write `role: NAME`, such as `Key Vault Secrets User`, or its GUID.")
        _top_level(draft, entry, model, model.role)


def _top_level(draft: Draft, entry: Entry, model: schema.RoleGrant, role: str | None) -> None:
    require(draft, entry, "principal", model.principal, "Write `principal: KEY`, a key of `principals`.")
    require(draft, entry, "scope", model.scope, _SCOPES)
    settings = lifecycle(draft, entry, model, RoleAssignmentSpec)
    scope = None if model.scope is None else _scope(draft, model.scope, entry.place("scope"))
    known = model.principal is not None and check_principal(draft, model.principal, entry.place("principal"))
    if scope is not None and known and role is not None and model.principal is not None:
        _add(draft, entry, scope, role, model.principal, settings, model.description, model.condition)


def _add(
    draft: Draft,
    entry: Entry,
    scope: ScopeRef,
    role: str,
    principal: str,
    settings: Lifecycle,
    description: str | None = None,
    condition: str | None = None,
) -> None:
    spec = RoleAssignmentSpec(
        scope=scope,
        role=RoleRef(role),
        principal=PrincipalRef(principal),
        principal_type=PrincipalTypeRef(principal),
        description=description,
        condition=condition,
    )
    if not draft.add(resource(draft, entry, spec, needed_addresses(spec), settings), entry.mark):
        return
    built_in = builtin_role(role)
    grant = (_same_scope(draft, scope), built_in.guid if built_in else role.lower(), identity(draft, principal))
    first = draft.grants.setdefault(grant, entry.address)
    if first != entry.address:
        detail = f"{first} ({draft.resources[first].span}) gives the same principal the same role at the same scope."
        draft.report("duplicate-grant", detail, "Remove one of the two.", entry.mark, entry.address)


def _same_scope(draft: Draft, scope: ScopeRef) -> str:
    """What two spellings of a scope have in common, as far as it shows offline."""
    word, _, key = scope.text.partition(".")
    if word == "subscription":
        key = key or draft.settings.subscription or ""
        return f"/subscriptions/{draft.subscriptions.get(key, key)}".lower()
    return scope.text.lower().rstrip("/") if scope.text.startswith("/") else scope.text


def _scope(draft: Draft, text: str, mark: int) -> ScopeRef | None:
    """A scope in the YAML's words; None where it leads nowhere, which is a problem."""
    word, dot, key = text.partition(".")
    if text.startswith("/"):
        return ScopeRef(text)
    if word == "subscription" and bool(dot) == bool(key):
        subscription(draft, key or None, mark)
        return ScopeRef(text)
    if word == "management_group" and key:
        return ScopeRef(text)
    if word not in _WORDS or not key:
        draft.report("invalid-scope", f"`{text}` is no scope.", _SCOPES, mark)
        return None
    at = Address(word, key)
    if at not in draft.resources:
        if not draft.is_broken("vaults") and not draft.is_broken("resource_groups"):
            known = [str(each) for each in draft.resources if each.kind == word]
            draft.report("unknown-reference", f"`{text}` is not declared.", choices(text, known, what="scopes"), mark)
        return None
    if word == "secret" and not _secret_may_have_roles(draft, at, mark):
        return None
    return ScopeRef(text, at)


def _secret_may_have_roles(draft: Draft, secret: Address, mark: int) -> bool:
    """Whether roles on the secret would count; on a vault with access policies they would not, which is a problem."""
    if (draft.settings.vaults or {})[secret.container].access != "policies":
        return True
    detail = f"vault.{secret.container} uses access policies, so Azure would ignore a role on one of its secrets."
    hint = "Write an access policy on the vault instead, or `access: rbac`."
    draft.report("role-on-policy-vault", detail, hint, mark, secret)
    return False
