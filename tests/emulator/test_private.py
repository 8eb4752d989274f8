"""A private emulator: the real asynchronous clients in this process, its world kept in a folder."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.rest import HttpRequest
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.attach import attached
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.host.private import Private, open_private
from declarative_kv.emulator.host.snapshots import snapshot
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT

VALUE = "not in any log"
RBAC = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}


def credential(private: Private, transport: Any) -> ClientSecretCredential:
    identity = private.identity()
    return ClientSecretCredential(TENANT, identity["client_id"], identity["client_secret"], transport=transport)


async def make_vault(private: Private, transport: Any) -> None:
    async with (
        credential(private, transport) as signed_in,
        ResourceManagementClient(signed_in, SUBSCRIPTION, transport=transport) as resources,
        KeyVaultManagementClient(signed_in, SUBSCRIPTION, transport=transport) as vaults,
    ):
        await resources.resource_groups.create_or_update("rg", {"location": "westeurope"})
        parameters: Any = {"location": "westeurope", "properties": RBAC}
        poller = await vaults.vaults.begin_create_or_update("rg", "kv-private", parameters)
        await poller.result()


async def test_real_asynchronous_clients_need_no_socket(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = []
    with open_private(tmp_path / "data") as private:
        transport = private.transport(entries.append)
        await make_vault(private, transport)
        async with (
            credential(private, transport) as signed_in,
            SecretClient("https://kv-private.vault.azure.net", signed_in, transport=transport) as secrets,
        ):
            await secrets.set_secret("db", VALUE)
            assert (await secrets.get_secret("db")).value == VALUE
            assert [item.name async for item in secrets.list_properties_of_secrets()] == ["db"]
            raw = await secrets.send_request(HttpRequest("GET", "/secrets/db?api-version=7.6"))
            assert raw.json()["value"] == VALUE
            deleted = await secrets.delete_secret("db")
            assert deleted.name == "db"
    assert {entry["status"] for entry in entries} >= {200, 401}
    assert VALUE not in str(entries)


async def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with open_private(tmp_path / "data") as private:
        await make_vault(private, private.transport())
        identity = private.identity()
    with open_private(tmp_path / "data") as private:
        assert list(private.world.store.table("vaults")) == ["kv-private"]
        assert private.identity() == identity


async def test_a_snapshot_is_loaded_unasked_only_before_the_first_write(tmp_path: Path) -> None:
    with open_private(tmp_path / "a") as filled:
        await make_vault(filled, filled.transport())
        content = snapshot(filled.world)
    with open_private(tmp_path / "b") as private:
        assert private.load_if_unwritten(content) is True
        assert list(private.world.store.table("vaults")) == ["kv-private"]
        await make_vault(private, private.transport())
        assert private.load_if_unwritten(content) is False


def test_without_a_running_emulator_a_program_gets_its_own(tmp_path: Path) -> None:
    nowhere = {"DKV_EMULATOR": str(tmp_path / "absent")}
    with attached(tmp_path / ".emulator", nowhere) as emulator:
        assert emulator.variables is None
        assert emulator.transport is not None
        assert not emulator.throttles
        assert emulator.identity["client_secret"] not in repr(emulator)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(("name", "throttle"), [("default", False), (".emulator", True)])
def test_a_running_emulator_is_used_where_there_is_one(tmp_path: Path, name: str, throttle: bool) -> None:
    process.start(tmp_path / name, Options(throttle=throttle))
    with attached(tmp_path / ".emulator", {"DKV_EMULATOR": str(tmp_path / "default")}) as emulator:
        assert emulator.transport is None
        assert emulator.throttles is throttle
        assert emulator.variables == process.exported(tmp_path / name)
        assert emulator.identity["client_id"] == emulator.variables["AZURE_CLIENT_ID"]
    process.stop(tmp_path / name)


def test_who_waits_for_a_private_emulator_hears_so_and_then_goes_on(tmp_path: Path) -> None:
    told = threading.Event()
    nowhere = {"DKV_EMULATOR": str(tmp_path / "nowhere")}

    def second() -> str:
        with attached(tmp_path / ".emulator", nowhere, waiting=told.set) as emulator:
            return str(emulator.identity["object_id"])

    with ThreadPoolExecutor() as pool:
        with attached(tmp_path / ".emulator", nowhere, waiting=told.set) as first:
            assert not told.is_set(), "who comes first waits for nobody"
            waiting = pool.submit(second)
            assert told.wait(30)
            assert not waiting.done()
            mine = str(first.identity["object_id"])
        assert waiting.result(30) == mine
