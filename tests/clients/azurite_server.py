"""Azurite, Microsoft's own emulator of Azure Storage, started for the tests and ended with them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.clients.others import CLIENTS, NODE

MAIN: Final = CLIENTS / "azurite/node_modules/azurite/dist/src/blob/main.js"
ACCOUNT: Final = "dkvstates"
KEY: Final = base64.b64encode(b"a key that only this test's Azurite knows of").decode()
CONTAINER: Final = "states"

needs_azurite: Final = pytest.mark.skipif(
    NODE is None or not MAIN.exists(), reason="Azurite: Node was not found, or make clients did not run"
)


@dataclass(frozen=True)
class Azurite:
    """A running Azurite. `environ` is what an operator sets to reach it with the account's key."""

    endpoint: str

    @property
    def environ(self) -> dict[str, str]:
        """The variables that Azure's own tools read too."""
        return {
            "AZURE_STORAGE_ACCOUNT": ACCOUNT,
            "AZURE_STORAGE_KEY": KEY,
            "AZURE_STORAGE_SERVICE_ENDPOINT": self.endpoint,
        }

    def make_container(self, name: str = CONTAINER, verify: str | bool = True) -> None:
        """Create a container, which dkv never does."""
        from azure.storage.blob import ContainerClient

        key = {"account_name": ACCOUNT, "account_key": KEY}
        with ContainerClient(self.endpoint, name, credential=key, connection_verify=verify) as client:
            client.create_container()


@contextmanager
def azurite(folder: Path, options: Sequence[str | Path] = ()) -> Iterator[Azurite]:
    """A fresh Azurite that keeps everything in memory, with an account of ours and the container for states."""
    arguments = "--inMemoryPersistence --skipApiVersionCheck --disableTelemetry --blobHost 127.0.0.1 --blobPort 0"
    command = [str(NODE), str(MAIN), "--silent", *arguments.split(), *map(str, options)]
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"listens on (https?://127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError(f"Azurite did not start: {''.join(said)}")
        yield Azurite(f"{found[1]}/{ACCOUNT}")
    finally:
        process.kill()
        process.communicate()
