"""The refusals of the emulated services: raised where they are found, rendered once at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.http import Request, Response, json_response


class AzureFault(Exception):
    """An answer that is an error: status, Azure's code and message, an inner code, extra headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """`inner` is the `innererror` code of Key Vault; `extra` holds further members of the `error` object."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def response(self) -> Response:
        """The error object that Resource Manager and Key Vault share."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, **self.extra}
        if self.inner is not None:
            error["innererror"] = {"code": self.inner}
        return json_response(self.status, {"error": error}, self.headers)


def not_emulated(request: Request) -> AzureFault:
    """What an unknown route gets: never an empty success that would flatter the client."""
    version = request.parameter("api-version")
    asked = f"{request.method} https://{request.host}{request.path}"
    suffix = "" if version is None else f" with api-version {version}"
    return AzureFault(501, "NotImplemented", f"The emulator has no route for {asked}{suffix}.")
