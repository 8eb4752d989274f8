"""How much the tests try: enough for every change by default, everything with DKV_TESTS=full (`make test-all`)."""

from __future__ import annotations

import os
from typing import Final

FULL: Final = os.environ.get("DKV_TESTS") == "full"


def count(some: int, everything: int) -> int:
    """`some` in the usual run, `everything` in a full one."""
    return everything if FULL else some
