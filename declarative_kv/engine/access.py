"""Who gains or loses access: what the changed access policies and role assignments themselves say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from declarative_kv.model.plan import AccessLine, Action, Change, Head
from declarative_kv.model.roles import builtin_roles
from declarative_kv.model.specs import AccessPolicySpec, ResourceGroupSpec, RoleAssignmentSpec, SecretSpec, VaultSpec

Held = Mapping[str, str]
"""Phrases that one grant gives, each with what gives it in Azure's words."""

CATEGORIES = ("secrets", "keys", "certificates", "storage")

_SECRET_PHRASES = {
    "get": "reads secret values",
    "list": "lists secrets",
    "set": "writes secret values",
    "delete": "deletes secrets",
    "recover": "recovers secrets",
    "backup": "backs up secrets",
    "restore": "restores secrets",
    "purge": "purges secrets",
    "all": "does everything with secrets",
}
_KEY_PHRASES = {
    "get": "reads public keys",
    "encrypt": "encrypts with keys",
    "decrypt": "decrypts with keys",
    "sign": "signs with keys",
    "verify": "verifies with keys",
    "wrapkey": "wraps with keys",
    "unwrapkey": "unwraps with keys",
    "getrotationpolicy": "reads key rotation policies",
    "setrotationpolicy": "sets key rotation policies",
}
_OTHER_VERBS = {
    "get": "reads",
    "list": "lists",
    "set": "writes",
    "create": "creates",
    "import": "imports",
    "update": "updates",
    "delete": "deletes",
    "recover": "recovers",
    "backup": "backs up",
    "restore": "restores",
    "purge": "purges",
    "rotate": "rotates",
    "release": "releases",
    "all": "does everything with",
}
_DATA_ACTIONS = (
    ("Microsoft.KeyVault/vaults/secrets/getSecret/action", "reads secret values"),
    ("Microsoft.KeyVault/vaults/secrets/readMetadata/action", "lists secrets"),
    ("Microsoft.KeyVault/vaults/secrets/setSecret/action", "writes secret values"),
    ("Microsoft.KeyVault/vaults/secrets/delete", "deletes secrets"),
    ("Microsoft.KeyVault/vaults/secrets/purge/action", "purges secrets"),
    ("Microsoft.KeyVault/vaults/keys/create/action", "creates keys"),
    ("Microsoft.KeyVault/vaults/keys/decrypt/action", "decrypts with keys"),
    ("Microsoft.KeyVault/vaults/keys/sign/action", "signs with keys"),
)
_DATA_PHRASES = frozenset(phrase for _, phrase in _DATA_ACTIONS)
_ACTIONS = (
    ("Microsoft.Authorization/roleAssignments/write", "gives roles to others"),
    ("Microsoft.KeyVault/vaults/write", "changes vaults and their access policies"),
    ("Microsoft.KeyVault/vaults/read", "reads vaults, not their contents"),
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known about the places that grants stand on, by ARM id in lower case.

    `addresses` has those that the YAML declares; `closed` the vaults with access policies, on which roles open no data.
    """

    head: Head
    addresses: Mapping[str, str]
    closed: frozenset[str]

    def held(self, spec: object) -> Held:
        """What one grant gives where it stands."""
        phrases = held_by(spec)
        if not isinstance(spec, RoleAssignmentSpec) or _vault_of(str(spec.scope)) not in self.closed:
            return phrases
        left = {phrase: via for phrase, via in phrases.items() if phrase not in _DATA_PHRASES}
        role = builtin_roles().get(str(spec.role).lower())
        return left or ({f"holds {role.name}": role.name} if role else phrases)


def access_lines(changes: Iterable[Change], head: Head, vaults: Iterable[VaultSpec] = ()) -> tuple[AccessLine, ...]:
    """Every phrase gained or lost, gains and losses of one principal side by side. `vaults` are the declared ones."""
    changes = tuple(changes)
    scopes = {change.address: _scope(change.desired.spec) for change in changes if change.desired is not None}
    addresses = {scope: str(address) for address, scope in scopes.items() if scope}
    known = _Known(head, addresses, frozenset(_scope(vault) for vault in vaults if vault.access == "policies"))
    lines = [line for change in changes for line in _lines(change, known)]
    return tuple(sorted(lines, key=lambda line: (line.who, line.resource, line.gained, line.phrase, line.via)))


def lost_access(change: Change) -> tuple[str, ...]:
    """The phrases, with their cause, that a change takes away from a principal that has them now."""
    before, after = _sides(change, held_by)
    return tuple(f"{phrase} ({via})" for phrase, via in sorted(before.items()) if phrase not in after)


def held_by(spec: object) -> Held:
    """What one grant gives; `{}` for a spec that grants nothing."""
    match spec:
        case AccessPolicySpec():
            return _policy_phrases(spec)
        case RoleAssignmentSpec():
            return _role_phrases(str(spec.role))
        case _:
            return {}


def _scope(spec: object) -> str:
    """The ARM id, lower case, that a grant on what the spec describes has as its scope; empty for a grant itself."""
    match spec:
        case ResourceGroupSpec():
            return f"/subscriptions/{spec.subscription}/resourcegroups/{spec.name}".lower()
        case VaultSpec():
            group = f"/subscriptions/{spec.subscription}/resourcegroups/{spec.resource_group}"
            return f"{group}/providers/microsoft.keyvault/vaults/{spec.name}".lower()
        case SecretSpec():
            return f"{spec.vault}/secrets/{spec.name}".lower()
        case _:
            return ""


def _vault_of(scope: str) -> str:
    """The ARM id, lower case, of the vault that a scope is of or lies below, if it does."""
    return "/".join(scope.lower().split("/")[:9])


def _lines(change: Change, known: _Known) -> Iterator[AccessLine]:
    before, after = _sides(change, known.held)
    if change.action is Action.REPLACE:
        old = change.live.spec if change.live is not None else change.prior.spec if change.prior is not None else None
        yield from _changed(change, known, old, before, {})
        yield from _changed(change, known, change.desired.spec if change.desired else None, {}, after)
        return
    yield from _changed(change, known, change.desired.spec if change.desired else _now(change), before, after)


def _now(change: Change) -> object:
    """The grant as it is; in a vault that is about to come back, as it was applied."""
    side = change.live or (change.prior if not change.known else None)
    return side.spec if side is not None else None


def _changed(change: Change, known: _Known, spec: object, before: Held, after: Held) -> Iterator[AccessLine]:
    if not isinstance(spec, AccessPolicySpec | RoleAssignmentSpec):
        return
    who = str(spec.principal)
    where = _resource(change, spec, known.addresses)
    for gained, phrases, other in ((True, after, before), (False, before, after)):
        for phrase, via in phrases.items():
            if phrase not in other:
                yield AccessLine(gained, known.head.principals.get(who, who), who, phrase, where, via, change.address)


def _sides(change: Change, held: Callable[[object], Held]) -> tuple[Held, Held]:
    """What the grant gives before and after the change; equal where access does not move."""
    live = _now(change)
    wanted = change.desired.spec if change.desired is not None else None
    match change.action:
        case Action.CREATE | Action.RECOVER:
            return {}, held(wanted)
        case Action.DESTROY:
            return held(live), {}
        case Action.UPDATE | Action.IMPORT | Action.REPLACE:
            return held(live), held(wanted)
        case _:
            return {}, {}


def _policy_phrases(spec: AccessPolicySpec) -> Held:
    phrases: dict[str, str] = {}
    for category in CATEGORIES:
        for permission in getattr(spec, category):
            phrases.setdefault(_phrase(category, permission), f"{category}: {permission}")
    return phrases


def _phrase(category: str, permission: str) -> str:
    special = {"secrets": _SECRET_PHRASES, "keys": _KEY_PHRASES}.get(category, {})
    if permission in special:
        return special[permission]
    noun = "storage accounts" if category == "storage" else category
    return f"{_OTHER_VERBS.get(permission, permission)} {noun}"


def _role_phrases(guid: str) -> Held:
    """The phrases of a built-in role; a custom role's permissions are not known offline, so only its id is named."""
    role = builtin_roles().get(guid.lower())
    if role is None:
        return {"holds a custom role": f"role {guid}"}
    phrases = {phrase: role.name for action, phrase in _DATA_ACTIONS if role.permits_data(action)}
    phrases |= {phrase: role.name for action, phrase in _ACTIONS if role.permits(action)}
    return phrases or {f"holds {role.name}": role.name}


def _resource(change: Change, spec: AccessPolicySpec | RoleAssignmentSpec, declared: Mapping[str, str]) -> str:
    """The address of what the grant stands on, where that is declared, else the scope."""
    if change.address.key and change.address.kind == "access_policy":
        return f"vault.{change.address.container}"
    if isinstance(spec, RoleAssignmentSpec) and change.address.key:
        parts = change.address.path.split("/")
        return f"secret.{parts[0]}/{parts[1]}" if len(parts) > 3 else f"vault.{parts[0]}"
    scope = str(getattr(spec, "scope", getattr(spec, "vault", "")))
    return declared.get(scope.lower().rstrip("/"), scope)
