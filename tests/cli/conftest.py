"""A project in a temporary folder, and the command line in this process."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.cli.app import main

YAML = """\
version: 1
cloud: emulator
state: state/dkv.json
principals:
  deployer: {current: true}
  ci: {object_id: 1b2c0000-0000-0000-0000-000000000000, type: service_principal}
resource_groups:
  rg-test: {location: westeurope, protect: false}
vaults:
  payments:
    name: kv-cli-tests
    resource_group: rg-test
    location: westeurope
    access: policies
    protect: false
    access_policies:
      deployer: {template: secret-management}
      ci: {secrets: [list]}
    secrets:
      db:
        value_from: {env: DB_PASSWORD}
        content_type: text/plain
      kept: {value_from: kept, tags: {owner: payments}}
    others: {secrets: alarm}
"""
VALUE = "correct-horse-battery-staple"


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a configuration whose Azure is a private emulator."""

    folder: Path

    def write(self, text: str, name: str = "dkv.yaml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, old: str, new: str) -> None:
        """Change the configuration; what is to be changed must be there."""
        text = (self.folder / "dkv.yaml").read_text(encoding="utf-8")
        assert old in text
        self.write(text.replace(old, new))

    def in_azure(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let `work` do something with the vault's own SDK client, past us."""
        return asyncio.run(_with_client(self.folder, work))


async def _with_client(folder: Path, work: Callable[[Any], Awaitable[Any]]) -> Any:
    from azure.identity.aio import ClientSecretCredential
    from azure.keyvault.secrets.aio import SecretClient

    from declarative_kv.emulator.host.private import open_private
    from declarative_kv.emulator.seed import TENANT

    with open_private(folder / "state" / ".emulator") as emulator:
        who, transport = emulator.identity(), emulator.transport()
        async with (
            ClientSecretCredential(TENANT, who["client_id"], who["client_secret"], transport=transport) as credential,
            SecretClient("https://kv-cli-tests.vault.azure.net", credential, transport=transport) as client,
        ):
            return await work(client)


Dkv = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The sample project; the environment names no other emulator, and no identity."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DKV_EMULATOR", str(tmp_path / "none"))
    monkeypatch.setenv("DB_PASSWORD", VALUE)
    for name in ("AZURE_CLIENT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    found = Project(tmp_path)
    found.write(YAML)
    return found


@pytest.fixture
def dkv(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Dkv:
    """Run a command in this process; `typed` is its standard input."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        stream = io.TextIOWrapper(io.BytesIO((typed or "").encode()))
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdin", stream)
            code = main(arguments)
        printed = capfd.readouterr()
        return Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def applied(project: Project, dkv: Dkv) -> Project:
    """The project, applied once."""
    result = dkv("apply", "--auto-approve")
    assert result.code == 0, result
    return project


def lines(text: str, *starts: str) -> Sequence[str]:
    """The lines that begin with one of these."""
    return [line for line in text.splitlines() if line.startswith(starts)]
