"""What a vault's data plane can be asked to do: method and path, the right it needs, the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from declarative_kv.emulator.dataplane import backup, deleted, key_operations, keys, lists, rotation, secrets
from declarative_kv.emulator.dataplane.call import VERBS, VaultCall
from declarative_kv.emulator.dataplane.key_shape import KEYS
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.secrets import SECRETS
from declarative_kv.emulator.http import Response


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route does, and the right it needs: `permission` in a policy's words, `action` in a role's.

    `named` is false where the right is asked for the whole vault, as lists and restores do.
    """

    permission: str
    action: str
    run: Callable[[VaultCall], Response]
    named: bool = True


def operation_at(method: str, segments: tuple[str, ...]) -> Operation | None:
    """The operation of a method on a decoded path without empty segments, or None if there is none."""
    if not segments:
        return None
    collection, rest = segments[0].lower(), [part.lower() for part in segments[1:]]
    if method == "POST" and rest == ["restore"]:
        return _ROUTES.get((method, f"{collection}/restore"))
    shape = ["*" if place == 0 or part not in VERBS else part for place, part in enumerate(rest)]
    return _ROUTES.get((method, "/".join((collection, *shape))))


def _shared(kind: Kind, lists_by: str, looks_by: str) -> Iterator[tuple[tuple[str, str], Operation]]:
    """What secrets and keys have in common; the two names are the actions for lists and for deleted objects."""
    name = kind.collection
    rows: tuple[tuple[str, str, str, str, Callable[[Kind, VaultCall], Response], bool], ...] = (
        ("GET", name, "list", lists_by, lists.list_current, False),
        ("GET", f"{name}/*/versions", "list", lists_by, lists.list_versions, True),
        ("DELETE", f"{name}/*", "delete", "delete", deleted.delete, True),
        ("POST", f"{name}/*/backup", "backup", "backup/action", backup.back_up, True),
        ("POST", f"{name}/restore", "restore", "restore/action", backup.restore, False),
        ("GET", f"deleted{name}", "list", lists_by, lists.list_deleted, False),
        ("GET", f"deleted{name}/*", "get", looks_by, deleted.get_deleted, True),
        ("DELETE", f"deleted{name}/*", "purge", "purge/action", deleted.purge, True),
        ("POST", f"deleted{name}/*/recover", "recover", "recover/action", deleted.recover, True),
    )
    for method, shape, permission, action, run, named in rows:
        yield (
            (method, shape),
            Operation(f"{name}/{permission}", f"{name}/{action}", partial(run, kind), named),
        )


def _secrets() -> Iterator[tuple[tuple[str, str], Operation]]:
    read = Operation("secrets/get", "secrets/getSecret/action", secrets.get_secret)
    change = Operation("secrets/set", "secrets/update/action", secrets.change_secret)
    yield ("PUT", "secrets/*"), Operation("secrets/set", "secrets/setSecret/action", secrets.set_secret)
    yield ("GET", "secrets/*"), read
    yield ("GET", "secrets/*/*"), read
    yield ("PATCH", "secrets/*"), change
    yield ("PATCH", "secrets/*/*"), change


def _keys() -> Iterator[tuple[tuple[str, str], Operation]]:
    read = Operation("keys/get", "keys/read", keys.get_key)
    change = Operation("keys/update", "keys/update/action", keys.change_key)
    yield ("POST", "keys/*/create"), Operation("keys/create", "keys/create/action", keys.create_key)
    yield ("PUT", "keys/*"), Operation("keys/import", "keys/import/action", keys.import_key)
    yield ("GET", "keys/*"), read
    yield ("GET", "keys/*/*"), read
    yield ("PATCH", "keys/*"), change
    yield ("PATCH", "keys/*/*"), change
    yield ("POST", "keys/*/rotate"), Operation("keys/rotate", "keys/rotate/action", keys.rotate_key)
    yield (
        ("GET", "keys/*/rotationpolicy"),
        Operation("keys/getrotationpolicy", "keyrotationpolicies/read", rotation.get_policy),
    )
    yield (
        ("PUT", "keys/*/rotationpolicy"),
        Operation("keys/setrotationpolicy", "keyrotationpolicies/write", rotation.set_policy),
    )
    for verb, permission, action, run in key_operations.OPERATIONS:
        operation = Operation(f"keys/{permission}", f"keys/{action}/action", run)
        yield ("POST", f"keys/*/{verb}"), operation
        yield ("POST", f"keys/*/*/{verb}"), operation


_ROUTES: Final[Mapping[tuple[str, str], Operation]] = MappingProxyType(
    dict(
        (
            *_shared(SECRETS, "readMetadata/action", "readMetadata/action"),
            *_secrets(),
            *_shared(KEYS, "read", "read"),
            *_keys(),
        )
    )
)
