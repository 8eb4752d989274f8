"""Principals: names for who, and whether two names are one."""

from __future__ import annotations

from collections.abc import Mapping

from declarative_kv.config import schema
from declarative_kv.config.draft import Draft, entries
from declarative_kv.config.problem import choices
from declarative_kv.model.document import Principal, Selector

_TYPES = {"user": "User", "group": "Group", "service_principal": "ServicePrincipal"}
_FOUND = {
    Selector.APP_ID: "ServicePrincipal",
    Selector.GROUP: "Group",
    Selector.USER: "User",
    Selector.SERVICE_PRINCIPAL: "ServicePrincipal",
    Selector.MANAGED_IDENTITY: "ServicePrincipal",
}
_HINT = "Write one of `current: true`, `app_id`, `group`, `user`, `service_principal`, `managed_identity`, `object_id`."


def principals(draft: Draft) -> Mapping[str, Principal]:
    """All principals of the document by key."""
    found: dict[str, Principal] = {}
    for key, model, node, mark in entries(draft, ("principals",), draft.settings.principals):
        selector = _selector(model)
        if selector is None:
            if not draft.is_touched("principals", key):
                draft.report("principal-selector", f"`{key}` has none of them, or several.", _HINT, mark)
            continue
        known = _FOUND.get(selector)
        written = _TYPES.get(model.type or "")
        if known and written and known != written:
            detail = f"`{selector}` finds a {known}, and `type` says {written}."
            draft.report("principal-type", detail, "Take `type` out.", node.value_mark("type"))
        name = "" if selector is Selector.CURRENT else getattr(model, selector.value)
        if selector is Selector.MANAGED_IDENTITY and not _is_identity(name):
            hint = "Write its resource id: /subscriptions/…/userAssignedIdentities/NAME."
            draft.report(
                "invalid-id", f"`{name}` is not a managed identity's id.", hint, node.value_mark("managed_identity")
            )
        span = draft.sources.span(mark)
        found[key] = Principal(key, selector, name, model.object_id, known or written, span)
    return found


def _selector(model: schema.Principal) -> Selector | None:
    """The one selector; an object id pins every other one but `current`."""
    written = [each for each in Selector if each is not Selector.CURRENT and getattr(model, each.value) is not None]
    if model.current:
        return None if written else Selector.CURRENT
    names = [each for each in written if each is not Selector.OBJECT_ID]
    if len(names) == 1:
        return names[0]
    return Selector.OBJECT_ID if written == [Selector.OBJECT_ID] else None


def _is_identity(text: str) -> bool:
    parts = text.lower().split("/")
    return text.startswith("/subscriptions/") and len(parts) > 3 and parts[-2] == "userassignedidentities"


def check_principal(draft: Draft, key: str, mark: int) -> bool:
    """Whether a principal is declared; if not, that is a problem."""
    declared = draft.settings.principals or {}
    if key in declared:
        return True
    if not draft.is_broken("principals"):
        hint = choices(key, declared, what="principals")
        draft.report("unknown-reference", f"`{key}` is not under `principals`.", hint, mark)
    return False


def identity(draft: Draft, key: str) -> tuple[str, ...]:
    """What two names of the same principal have in common, as far as it shows offline."""
    model = (draft.settings.principals or {})[key]
    if model.object_id is not None:
        return ("object_id", model.object_id)
    selector = _selector(model)
    if selector is None:
        return ("key", key)
    return (selector.value, "" if selector is Selector.CURRENT else getattr(model, selector.value).lower())
