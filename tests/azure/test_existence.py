"""Which principals exist is one question a thousand, and needs the right to read the directory."""

from __future__ import annotations

import uuid

import pytest

from declarative_kv.azure.existence import BATCH, existing
from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import AzureError
from tests.conftest import login_of


def own(world: World) -> str:
    return str(world.identity("main")["object_id"])


async def test_those_that_are_there_are_found_whatever_their_letter_case(azure: Session, world: World) -> None:
    assert await existing(azure, [own(world).upper(), str(uuid.uuid4())]) == {own(world).lower()}


async def test_each_thousand_is_one_request(
    azure: Session, world: World, requests_seen: list[dict[str, object]]
) -> None:
    many = [str(uuid.UUID(int=number)) for number in range(BATCH)]
    assert await existing(azure, [*many, *many, own(world)]) == {own(world).lower()}
    asked = [one for one in requests_seen if str(one["path"]).endswith("/getByIds")]
    assert [(one["method"], one["status"]) for one in asked] == [("POST", 200), ("POST", 200)]


async def test_nobody_is_no_request(azure: Session, requests_seen: list[dict[str, object]]) -> None:
    assert await existing(azure, []) == frozenset()
    assert requests_seen == []


async def test_without_the_right_to_read_it_is_an_error(world: World, application: Application) -> None:
    transport = InProcessTransport(application)
    login = login_of(world, "norights")
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        with pytest.raises(AzureError):
            await existing(session, [own(world)])
