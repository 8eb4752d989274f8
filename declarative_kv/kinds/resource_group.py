"""Resource groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from declarative_kv.azure import ids
from declarative_kv.azure.errors import translated
from declarative_kv.azure.session import RESOURCES, Session
from declarative_kv.kinds.base import AROUND, BaseKind, appeared, encoded, merged_tags, place, raw
from declarative_kv.model.errors import NotFound
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.specs import ResourceGroupSpec


class ResourceGroupKind(BaseKind):
    """A group of resources; one read a group, since a plan names few of the many that a subscription may have."""

    name: ClassVar[str] = "resource_group"
    spec_type: ClassVar[type] = ResourceGroupSpec
    immutable: ClassVar[frozenset[str]] = frozenset({"location"})

    def remote_id(self, spec: ResourceGroupSpec) -> str:
        """The group's ARM id."""
        return ids.group_id(str(spec.subscription), spec.name)

    def scope(self, spec: ResourceGroupSpec) -> Scope:
        """The group itself."""
        remote_id = self.remote_id(spec)
        return Scope(self.name, remote_id, frozenset({remote_id}))

    def made(self, spec: ResourceGroupSpec) -> Observed:
        """The group, without tags where none are written."""
        return observed_group(
            {"id": self.remote_id(spec), "name": spec.name, "location": spec.location, "tags": dict(spec.tags or {})}
        )

    async def read(self, azure: Session, scope: Scope) -> Iterable[Observed]:
        """The group, or nothing where it does not exist."""
        operation = f"Reading the resource group {ids.parse_group(scope.at)[1]}"
        try:
            return (observed_group(await azure.arm("GET", scope.at, version=RESOURCES, operation=operation)),)
        except NotFound:
            return ()

    async def contents(self, azure: Session, live: Observed) -> tuple[str, ...]:
        """The ids of all resources in the group."""
        operation = f"Listing what is in the resource group {live.label}"
        pages = azure.arm_pages(f"{live.remote_id}/resources", version=RESOURCES, operation=operation)
        return tuple([str(item["id"]) async for page in pages for item in page])

    async def create(self, azure: Session, desired: ResourceGroupSpec) -> Observed:
        """Create the group; one that has appeared meanwhile is returned if it is as wanted, and never overwritten."""
        for found in await self.read(azure, self.scope(desired)):
            if self.diff(desired, found.spec):
                raise appeared("resource group", found.remote_id)
            return found
        return await self._put(azure, desired, {"location": desired.location, "tags": dict(desired.tags or {})})

    async def update(self, azure: Session, desired: ResourceGroupSpec, live: Observed) -> Observed:
        """Change the tags, the one thing of a group that can change."""
        body = {"tags": merged_tags(desired.tags, live.spec.tags)}
        subscription, name = ids.parse_group(live.remote_id)
        with translated(f"Changing the resource group {name}"):
            groups = azure.resources(subscription).resource_groups
            answer: Any = await groups.update(name, encoded(body), cls=raw)
        return observed_group(answer)

    async def delete(self, azure: Session, live: Observed) -> Observed | None:
        """Delete the group with everything in it, and wait until it is gone."""
        subscription, name = ids.parse_group(live.remote_id)
        try:
            with translated(f"Deleting the resource group {name}"):
                groups = azure.resources(subscription).resource_groups
                poller = await groups.begin_delete(name, polling_interval=azure.poll_seconds)
                await poller.result()
        except NotFound:
            return None
        finally:
            azure.forget("deleted vaults", subscription.lower())
            azure.forget(AROUND)
        return None

    async def _put(self, azure: Session, desired: ResourceGroupSpec, body: Mapping[str, Any]) -> Observed:
        with translated(f"Creating the resource group {desired.name}"):
            groups = azure.resources(str(desired.subscription)).resource_groups
            answer: Any = await groups.create_or_update(desired.name, encoded(body), cls=raw)
        azure.forget(AROUND)
        return observed_group(answer)


def observed_group(group: Mapping[str, Any]) -> Observed:
    """Azure's group in our words."""
    subscription, _ = ids.parse_group(group["id"])
    name = str(group["name"])
    spec = ResourceGroupSpec(
        subscription=subscription, name=name, location=place(group.get("location")), tags=group.get("tags") or {}
    )
    return Observed("resource_group", str(group["id"]), spec, label=name)
