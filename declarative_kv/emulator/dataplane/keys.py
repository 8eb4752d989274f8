"""Live keys: create, import, get, change, rotate; the private part never leaves the emulator's records."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.emulator.dataplane import input as given
from declarative_kv.emulator.dataplane import material
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.key_input import key_request, operations, release_policy
from declarative_kv.emulator.dataplane.key_shape import KEYS, bundle
from declarative_kv.emulator.dataplane.records import (
    DAY,
    add_version,
    change_version,
    compact,
    existing,
    find_version,
    live,
)
from declarative_kv.emulator.dataplane.rotation import expiry_of
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

# Recorded: HSMs gave the exponent as AAEAAQ in June 2021 and as AQAB in December 2024.
_SHORT_EXPONENT: Final = "2022-07-01"
# Recorded: a key that may only import others expires after two days.
_EXCHANGE_KEY_LIFE: Final = 2 * DAY


def create_key(call: VaultCall) -> Response:
    """POST /keys/{name}/create: 200 with a new version, also for a new key (recorded)."""
    body = call.body()
    wanted = key_request(call, body)
    fields = given.changes(body)
    made = material.make_rsa(wanted.size) if wanted.family == "RSA" else material.make_ec(wanted.curve)
    if wanted.ops == ["import"]:
        # Counted from now that the key is made, which may take a second.
        fields.setdefault("exp", int(call.world.clock.now()) + _EXCHANGE_KEY_LIFE)
    long_exponent = wanted.kty.endswith("-HSM") and not since(call.world, _SHORT_EXPONENT)
    jwk = material.public_jwk(made, long_exponent=long_exponent)
    return _answer_new(call, wanted.kty, wanted.ops, jwk, made, {**fields, **wanted.fields})


def import_key(call: VaultCall) -> Response:
    """PUT /keys/{name}: 200 with a new version; its public numbers are shown as they were sent (recorded)."""
    body = call.body()
    jwk = body.get("key")
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str):
        raise AzureFault(400, "BadParameter", 'The property "key" must be a valid JsonWebKey object.')
    family, _, hardware = jwk["kty"].partition("-")
    if family not in ("RSA", "EC") or hardware not in ("", "HSM"):
        raise AzureFault(400, "BadParameter", 'The property "key" must be a valid JsonWebKey object.')
    try:
        private = material.read_jwk(jwk, family)
    except material.BadMaterial as error:
        text = 'The property "key" must be a valid JsonWebKey object.'
        raise AzureFault(400, "BadParameter", text) from error
    members = ("n", "e") if family == "RSA" else ("crv", "x", "y")
    kty = f"{family}-HSM" if body.get("Hsm", body.get("hsm")) is True else jwk["kty"]
    ops = operations(jwk.get("key_ops"), family)
    fields = {**given.changes(body), **release_policy(call, body)}
    return _answer_new(call, kty, ops, {name: jwk[name] for name in members}, private, fields)


def get_key(call: VaultCall) -> Response:
    """GET /keys/{name} or …/{version}: also a disabled one (recorded)."""
    record = existing(KEYS, call)
    _, version = find_version(KEYS, call, record)
    return json_response(200, bundle(call, record, version))


def change_key(call: VaultCall) -> Response:
    """PATCH: the same version with other operations, dates or tags; sent tags replace all (recorded)."""
    body = call.body()
    record = existing(KEYS, call)
    _, version = find_version(KEYS, call, record)
    fields = given.changes(body)
    if body.get("key_ops") is not None:
        fields["ops"] = operations(body["key_ops"], version["kty"].partition("-")[0])
    _refuse_other_release(body, version)
    record, version = change_version(KEYS, call, fields)
    return json_response(200, bundle(call, record, version))


def rotate_key(call: VaultCall) -> Response:
    """POST /keys/{name}/rotate: 200 with a new version like the current one, its life as the rotation policy says."""
    record = existing(KEYS, call)
    last = record["versions"][-1]
    old = material.loaded(last["private"])
    new = material.make_ec(last["jwk"]["crv"]) if "crv" in last["jwk"] else material.make_rsa(_size(old))
    fields = {name: last[name] for name in ("tags", "exportable", "policy") if name in last}
    life = expiry_of(record, int(call.world.clock.now()))
    if life is not None:
        fields["exp"] = life
    return _answer_new(call, last["kty"], last["ops"], material.public_jwk(new), new, fields)


def _answer_new(
    call: VaultCall,
    kty: str,
    ops: list[str],
    jwk: Mapping[str, str],
    private: material.PrivateKey,
    fields: Mapping[str, Any],
) -> Response:
    now = int(call.world.clock.now())
    made: Record = {"version": uuid.uuid4().hex, "created": now, "updated": now, "kty": kty, "ops": ops}
    made |= {"jwk": dict(jwk), "private": material.stored(private)}
    version = compact({**made, **fields})
    _refuse_other_policy(call, version)
    record = add_version(KEYS, call, version)
    return json_response(200, bundle(call, record, version))


def _refuse_other_policy(call: VaultCall, version: Record) -> None:
    """Refuse a new version whose release policy takes the place of an immutable one (recorded)."""
    record = live(KEYS, call)
    old = None if record is None else record["versions"][-1].get("policy")
    if old is not None and old.get("immutable") and version.get("policy") != old:
        text = "AKV.SKR.1020: Immutable Key Release Policy cannot be modified."
        raise AzureFault(400, "BadParameter", text)


def _refuse_other_release(body: Mapping[str, Any], version: Record) -> None:
    """Whether a key can be released is settled when it is made (quoted in an issue)."""
    wanted = (body.get("attributes") or {}).get("exportable")
    if wanted is not None and wanted != version.get("exportable", False):
        text = "AKV.SKR.1014: Cannot modify the exportable state of a key."
        raise AzureFault(400, "BadParameter", text)


def _size(key: material.PrivateKey) -> int:
    return next((size for size in material.RSA_SIZES if size >= key.key_size), material.RSA_SIZES[-1])
