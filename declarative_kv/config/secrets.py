"""Secrets and the sources of their values."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from declarative_kv.config import schema
from declarative_kv.config.draft import Draft, Entry, entries, lifecycle, resource, tags
from declarative_kv.config.problem import choices
from declarative_kv.config.tree import Map
from declarative_kv.model.address import Address
from declarative_kv.model.refs import VaultRef
from declarative_kv.model.resource import Importing
from declarative_kv.model.source import (
    ALPHABETS,
    FORBIDDEN_PREFIXES,
    CommandSource,
    EnvSource,
    FileSource,
    GenerateSource,
    Kept,
    Source,
)
from declarative_kv.model.specs import SecretSpec

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FINGERPRINT_NAME = "dkv-fingerprint-key"
_KINDS = ("env", "file", "command", "generate", "kept")


def secrets(draft: Draft, vault: Address, model: schema.Vault) -> None:
    """Add the secrets of one vault."""
    importing = Importing.THIS if model.import_ == "all" else Importing.NO
    names: dict[str, tuple[str, int]] = {}
    at_vault = VaultRef(vault)
    for key, secret, node, mark in entries(draft, ("vaults", vault.path, "secrets"), model.secrets):
        address = Address("secret", f"{vault.path}/{key}")
        entry = Entry(address, ("vaults", vault.path, "secrets", key), node, mark)
        name = secret.name or key
        _check_name(draft, entry, name, names)
        if address == draft.shared_key or name.lower() == FINGERPRINT_NAME:
            detail = "The program keeps the key of its fingerprints in this secret, and makes it by itself."
            draft.report("reserved-name", detail, "Take the entry out.", mark, address)
        _check_dates(draft, entry, secret)
        _check_existing(draft, entry, secret)
        source = _source(draft, entry, secret)
        spec = SecretSpec(
            vault=at_vault,
            name=name,
            content_type=secret.content_type,
            enabled=secret.enabled,
            not_before=secret.not_before,
            expires=secret.expires,
            tags=tags(draft, entry, secret.tags),
            version=secret.version,
            source=source,
        )
        settings = lifecycle(draft, entry, secret, SecretSpec, importing=importing)
        draft.add(resource(draft, entry, spec, _needs(draft, vault, source), settings), mark)


def _needs(draft: Draft, vault: Address, source: Source | None) -> frozenset[Address]:
    """The vault, and that of the fingerprint key that all share, which has to be there before a value is written."""
    needed = frozenset((vault,))
    if draft.shared_key is not None and source is not None and not isinstance(source, Kept):
        needed |= {Address("vault", draft.shared_key.container)}
    return draft.shared(needed, needed)


def _check_name(draft: Draft, entry: Entry, name: str, names: dict[str, tuple[str, int]]) -> None:
    if _NAME.fullmatch(name) is None:
        detail = f"`{name}` is not a secret's name: 1 to 127 letters, digits and hyphens."
        draft.report("invalid-name", detail, "Write another key, or set `name`.", entry.place("name"), entry.address)
    first, mark = names.setdefault(name.lower(), (entry.path[-1], entry.mark))
    if mark != entry.mark:
        detail = f"`{first}` ({draft.sources.span(mark)}) has the same name in Azure; letter case does not count."
        draft.report("duplicate-name", detail, "Rename or remove one of the two.", entry.place("name"), entry.address)


def _check_dates(draft: Draft, entry: Entry, secret: schema.Secret) -> None:
    if secret.not_before and secret.expires and secret.expires <= secret.not_before:
        detail = "The secret expires before it becomes valid."
        draft.report(
            "dates-order", detail, "Write an `expires` after `not_before`.", entry.place("expires"), entry.address
        )


def _check_existing(draft: Draft, entry: Entry, secret: schema.Secret) -> None:
    if secret.existing and secret.value_from is not None:
        detail = "What is `existing` is checked and never written, so it has no source."
        draft.report("existing-source", detail, "Take `value_from` out.", entry.place("value_from"), entry.address)
    if secret.version is not None and not secret.existing:
        detail = "`version` is the version that an existing secret must have; a managed one gets its own."
        draft.report(
            "existing-only", detail, "Take it out, or write `existing: true`.", entry.place("version"), entry.address
        )


def _source(draft: Draft, entry: Entry, secret: schema.Secret) -> Source | None:
    """Where the value comes from; None where it is not ours to write, or where a problem was found."""
    if secret.existing:
        return None
    written = secret.value_from
    named = [] if written is None else [kind for kind in _KINDS if getattr(written, kind) is not None]
    if written is None or len(named) != 1:
        if not draft.is_touched(*entry.path):
            what = "no source" if not named else "several sources: " + ", ".join(f"`{kind}`" for kind in named)
            mark = entry.place("value_from")
            draft.report("value-source", f"The entry names {what}.", schema.SOURCE_HINT, mark, entry.address)
        return None
    if written.kept is not None:
        return Kept()
    node = entry.node["value_from"]
    if written.env is not None:
        return _env(draft, entry, written.env, node)
    if written.generate is not None:
        return _generate(draft, written.generate, node)
    home = draft.sources.of(node.value_mark(named[0]))
    if written.file is not None:
        return FileSource(os.path.normpath(os.path.join(_folder(home.path), written.file)), written.file)
    argv = tuple(written.command or ())
    if not argv or not argv[0]:
        detail = "A command is a list of a program and its arguments; no shell takes part."
        draft.report("value-source", detail, schema.SOURCE_HINT, node.value_mark("command"), entry.address)
        return None
    return CommandSource(argv, str(home.folder))


@lru_cache(maxsize=64)
def _folder(path: Path) -> str:
    return os.path.dirname(path)


def _env(draft: Draft, entry: Entry, name: str, node: Map) -> Source:
    mark = node.value_mark("env")
    if _VARIABLE.fullmatch(name) is None:
        detail = "The name of an environment variable has letters, digits and underscores, no digit first."
        draft.report("invalid-name", detail, "Write the variable's name, not its value.", mark, entry.address)
    elif name.upper().startswith(FORBIDDEN_PREFIXES):
        prefixes = ", ".join(f"{prefix}*" for prefix in FORBIDDEN_PREFIXES)
        detail = f"{name} may hold a credential; variables that start with {prefixes} are never a source."
        draft.report("forbidden-variable", detail, "Copy the value to a variable of another name.", mark, entry.address)
    source = EnvSource(name)
    return draft.shared(source, source)


def _generate(draft: Draft, model: schema.Generate, node: Map) -> Source:
    plain = GenerateSource()
    alphabet = model.alphabet or plain.alphabet
    if alphabet not in ALPHABETS:
        mark = node["generate"].value_mark("alphabet")
        draft.report(
            "not-one-of", f"`{alphabet}` is no alphabet.", choices(alphabet, ALPHABETS, what="alphabets"), mark
        )
    return GenerateSource(plain.length if model.length is None else model.length, alphabet)
