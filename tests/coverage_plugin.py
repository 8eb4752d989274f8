"""Measure coverage where single behaviours are tried; what tries many worlds or other programs runs unmeasured.

Measuring takes as long again as the code itself, and a law over random worlds is no evidence that a line was tried on
purpose.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

UNMEASURED: Final = (
    "access",
    "architecture",
    "clients/test_az_",
    "clients/test_javascript",
    "clients/test_nothing_twice",
    "clients/test_request_budget",
    "clients/test_synchronous",
    "clients/test_under_limits",
    "examples",
    "fuzz",
    "laws",
    "recordings",
)
"""Folders, and beginnings of files, of the tests that are not measured."""
_HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark for pytest-cov what it shall not measure."""
    for item in items:
        if item.path.is_relative_to(_HERE) and str(item.path.relative_to(_HERE)).startswith(UNMEASURED):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Nor are the child processes of such a test measured."""
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE")}
    try:
        return (yield)
    finally:
        os.environ.update(hidden)
