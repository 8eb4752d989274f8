"""The request log: one line of JSON for every request answered, never a body or a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from declarative_kv.emulator.http import Request

# Query parameters whose value is a credential; everything else in a query is an address.
_HIDDEN: Final = frozenset({"client_secret", "client_assertion", "code", "sig", "access_token"})

Recorder = Callable[[dict[str, Any]], None]


def record(request: Request, status: int, seconds: float, at: float) -> dict[str, Any]:
    """The log line for one answered request: `at` is epoch seconds, `status` 0 when the connection was dropped."""
    shown = [(name, "hidden" if name.lower() in _HIDDEN else value) for name, value in request.query]
    return {
        "t": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "host": request.host,
        "method": request.method,
        "path": request.path,
        "query": urlencode(shown, safe="$/',: ()"),
        "status": status,
        "ms": round(seconds * 1000, 3),
        "client": request.headers.get("user-agent", ""),
    }


class RequestLog:
    """A log file opened for append; each line is written whole and flushed before the answer goes out."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def __call__(self, entry: dict[str, Any]) -> None:
        """Append one entry."""
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the file; further lines are an error."""
        self._file.close()
