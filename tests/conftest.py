"""What the tests share: an emulated Azure in memory, and a session over it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from declarative_kv.azure.credentials import ClientSecret
from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World, new_world
from declarative_kv.model.document import Cloud
from declarative_kv.model.secret import Sensitive

pytest_plugins = ("tests.coverage_plugin", "tests.leak_plugin", "tests.spec_plugin")
"""Secret values are looked for in what every test shows and leaves; answers are held to the specifications.

Coverage is measured where that says something.
"""


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh emulated Azure that lives in memory."""
    fresh = new_world()
    yield fresh
    fresh.close()


@pytest.fixture
def application(world: World) -> Application:
    """What answers requests to that world."""
    return Application(world)


def login_of(world: World, name: str = "main") -> ClientSecret:
    """The credential of one of the world's built-in identities."""
    identity = world.identity(name)
    return ClientSecret(TENANT, identity["client_id"], Sensitive(identity["client_secret"]), "emulator")


@pytest.fixture
def requests_seen() -> list[dict[str, object]]:
    """The request log of the `azure` session, oldest first."""
    return []


@pytest.fixture
async def azure(
    world: World, application: Application, requests_seen: list[dict[str, object]]
) -> AsyncIterator[Session]:
    """A session of the emulator's own identity, an owner of the subscription."""
    transport = InProcessTransport(application, recorder=lambda entry: requests_seen.append(dict(entry)))
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login_of(world)) as session:
        yield session


def pytest_configure() -> None:
    """Hear Ctrl-C, and let child processes hear it, also where a shell runs the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of our own."""
    parser.addoption("--update-scenarios", action="store_true", help="write what the scenarios really print")
