"""Names to ids: principals from Microsoft Graph, subscriptions, vaults and roles from Resource Manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from declarative_kv.azure import ids
from declarative_kv.azure.inventory import vaults_of
from declarative_kv.azure.session import AUTHORIZATION, SUBSCRIPTIONS, Session
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.errors import Forbidden, NotFound, PlanError
from declarative_kv.model.identity import Identity
from declarative_kv.model.roles import GUID, Role, builtin_role

MANAGED_IDENTITIES: Final = "2023-01-31"
_WHERE: Final[Mapping[Selector, tuple[str, str]]] = {
    Selector.APP_ID: ("servicePrincipals", "appId"),
    Selector.GROUP: ("groups", "displayName"),
    Selector.USER: ("users", "userPrincipalName"),
    Selector.SERVICE_PRINCIPAL: ("servicePrincipals", "displayName"),
}
_WORDS: Final[Mapping[Selector, str]] = {
    Selector.APP_ID: "application",
    Selector.GROUP: "group",
    Selector.USER: "user",
    Selector.SERVICE_PRINCIPAL: "service principal",
    Selector.MANAGED_IDENTITY: "managed identity",
}
_TYPES: Final[Mapping[str, str]] = {
    "users": "User",
    "groups": "Group",
    "servicePrincipals": "ServicePrincipal",
    "#microsoft.graph.user": "User",
    "#microsoft.graph.group": "Group",
    "#microsoft.graph.servicePrincipal": "ServicePrincipal",
}
_CANDIDATES: Final = 10
_PIN: Final = "Give the principal's `object_id` in the YAML."


class AzureDirectory:
    """What the engine asks about names. Nothing is asked twice in a run, and Graph only about names."""

    def __init__(self, azure: Session) -> None:
        self._azure = azure

    async def identity(self) -> Identity:
        """The running identity, from its own token."""
        return await self._azure.identity()

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """Object id, type and display name; raises `PlanError` unless exactly one principal has the name.

        A pinned one is used as it is; its name is checked where the directory may be read.
        """
        if principal.selector is Selector.CURRENT:
            me = await self.identity()
            return me.object_id, "User" if me.user else "ServicePrincipal", me.name
        if principal.selector is Selector.OBJECT_ID:
            return (principal.object_id or principal.name).lower(), principal.type, principal.name
        if principal.object_id is not None:
            return await self._pinned(principal, principal.object_id)
        if principal.selector is Selector.MANAGED_IDENTITY:
            return await self._managed(principal), "ServicePrincipal", ids.guid_of(principal.name)
        return await self._named(principal)

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """Id, name and tenant of every subscription that the identity sees."""
        pages = self._azure.arm_pages("/subscriptions", version=SUBSCRIPTIONS, operation="Listing subscriptions")
        found = [item async for page in pages for item in page]
        return [(str(s["subscriptionId"]), str(s.get("displayName", "")), str(s.get("tenantId", ""))) for s in found]

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """The ARM id of the live vault with that name in the subscription, or None."""
        return (await vaults_of(self._azure, subscription)).get(name.lower())

    async def role(self, scope: str, name: str) -> str:
        """The GUID of the role with that name or GUID; raises `PlanError` unless exactly one can be assigned there."""
        known = builtin_role(name)
        if known is not None or GUID.fullmatch(name):
            return known.guid if known else name.lower()
        found = [role for role in await self._roles(scope, name) if role.name.lower() == name.lower()]
        guids = sorted({role.guid for role in found})
        if len(guids) == 1:
            return guids[0]
        detail = f"No role named {name!r} can be assigned at {scope}." if not guids else _several("role", name, guids)
        code, summary = ("unknown-role", "No such role") if not guids else ("ambiguous-role", "Several roles match")
        hint = "Write the role's name as `az role definition list` shows it, or its GUID."
        raise PlanError(Diagnostic(code, summary, detail, hint))

    async def role_definition(self, guid: str) -> Role:
        """What the role with that GUID permits; raises `NotFound`."""
        known = builtin_role(guid)
        if known is not None:
            return known
        path, operation = f"{ids.definition_id('/', guid)}", f"Reading the role {guid}"
        return _role(await self._azure.arm("GET", path, version=AUTHORIZATION, operation=operation))

    async def _roles(self, scope: str, name: str) -> list[Role]:
        path = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleDefinitions"
        where, operation = f"roleName eq '{_quoted(name)}'", f"Looking for the role {name}"
        pages = self._azure.arm_pages(path, version=AUTHORIZATION, operation=operation, where=where)
        return [_role(item) async for page in pages for item in page]

    async def _named(self, principal: Principal) -> tuple[str, str | None, str]:
        collection, attribute = _WHERE[principal.selector]
        if principal.selector is Selector.USER and "@" not in principal.name:
            attribute = "displayName"
        found = await self._search(collection, f"{attribute} eq '{_quoted(principal.name)}'", principal)
        if len(found) == 1:
            return str(found[0]["id"]).lower(), _TYPES[collection], str(found[0].get("displayName") or principal.name)
        if found:
            raise _ambiguous(principal, found)
        raise _unknown(principal, await self._candidates(collection, principal))

    async def _candidates(self, collection: str, principal: Principal) -> list[Mapping[str, Any]]:
        """Principals with names that begin alike, to tell the reader of the error."""
        if principal.selector is Selector.APP_ID:
            return []
        begin = principal.name.split("@")[0].split(" ")[0][:8]
        return await self._search(collection, f"startswith(displayName,'{_quoted(begin)}')", principal)

    async def _search(self, collection: str, query: str, principal: Principal) -> list[Mapping[str, Any]]:
        path = f"/{collection}?$filter={quote(query)}&$top={_CANDIDATES}"
        answer = await self._azure.graph(path, operation=f"Looking for the {_words(principal)}")
        return list(answer.get("value") or ())

    async def _pinned(self, principal: Principal, object_id: str) -> tuple[str, str | None, str]:
        object_id = object_id.lower()
        if principal.selector is Selector.MANAGED_IDENTITY:
            return await self._pinned_managed(principal, object_id)
        guess = principal.type or _TYPES[_WHERE[principal.selector][0]]
        operation = f"Checking the {_words(principal)}"
        try:
            found = await self._azure.graph(f"/directoryObjects/{object_id}", operation=operation)
        except Forbidden:
            return object_id, guess, principal.name
        except NotFound:
            raise _mismatch(principal, object_id, "nothing in the directory") from None
        names = [str(found[key]) for key in ("displayName", "userPrincipalName", "appId", "mail") if found.get(key)]
        if principal.name.lower() not in [name.lower() for name in names]:
            raise _mismatch(principal, object_id, " / ".join(names) or "something without a name")
        return object_id, _TYPES.get(str(found.get("@odata.type")), guess), names[0]

    async def _pinned_managed(self, principal: Principal, object_id: str) -> tuple[str, str | None, str]:
        try:
            actual = await self._managed(principal)
        except Forbidden:
            actual = object_id
        if actual != object_id:
            raise _mismatch(principal, object_id, f"another identity: this one's is {actual}")
        return object_id, "ServicePrincipal", ids.guid_of(principal.name)

    async def _managed(self, principal: Principal) -> str:
        operation = f"Reading the {_words(principal)}"
        try:
            found = await self._azure.arm("GET", principal.name, version=MANAGED_IDENTITIES, operation=operation)
        except NotFound:
            raise _unknown(principal, []) from None
        return str(found["properties"]["principalId"]).lower()


def _role(item: Mapping[str, Any]) -> Role:
    properties = item["properties"]
    lists: dict[str, list[str]] = {"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}
    for permission in properties.get("permissions") or ():
        for name, listed in lists.items():
            listed += permission.get(name) or ()
    return Role(
        guid=str(item["name"]).lower(),
        name=str(properties["roleName"]),
        actions=tuple(lists["actions"]),
        not_actions=tuple(lists["notActions"]),
        data_actions=tuple(lists["dataActions"]),
        not_data_actions=tuple(lists["notDataActions"]),
    )


def _words(principal: Principal) -> str:
    return f"{_WORDS[principal.selector]} {principal.name}"


def _quoted(text: str) -> str:
    """Text as OData wants it between quotes."""
    return text.replace("'", "''")


def _listed(found: Sequence[Mapping[str, Any]]) -> str:
    lines = (f"    {one['id']}  {one.get('userPrincipalName') or one.get('displayName')}" for one in found)
    return "\n".join(sorted(lines))


def _several(what: str, name: str, candidates: Sequence[str]) -> str:
    return f"Several {what}s are named {name!r}:\n" + "\n".join(f"    {one}" for one in candidates)


def _unknown(principal: Principal, candidates: Sequence[Mapping[str, Any]]) -> PlanError:
    detail = f"principals.{principal.key}: the directory has no {_WORDS[principal.selector]} {principal.name!r}."
    if candidates:
        detail += f" Names that begin alike:\n{_listed(candidates)}"
    return _error("unknown-principal", "No such principal", detail, f"Correct the name. {_PIN}", principal.span)


def _ambiguous(principal: Principal, found: Sequence[Mapping[str, Any]]) -> PlanError:
    what = _WORDS[principal.selector]
    detail = f"principals.{principal.key}: several {what}s are named {principal.name!r}:\n{_listed(found)}"
    return _error("ambiguous-principal", "Several principals match", detail, _PIN, principal.span)


def _mismatch(principal: Principal, object_id: str, actual: str) -> PlanError:
    detail = f"principals.{principal.key}: {object_id} is pinned as {principal.name!r}, and the directory has {actual}."
    hint = "Correct the name or the `object_id`, whichever is wrong."
    return _error("principal-mismatch", "A pinned principal is somebody else", detail, hint, principal.span)


def _error(code: str, summary: str, detail: str, hint: str, span: Span | None) -> PlanError:
    return PlanError(Diagnostic(code, summary, detail, hint, span=span))
