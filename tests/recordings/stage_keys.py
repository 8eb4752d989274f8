"""The keys that a scenario finds in its vaults, and what its client computed with keys that are others here."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from declarative_kv.emulator.dataplane import material

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

_DEFAULT_OPS = {"RSA": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"], "EC": ["sign", "verify"]}
_USES = ("encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify")
_RETURNS = {"decrypt": "encrypt", "unwrapkey": "wrapkey"}


def prepare(replay: Replay, entry: Entry) -> None:
    """The keys that the answer shows and no request of the scenario made; a premium vault for what lives in an HSM."""
    vault = replay.world.store.get("vaults", entry.host.partition(".")[0])
    if vault is None:
        return
    if _is_hardware(entry) and vault.get("staged") and vault["properties"]["sku"]["name"].lower() != "premium":
        properties = {**vault["properties"], "sku": {"family": "A", "name": "premium"}}
        replay.world.store.put("vaults", vault["name"].lower(), {**vault, "properties": properties})
    if entry.message.startswith("AKV.SKR.1020"):
        version = _version(replay, {"kty": "RSA-HSM"}, {}) | {"exportable": True, "policy": {"immutable": True}}
        _put(replay, vault, _name(entry.path), version)
    if entry.status >= 300:
        return
    for item in _shown(replay, entry):
        _add(replay, entry, vault, item)
    if entry.path.rstrip("/").endswith("rotationpolicy") and entry.method == "GET":
        _add_policy(replay, entry, vault)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """What the recorder dropped is read from the answer; what the client made with a public key is made with ours."""
    if entry.status >= 300:
        return body
    verb = entry.path.rstrip("/").rpartition("/")[2].lower()
    if body is None and entry.method in ("POST", "PUT", "PATCH"):
        body = _lost(replay, entry, verb)
    if verb in _RETURNS and isinstance(body, dict) and "value" in body:
        known = str((entry.body or {}).get("value", "")).lower() in replay.mapping.tokens
        if not known:
            return {**body, "value": _encrypted(replay, entry, body["alg"])}
    return body


def _is_hardware(entry: Entry) -> bool:
    key = entry.answer.get("key") if isinstance(entry.answer, dict) else None
    made = isinstance(key, dict) and str(key.get("kty")).endswith("-HSM")
    return made or entry.message.startswith("AKV.SKR.1020")


def _name(path: str) -> str:
    return path.split("/")[2]


def _shown(replay: Replay, entry: Entry) -> Iterator[dict[str, Any]]:
    """The keys of an answer that no request of the scenario has touched."""
    if (entry.method == "POST" and not entry.path.endswith("/backup")) or entry.method == "PUT":
        return
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    for item in answer["value"] if isinstance(answer.get("value"), list) else [answer]:
        kid = _kid(item)
        if kid and f"{entry.host}/keys/{kid.split('/')[4]}".lower() not in replay.touched:
            yield item


def _kid(item: dict[str, Any]) -> str:
    return str(item.get("kid") or (item.get("key") or {}).get("kid") or "")


def _add(replay: Replay, entry: Entry, vault: dict[str, Any], item: dict[str, Any]) -> None:
    parts = _kid(item).split("/")
    attributes, jwk = item.get("attributes") or {}, item.get("key") or {"kty": "RSA"}
    version = _version(replay, jwk, attributes)
    if len(parts) > 5:
        version["version"] = parts[5].lower()
    if entry.method != "PATCH":
        version |= {name: attributes[name] for name in ("nbf", "exp") if name in attributes}
        version |= {"enabled": False} if attributes.get("enabled") is False else {}
    if "tags" in item:
        version["tags"] = item["tags"]
    _put(replay, vault, parts[4], version, item, is_deleted="deletedDate" in item and entry.method == "GET")
    replay.mapping.fix({"kid": _kid(item), "attributes": attributes if entry.method == "GET" else {}})


def _version(replay: Replay, jwk: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """A version of a key like the one shown; the private half of that one nobody has."""
    family = jwk["kty"].partition("-")[0]
    made = material.make_ec(jwk.get("crv", "P-256")) if family == "EC" else material.make_rsa(2048)
    now = int(replay.world.clock.now())
    return {
        "version": uuid.uuid4().hex,
        "created": attributes.get("created", now),
        "updated": attributes.get("updated", now),
        "kty": jwk["kty"],
        "ops": jwk.get("key_ops") or _DEFAULT_OPS[family],
        "jwk": material.public_jwk(made),
        "private": material.stored(made),
    }


def _put(
    replay: Replay,
    vault: dict[str, Any],
    name: str,
    version: dict[str, Any],
    item: dict[str, Any] | None = None,
    *,
    is_deleted: bool = False,
) -> None:
    table, key = "deleted_keys" if is_deleted else "keys", f"{vault['uid']}/{name.lower()}"
    record: dict[str, Any] = {"name": name, "versions": [version]}
    known = replay.world.store.get(table, key)
    if known is not None:
        record = {**known, "versions": [version]}
    item = item or {}
    if item.get("managed"):
        record["managed"] = True
    if is_deleted:
        record |= {"deleted": item["deletedDate"], "scheduled": item["scheduledPurgeDate"], "ready": 0.0}
    replay.world.store.put(table, key, record)


def _add_policy(replay: Replay, entry: Entry, vault: dict[str, Any]) -> None:
    name = _name(entry.path)
    if f"{entry.host}/keys/{name}".lower() in replay.touched:
        return
    key = f"{vault['uid']}/{name.lower()}"
    if replay.world.store.get("keys", key) is None:
        _put(replay, vault, name, _version(replay, {"kty": "RSA"}, {}))
    record = replay.world.store.get("keys", key) or {}
    if entry.answer.get("id"):
        shown = {part: entry.answer[part] for part in ("lifetimeActions", "attributes")}
        replay.world.store.put("keys", key, {**record, "rotation": shown})
        replay.mapping.fix(shown)


def _lost(replay: Replay, entry: Entry, verb: str) -> Any:
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    key = answer.get("key") or {}
    if verb in _USES:
        plain = answer.get("value") if verb in _RETURNS else _plain_later(replay, verb)
        return {"alg": "RSA-OAEP", "value": plain}
    if not key or verb in ("backup", "recover", "rotate"):
        return None
    attributes = {name: value for name, value in answer["attributes"].items() if name in ("enabled", "nbf", "exp")}
    sent: dict[str, Any] = {"attributes": attributes}
    sent |= {"tags": answer["tags"]} if "tags" in answer else {}
    if entry.method == "PUT":
        return {**sent, "Hsm": key["kty"].endswith("-HSM"), "key": _private_jwk(key)}
    sent["key_ops"] = key["key_ops"]
    return sent if entry.method == "PATCH" else {**sent, "kty": key["kty"]}


def _private_jwk(key: dict[str, Any]) -> dict[str, Any]:
    made = _key_for(key["n"])
    assert isinstance(made, rsa.RSAPrivateKey)
    numbers = made.private_numbers()
    private = {name: _text(getattr(numbers, name)) for name in ("d", "p", "q")}
    return {"kty": key["kty"].partition("-")[0], "key_ops": key["key_ops"], **material.public_jwk(made), **private}


@lru_cache(maxsize=16)
def _key_for(recorded: str) -> material.PrivateKey:
    """The key that stands for a recorded one wherever that is imported."""
    return material.make_rsa(2048)


def _text(number: int) -> str:
    return material.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _plain_later(replay: Replay, verb: str) -> str:
    """What was encrypted: the answer to the decryption that follows."""
    for entry in replay.later:
        last = entry.path.rstrip("/").rpartition("/")[2].lower()
        if _RETURNS.get(last) == verb and isinstance(entry.answer, dict) and "value" in entry.answer:
            return str(entry.answer["value"])
    return material.encode(b"anything")


def _encrypted(replay: Replay, entry: Entry, algorithm: str) -> str:
    """The recorded plain text, encrypted by the key that stands for the recorded one."""
    vault = replay.world.store.get("vaults", entry.host.partition(".")[0]) or {}
    record = replay.world.store.get("keys", f"{vault['uid']}/{_name(entry.path).lower()}") or {}
    parts = [replay.mapping.translate(part).lower() for part in entry.path.split("/")]
    version = next((v for v in record["versions"] if v["version"] in parts), record["versions"][-1])
    key = material.loaded(version["private"])
    assert isinstance(key, rsa.RSAPrivateKey)
    chosen = hashes.SHA256() if algorithm.endswith("256") else hashes.SHA1()
    pads = padding.PKCS1v15() if algorithm == "RSA1_5" else padding.OAEP(padding.MGF1(chosen), chosen, None)
    plain = str(entry.answer["value"])
    content = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    return material.encode(key.public_key().encrypt(content, pads))
