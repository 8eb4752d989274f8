"""What two documents have in common and nothing else hangs on: most secrets of most changes. Pure."""

from __future__ import annotations

import os
from dataclasses import replace

from declarative_kv.model.address import Address
from declarative_kv.model.document import Document
from declarative_kv.model.resource import Resource
from declarative_kv.model.source import CommandSource, FileSource, Source


def without_equal(one: Document, other: Document) -> tuple[Document, Document, int]:
    """Both without the secrets that are the same in both, and how many of these an apply would have in its state.

    Those stay that something else names or may name: a grant, an invariant, a move of their vault.
    """
    if one.invariants or other.invariants or other.moved or _place(one) != _place(other):
        return one, other, 0
    needed = {need for each in (one, other) for resource in each.resources.values() for need in resource.depends_on}
    ours, theirs = one.resources, other.resources
    vaults = {at for at in ours if at.kind == "vault" and at in theirs and _same(ours[at], theirs[at])}
    equal = {
        at
        for at, resource in theirs.items()
        if at.kind == "secret" and at in ours and at not in needed and Address("vault", at.container) in vaults
        if _same(ours[at], resource) and _from(ours[at], one) == _from(resource, other)
    }
    held = sum(1 for at in equal if not theirs[at].lifecycle.existing)
    return _without(one, equal), _without(other, equal), held


def origin(source: Source, document: Document) -> tuple[object, ...]:
    """Where a value comes from, whatever folder the document lies in."""
    folder = os.path.dirname(document.root).rstrip("/")
    match source:
        case FileSource():
            return "file", source.path.removeprefix(folder)
        case CommandSource():
            return "command", source.argv, source.folder.removeprefix(folder)
    return (source,)


def _from(resource: Resource, document: Document) -> tuple[object, ...]:
    source = resource.spec.source
    return () if source is None else origin(source, document)


def _place(document: Document) -> tuple[object, ...]:
    """What decides beside the entries which objects they are."""
    return document.subscription.value, document.tenant.value, dict(document.subscriptions)


def _same(one: Resource, other: Resource) -> bool:
    return one.spec == other.spec and one.lifecycle == other.lifecycle and one.depends_on == other.depends_on


def _without(document: Document, left_out: set[Address]) -> Document:
    kept = {at: resource for at, resource in document.resources.items() if at not in left_out}
    return replace(document, resources=kept)
