"""Fixtures for other people's tests: `pytest_plugins = ["declarative_kv.emulator.pytest"]` in their `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.environment import RIVALS
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.host.private import Private, open_private
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT


@dataclass(frozen=True, slots=True)
class AzureEmulator:
    """A running emulator. `variables` is what a client needs in its environment to reach it."""

    folder: Path
    variables: Mapping[str, str]
    tenant: str = TENANT
    subscription: str = SUBSCRIPTION

    @property
    def proxy(self) -> str:
        """The address of its proxy."""
        return self.variables["HTTPS_PROXY"]

    @property
    def certificate(self) -> Path:
        """The certificate authority that signs what it shows to clients."""
        return Path(self.variables["SSL_CERT_FILE"])

    def identity(self, name: str = "main") -> dict[str, Any]:
        """A built-in identity (`main`, an owner; `norights`): `client_id`, `client_secret`, `object_id`."""
        return dict(process.command(self.folder, "identity", {"name": name}))

    def fail(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        drop: bool = False,
        delay: float = 0.0,
        times: int | None = None,
    ) -> None:
        """Let requests fail whose path matches a glob: with a status, without an answer, after `delay` seconds."""
        fault = {"method": method, "path": path, "status": status, "drop": drop, "delay": delay, "times": times}
        process.command(self.folder, "fault-add", fault)

    def shift_clock(self, seconds: float) -> None:
        """Move its time: tokens expire, deleted things are purged."""
        process.command(self.folder, "clock", {"seconds": seconds})

    def snapshot(self) -> dict[str, Any]:
        """All it holds, secret values included, for `load`."""
        return dict(process.command(self.folder, "snapshot"))

    def load(self, snapshot: Mapping[str, Any]) -> None:
        """Replace all it holds; its identities stay."""
        process.load(self.folder, dict(snapshot))


@pytest.fixture(scope="session")
def azure_emulator_options() -> Options:
    """How the emulator is started; override it for throttling, delays or an earlier date."""
    return Options()


@pytest.fixture(scope="session")
def azure_emulator_server(
    tmp_path_factory: pytest.TempPathFactory, azure_emulator_options: Options
) -> Iterator[AzureEmulator]:
    """One emulator for the whole run (one a worker under pytest-xdist), as the last test left it."""
    folder = tmp_path_factory.mktemp("azure-emulator") / "data"
    process.start(folder, azure_emulator_options)
    try:
        yield AzureEmulator(folder, process.exported(folder))
    finally:
        process.stop(folder)


@pytest.fixture
def azure_emulator(azure_emulator_server: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> AzureEmulator:
    """An empty Azure for one test: every client that reads the environment, in child processes too, talks to it."""
    process.command(azure_emulator_server.folder, "reset")
    for name in RIVALS:
        monkeypatch.delenv(name, raising=False)
    for name, value in azure_emulator_server.variables.items():
        monkeypatch.setenv(name, value)
    return azure_emulator_server


@pytest.fixture
def azure_in_process(tmp_path: Path) -> Iterator[Private]:
    """An empty Azure inside the test's own process, without a socket: its `transport()` is for asynchronous clients."""
    with open_private(tmp_path / "azure-in-process") as private:
        yield private
