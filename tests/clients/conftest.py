"""What the tests of other people's clients share: a running emulator for each file, and az signed in to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.project import Emulator, emulator
from tests.clients.others import Az, signed_in
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
