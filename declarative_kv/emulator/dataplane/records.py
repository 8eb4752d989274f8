"""Secrets as the emulator keeps them, and as Key Vault shows them.

A record of table `secrets` or `deleted_secrets`: `{"name", "versions": [...]}`, oldest version first, the last one
being the current one. A version: `{"version", "value", "created", "updated"}` and, only where they say something,
`enabled` (false), `nbf`, `exp`, `tags`, `contentType`. Records are many, so they stay small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.store import Record

LIVE = "secrets"
DELETED = "deleted_secrets"
DAY = 86400
_WITHOUT_DAYS = frozenset({"2016-10-01", "7.0"})


def attributes(call: VaultCall, version: Record) -> dict[str, Any]:
    """The attributes object of a version; `recoverableDays` came with version 7.1 of the API."""
    properties = call.vault["properties"]
    days = retention_days(call.vault)
    level = "Recoverable" if days == 90 else "CustomizedRecoverable"
    shown: dict[str, Any] = {"enabled": version.get("enabled", True)}
    shown |= {name: version[name] for name in ("nbf", "exp") if name in version}
    shown |= {"created": version["created"], "updated": version["updated"]}
    shown["recoveryLevel"] = level if properties.get("enablePurgeProtection") else f"{level}+Purgeable"
    if call.request.parameter("api-version") not in _WITHOUT_DAYS:
        shown["recoverableDays"] = days
    return shown


def bundle(call: VaultCall, record: Record, version: Record, *, with_value: bool) -> dict[str, Any]:
    """A secret version as the operations on one secret answer it."""
    shown = {"value": version["value"]} if with_value else {}
    if "contentType" in version:
        shown["contentType"] = version["contentType"]
    shown["id"] = f"{call.base}/secrets/{record['name']}/{version['version']}"
    shown["attributes"] = attributes(call, version)
    return shown | _closing(record, version)


def item(call: VaultCall, record: Record, version: Record, *, with_version: bool) -> dict[str, Any]:
    """A secret, or one of its versions, as the lists show it: never with a value."""
    shown: dict[str, Any] = {}
    if "contentType" in version:
        shown["contentType"] = version["contentType"]
    identifier = f"{call.base}/secrets/{record['name']}"
    shown["id"] = f"{identifier}/{version['version']}" if with_version else identifier
    shown["attributes"] = attributes(call, version)
    return shown | _closing(record, version)


def deletion(call: VaultCall, record: Record) -> dict[str, Any]:
    """What a deleted secret shows on top: where it can be recovered from, and when it is purged."""
    return {
        "recoveryId": f"{call.base}/deletedsecrets/{record['name']}",
        "deletedDate": int(record["deleted"]),
        "scheduledPurgeDate": int(record["scheduled"]),
    }


def retention_days(vault: Mapping[str, Any]) -> int:
    """How long the vault keeps what is deleted: 90 days unless it was made with another number."""
    return int(vault["properties"].get("softDeleteRetentionInDays") or 90)


def live(call: VaultCall) -> Record | None:
    """The secret that the call names, unless it is deleted or still being recovered; read-only."""
    record = call.world.store.get(LIVE, call.key)
    if record is None or record.get("ready", 0.0) > call.world.clock.now():
        return None
    return record


def existing(call: VaultCall) -> Record:
    """The same, or 404 (recorded; the text of 2020 and later)."""
    record = live(call)
    if record is None:
        raise not_found("/".join(call.segments[1:3]) if len(call.segments) > 2 else call.name)
    return record


def deleted(call: VaultCall) -> Record | None:
    """The deleted secret that the call names, in any stage of its deletion, unless it is purged; read-only."""
    record = call.world.store.get(DELETED, call.key)
    return None if record is None or is_gone(call, record) else record


def is_gone(call: VaultCall, record: Record) -> bool:
    """Whether a deleted secret is purged, by request or because its retention is over."""
    now = call.world.clock.now()
    scheduled, purged = float(record["scheduled"]), float(record.get("purged", now + 1))
    return scheduled <= now or purged <= now


def find_version(record: Record, version: str) -> tuple[int, Record]:
    """A version and its place among the record's versions; raises 404."""
    for place, candidate in enumerate(record["versions"]):
        if candidate["version"] == version.lower():
            return place, candidate
    raise not_found(f"{record['name']}/{version}")


def not_found(what: str) -> AzureFault:
    """The refusal for a secret that is not there (recorded)."""
    return AzureFault(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {what} was not found in this key vault. If you recently deleted this secret you "
        "may be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def managed(call: VaultCall, record: Record, operation: str) -> None:
    """Refuse to change a secret that belongs to a certificate (recorded for delete)."""
    if record.get("managed"):
        text = f'Operation "{operation}" is not allowed as this object\'s lifetime is managed by Key Vault.'
        raise AzureFault(403, "Forbidden", text, inner="SecretManagedByKeyVault")


def _closing(record: Record, version: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {"tags": version["tags"]} if "tags" in version else {}
    if record.get("managed"):
        shown["managed"] = True
    return shown
