"""The keys that a scenario finds in its vaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay


def prepare(replay: Replay, entry: Entry) -> None:
    """Nothing yet presupposes a key."""
