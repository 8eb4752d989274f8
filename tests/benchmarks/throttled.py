"""`python -m tests.benchmarks.throttled`: new secrets in a fresh vault of an emulator that has Azure's limits.

It prints figures beside what is promised, and judges nothing: a shared machine is slower than its own. A vault takes
300 secrets in ten seconds, so 1,000 need thirty seconds wherever they are set from.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.measured import DKV, must, run
from tests.benchmarks.project import apply_bound, emulator, write_project

ROW: Final = "{what:<52} {found:>10} {promised:>12}"
PROMISED_SECONDS: Final = 33
"""For 1,000 secrets."""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throttled", description=__doc__)
    parser.add_argument("--secrets", type=int, default=1000, help="how many are set")
    secrets = parser.parse_args().secrets
    with tempfile.TemporaryDirectory(prefix="dkv-bench-") as name:
        folder = Path(name)
        with emulator(folder, "--throttle", "azure") as server:
            project = write_project(folder / "project", secrets, server.environ["DKV_EMULATOR_OBJECT_ID"])
            done = must(run((*DKV, "apply", "--auto-approve"), server.environ, project))
            seen = server.requests()
    promised = f"{PROMISED_SECONDS}" if secrets == 1000 else ""
    print(ROW.format(what=f"--throttle azure, {secrets:,} new secrets", found="found", promised="promised"))
    print(ROW.format(what="seconds", found=f"{done.wall:.1f}", promised=promised))
    print(ROW.format(what="seconds from the first setting to the last", found=f"{_span(seen):.1f}", promised=""))
    print(ROW.format(what="seconds of processor time", found=f"{done.cpu:.1f}", promised=""))
    print(ROW.format(what="requests", found=f"{len(seen):,}", promised=f"{apply_bound(secrets):,}"))
    print(ROW.format(what="429s", found=sum(1 for one in seen if one["status"] == 429), promised="0"))


def _span(seen: Iterable[Mapping[str, object]]) -> float:
    settings = [one for one in seen if one["method"] == "PUT" and str(one["path"]).startswith("/secrets/")]
    times = [datetime.fromisoformat(str(one["t"])) for one in settings]
    return (max(times) - min(times)).total_seconds()


if __name__ == "__main__":
    main()
