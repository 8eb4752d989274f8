"""What most kinds have in common, and the few steps that several of them share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from declarative_kv.azure.session import Session
from declarative_kv.kinds.diff import differences
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Conflict, Moved
from declarative_kv.model.kind import Plane
from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.specs import IDENTITY

AROUND = "assignments around"
"""The facts of a run (`Session.known`) about who is granted what at the places where something is to be made."""


class BaseKind:
    """The answers of a plain kind: on the control plane, never soft-deleted, granting and containing nothing."""

    name: ClassVar[str]
    immutable: ClassVar[frozenset[str]] = frozenset()
    replaceable: ClassVar[bool] = False
    soft_deletes: ClassVar[bool] = False
    plane: ClassVar[Plane] = Plane.CONTROL
    holds_value: ClassVar[bool] = False

    def diff(self, desired: Any, live: Any) -> tuple[AttrDiff, ...]:
        """Attributes that `desired` writes and `live` has otherwise."""
        return differences(desired, live)

    def inside(self, container: str) -> Scope | None:
        """Nothing that is to be listed in a vault."""
        return None

    def grantee(self, spec: Any) -> str | None:
        """The object id that this gives access to."""
        return None

    def equivalent(self, desired: Any, live: Any) -> bool:
        """Whether the identity fields of both are equal, letter case aside."""
        names = [field.name for field in fields(desired) if frozenset(IDENTITY) & frozenset(field.metadata)]
        return all(same(getattr(desired, name), getattr(live, name)) for name in names)

    async def contents(self, azure: Session, live: Observed) -> tuple[str, ...]:
        """The ARM ids that deleting it would take along."""
        return ()

    async def examine(self, azure: Session, live: Observed) -> Observed:
        """The same object: its list shows everything."""
        return live

    async def versions(self, azure: Session, live: Observed) -> Iterable[Observed]:
        """Nothing but the object itself, which has no earlier versions."""
        return ()

    async def recover(self, azure: Session, live: Observed) -> Observed:
        """Only kinds that soft-delete can; asking another is a mistake of the caller's."""
        raise TypeError(f"a {self.name} is never soft-deleted")


def same(one: object, other: object) -> bool:
    """Whether two parts of ids are equal; Azure does not look at letter case."""
    return str(one or "").lower() == str(other or "").lower()


def place(location: str | None) -> str | None:
    """A region in the form that regions are compared in: `West Europe` is `westeurope`."""
    return location.replace(" ", "").lower() if location else None


def merged_tags(desired: Mapping[str, str] | None, live: Mapping[str, str] | None) -> dict[str, str]:
    """The tags to send: Azure replaces the whole set, we manage only the keys that are written."""
    return {**(live or {}), **(desired or {})}


def encoded(body: Mapping[str, Any]) -> Any:
    """A body for a typed call as the bytes to send, so that no client's own field names come between.

    `Any`, since the clients take bytes but declare only streams, which a retry could not send again.
    """
    return json.dumps(body).encode()


def raw(response: Any, *_: object) -> Any:
    """For the `cls` of a typed call: the JSON that Azure sent, in the shape that a raw read has too."""
    return json.loads(response.http_response.text() or "null")


def check_unmoved(live: Observed, now: Observed | None, operation: str) -> None:
    """Raise `Moved` where what is there `now` has other settings than `live`, or another age, or is gone."""
    if now is not None and alike(live, now):
        return
    detail = f"{operation}: {live.remote_id} was changed by somebody else after it was read, so it was not written."
    summary = "Somebody else changed the object"
    raise Moved(now, Diagnostic("moved-meanwhile", summary, detail, "Plan again."), operation=operation)


def alike(one: Observed, other: Observed) -> bool:
    """Whether both show the same settings, made and changed in the same seconds where Azure tells."""
    stamps = all(one.facts.get(name) == other.facts.get(name) for name in ("created", "updated"))
    return stamps and not differences(one.spec, other.spec) and not differences(other.spec, one.spec)


def appeared(kind: str, remote_id: str) -> Conflict:
    """The error for an object that was not there when the plan was made, and is another than the wanted one."""
    detail = f"{remote_id} was created by somebody else after it was read, and differs from what is declared."
    hint = "Plan again; `import: true` on the entry takes the object over."
    return Conflict(
        Diagnostic("conflict", "The object's state in Azure forbids the operation", detail, hint),
        operation=f"Creating the {kind}",
        status=409,
    )
