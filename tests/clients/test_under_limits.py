"""An apply in a process of its own against an emulator that has Azure's limits: paced, it is refused nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.measured import DKV, run
from tests.benchmarks.project import apply_bound, by_kind, emulator, write_project
from tests.counts import count


@pytest.mark.parametrize("cloud", ["emulator", "public"][: count(1, 2)])
def test_many_new_secrets_in_a_fresh_vault_meet_no_429(cloud: str, tmp_path: Path) -> None:
    secrets = count(330, 1000)
    with emulator(tmp_path, "--throttle", "azure") as server:
        project = write_project(tmp_path / "project", secrets, server.environ["DKV_EMULATOR_OBJECT_ID"], cloud=cloud)
        done = run((*DKV, "apply", "--auto-approve"), server.environ, project)
        seen = server.requests()

    assert done.code == 0, done.output
    assert 429 not in Counter(one["status"] for one in seen), by_kind(seen)
    assert len(seen) <= apply_bound(secrets), by_kind(seen)
    settings = [one for one in seen if one["method"] == "PUT" and str(one["path"]).startswith("/secrets/")]
    assert len(settings) == secrets + 1, "each secret once, and the fingerprint key"


def test_the_wait_for_a_limit_ends_with_the_time_of_the_run(tmp_path: Path) -> None:
    """660 secrets need more than twenty seconds; what is set by then is saved, and no more is asked for."""
    with emulator(tmp_path, "--throttle", "azure") as server:
        project = write_project(tmp_path / "project", 660, server.environ["DKV_EMULATOR_OBJECT_ID"])
        done = run((*DKV, "apply", "--auto-approve", "--timeout", "8"), server.environ, project)
        seen = server.requests()

    assert done.code == 5, done.output
    assert "not begun" in done.output
    assert "dkv apply --auto-approve --timeout 8" in done.output
    assert 429 not in Counter(one["status"] for one in seen), by_kind(seen)
