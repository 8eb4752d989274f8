"""`make bench`: requests of plan and apply against their bounds, time, memory, start-up and validation.

`--full` goes to 10,000 secrets. Exits 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.measured import DKV, Run, middle, must, run
from tests.benchmarks.project import Emulator, apply_bound, by_kind, emulator, plan_bound, write_project

SIZES = (25, 100, 1_000)
ALL_SIZES = (*SIZES, 10_000)
START_RATIO, VALIDATE_SECONDS, VALIDATE_MEMORY = 2.2, 2.0, 200.0
VALIDATED = 10_000
ROW = "{what:<34} {found:>10} {bound:>10}   {wall:>9} {cpu:>9} {memory:>9}  {verdict}"


def main() -> int:
    """Print a table; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also with 10,000 secrets")
    parser.add_argument("--requests", action="store_true", help="list the requests by kind")
    options = parser.parse_args()
    print(ROW.format(what="", found="found", bound="at most", wall="wall", cpu="CPU", memory="peak", verdict=""))
    with tempfile.TemporaryDirectory(prefix="dkv-bench-") as name:
        folder = Path(name)
        kept = [_start_up(folder), *_validation(folder)]
        for size in ALL_SIZES if options.full else SIZES:
            kept += _requests(folder / str(size), size, listed=options.requests)
    return 0 if all(kept) else 1


def _requests(folder: Path, secrets: int, *, listed: bool) -> Iterator[bool]:
    folder.mkdir()
    with emulator(folder) as running:
        project = write_project(folder / "project", secrets, running.environ["DKV_EMULATOR_OBJECT_ID"])
        steps: tuple[tuple[str, tuple[str, ...], Callable[[int], int]], ...] = (
            (f"apply of {secrets:,} new", ("apply", "--auto-approve"), apply_bound),
            (f"plan of {secrets:,} unchanged", ("plan", "--detailed-exitcode"), plan_bound),
        )
        for what, command, bound in steps:
            yield _counted(running, project, what, command, bound(secrets), listed=listed)


def _counted(
    running: Emulator, project: Path, what: str, command: tuple[str, ...], bound: int, *, listed: bool
) -> bool:
    before = len(running.requests())
    done = must(run((*DKV, *command), running.environ, project))
    sent = running.requests()[before:]
    kept = _row(f"{what}: requests", f"{len(sent):,}", f"{bound:,}", done, kept=len(sent) <= bound)
    if listed or not kept:
        print(by_kind(sent))
    return kept


def _start_up(folder: Path) -> bool:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    bare = middle((sys.executable, "-c", "import typer"), environ, folder, times=7)
    helped = middle((*DKV, "--help"), environ, folder, times=7)
    ratio = helped.wall / bare.wall
    what = "dkv --help: times import typer"
    return _row(what, f"{ratio:.2f}", str(START_RATIO), helped, kept=ratio <= START_RATIO)


def _validation(folder: Path) -> Iterator[bool]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    project = write_project(folder / "validate", VALIDATED, "1b2c0000-0000-4000-8000-0000000000a1", cloud="public")
    done = middle((*DKV, "validate"), environ, project)
    what = f"validate {VALIDATED:,}"
    yield _row(f"{what}: seconds", f"{done.wall:.2f}", f"{VALIDATE_SECONDS}", done, kept=done.wall <= VALIDATE_SECONDS)
    found, bound = f"{done.memory:.0f}", f"{VALIDATE_MEMORY:.0f}"
    yield _row(f"{what}: MB", found, bound, done, kept=done.memory <= VALIDATE_MEMORY)


def _row(what: str, found: str, bound: str, done: Run, *, kept: bool) -> bool:
    wall, cpu, memory = f"{done.wall:.2f} s", f"{done.cpu:.2f} s", f"{done.memory:.0f} MB"
    verdict = "ok" if kept else "MISSED"
    print(ROW.format(what=what, found=found, bound=bound, wall=wall, cpu=cpu, memory=memory, verdict=verdict))
    return kept


sys.exit(main())
