"""What a client finds when it begins: one vault under roles, made over plain HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options
from tests.benchmarks.project import Emulator
from tests.emulator.reach import GROUP, MANAGEMENT, Client

VAULT: Final = "kv-clients"
PLACE: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}?api-version=2026-02-01"


TIME_SCALE: Final = 0.05


@contextmanager
def lagging(folder: Path) -> Iterator[Emulator]:
    """A running emulator in which things take their time, a twentieth of Azure's; requests are not logged."""
    process.start(folder / "lagging", Options(time_scale=TIME_SCALE))
    try:
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        yield Emulator({**plain, **process.exported(folder / "lagging")}, folder / "none.jsonl")
    finally:
        process.stop(folder / "lagging")


def data_folder(running: Emulator) -> Path:
    """Where a running emulator keeps its data."""
    return Path(running.environ["DKV_EMULATOR"])


def vault_for_clients(running: Emulator) -> str:
    """The address of a vault on which the main identity may do everything; made if it is not there yet."""
    with Client(data_folder(running)) as client:
        client.make_vault(VAULT)
        while client.ask("GET", MANAGEMENT, PLACE).json()["properties"]["provisioningState"] != "Succeeded":
            time.sleep(0.1)
    return f"https://{VAULT}.vault.azure.net"
