"""How many requests a plan may send, and applies that make, change and delete: counted in a running emulator's log.

Sign-in and challenges are counted too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.measured import DKV, run
from tests.benchmarks.project import (
    Emulator,
    apply_bound,
    by_kind,
    change_bound,
    change_values,
    destroy_bound,
    drop_secrets,
    emulator,
    plan_bound,
    write_project,
)

COUNTS = (30, 60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator with a request log."""
    with emulator(tmp_path_factory.mktemp("budget")) as running:
        yield running


@pytest.mark.parametrize("cloud", ["emulator", "public"])
@pytest.mark.parametrize("secrets", COUNTS)
def test_plan_and_every_apply_keep_to_their_requests(
    secrets: int, cloud: str, server: Emulator, tmp_path: Path
) -> None:
    project = write_project(
        tmp_path / "project", secrets, server.environ["DKV_EMULATOR_OBJECT_ID"], cloud=cloud, name=f"{cloud}-{secrets}"
    )
    applied = _requests(server, project, "apply", "--auto-approve")
    assert len(applied) <= apply_bound(secrets), by_kind(applied)
    planned = _requests(server, project, "plan", "--detailed-exitcode")
    assert len(planned) <= plan_bound(secrets), by_kind(planned)
    change_values(project, secrets)
    changed = _requests(server, project, "apply", "--auto-approve")
    assert len(changed) <= change_bound(secrets), by_kind(changed)
    drop_secrets(project)
    destroyed = _requests(server, project, "apply", "--auto-approve", "--allow", "many-destroys")
    assert len(destroyed) <= destroy_bound(secrets), by_kind(destroyed)


def _requests(server: Emulator, project: Path, *command: str) -> list[dict[str, object]]:
    """What a command that must succeed asked for."""
    before = len(server.requests())
    done = run((*DKV, *command), server.environ, project)
    assert done.code == 0, done.output
    return server.requests()[before:]
