"""The emulator's own request and response: plain data, so that any server or transport can carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, already decoded; header names are lower case."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = "127.0.0.1"

    @classmethod
    def from_target(
        cls,
        method: str,
        host: str,
        raw_path: str,
        raw_query: str,
        headers: Mapping[str, str],
        body: bytes,
        client: str = "127.0.0.1",
    ) -> Request:
        """Build a request from the raw parts of a request line; the query is percent-decoded, names included."""
        query = tuple(parse_qsl(raw_query, keep_blank_values=True))
        lowered = {name.lower(): value for name, value in headers.items()}
        return cls(method.upper(), host.lower().split(":")[0], raw_path, query, lowered, body, client)

    def parameter(self, name: str) -> str | None:
        """The first query parameter of that name, compared case-insensitively, as Azure does."""
        return next((value for key, value in self.query if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON; raises `ValueError` where it is not."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. `dropped` means the connection is closed without an answer (a fault)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    dropped: bool = False


def json_response(status: int, payload: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer with Azure's content type."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Response(status, {"content-type": "application/json; charset=utf-8", **(headers or {})}, body)
