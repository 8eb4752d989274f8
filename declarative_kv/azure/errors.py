"""The one place where the SDKs' exceptions become ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from declarative_kv.azure.hints import conflict_hint, forbidden_hint
from declarative_kv.azure.sign_in import SIGN_IN, reasons, way_out
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import (
    AzureError,
    Conflict,
    Forbidden,
    NameTaken,
    NotAuthenticated,
    NotFound,
    OutOfTime,
    Throttled,
    Unavailable,
)
from declarative_kv.model.secret import Sensitive

_TAKEN: Final = frozenset({"VaultAlreadyExists", "ConflictError"})
_WORDS: Final[Mapping[type[AzureError], tuple[str, str]]] = {
    NotAuthenticated: ("not-authenticated", "Azure does not know who is asking"),
    Forbidden: ("forbidden", "Azure refused the operation"),
    NotFound: ("not-found", "Azure does not have the object"),
    NameTaken: ("name-taken", "The vault's name is in use"),
    Conflict: ("conflict", "The object's state in Azure forbids the operation"),
    Throttled: ("throttled", "Azure answers too many requests"),
    Unavailable: ("unavailable", "Azure did not answer"),
    OutOfTime: ("out-of-time", "The run was stopped before this was done"),
    AzureError: ("azure-error", "Azure did not accept the request"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error body says: the innermost code, and the message in one line."""

    code: str = ""
    message: str = ""


@contextmanager
def translated(operation: str, address: Address | None = None, hide: Sensitive | None = None) -> Iterator[None]:
    """Turn what the SDKs raise inside into an `AzureError`; `operation` says in words what was tried.

    A message of Azure that would repeat the value `hide` is left out of the error.
    """
    from azure.core.exceptions import AzureError as SdkError

    try:
        yield
    except SdkError as error:
        raise _translate(error, operation, address, hide) from (error if hide is None else None)


def raised(response: Any, operation: str, address: Address | None = None, hide: Sensitive | None = None) -> AzureError:
    """Our error for an answer with a status of 400 or more."""
    return _answered(response, operation, address, hide)


def problem_of(response: Any) -> Problem:
    """Read an error body: Key Vault's and Resource Manager's JSON, Entra ID's, or none of these (HTML, nothing)."""
    try:
        body = json.loads(response.text())
    except (ValueError, AttributeError, TypeError):
        # Storage answers in XML, or with no body at all, and has the code in a header too.
        return Problem(str(getattr(response, "headers", {}).get("x-ms-error-code") or ""))
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return Problem(error, _line(body.get("error_description", "")))
    if not isinstance(error, dict):
        return Problem()
    inner = error.get("innererror")
    code = inner.get("code") if isinstance(inner, dict) else None
    return Problem(str(code or error.get("code") or ""), _line(error.get("message", "")))


def _translate(error: Exception, operation: str, address: Address | None, hide: Sensitive | None) -> AzureError:
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        IncompleteReadError,
        ServiceRequestError,
        ServiceResponseError,
    )

    from declarative_kv.azure.paced import NotSent

    if isinstance(error, NotSent):
        return _kept_back(error.asked, operation, address)
    response = getattr(error, "response", None)
    if isinstance(error, ClientAuthenticationError):
        return _made(NotAuthenticated, operation, address, Problem("", reasons(str(error))), None, way_out(str(error)))
    if isinstance(error, HttpResponseError) and response is not None:
        return _answered(response, operation, address, hide)
    if isinstance(error, ServiceRequestError | ServiceResponseError | IncompleteReadError):
        hint = "Check the network, and the proxy if there is one, and run the command again."
        return _made(Unavailable, operation, address, Problem("", _shown(_line(str(error)), hide)), None, hint)
    return _made(AzureError, operation, address, Problem("", _shown(_line(str(error)), hide)), None, "")


def _kept_back(asked: float | None, operation: str, address: Address | None) -> AzureError:
    """Our error for a request that never left: Azure asked for too much patience, or the run is over."""
    if asked is None:
        hint = "Run the same command again: it goes on where this one ended."
        return _made(OutOfTime, operation, address, Problem(), None, hint)
    said = Problem("", f"too many requests; ask again after {asked:.0f} seconds.")
    return _made(Throttled, operation, address, said, None, "Run the command again after that time.")


def _answered(response: Any, operation: str, address: Address | None, hide: Sensitive | None) -> AzureError:
    problem = problem_of(response)
    problem = Problem(problem.code, _shown(problem.message, hide))
    status = int(response.status_code)
    kind = _kind(status, problem.code)
    return _made(kind, operation, address, problem, response, _hint(kind, problem))


def _kind(status: int, code: str) -> type[AzureError]:
    match status:
        case 401:
            return NotAuthenticated
        case 403:
            return Forbidden
        case 404:
            return NotFound
        case 409:
            return NameTaken if code in _TAKEN else Conflict
        case 429:
            return Throttled
        case 408:
            return Unavailable
    return Unavailable if status >= 500 else AzureError


def _hint(kind: type[AzureError], problem: Problem) -> str:
    if kind is NotAuthenticated:
        return SIGN_IN
    if kind is Forbidden:
        return forbidden_hint(problem.code, problem.message)
    if kind is NameTaken:
        return "Choose another `name`, or recover the soft-deleted vault that holds it (`import: true` on the vault)."
    if kind.retryable:
        return "Run the command again."
    return conflict_hint(problem.code)


def _made(
    kind: type[AzureError], operation: str, address: Address | None, problem: Problem, response: Any, hint: str
) -> AzureError:
    status = int(response.status_code) if response is not None else None
    request_id = _request_id(response) if response is not None else None
    code, summary = _WORDS[kind]
    where = ", ".join(part for part in (f"status {status}" if status else "", problem.code) if part)
    detail = f"{operation} failed" + (f" ({where})" if where else "") + "."
    if problem.message:
        detail += f" Azure says: {problem.message}"
    diagnostic = Diagnostic(code, summary, detail, hint, address=address, request_id=request_id)
    return kind(diagnostic, operation=operation, status=status, code=problem.code, request_id=request_id)


def _request_id(response: Any) -> str | None:
    names = ("x-ms-request-id", "request-id", "x-ms-correlation-request-id")
    return next((str(response.headers[name]) for name in names if response.headers.get(name)), None)


def _shown(message: str, hide: Sensitive | None) -> str:
    """The message, unless it holds the value in any plain form."""
    if hide is None:
        return message
    value = hide.reveal()
    forms = {value, json.dumps(value)[1:-1], " ".join(value.split())}
    return "" if any(form and form in message for form in forms) else message


def _line(text: object) -> str:
    """Text of Azure's in one line."""
    return " ".join(str(text).split())
