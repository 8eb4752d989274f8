"""What takes Azure a while, at `--time-scale` above 0: names that resolve later, searches that lag, ragged pages."""

from __future__ import annotations

import uuid
from itertools import chain
from typing import Any

from declarative_kv.emulator.seed import SUBSCRIPTION
from tests.emulator.azure_support import ARM, Azure, link

SCOPE = f"/subscriptions/{SUBSCRIPTION}"


def test_a_vaults_name_resolves_once_the_vault_is_registered() -> None:
    azure = Azure(time_scale=1.0)
    azure.make_vault()
    assert azure.secret("GET", "/secrets").dropped
    azure.world.clock.shift(31)
    assert azure.secret("GET", "/secrets").status == 200


def test_a_search_for_a_role_by_name_lags_behind_an_update() -> None:
    azure = Azure(time_scale=1.0)
    place = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions"
    permissions = [{"actions": ["*/read"], "notActions": []}]
    sent = {"properties": {"roleName": "Looker", "permissions": permissions, "assignableScopes": [SCOPE]}}
    target = f"{place}/{uuid.uuid4()}?api-version=2022-04-01"

    def found() -> list[Any]:
        query = "?api-version=2022-04-01&$filter=roleName%20eq%20'Looker'"
        return list(azure.ask("GET", ARM, place + query).body["value"])

    assert azure.ask("PUT", ARM, target, sent).status == 201
    assert len(found()) == 1
    assert azure.ask("PUT", ARM, target, sent).status == 201
    assert found() == []
    assert azure.ask("GET", ARM, target).status == 200
    azure.world.clock.shift(5)
    assert len(found()) == 1


def pages(azure: Azure, path: str, **query: str) -> list[list[str]]:
    """The ids of each page of a list, to its end."""
    answer = azure.secret("GET", path, **query)
    found = [[item["id"] for item in answer.body["value"]]]
    while answer.body["nextLink"] is not None:
        answer = azure.ask("GET", "kv-one.vault.azure.net", link(answer.body["nextLink"]))
        assert answer.status == 200
        found.append([item["id"] for item in answer.body["value"]])
        assert len(found) < 500
    return found


def test_ragged_pages_are_short_or_empty_and_lose_nothing() -> None:
    azure = Azure()
    azure.make_vault()
    names = [f"s{number:03}" for number in range(130)]
    with azure.world.store.transaction():
        for name in names:
            azure.set(name)
    plain = pages(azure, "/secrets")
    assert [len(page) for page in plain] == [25] * 5 + [5]
    azure.world.settings.ragged_pages = True
    for size in ("1", "3", "7", "25"):
        ragged = pages(azure, "/secrets", maxresults=size)
        assert [*chain(*ragged)] == [*chain(*plain)]
        assert ragged == pages(azure, "/secrets", maxresults=size)
        if size != "25":
            assert [] in ragged[:-1]
            assert size == "1" or int(size) // 2 in {len(page) for page in ragged}
    for number in range(9):
        azure.set("s000", str(number))
    assert len([*chain(*pages(azure, "/secrets/s000/versions", maxresults="2"))]) == 10
    for name in names[:20]:
        azure.secret("DELETE", f"/secrets/{name}")
    assert len([*chain(*pages(azure, "/deletedsecrets", maxresults="2"))]) == 20
