"""Azure's synchronous Python SDKs, unmodified, in an environment of their own: programs that end with a word."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.benchmarks.project import Emulator
from tests.clients.others import PYTHON, needs_python, succeeded
from tests.clients.worlds import vault_for_clients

pytestmark = needs_python
HERE: Final = Path(__file__).parent / "synchronous"


@pytest.mark.parametrize("name", ["management_sdk", "secrets_sdk", "keys_sdk"])
def test_the_synchronous_sdk_works_against_the_emulator(name: str, either: Emulator, place: Path) -> None:
    environ = dict(either.environ)
    if name != "management_sdk":
        environ["VAULT_URL"] = vault_for_clients(either)
    assert succeeded([PYTHON, "-I", HERE / f"{name}.py"], environ, place) == "held\n"
