"""Killed while it brings back a secret and gives it a new value, and killed again while it goes on: nothing is lost.

Of a value, an entry says what was in flight and which version was seen before; what the second run saves must be as
true as what the first one saved. By default the second run is killed before each of its requests that concern the
secret, after the first was killed where most is open; with full counts both are killed on both sides of each.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.counts import FULL
from tests.laws.bench import COMMANDS, Bench
from tests.laws.killing import KILLED, Kill

SECRET: Final = "kv-one.vault.azure.net/secrets/rewritten"
OF: Final = "/rewritten"
REQUESTS: Final = (
    "POST kv-one.vault.azure.net/deletedsecrets/rewritten/recover",
    f"GET {SECRET}/versions",  # is it back?
    f"PUT {SECRET}",
    f"GET {SECRET}/versions",  # did that go over somebody else's?
)
RECOVERED: Final = Kill(2, after=True, of=OF)
FIRST: Final = tuple(Kill(at, after, of=OF) for at in (1, 2, 3) for after in (False, True))
SIDES: Final = (False, True) if FULL else (False,)


@pytest.mark.parametrize("first", FIRST if FULL else (RECOVERED,), ids=str)
def test_an_apply_killed_twice_over_one_secret_is_finished_by_the_next(first: Kill, bench: Bench) -> None:
    undisturbed, _ = bench.undisturbed("apply")
    assert _concerning(undisturbed.requests) == REQUESTS
    bench.lane.restart()
    assert bench.lane.dkv(*COMMANDS["apply"], kill=first).code == KILLED
    then = _concerning(bench.lane.dkv(*COMMANDS["apply"]).requests)
    assert then
    seconds = [Kill(at, after, of=OF) for at in range(1, len(then) + 1) for after in SIDES]
    broken = [one for second in seconds for one in bench.broken_by("apply", first, second)]
    assert not broken, "\n".join([*broken, *then])


def _concerning(requests: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in requests if OF in one)
