"""Requests, wall time, CPU and peak memory of plan, apply and destroy, at 0 and 30 ms a request: `make bench`.

One vault with 100 and 1,000 secrets, and 100,000 in 200 vaults; start-up, validation and review too. `--full`, as
`make bench` has it, adds 10,000 in one vault; `--sizes`, `--latency`, `--estate` choose. Exits 1 where a bound is
missed. On a machine with other work the times say little; the requests and the memory are the same everywhere.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import estate
from tests.benchmarks.measured import DKV, Run, middle, must, run
from tests.benchmarks.project import (
    PAGE,
    Emulator,
    apply_bound,
    by_kind,
    change_bound,
    destroy_bound,
    emulator,
    new_values,
    plan_bound,
    without_secrets,
    write_project,
)

SIZES, ALL_SIZES, LATENCIES = (100, 1_000), (100, 1_000, 10_000), (0, 30)
VAULTS, ESTATE, ESTATE_SECONDS, ESTATE_MEMORY = 200, 100_000, 60.0, 500.0
START_RATIO, VALIDATE_SECONDS, VALIDATE_MEMORY, GROWTH = 2.2, 2.0, 200.0, 1.5
VALIDATED = 10_000
REVIEWED, REVIEW_SECONDS = 10_000, 3.0
ROW = "{what:<46} {found:>10} {bound:>10}   {wall:>9} {cpu:>9} {memory:>9}  {verdict}"
APPLY = ("apply", "--auto-approve")


@dataclass(frozen=True)
class Step:
    """One command to measure: what it is, how its project is changed before, and the most requests it may send."""

    what: str
    command: tuple[str, ...]
    before: Callable[[Path], None]
    bound: Callable[[int], int]


def main() -> int:
    """Print a table; gives the exit code."""
    options = _options()
    print(ROW.format(what="", found="found", bound="at most", wall="wall", cpu="CPU", memory="peak", verdict=""))
    with tempfile.TemporaryDirectory(prefix="dkv-bench-") as name:
        folder = Path(name)
        kept = [_start_up(folder), *_validation(folder), *_reviews(folder / "review")]
        for latency in options.latency:
            kept += _one_vault(folder / f"vault-{latency}", options.sizes, latency, listed=options.requests)
        if options.estate:
            kept += _estate(folder / "estate", options.estate, options.latency)
    if not options.full:
        print("not run: 10,000 secrets in one vault (make bench)")
    return 0 if all(kept) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also with 10,000 secrets in one vault")
    parser.add_argument("--sizes", type=_numbers, default=None, help="secrets in one vault, such as 100,1000")
    parser.add_argument("--latency", type=_numbers, default=LATENCIES, help="milliseconds a request, such as 0,30")
    parser.add_argument("--estate", type=int, default=ESTATE, help="secrets in 200 vaults; 0 leaves that out")
    parser.add_argument("--requests", action="store_true", help="list the requests by kind")
    options = parser.parse_args()
    options.sizes = options.sizes or (ALL_SIZES if options.full else SIZES)
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


STEPS = (
    Step("create", APPLY, lambda project: None, apply_bound),
    Step("plan, unchanged", ("plan", "--detailed-exitcode"), lambda project: None, plan_bound),
    Step("change all values", APPLY, new_values, change_bound),
    Step("destroy all, the vault stays", (*APPLY, "--allow", "many-destroys"), without_secrets, destroy_bound),
)


def _one_vault(folder: Path, sizes: Sequence[int], latency: int, *, listed: bool) -> Iterator[bool]:
    """Each step at each size, and that what a secret costs does not grow with their number."""
    folder.mkdir()
    costs: dict[str, list[tuple[int, float]]] = {step.what: [] for step in STEPS}
    for size in sizes:
        at = folder / str(size)
        at.mkdir()
        with emulator(at, "--latency", str(latency)) as running:
            project = write_project(at / "project", size, running.environ["DKV_EMULATOR_OBJECT_ID"])
            for step in STEPS:
                step.before(project)
                what = f"{step.what}: {size:,}, {latency} ms"
                done, kept = _counted(running, project, what, step.command, step.bound(size), listed=listed)
                costs[step.what].append((size, done.cpu))
                yield kept
    for what, found in costs.items():
        yield from _growth(f"{what}, {latency} ms", found)


def _growth(what: str, found: Sequence[tuple[int, float]]) -> Iterator[bool]:
    """CPU a further secret, from the second size to the third against from the first to the second."""
    for (a, at_a), (b, at_b), (c, at_c) in zip(found, found[1:], found[2:], strict=False):
        early, late = (at_b - at_a) / (b - a), (at_c - at_b) / (c - b)
        ratio = late / early if early > 0 else 0.0
        kept = ratio <= GROWTH
        print(f"{f'growth of {what}':<46} {ratio:>10.2f} {GROWTH:>10}   {'':>29}  {'ok' if kept else 'MISSED'}")
        yield kept


def _counted(
    running: Emulator, project: Path, what: str, command: tuple[str, ...], bound: int, *, listed: bool
) -> tuple[Run, bool]:
    before = len(running.requests())
    done = must(run((*DKV, *command), running.environ, project))
    sent = running.requests()[before:]
    kept = _row(what, f"{len(sent):,}", f"{bound:,}", done, kept=len(sent) <= bound)
    if listed or not kept:
        print(by_kind(sent))
    return done, kept


def _estate(folder: Path, secrets: int, latencies: Sequence[int]) -> Iterator[bool]:
    """A plan of an estate in which nothing changed."""
    folder.mkdir()
    each, value = secrets // VAULTS, estate.new_value()
    with emulator(folder) as running:
        environ = {**running.environ, estate.VARIABLE: value}
        deployer = running.environ["DKV_EMULATOR_OBJECT_ID"]
        project = estate.write_estate(folder / "project", VAULTS, 1, deployer)
        must(run((*DKV, *APPLY), environ, project))
        estate.write_estate(project, VAULTS, each, deployer)
    estate.multiply(folder / "emulator", project / "state" / "dkv.json", each, value)
    for latency in latencies:
        with emulator(folder, "--latency", str(latency)) as running:
            environ, before = {**running.environ, estate.VARIABLE: value}, len(running.requests())
            done = must(run((*DKV, "plan", "--detailed-exitcode"), environ, project))
            what, sent = f"plan of {secrets:,} in {VAULTS} vaults, {latency} ms", len(running.requests()) - before
            bound = VAULTS * (-(-(each + 1) // PAGE) + 5) + 15
            yield _row(what, f"{sent:,}", f"{bound:,}", done, kept=sent <= bound)
            fast, small = done.wall <= ESTATE_SECONDS, done.memory <= ESTATE_MEMORY
            yield _row(f"{what}: seconds", f"{done.wall:.1f}", f"{ESTATE_SECONDS:.0f}", done, kept=fast)
            yield _row(f"{what}: MB", f"{done.memory:.0f}", f"{ESTATE_MEMORY:.0f}", done, kept=small)


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


def _reviews(folder: Path) -> Iterator[bool]:
    """A change of one secret among many, and one of all of them, each held against a git revision."""
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    write_project(folder, REVIEWED, "1b2c0000-0000-4000-8000-0000000000a1", cloud="public")
    root = folder / "dkv.yaml"
    names = {f"GIT_{who}_{what}": "bench@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (("init", "--quiet"), ("add", "dkv.yaml"), ("commit", "--quiet", "--message", "base")):
        must(run(("git", *command), {**environ, **names}, folder))
    text = root.read_text(encoding="utf-8")
    for changed in (1, REVIEWED):
        root.write_text(text.replace("}}\n", "}, expires: 2030-01-01}\n", changed), encoding="utf-8")
        done = middle((*DKV, "review", "HEAD"), environ, folder)
        kept = done.wall <= REVIEW_SECONDS and f"Review: 0 to add, {changed} to change" in done.output
        what = f"review of {changed:,} in {REVIEWED:,}: seconds"
        yield _row(what, f"{done.wall:.2f}", f"{REVIEW_SECONDS}", done, kept=kept)


def _row(what: str, found: str, bound: str, done: Run, *, kept: bool) -> bool:
    wall, cpu, memory = f"{done.wall:.2f} s", f"{done.cpu:.2f} s", f"{done.memory:.0f} MB"
    verdict = "ok" if kept else "MISSED"
    print(ROW.format(what=what, found=found, bound=bound, wall=wall, cpu=cpu, memory=memory, verdict=verdict))
    return kept


sys.exit(main())
