"""The one event loop of a command."""

from __future__ import annotations

import asyncio

import pytest

from declarative_kv.engine.loop import in_loop


class Unspeakable:
    """Something so large that nobody may write it out."""

    def __repr__(self) -> str:
        raise AssertionError("it was written out")


def test_what_comes_out_of_a_loop_is_never_written_out_as_text() -> None:
    thing = Unspeakable()

    async def work() -> Unspeakable:
        await asyncio.sleep(0)
        return thing

    assert in_loop(work()) is thing


def test_what_goes_wrong_in_it_goes_on() -> None:
    async def work() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        in_loop(work())
