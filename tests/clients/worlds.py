"""What a client finds when it begins: one vault under roles, made over plain HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.benchmarks.project import Emulator
from tests.emulator.reach import Client

VAULT: Final = "kv-clients"


def data_folder(running: Emulator) -> Path:
    """Where a running emulator keeps its data."""
    return Path(running.environ["DKV_EMULATOR"])


def vault_for_clients(running: Emulator) -> str:
    """The address of a vault on which the main identity may do everything; made if it is not there yet."""
    with Client(data_folder(running)) as client:
        client.make_vault(VAULT)
    return f"https://{VAULT}.vault.azure.net"
