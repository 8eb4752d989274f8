"""The bench on which commands are killed: made once a file, as two processes of its own take seconds to start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.laws import everything
from tests.laws.bench import Bench
from tests.laws.killing import lane
from tests.laws.lab import Lab


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A project with a change of every kind before it."""
    start = tmp_path_factory.mktemp("start")
    (start / "project").mkdir()
    lab = Lab(start / "project")
    asyncio.run(everything.prepare(lab))
    (start / "world.json").write_text(json.dumps(lab.world.store.dump()))
    with lane(tmp_path_factory.mktemp("lanes") / "lane", start) as opened:
        yield Bench(opened)
