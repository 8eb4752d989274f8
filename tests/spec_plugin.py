"""Hold every answer that the emulator gives in a test to the OpenAPI file of its operation, or fail the test.

The emulator announces each answer as an audit event (PEP 578), so whoever made the `Application` is covered:
fixtures, private emulators of the program, replayed recordings. A server is a process of
its own: `tests/specs/remote.py` listens there.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from declarative_kv.emulator.app import ANSWERED
from tests.specs.check import available, violations


class Specifications:
    """What was answered since the last report, and what of it was wrong."""

    def __init__(self) -> None:
        self.checked = 0
        self.found: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take notice of an answer; every other event of the interpreter is let pass."""
        if event == ANSWERED:
            self.checked += 1
            self.found += violations(*arguments)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """A test in which the emulator broke a specification has failed, whatever it thought itself."""
        report = yield
        found, self.found = self.found, []
        if found:
            report.outcome = "failed"
            lines = list(dict.fromkeys(found))
            earlier = "" if report.longrepr is None else f"\n{report.longreprtext}"
            report.longrepr = "The emulator broke a specification:\n" + "\n".join(lines[:20]) + earlier
        return report


def pytest_configure(config: pytest.Config) -> None:
    """Listen in this process; a worker of pytest-xdist is a process of its own. Hooks of this kind stay for good."""
    if available() and not config.pluginmanager.hasplugin("specifications"):
        listener = Specifications()
        config.pluginmanager.register(listener, "specifications")
        sys.addaudithook(listener.hear)
