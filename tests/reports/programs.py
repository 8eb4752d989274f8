"""Other people's programs that read our reports and examples: where `make clients` puts them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / ".clients"
CHECKOV: Final = CLIENTS / "checkov/bin/checkov"
LINTERS: Final = CLIENTS / "reports/bin"
SARIF_SCHEMA: Final = CLIENTS / "sarif/sarif-schema-2.1.0.json"

needs_checkov: Final = pytest.mark.skipif(not CHECKOV.exists(), reason="Checkov is not installed: make clients")
needs_linters: Final = pytest.mark.skipif(
    not (LINTERS / "check-jsonschema").exists(), reason="the linters of CI files are not installed: make clients"
)
needs_sarif: Final = pytest.mark.skipif(not SARIF_SCHEMA.exists(), reason="the SARIF schema is not here: make clients")


def ran(*words: str | Path, given: str = "", code: int | None = 0) -> str:
    """What a program printed; it must end with `code` unless that is None."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command: Sequence[str] = [str(word) for word in words]
    done = subprocess.run(command, input=given, env=environ, capture_output=True, text=True, timeout=180, check=False)
    assert code is None or done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
