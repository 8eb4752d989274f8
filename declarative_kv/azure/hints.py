"""What to do about a refusal: which role or permission is missing, read from Azure's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ACTION: Final = re.compile(r"[Aa]ction:? '([^']+)'")
_SCOPE: Final = re.compile(r"over scope '([^']+)'")
_PERMISSION: Final = re.compile(r"does not have (\w+) (\w+) permission")
_ROLES: Final[tuple[tuple[str, str], ...]] = (
    ("microsoft.keyvault/vaults/secrets/readmetadata/", "Key Vault Reader"),
    ("microsoft.keyvault/vaults/secrets/getsecret/", "Key Vault Secrets User"),
    ("microsoft.keyvault/vaults/secrets/", "Key Vault Secrets Officer"),
    ("microsoft.keyvault/locations/deletedvaults/purge/", "Key Vault Purge Operator"),
    ("microsoft.keyvault/", "Key Vault Contributor"),
    ("microsoft.authorization/roleassignments/", "Role Based Access Control Administrator"),
    ("microsoft.authorization/roledefinitions/", "User Access Administrator"),
    ("microsoft.resources/", "Contributor"),
)
_INNER: Final[Mapping[str, str]] = {
    "ForbiddenByFirewall": "Run from an address that the vault's `network` allows, or add this one to its `ip_rules`.",
    "ForbiddenByConnection": "The vault takes no public traffic: run from a network with a private endpoint to it.",
    "SecretDisabled": "Switch the secret on (`enabled: true`) before its value can be read.",
    "SecretManagedByKeyVault": "The secret belongs to a certificate of the vault: change the certificate instead.",
    "ObjectIsDeletedButRecoverable": "Recover the secret, or wait until it is purged; its name is reserved until then.",
    "ObjectIsBeingDeleted": "Azure is still deleting it: run the command again in a minute.",
    "RoleAssignmentExists": "The same grant exists under another id: take it over with `dkv import`.",
    "PrincipalNotFound": "Check the object id. If the principal is new, set its `type`, and Azure looks nothing up.",
    "Authorization_RequestDenied": (
        "Give the principal by `object_id` and `type`, or let the identity read the directory (Directory Readers)."
    ),
}


def forbidden_hint(code: str, message: str) -> str:
    """The way out of a 403, from its inner code and message."""
    if code in _INNER:
        return _INNER[code]
    permission = _PERMISSION.search(message)
    if permission is not None:
        kind, action = permission.groups()
        return f"Add `{action}` under `{kind}` in an access policy of the vault for the signed-in identity."
    if "not found on any access policy" in message:
        return "Add an access policy of the vault for the signed-in identity."
    return _role_hint(message)


def conflict_hint(code: str) -> str:
    """The way out of a 400 or 409, from its inner code; empty where there is none to tell."""
    return _INNER.get(code, "")


def _role_hint(message: str) -> str:
    found = _ACTION.search(message)
    if found is None:
        return "Ask an owner of the subscription which role is missing."
    action, scope = found.group(1), _SCOPE.search(message)
    lowered = action.lower()
    if lowered.endswith("/read") and not lowered.startswith("microsoft.keyvault/vaults/secrets/"):
        role = "Reader"
    else:
        role = next((name for prefix, name in _ROLES if lowered.startswith(prefix)), "")
    where = f" at {scope.group(1)}" if scope else " on the vault"
    what = f"`{role}`" if role else "a role"
    return f"Grant the signed-in identity {what}{where}: the action needed is {action}."
