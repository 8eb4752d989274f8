"""The protocol of a resource kind: what one file under `kinds` must offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.resource import Observed, Scope


class Plane(StrEnum):
    """Which of Key Vault's two APIs a kind lives on."""

    CONTROL = "control"
    DATA = "data"


class ResourceKind(Protocol):
    """One kind. The first half is pure; the second talks to Azure, is idempotent and raises `AzureError` only.

    `azure` is `declarative_kv.azure.session.Session`; the engine passes it through without looking.
    """

    name: ClassVar[str]
    spec_type: ClassVar[type]
    immutable: ClassVar[frozenset[str]]
    replaceable: ClassVar[bool]
    soft_deletes: ClassVar[bool]
    plane: ClassVar[Plane]
    holds_value: ClassVar[bool]

    def remote_id(self, spec: Any) -> str:
        """The ARM id, known before creation."""
        ...

    def made(self, spec: Any) -> Observed:
        """What Azure would show right after this was created: unwritten settings have Azure's defaults."""
        ...

    def scope(self, spec: Any) -> Scope:
        """The batched read that covers it; its `wanted` holds the remote id."""
        ...

    def inside(self, container: str) -> Scope | None:
        """The read that shows everything of this kind in a vault (its ARM id); None where the vault's own read does."""
        ...

    def diff(self, desired: Any, live: Any) -> tuple[AttrDiff, ...]:
        """What an update would change: attributes that `desired` writes and `live` has otherwise; `()` when equal."""
        ...

    def grantee(self, spec: Any) -> str | None:
        """The object id that this resource gives access to; None for what grants nothing."""
        ...

    def equivalent(self, desired: Any, live: Any) -> bool:
        """Whether both name the same object by its identity fields, even under another remote id."""
        ...

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        """The ARM ids that deleting it would take along; `()` for what contains nothing."""
        ...

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        """Everything in the scope, soft-deleted objects that are wanted too; a missing container is an empty answer."""
        ...

    async def examine(self, azure: Any, live: Observed) -> Observed:
        """The same object with the facts that a list does not show (a secret's version); one request."""
        ...

    async def versions(self, azure: Any, live: Observed) -> Iterable[Observed]:
        """Every version of it that Azure keeps, without values, in no order; `()` for what has none."""
        ...

    async def create(self, azure: Any, desired: Any) -> Observed:
        """Create it; where an equal one exists already, return that."""
        ...

    async def update(self, azure: Any, desired: Any, live: Observed) -> Observed:
        """Make `live` match `desired`, attributes that are None left alone.

        Raises `Moved`, and writes nothing, where a look right before the write shows another object than `live`.
        """
        ...

    async def delete(self, azure: Any, live: Observed) -> Observed | None:
        """Delete it (soft where Azure does) and return what was deleted, where Azure says; absent is no error.

        Raises `Moved`, and deletes nothing, where a look right before it shows another object than `live`.
        """
        ...

    async def recover(self, azure: Any, live: Observed) -> Observed:
        """Undo a soft delete and return what came back."""
        ...


Kinds = Mapping[str, ResourceKind]
