"""What the plan after a killed apply says. That nothing is lost and nothing repeated is tried in `tests/laws`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options

from .conftest import Dkv

SECRETS = [f"s{number}" for number in range(6)]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a running emulator, whose request log is `log` in it."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, Options(request_log=str(folder / "log"), latency_ms=5))
    yield folder
    process.stop(folder)


@pytest.fixture
def log(emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The request log, in a fresh folder whose Azure is the running emulator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DKV_EMULATOR", str(emulator))
    monkeypatch.setenv("DB_PASSWORD", "correct-horse-battery-staple")
    return emulator / "log"


def configuration(vault: str) -> str:
    secrets = "".join(f"      {name}: {{value_from: {{generate: {{length: 24}}}}}}\n" for name in SECRETS)
    return f"""\
version: 1
cloud: emulator
principals: {{deployer: {{current: true}}}}
resource_groups: {{rg-{vault}: {{location: westeurope}}}}
vaults:
  payments:
    name: {vault}
    resource_group: rg-{vault}
    location: westeurope
    access: policies
    access_policies: {{deployer: {{template: secret-management}}}}
    roles: {{deployer: [Key Vault Reader]}}
    secrets:
      db: {{value_from: {{env: DB_PASSWORD}}}}
{secrets}"""


def requests(log: Path, start: int) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_bytes()[start:].splitlines(keepends=True) if line.endswith(b"\n")]


def test_the_next_plan_says_what_was_in_flight(log: Path, dkv: Dkv) -> None:
    Path("dkv.yaml").write_text(configuration("kv-in-flight"))
    start = log.stat().st_size
    assert dkv("emulator", "fault", "add", "--method", "PUT", "--path", "/secrets/s0", "--delay", "3000").code == 0
    running = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", "apply", "--auto-approve"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    assert any(line.startswith("secret.payments/s1: created") for line in running.stderr)
    running.kill()
    running.communicate()
    while not any(request["path"] == "/secrets/s0" for request in requests(log, start)):
        time.sleep(0.02)

    said = "secret.payments/s0 was in flight when an earlier run ended: it was being created, and is there"
    assert said in dkv("plan").out
    assert said in dkv("drift").out
    assert "Pending, since a run was interrupted there: secret.payments/s0" in dkv("state", "list").err
    assert dkv("apply", "--auto-approve").code == 0
    assert said not in dkv("plan").out
