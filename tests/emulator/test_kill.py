"""An emulator that is killed under load has kept every write that it acknowledged."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from http.client import HTTPException
from pathlib import Path

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.folder import is_free
from declarative_kv.emulator.host.options import Options
from tests.counts import count
from tests.emulator.reach import Client

VAULT = "kv-killed"
WRITERS = 3


class Writer:
    """Sets and deletes secrets of its own until the emulator is gone, and remembers what it was told is done."""

    def __init__(self, folder: Path, name: str, seed: int) -> None:
        self.name = name
        self.acknowledged: dict[str, str | None] = {}
        self.uncertain: str | None = None
        self._random = random.Random(seed)
        self._client = Client(folder)
        self._client.token(f"{VAULT}.vault.azure.net")
        self.thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        turn = 0
        try:
            while True:
                turn += 1
                self._step(f"{self.name}-{self._random.randrange(5)}-{turn // 20}", str(turn))
        except (OSError, HTTPException):
            self._client.hang_up()

    def _step(self, secret: str, value: str) -> None:
        """One write; until it is acknowledged, the secret may be as before or after it."""
        known = self.acknowledged
        self.uncertain = secret
        if known.get(secret, "") is None:
            pass  # deleted: the name is taken until it is purged
        elif secret in known and self._random.random() < 0.2:
            target = f"/secrets/{secret}?api-version=7.6"
            assert self._client.ask("DELETE", f"{VAULT}.vault.azure.net", target).status == 200
            known[secret] = None
        else:
            assert self._client.set_secret(VAULT, secret, value).status == 200
            known[secret] = value
        self.uncertain = None


def kill_under_load(folder: Path, seed: int) -> int:
    """Let writers work for a random moment, kill the emulator, start it again; how many writes were compared."""
    contact = process.start(folder, Options())
    with Client(folder) as client:
        if seed % 10 == 0:
            client.make_vault(VAULT)
    writers = [Writer(folder, f"w{seed}-{number}", seed * 10 + number) for number in range(WRITERS)]
    for writer in writers:
        writer.thread.start()
    time.sleep(random.Random(seed).uniform(0.02, 0.4))
    os.kill(contact.pid, signal.SIGKILL)
    for writer in writers:
        writer.thread.join(30)
    assert is_free(folder, 10)
    process.start(folder, Options())
    compared = 0
    with Client(folder) as after:
        for writer in writers:
            for secret, value in writer.acknowledged.items():
                if secret == writer.uncertain:
                    continue
                found = after.get_secret(VAULT, secret)
                assert found.status == (404 if value is None else 200), (seed, secret)
                assert value is None or found.json()["value"] == value, (seed, secret)
                compared += 1
    return compared


def test_a_kill_under_load_loses_no_acknowledged_write(tmp_path: Path) -> None:
    folders = {}
    compared = 0
    for seed in range(count(12, 200)):
        folder = folders.setdefault(seed // 10, tmp_path / f"data-{seed // 10}")
        compared += kill_under_load(folder, seed)
        if seed % 10 == 9:
            process.stop(folder)
    assert compared > 50
