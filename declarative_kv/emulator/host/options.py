"""How a server is asked to behave, as data that fits one argument of a command line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`port` 0: the last one where it is free, else any. `latency_ms` is added to each request; `time_scale`
    multiplies Azure's recorded delays; `as_of` is an ISO date, `request_log` an absolute path."""

    port: int = 0
    latency_ms: float = 0.0
    throttle: bool = False
    time_scale: float = 0.0
    as_of: str | None = None
    request_log: str | None = None

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Options:
        """The inverse of `text`; raises `TypeError` or `ValueError` for anything else."""
        return cls(**json.loads(text))
