"""Hold every test to the leak law: what it printed, logged and left in its folders is searched for secret values.

Also searched are what it read of its captured output and of its child processes, and the arguments of the latter,
which any user of the machine can see.
"""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.model.secret import Sensitive
from tests.laws.leaks import MARK, leak_in, leaks_below

_CAPTURES = ("capsys", "capfd", "capsysbinary", "capfdbinary")
LONG_ENOUGH = 12
"""Shorter values that a test makes up (`v1`, `hunter2`) may stand in its own words by chance."""
NEWEST = 200
"""How many of the values that a process made or read are remembered."""

_communicate = subprocess.Popen.communicate
_init = Sensitive.__init__


class LeakLaw:
    """What the running test has shown so far, and the folders that it may have filled."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, bytes]] = []
        self.folders: list[Path] = []
        self.leaky: set[str] = set()
        self.values: deque[str] = deque(maxlen=NEWEST)

    def show(self, what: str, text: object) -> None:
        """Remember something that went out; None and other things that are no text are let pass."""
        if isinstance(text, bytes):
            self.shown.append((what, text))
        elif isinstance(text, str):
            self.shown.append((what, text.encode("utf-8", "surrogatepass")))

    def findings(self, folders: list[Path]) -> Iterator[str]:
        """Where values are, never which; forgets what was shown."""
        shown, self.shown = self.shown, []
        for what, data in shown:
            if (form := leak_in(data, self.values)) is not None:
                yield f"{what} ({form})"
        for folder in folders:
            if folder.exists():
                yield from leaks_below(folder, self.values)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Watch what a test reads of its captured output, and the folders that it asks for."""
        value = yield
        if fixturedef.argname in _CAPTURES:
            value.readouterr = self._watched(value.readouterr)
        elif fixturedef.argname == "tmp_path_factory":
            value.mktemp = self._remembered(value.mktemp)
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """A test that leaked has failed, whatever it thought itself."""
        report = yield
        if item.nodeid in self.leaky:
            report.sections = []  # its later reports repeat what its earlier ones were blamed for
        for title, text in (*report.sections, ("the report of a failure", report.longreprtext)):
            self.show(title, text)
        folders = []
        if report.when == "call" and "tmp_path" in getattr(item, "funcargs", {}):
            folders = [item.funcargs["tmp_path"]]  # type: ignore[attr-defined]
        found = sorted(set(self.findings(folders)))
        if found:
            self.leaky.add(item.nodeid)
            report.outcome = "failed"
            report.sections = []  # pytest would print them, with the value
            report.longrepr = "A secret value leaked into " + ", ".join(found)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """Shared folders are searched when the last test of a file is over, before they may go."""
        if nextitem is None or nextitem.path != item.path:
            folders, self.folders = self.folders, []
            for finding in self.findings(folders):
                pytest.fail(f"A secret value leaked into {finding}", pytrace=False)
        return (yield)

    def _watched(self, readouterr: Any) -> Any:
        def watched() -> Any:
            captured = readouterr()
            for text in captured:
                self.show("captured output", text)
            return captured

        return watched

    def _remembered(self, mktemp: Any) -> Any:
        def remembered(*arguments: Any, **options: Any) -> Any:
            folder = mktemp(*arguments, **options)
            self.folders.append(folder)
            return folder

        return remembered

    def communicate(self, process: Any, *arguments: Any, **options: Any) -> Any:
        """What a child process printed, and what it was called with."""
        outputs = _communicate(process, *arguments, **options)
        called = process.args if isinstance(process.args, str | bytes) else " ".join(map(str, process.args))
        for text in (*outputs, called):
            self.show("a child process", text)
        return outputs


def _watch_values(law: LeakLaw) -> None:
    """What this process takes for a secret value is looked for too, also where it bears no mark."""

    def made(sensitive: Sensitive, _value: str) -> None:
        if len(_value) >= LONG_ENOUGH and MARK not in _value and _value not in law.values:
            law.values.append(_value)
        _init(sensitive, _value)

    Sensitive.__init__ = made  # type: ignore[method-assign, assignment]


def pytest_configure(config: pytest.Config) -> None:
    """Take up the law for this process; a worker of pytest-xdist is a process of its own."""
    law = LeakLaw()
    config.pluginmanager.register(law, "leak-law")

    def communicate(process: Any, *arguments: Any, **options: Any) -> Any:
        return law.communicate(process, *arguments, **options)

    subprocess.Popen.communicate = communicate  # type: ignore[method-assign, assignment]
    _watch_values(law)


def pytest_unconfigure() -> None:
    """Leave the standard library as it was."""
    subprocess.Popen.communicate = _communicate  # type: ignore[method-assign]
    Sensitive.__init__ = _init  # type: ignore[method-assign]
