"""Commands that are killed and repeated on one project, each held against what it leaves undisturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.counts import FULL
from tests.laws import everything
from tests.laws.killing import KILLED, Ended, Kill, Lane, differences

ALLOWED: Final = ("--auto-approve", "--allow", "protected")
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "apply": ("apply", "--auto-approve", *everything.OPTIONS),
    "destroy": ("destroy", *ALLOWED),
    "import": ("import", "secret.one/theirs", "secret.one/retagged", "access_policy.one/ann", *ALLOWED),
}
PLAN: Final = ("plan", *everything.OPTIONS)
PLANS: Final[Mapping[str, tuple[str, ...]]] = {"destroy": ("plan", "--destroy", "--allow", "protected")}
"""How somebody looks before a command is repeated, where a plain plan asks another question."""


@dataclass(frozen=True)
class Bench:
    """A lane, what each command leaves there when nobody kills it, and what killed ones have left there.

    What follows depends on nothing but what was left, so unless all is to be tried, the same is not tried again.
    """

    lane: Lane
    left: dict[str, tuple[Ended, Mapping[str, Any]]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def undisturbed(self, name: str) -> tuple[Ended, Mapping[str, Any]]:
        """How the command ends undisturbed, and the picture of what it leaves."""
        if name not in self.left:
            self.lane.restart()
            ended = self.lane.dkv(*COMMANDS[name])
            assert ended.code == 0, ended.err
            self.left[name] = ended, self.lane.picture()
        return self.left[name]

    def broken_by(self, name: str, *kills: Kill) -> Iterator[str]:
        """Kill the command, as often as is said, each time going on; whatever is not as it should be then."""
        _, expected = self.undisturbed(name)
        self.lane.restart()
        for kill in kills:
            killed = self.lane.dkv(*COMMANDS[name], kill=kill)
            where = f"{kill} ({killed.requests[-1] if killed.requests else 'before any request'})"
            if killed.code != KILLED and kill.seconds is None:
                yield f"{where}, it ended by itself with {killed.code}: {killed.err}"
            if not FULL and kill is kills[-1] and self._has_seen(name):
                return
            yield from (f"{where}, {one}" for one in self._looked_at(name))
        left, finished = self.lane.journal(), self.lane.dkv(*COMMANDS[name])
        if finished.code != 0:
            yield f"{where}, the next one ended with {finished.code}: {finished.err}"
        # Where nothing is left to do, nothing is written, and the journal stays for who writes next.
        if self.lane.journal() not in (None, left):
            yield f"{where}, the next one did not fold its journal"
        yield from (f"{where}, {one}" for one in differences(expected, self.lane.picture()))

    def _has_seen(self, name: str) -> bool:
        """Whether an earlier kill of the command left the very same."""
        left = f"{name} {json.dumps(self.lane.picture(), sort_keys=True)}"
        known = left in self.seen
        self.seen.add(left)
        return known

    def _looked_at(self, name: str) -> Iterator[str]:
        """What is wrong with a plan at this moment: it must be made, and say what was in flight."""
        pending, planned = self.lane.pending(), self.lane.dkv(*PLANS.get(name, PLAN))
        if planned.code != 0:
            yield f"the plan ended with {planned.code}: {planned.err}"
        yield from (f"the plan does not say that {at} was in flight" for at in pending if not is_told(at, planned))


def is_told(address: str, planned: Ended) -> bool:
    """Whether a plan says of an address that it was in flight, and what became of it."""
    return f"{address} was in flight when an earlier run ended: it " in planned.out
