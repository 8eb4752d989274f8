"""The files of a configuration that was pulled: a root file, and one for each vault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from declarative_kv.config.emit import Block, Remarked, emit

ROOT: Final = "dkv.yaml"
FOLDER: Final = "vaults"
_GONE: Final = "no longer in the directory"
_HEADING: Final = "Written by `dkv pull` from what Azure holds. Values of secrets stay where they are."
_COLLECTIONS: Final = ("access_policies", "role_assignments")

Entries = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What the root file says besides entries: `subscriptions` by key, of which `subscription` is the default."""

    cloud: Any
    tenant: str
    subscription: str
    subscriptions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VaultPart:
    """One vault's entry and the grants beside it."""

    key: str
    entry: Entries
    access_policies: Entries
    role_assignments: Entries


def one_file(
    head: Head, principals: Entries, gone: Collection[str], groups: Entries, vaults: Iterable[VaultPart]
) -> str:
    """Everything in one text."""
    tree = _root(head, principals, gone, groups)
    for part in vaults:
        for name, entries in _collections(part).items():
            tree[name] = Block({**tree.get(name, {}), **entries})
    return emit(tree, _HEADING)


def several_files(
    head: Head, principals: Entries, gone: Collection[str], groups: Entries, vaults: Iterable[VaultPart]
) -> dict[str, str]:
    """The texts by the files' names, the root file first."""
    tree = _root(head, principals, gone, groups)
    tree = Block({"version": tree.pop("version"), "include": [f"{FOLDER}/*.yaml"], **tree})
    files = {ROOT: emit(tree, _HEADING)}
    for part in vaults:
        files[f"{FOLDER}/{part.key}.yaml"] = emit(Block(_collections(part)))
    return files


def _root(head: Head, principals: Entries, gone: Collection[str], groups: Entries) -> Block:
    tree = Block({"version": 1})
    if head.cloud != "public":
        tree["cloud"] = head.cloud
    tree["tenant"] = head.tenant
    if head.subscriptions:
        tree["subscriptions"] = Block(head.subscriptions)
    tree["subscription"] = head.subscription
    if principals:
        entries = sorted(principals.items())
        tree["principals"] = Block({key: Remarked(one, _GONE) if key in gone else one for key, one in entries})
    tree["resource_groups"] = Block(sorted(groups.items()))
    return tree


def _collections(part: VaultPart) -> dict[str, Block]:
    below = ("access_policies", "roles", "secrets")
    entry = Block({name: Block(value) if name in below else value for name, value in part.entry.items()})
    found = {"vaults": Block({part.key: entry})}
    for name in _COLLECTIONS:
        if entries := getattr(part, name):
            found[name] = Block(sorted(entries.items()))
    return found
