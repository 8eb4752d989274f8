"""Azure's JavaScript SDKs, unmodified: their tests are in `javascript/`, one Node process each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.benchmarks.project import Emulator
from tests.clients.others import MODULES, NODE, needs_node, succeeded
from tests.clients.worlds import vault_for_clients

pytestmark = needs_node
HERE: Final = Path(__file__).parent / "javascript"


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.cjs")))
def test_the_javascript_sdk_works_against_the_emulator(name: str, either: Emulator, place: Path) -> None:
    environ = {**either.environ, "VAULT_URL": vault_for_clients(either), "NODE_PATH": str(MODULES)}
    printed = succeeded([str(NODE), "--test", "--test-reporter=tap", HERE / name], environ, place)
    passed = re.search(r"^# pass (\d+)$", printed, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) == (HERE / name).read_text(encoding="utf-8").count("\ntest(")
