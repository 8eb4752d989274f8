"""Other people's programs: where `make clients` puts them, and how one is run against an emulator."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / ".clients"
AZ: Final = CLIENTS / "az/bin/az"
PYTHON: Final = CLIENTS / "python/bin/python"
SOPS: Final = CLIENTS / "python/bin/sops"
MODULES: Final = CLIENTS / "javascript/node_modules"
NODE: Final = shutil.which("node")
NOT_FOUND: Final = 3
"""The exit code of az where what a command names is not there."""

needs_az: Final = pytest.mark.skipif(not AZ.exists(), reason="the az CLI is not installed: make clients")
needs_python: Final = pytest.mark.skipif(not PYTHON.exists(), reason="the sync SDKs are not installed: make clients")
needs_sops: Final = pytest.mark.skipif(not SOPS.exists(), reason="SOPS is not installed: make clients")
needs_node: Final = pytest.mark.skipif(
    NODE is None or not MODULES.exists(), reason="the JavaScript SDKs: Node was not found, or make clients did not run"
)
_SECONDS: Final = 120


def ran(command: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A finished program, with the environment of an emulator's clients and nothing of this process's."""
    plain = {name: value for name, value in environ.items() if not name.startswith("COV")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=plain,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def succeeded(command: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> str:
    """What a program that must succeed printed."""
    done = ran(command, environ, folder)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Az:
    """The az CLI, unmodified, in the environment that `dkv emulator env` exports; files are in `folder`."""

    environ: Mapping[str, str]
    folder: Path

    def __call__(self, command: str, *more: str) -> Any:
        """The JSON that a command printed, None if nothing; `more` are words that a shell would quote."""
        done = self._run(command, more)
        assert done.returncode == 0, f"az {command}: exit code {done.returncode}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, command: str, *more: str, code: int = 1) -> str:
        """The error of a command that must fail with this exit code."""
        done = self._run(command, more)
        assert done.returncode == code, f"az {command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def _run(self, command: str, more: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return ran([AZ, *shlex.split(command), *more, "--output", "json"], self.environ, self.folder)


def quiet(environ: Mapping[str, str]) -> dict[str, str]:
    """The same environment with az's telemetry, colours and advice turned off."""
    settings = ("COLLECT_TELEMETRY=no", "NO_COLOR=yes", "ONLY_SHOW_ERRORS=yes", "SURVEY_MESSAGE=no")
    return {**environ, **dict(f"AZURE_CORE_{setting}".split("=") for setting in settings)}


def signed_in(environ: Mapping[str, str], folder: Path, prefix: str = "AZURE") -> Az:
    """az, signed in as the identity whose variables begin with `prefix`, with settings of its own in `folder`."""
    settings = folder / f"azure-cli-{prefix.lower()}"
    az = Az({**quiet(environ), "AZURE_CONFIG_DIR": str(settings)}, folder)
    who, secret = environ[f"{prefix}_CLIENT_ID"], environ[f"{prefix}_CLIENT_SECRET"]
    tenant = environ["AZURE_TENANT_ID"]
    words = "" if prefix == "AZURE" else "--allow-no-subscriptions"
    az(f"login --service-principal --username {who} --tenant {tenant} {words}", f"--password={secret}")
    return az
