"""What the tests of other people's clients share: a running emulator for each file, and az signed in to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from declarative_kv.state import BlobStore
from tests.benchmarks.project import Emulator, emulator
from tests.clients.azurite_server import Azurite, azurite
from tests.clients.others import Az, signed_in
from tests.clients.remote import Line, blob_store
from tests.clients.worlds import lagging
from tests.specs.remote import watched


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the file's emulator and for what its clients write."""
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def specifications(place: Path) -> Iterator[None]:
    """Hold what the file's emulators answer to the specifications."""
    with watched(place / "specifications") as variables, pytest.MonkeyPatch.context() as patch:
        for name, text in variables.items():
            patch.setenv(name, text)
        yield


@pytest.fixture(scope="module")
def running(place: Path, specifications: None) -> Iterator[Emulator]:
    """An emulator that nobody has written to yet."""
    with emulator(place) as started:
        yield started


@pytest.fixture(scope="module", params=["at once", "with delays"])
def either(request: pytest.FixtureRequest, place: Path, specifications: None) -> Iterator[Emulator]:
    """An emulator without delays, then one in which deletes, purges and creates take their time."""
    begin = emulator if request.param == "at once" else lagging
    folder = place / request.param.replace(" ", "-")
    folder.mkdir()
    with begin(folder) as started:
        yield started


@pytest.fixture
def az(running: Emulator, tmp_path: Path) -> Az:
    """The az CLI, signed in as the owner of the subscription."""
    return signed_in(running.environ, tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azurite with a container for states."""
    with azurite(tmp_path_factory.mktemp("azurite")) as started:
        started.make_container()
        yield started


@pytest.fixture
async def remote(server: Azurite) -> AsyncIterator[BlobStore]:
    """A store of its own."""
    async with blob_store(server) as (store, _):
        yield store


@pytest.fixture
async def lined(server: Azurite) -> AsyncIterator[tuple[BlobStore, Line]]:
    """A store of its own, and the line that leads to it."""
    async with blob_store(server) as both:
        yield both
