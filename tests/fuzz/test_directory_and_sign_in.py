"""Requests to Entra and Graph that nobody would make in earnest never make the emulator fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import TENANT
from tests.counts import count
from tests.fuzz.target import DIRECTORY, LOGIN, USER, Target

QUIETLY: Final[dict[str, Any]] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate, Phase.shrink],
}
METHODS: Final = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"])
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
COLLECTIONS: Final = ["users", "groups", "applications", "servicePrincipals", "directoryObjects", "me", "organization"]
COLLECTIONS_2: Final = ["oauth2PermissionGrants", "domains", "directory/deletedItems", "applications(appId='x')"]
RELATIONS: Final = ["members", "members/$ref", "owners", "owners/$ref", "transitiveMemberOf", "memberOf", "$count"]
ACTIONS: Final = ["addPassword", "removePassword", "checkMemberGroups", "getMemberGroups", "getByIds", "restore"]
PROPERTIES: Final = ["displayName", "mailNickname", "mailEnabled", "securityEnabled", "userPrincipalName", "appId"]
PROPERTIES_2: Final = ["passwordProfile", "accountEnabled", "members@odata.bind", "@odata.id", "ids", "types", "keyId"]
PROPERTIES_3: Final = ["passwordCredential", "groupIds", "securityEnabledOnly", "keyCredentials", "tags", "id"]
FILTER: Final = st.one_of(
    TEXT,
    st.lists(
        st.sampled_from(
            [
                "displayName",
                "appId",
                "startswith(",
                "eq",
                "'x'",
                "and",
                "or",
                "not",
                "(",
                ")",
                "in",
                ",",
                "any(",
                "x:",
                "servicePrincipalNames",
                "null",
                "true",
                "'",
                "''",
                "1",
                "id",
                "ne",
                "/",
                "ge",
            ]
        ),
        max_size=9,
    ).map(" ".join),
)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    shared = Target()
    yield shared
    shared.world.close()


def objects(target: Target) -> st.SearchStrategy[str]:
    """Ids of what is in the directory, of what is not, and things that are no ids."""
    known = [target.owner, USER, *target.world.store.table("directory")]
    return st.sampled_from(known) | TEXT | st.sampled_from(["$count", "me", "delta"])


def bodies() -> st.SearchStrategy[Any]:
    names = st.sampled_from([*PROPERTIES, *PROPERTIES_2, *PROPERTIES_3])
    plausible = st.dictionaries(names, JSON | st.sampled_from(["x", "Group", True, [USER], {"displayName": "x"}]))
    return plausible | JSON


def test_no_request_makes_the_directory_fail(target: Target) -> None:
    @settings(max_examples=count(200, 12_000), **QUIETLY)
    @given(data=st.data(), method=METHODS, collection=st.sampled_from([*COLLECTIONS, *COLLECTIONS_2]), body=bodies())
    def send(data: st.DataObject, method: str, collection: str, body: Any) -> None:
        target.reset()
        parts = [collection]
        if data.draw(st.booleans()):
            parts.append(quote(data.draw(objects(target)), safe=""))
        if data.draw(st.booleans()):
            parts.append(data.draw(st.sampled_from([*RELATIONS, *ACTIONS, f"members/{target.owner}/$ref"]) | TEXT))
        names = st.sampled_from(
            ["$filter", "$top", "$select", "$expand", "$count", "$search", "$skiptoken", "$orderby"]
        )
        query = data.draw(st.dictionaries(names, FILTER, max_size=2))
        path = "/v1.0/" + "/".join(parts)
        target.shoot(method, DIRECTORY, path, query, json.dumps(body).encode())
        # What was kept can be shown again.
        for name in COLLECTIONS[:4]:
            status = target.shoot("GET", DIRECTORY, f"/v1.0/{name}", {}).status
            assert status in (200, 403)  # a caller may have deleted itself

    send()


def test_no_request_makes_signing_in_fail(target: Target) -> None:
    identity = target.world.identity()
    names = ["grant_type", "client_id", "client_secret", "scope", "resource", "client_assertion", "refresh_token"]
    good = {
        "grant_type": "client_credentials",
        "client_id": str(identity["client_id"]),
        "client_secret": str(identity["client_secret"]),
        "scope": "https://vault.azure.net/.default",
    }
    paths = ["oauth2/v2.0/token", "oauth2/token", "v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"]
    tenants = st.sampled_from([TENANT, "common", "organizations", "contoso.onmicrosoft.com"]) | TEXT
    assertion = st.tuples(*[st.binary(max_size=12).map(lambda raw: raw.hex())] * 3).map(".".join)

    @settings(max_examples=count(150, 8_000), **QUIETLY)
    @given(
        method=METHODS,
        tenant=tenants,
        path=st.sampled_from([*paths, "discovery/instance", ""]) | TEXT,
        changed=st.dictionaries(
            st.sampled_from([*names, "client_assertion_type"]) | TEXT, TEXT | assertion, max_size=3
        ),
        dropped=st.sets(st.sampled_from(names), max_size=1),
        raw=st.none() | st.binary(max_size=40),
    )
    def send(
        method: str, tenant: str, path: str, changed: dict[str, str], dropped: set[str], raw: bytes | None
    ) -> None:
        form = {name: value for name, value in {**good, **changed}.items() if name not in dropped}
        body = urlencode(form).encode() if raw is None else raw
        headers = {"content-type": "application/x-www-form-urlencoded"}
        place = f"/{quote(tenant, safe='')}/{quote(path, safe='/')}"
        target.fire(Request(method, LOGIN, place, tuple(changed.items()), headers, body))

    send()
