"""What may reach a vault at all: its network rules, and with `--throttle azure` the transactions of ten seconds."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from declarative_kv.emulator.dataplane.operations import Operation
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.throttle import cost_of
from declarative_kv.emulator.world import World


def refuse_address(world: World, vault: Mapping[str, Any], caller: str, place: str) -> None:
    """Raise 403 where the vault's network rules leave out the emulated client's address (texts quoted in issues).

    Where public access is disabled, rules do not matter. `bypass` lets in Azure's own services and no client of
    ours, and none of ours sits in a virtual network. `caller` and `place` are how the texts name them.
    """
    if str(vault["properties"].get("publicNetworkAccess") or "").lower() == "disabled":
        text = (
            "Public network access is disabled and request is not from a trusted service nor via an approved private "
            f"link.\r\nCaller: {caller}\r\nVault: {place}"
        )
        raise AzureFault(403, "Forbidden", text, inner="ForbiddenByConnection")
    if not _is_let_in(vault["properties"].get("networkAcls"), world.settings.public_ip):
        text = (
            "Client address is not authorized and caller is not a trusted service.\r\n"
            f"Client address: {world.settings.public_ip}\r\nCaller: {caller}\r\nVault: {place}"
        )
        raise AzureFault(403, "Forbidden", text, inner="ForbiddenByFirewall")


def _is_let_in(rules: Mapping[str, Any] | None, address: str) -> bool:
    if rules is None or str(rules["defaultAction"]).lower() == "allow":
        return True
    try:
        client = IPv4Address(address)
    except AddressValueError:
        return False  # rules are for IPv4 alone (Key Vault's network-security)
    return any(client in IPv4Network(str(rule["value"]), strict=False) for rule in rules["ipRules"])


def refuse_surplus(
    world: World, request: Request, vault: Mapping[str, Any], operation: Operation, segments: tuple[str, ...]
) -> None:
    """With `throttle` set, count the transaction, or raise 429 without Retry-After (quoted).

    The reason is that of a vault also where its subscription is at its limit; which one Azure names is unverified.
    """
    if not world.settings.throttle:
        return
    cost = cost_of(operation.action, _key(world, request, vault, operation, segments))
    if not world.limits.admit(vault, cost, world.clock.now()):
        text = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
        raise AzureFault(429, "Throttled", text)


def _key(
    world: World, request: Request, vault: Mapping[str, Any], operation: Operation, segments: tuple[str, ...]
) -> tuple[bool, int] | None:
    """Of an operation on a key whether it lives in hardware, and its size; None of any other operation."""
    if operation.action.lower() == "keys/create/action":
        return _asked(request), 2048
    if segments[0].lower() not in ("keys", "deletedkeys") or not operation.named:
        return None
    record = world.store.get(
        segments[0].lower().replace("deleted", "deleted_"), f"{vault['uid']}/{segments[1].lower()}"
    )
    if record is None:
        return None
    last = record["versions"][-1]
    modulus = last["jwk"].get("n")
    size = 2048 if modulus is None else 8 * len(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4)))
    return str(last["kty"]).endswith("-HSM"), size


def _asked(request: Request) -> bool:
    """Whether a new key is to live in hardware."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and str(body.get("kty")).endswith("-HSM")
