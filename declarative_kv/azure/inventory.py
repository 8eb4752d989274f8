"""What there is, where nobody knows the names: the vaults of a subscription, and who some object ids are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from declarative_kv.azure.existence import by_ids
from declarative_kv.azure.session import RESOURCES, Session
from declarative_kv.model.document import Principal, Selector

_KINDS: Final[Mapping[str, tuple[Selector, str, str]]] = {
    "#microsoft.graph.user": (Selector.USER, "userPrincipalName", "User"),
    "#microsoft.graph.group": (Selector.GROUP, "displayName", "Group"),
    "#microsoft.graph.servicePrincipal": (Selector.SERVICE_PRINCIPAL, "displayName", "ServicePrincipal"),
}


async def vaults_of(azure: Session, subscription: str) -> Mapping[str, str]:
    """The ARM ids of a subscription's live vaults, by name in lower case; listed once a run."""

    async def listed() -> Mapping[str, str]:
        # The list of resources has long pages; the list of vaults brings one to three a page (recorded).
        where = "resourceType eq 'Microsoft.KeyVault/vaults'"
        path = f"/subscriptions/{subscription}/resources"
        pages = azure.arm_pages(path, version=RESOURCES, operation="Listing vaults", where=where)
        return {str(item["name"]).lower(): str(item["id"]) async for page in pages for item in page}

    return await azure.known(("vaults", subscription.lower()), listed)


async def described(azure: Session, object_ids: Iterable[str]) -> Mapping[str, Principal]:
    """Who these object ids are, as far as the directory knows them; each pinned, with an empty key.

    Raises `Forbidden` where the directory may not be read.
    """
    found: dict[str, Principal] = {}
    async for item in by_ids(azure, object_ids, "Looking up object ids"):
        if (principal := _principal(item)) is not None:
            found[str(principal.object_id)] = principal
    return found


def _principal(item: Mapping[str, Any]) -> Principal | None:
    """One directory object in our words; None for kinds that no entry can name."""
    selector, attribute, kind = _KINDS.get(str(item.get("@odata.type")), (None, "", ""))
    if selector is None:
        return None
    object_id, name = str(item["id"]).lower(), str(item.get(attribute) or "")
    if not name.strip():
        return Principal("", Selector.OBJECT_ID, object_id, object_id, kind)
    return Principal("", selector, name, object_id, kind)
