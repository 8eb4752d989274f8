"""The line that is typed at a question: everything else on the event loop goes on while somebody thinks."""

from __future__ import annotations

import asyncio
import os
import pty
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest

from declarative_kv.cli.approval import typed


class Unwatching(asyncio.SelectorEventLoop):
    """A loop that watches no streams, as Windows' own does."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        raise NotImplementedError


@contextmanager
def keyboard() -> Iterator[tuple[int, TextIO]]:
    """A terminal: where keys are pressed, and what reads from it."""
    master, slave = pty.openpty()
    with os.fdopen(slave, encoding="utf-8") as stream:
        yield master, stream
        os.close(master)


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, Unwatching])
def test_the_loop_goes_on_while_somebody_thinks(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def asked(stream: TextIO, keys: int) -> tuple[str, int]:
        answer, turns = asyncio.ensure_future(typed(stream)), 0
        while not answer.done():
            await asyncio.sleep(0.001)
            turns += 1
            if turns in (10, 20):
                os.write(keys, b"y" if turns == 10 else b"es\n")
        return answer.result(), turns

    with keyboard() as (keys, stream), asyncio.Runner(loop_factory=loop) as runner:
        answer, turns = runner.run(asked(stream, keys))
    assert answer == "yes"
    assert turns >= 20


def test_a_file_is_read_by_a_thread_and_its_end_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_text("yes\n")
    with path.open(encoding="utf-8") as stream:
        assert asyncio.run(typed(stream)) == "yes"
        assert asyncio.run(typed(stream)) == ""


def test_what_comes_in_pieces_without_an_end_counts_until_the_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"ye")

    async def asked(stream: TextIO) -> str:
        answer = asyncio.ensure_future(typed(stream))
        await asyncio.sleep(0.01)
        os.write(writing, b"s")
        os.close(writing)
        return await answer

    with os.fdopen(reading, encoding="utf-8") as stream:
        assert asyncio.run(asked(stream)) == "yes"


def test_a_terminal_that_hangs_up_gives_no_answer() -> None:
    master, slave = pty.openpty()

    async def asked(stream: TextIO) -> str:
        answer = asyncio.ensure_future(typed(stream))
        await asyncio.sleep(0.01)
        os.close(master)
        return await answer

    with os.fdopen(slave, encoding="utf-8") as stream:
        assert asyncio.run(asked(stream)) == ""


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, Unwatching])
def test_who_is_cancelled_at_a_question_waits_for_nobody(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def asked(stream: TextIO) -> None:
        async with asyncio.timeout(0.05):
            await typed(stream)

    with keyboard() as (keys, stream):
        with pytest.raises(TimeoutError), asyncio.Runner(loop_factory=loop) as runner:
            runner.run(asked(stream))
        os.write(keys, b"too late\n")
        for thread in threading.enumerate():
            if thread.name == "answer":
                thread.join(10)
