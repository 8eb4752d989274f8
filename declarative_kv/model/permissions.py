"""The permissions of access policies, and the portal's templates for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_OBJECT = ("get", "list", "delete", "recover", "backup", "restore", "purge", "all")
_ROTATION = ("rotate", "getrotationpolicy", "setrotationpolicy")
_CRYPTOGRAPHIC = ("encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify", "release")
_ISSUERS = ("managecontacts", "manageissuers", "getissuers", "listissuers", "setissuers", "deleteissuers")
_SAS = ("getsas", "listsas", "setsas", "deletesas")

PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "secrets": frozenset((*_OBJECT, "set")),
        "keys": frozenset((*_OBJECT, *_ROTATION, *_CRYPTOGRAPHIC, "create", "import", "update")),
        "certificates": frozenset((*_OBJECT, *_ISSUERS, "create", "import", "update")),
        "storage": frozenset((*_OBJECT, *_SAS, "set", "update", "regeneratekey")),
    }
)
"""Every permission that Azure's specification names, lower case, by the YAML's (and Azure's) name of the collection."""

Grants = Mapping[str, frozenset[str]]

# What the portal writes for "manage": recorded, without purge and without cryptography.
_KEYS = frozenset(("get", "list", "update", "create", "import", "delete", "recover", "backup", "restore"))
_SECRETS = frozenset(("get", "list", "set", "delete", "recover", "backup", "restore"))
_CERTIFICATES = _KEYS.union(_ISSUERS)
_WRAP = frozenset(("get", "list", "wrapkey", "unwrapkey"))
_COPY = frozenset(("get", "list", "backup"))


def _template(**grants: frozenset[str]) -> Grants:
    return MappingProxyType(grants)


TEMPLATES: Mapping[str, Grants] = MappingProxyType(
    {
        "key-management": _template(keys=_KEYS),
        "secret-management": _template(secrets=_SECRETS),
        "certificate-management": _template(certificates=_CERTIFICATES),
        "key-and-secret-management": _template(keys=_KEYS, secrets=_SECRETS),
        "key-and-certificate-management": _template(keys=_KEYS, certificates=_CERTIFICATES),
        "secret-and-certificate-management": _template(secrets=_SECRETS, certificates=_CERTIFICATES),
        "key-secret-and-certificate-management": _template(keys=_KEYS, secrets=_SECRETS, certificates=_CERTIFICATES),
        "sql-server-connector": _template(keys=_WRAP),
        "azure-data-lake-storage-or-azure-storage": _template(keys=frozenset(("get", "list", "unwrapkey"))),
        "azure-backup": _template(keys=_COPY, secrets=_COPY),
        "exchange-online-customer-key": _template(keys=_WRAP),
        "sharepoint-online-customer-key": _template(keys=_WRAP),
        "azure-information-byok": _template(keys=frozenset(("get", "decrypt", "sign"))),
    }
)
"""The portal's "configure from a template" by name in kebab case; what Microsoft's RBAC migration guide lists."""


def granted(template: str | None, written: Mapping[str, frozenset[str]]) -> Mapping[str, tuple[str, ...]]:
    """A policy's permissions: the template's and the written ones together, sorted, for all four collections.

    `template` must be a key of `TEMPLATES`, `written` lower case.
    """
    base: Grants = TEMPLATES[template] if template else {}
    empty: frozenset[str] = frozenset()
    return {kind: tuple(sorted(base.get(kind, empty) | written.get(kind, empty))) for kind in PERMISSIONS}
