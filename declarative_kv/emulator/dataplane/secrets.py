"""Live secrets: set, get, change; every set makes a new version under a random id."""

from __future__ import annotations

import uuid
from typing import Any

from declarative_kv.emulator.dataplane import input as given
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.records import (
    add_version,
    attributes,
    change_version,
    closing,
    compact,
    existing,
    find_version,
)
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record


def _bundle(call: VaultCall, record: Record, version: Record) -> dict[str, Any]:
    return item(call, record, version, with_version=True)


def item(call: VaultCall, record: Record, version: Record, *, with_version: bool) -> dict[str, Any]:
    """A secret, or one of its versions, as everything but a read and a set shows it: without the value."""
    shown: dict[str, Any] = {}
    if "contentType" in version:
        shown["contentType"] = version["contentType"]
    identifier = f"{call.base}/secrets/{record['name']}"
    shown["id"] = f"{identifier}/{version['version']}" if with_version else identifier
    shown["attributes"] = attributes(call, version)
    return shown | closing(record, version)


SECRETS = Kind("secrets", "Secret", _bundle, item)


def set_secret(call: VaultCall) -> Response:
    """PUT /secrets/{name}: 200 with a new version, also for a new secret (recorded)."""
    body = call.body()
    fields = {"value": given.value(body), **given.content_type(body), **given.changes(body)}
    now = int(call.world.clock.now())
    version = compact({"version": uuid.uuid4().hex, "created": now, "updated": now, **fields})
    record = add_version(SECRETS, call, version)
    return json_response(200, _with_value(call, record, version))


def get_secret(call: VaultCall) -> Response:
    """GET /secrets/{name} or …/{version}: 403 if disabled; dates outside nbf and exp are no hindrance (documented)."""
    record = existing(SECRETS, call)
    _, version = find_version(SECRETS, call, record)
    refuse_disabled(version)
    return json_response(200, _with_value(call, record, version))


def change_secret(call: VaultCall) -> Response:
    """PATCH: the same version with other metadata; sent tags replace all; the answer has no value (recorded)."""
    body = call.body()
    record, version = change_version(SECRETS, call, {**given.content_type(body), **given.changes(body)})
    return json_response(200, _bundle(call, record, version))


def refuse_disabled(version: Record) -> None:
    """403 for reading a version that is switched off (recorded)."""
    if not version.get("enabled", True):
        text = "Operation get is not allowed on a disabled secret."
        raise AzureFault(403, "Forbidden", text, inner="SecretDisabled")


def refuse_deleted_disabled(call: VaultCall, version: Record) -> None:
    """403 for looking at a deleted secret that is switched off; the text is another one before 2021 (recorded)."""
    if since(call.world, "2021-01-01"):
        refuse_disabled(version)
    elif not version.get("enabled", True):
        raise AzureFault(403, "Forbidden", "Operation get is not permitted on this object.", inner="AccessDenied")


def _with_value(call: VaultCall, record: Record, version: Record) -> dict[str, Any]:
    return {"value": version["value"], **_bundle(call, record, version)}
