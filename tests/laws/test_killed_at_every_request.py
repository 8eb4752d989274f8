"""Killed at any request, the same command once more leaves what an undisturbed one would: in Azure and in the state.

The apply has a change of every kind before it. By default it is killed after each of its requests (before a request
nothing is otherwise than after the one that came before it, but for what the program does in between); the other
commands are killed after each request that writes; and what two kills left alike is gone on from once. With full counts
all are killed on both sides of every request, and gone on from each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from tests.counts import FULL
from tests.laws.bench import COMMANDS, PLAN, Bench, is_told
from tests.laws.killing import KILLED, Kill, outlines
from tests.laws.leaks import secret_value

PARTS: Final = {"apply": 4, "destroy": 2, "import": 1}
"""In how many tests a command's kills are done, so that several processors can share them."""


def kills(name: str, requests: Sequence[str]) -> Iterator[Kill]:
    """The kills that are tried; a request is written as its method and where it goes."""
    for at, request in enumerate(requests, 1):
        writes = not request.startswith("GET") and not request.endswith("/token")
        if FULL or writes or name == "apply":
            yield Kill(at, after=True)
        if FULL:
            yield Kill(at, after=False)


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, parts in PARTS.items() for part in range(parts)])
def test_a_command_killed_at_a_request_is_finished_by_the_same_command(name: str, part: int, bench: Bench) -> None:
    undisturbed, _ = bench.undisturbed(name)
    chosen = tuple(kills(name, undisturbed.requests))[part :: PARTS[name]]
    assert chosen
    broken = [one for kill in chosen for one in bench.broken_by(name, kill)]
    assert not broken, "\n".join([*broken, outlines(undisturbed.requests)])


def test_nothing_is_left_to_do_after_the_apply(bench: Bench) -> None:
    bench.lane.restart()
    assert bench.lane.dkv(*COMMANDS["apply"]).code == 0
    assert bench.lane.dkv("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_value_that_was_being_set_by_hand_is_told_by_the_next_plan_and_set_again(after: bool, bench: Bench) -> None:
    lane, value = bench.lane, secret_value("by hand")
    setting = ("secret", "set", "secret.one/kept")
    lane.restart()
    undisturbed = lane.dkv(*setting, typed=value)
    assert undisturbed.code == 0, undisturbed.err
    written = next(n for n, one in enumerate(undisturbed.requests, 1) if one.startswith("PUT"))
    lane.restart()
    assert lane.dkv(*setting, typed=value, kill=Kill(written, after)).code == KILLED
    assert lane.versions("kv-one", "kept") == (2 if after else 1)
    assert is_told("secret.one/kept", lane.dkv(*PLAN))
    assert lane.dkv(*setting, typed=value).code == 0
    assert lane.versions("kv-one", "kept") == (3 if after else 2)
    assert not lane.pending()
