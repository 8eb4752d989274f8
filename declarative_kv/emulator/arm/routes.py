"""Azure Resource Manager: finds the route of a request, holds it to the caller's rights, and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from declarative_kv.emulator.arm import (
    assignments,
    definitions,
    deleted,
    denials,
    groups,
    identities,
    keys,
    policies,
    private_endpoints,
    private_links,
    providers,
    secrets,
    subscriptions,
    tag_names,
    vaults,
)
from declarative_kv.emulator.arm.call import GATEWAY, Call, Route
from declarative_kv.emulator.arm.rates import counters
from declarative_kv.emulator.arm.subscriptions import require_subscription
from declarative_kv.emulator.errors import AzureFault, not_emulated
from declarative_kv.emulator.http import Request, Response

if TYPE_CHECKING:
    from declarative_kv.emulator.entra.tokens import Caller
    from declarative_kv.emulator.world import World

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview|-alpha|-beta)?", re.IGNORECASE)


def _compiled(route: Route) -> re.Pattern[str]:
    parts = [f"(?P<{part[1:-1]}>[^/]+)" if part[:1] == "{" else re.escape(part) for part in route.pattern.split("/")]
    # A scope stands for any path, the root's empty one too.
    return re.compile("/".join(parts).replace("(?P<scope>[^/]+)", "(?P<scope>(?:/.*)?)"), re.IGNORECASE)


_ROUTES = tuple(
    (route, _compiled(route))
    for route in (
        *assignments.ROUTES,  # before the others, because a scope may hold any path of theirs
        *definitions.ROUTES,
        *denials.ROUTES,
        *subscriptions.ROUTES,
        *groups.ROUTES,
        *vaults.ROUTES,
        *policies.ROUTES,
        *secrets.ROUTES,
        *deleted.ROUTES,
        *identities.ROUTES,
        *keys.ROUTES,
        *private_endpoints.ROUTES,
        *private_links.ROUTES,
        *providers.ROUTES,
        *tag_names.ROUTES,
    )
)


def answer_arm(world: World, request: Request, caller: Caller) -> Response:
    """Answer a call of Resource Manager whose token was verified; raises `AzureFault` for every refusal.

    Paths are caseless, a closing slash does not matter, any well-formed api-version is served as the newest known
    one that is not newer. What has no route is a 501.
    """
    path = re.sub("/{2,}", "/", unquote(request.path)).rstrip("/")
    found = _route(request.method, path)
    if found is None:
        raise not_emulated(request)
    route, names = found
    call = Call(world, request, caller, path, _version(request))
    deleted.purge_overdue(call)
    groups.finish_deletions(call)
    subscription = re.match(r"/subscriptions/([^/]+)/", path + "/", re.IGNORECASE)
    if subscription is not None:
        require_subscription(call, subscription[1])
    left = counters(call)
    if route.action is not None and route.scope is not None:
        call.require(route.action, _filled(route.scope, names))
    try:
        response = route.handler(call, names)
    except AzureFault as fault:
        fault.headers = {**left, **fault.headers}
        raise
    return replace(response, headers={**left, **response.headers})


def _route(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    for route, pattern in _ROUTES:
        if route.method != method:
            continue
        match = pattern.fullmatch(path)
        if match is not None:
            return route, match.groupdict()
    return None


def _filled(template: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)


def _version(request: Request) -> str:
    version = request.parameter("api-version")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise AzureFault(400, "MissingApiVersionParameter", message, headers=GATEWAY)
    if _VERSION.fullmatch(version) is None:
        message = f"The api-version '{version}' is invalid. It must have the form YYYY-MM-DD or YYYY-MM-DD-preview."
        raise AzureFault(400, "InvalidApiVersionParameter", message, headers=GATEWAY)
    return version.lower()
