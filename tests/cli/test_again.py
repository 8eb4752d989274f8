"""The one command to go on with after a run that did not do all."""

from __future__ import annotations

import shlex

import pytest

from declarative_kv.cli.again import same_command
from declarative_kv.model.address import Address

from .conftest import Dkv, Project, Result

DB = Address("secret", "payments/db")
REFUSED = ("fault", "add", "--method", "PUT", "--path", "/secrets/db", "--status", "400", "--times", "1")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["apply"], "dkv apply"),
        (["apply", "-e", "prod", "--var", "who=a b"], "dkv apply -e prod --var 'who=a b'"),
        (["apply", "--replace", "secret.payments/db", "--auto-approve"], "dkv apply --auto-approve"),
        (["apply", "--replace=secret.payments/db"], "dkv apply"),
        (["apply", "--replace", "secret.payments/other"], "dkv apply --replace secret.payments/other"),
        (["apply", "--replace=secret.payments/other"], "dkv apply --replace=secret.payments/other"),
    ],
)
def test_the_same_command_is_quoted_and_replaces_nothing_twice(arguments: list[str], line: str) -> None:
    assert same_command(arguments, [DB]) == f"To go on, run the same command again:\n    {line}"


def _command(result: Result) -> list[str]:
    """What the run said to type next, without the program's name."""
    lines = result.err.splitlines()
    words = shlex.split(lines[next(n for n, line in enumerate(lines) if line.startswith("To go on")) + 1])
    assert words[0] == "dkv", result.err
    return words[1:]


def test_the_same_command_line_goes_on(project: Project, dkv: Dkv) -> None:
    given = ("apply", "-f", str(project.folder), "--target", "vault.payments", "--target", str(DB), "--auto-approve")
    assert dkv("apply", "--auto-approve", "--exclude", str(DB)).code == 0
    assert dkv("emulator", *REFUSED, "--data-dir", "state/.emulator").code == 0

    failed = dkv(*given)

    assert failed.code == 1
    assert _command(failed) == list(given)
    assert dkv(*_command(failed)).code == 0


def test_a_saved_plan_that_is_done_in_part_is_followed_by_a_new_one(project: Project, dkv: Dkv) -> None:
    assert dkv("plan", "--out", "reviewed", "--exclude", "secret.payments/kept").code == 0
    assert dkv("show", "reviewed").code == 0
    assert dkv("apply", "--auto-approve", "--exclude", str(DB)).code == 0
    assert dkv("plan", "--out", "reviewed", "--exclude", "secret.payments/kept").code == 0
    assert dkv("emulator", *REFUSED, "--data-dir", "state/.emulator").code == 0

    failed = dkv("apply", "reviewed", "--auto-approve")

    assert failed.code == 1
    assert "with the variables that this one was given" in failed.err
    assert dkv(*_command(failed)).code == 0
    assert dkv("apply", "reviewed", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode", "--exclude", "secret.payments/kept").code == 0


def test_the_plan_that_follows_one_of_a_shard_is_of_that_shard(project: Project, dkv: Dkv) -> None:
    others = ("--exclude", "secret.payments/kept", "--state", "a b/dkv.json")
    number = next(n for n in (1, 2) if "vault.payments" in dkv("plan", "--json", "--shard", f"{n}/2", *others).out)
    given = ("--shard", f"{number}/2", *others)
    assert dkv("apply", "--auto-approve", "--shard", "1/2", *others, "--exclude", str(DB)).code == 0
    assert dkv("apply", "--auto-approve", *given, "--exclude", str(DB)).code == 0
    assert dkv("plan", *given, "--out", "reviewed").code == 0
    assert dkv("emulator", *REFUSED, "--data-dir", "a b/.emulator").code == 0

    failed = dkv("apply", "reviewed", "--auto-approve")

    assert failed.code == 1
    assert dkv(*_command(failed)).code == 0
    assert dkv("apply", "reviewed", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode", *given).code == 0
    assert [path.name for path in (project.folder / "a b").glob("*.shard-*.json")]
    assert not list((project.folder / "a b").glob("*.shard-*.shard-*"))
