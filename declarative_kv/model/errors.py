"""The errors of declarative-kv; each carries diagnostics and an exit code.

DkvError                     1 unless said
├── UsageError               64: a flag or argument that makes no sense
├── ConfigError              one or many, each with a span
├── StateError
│   ├── StateLocked          who, since when, lock id
│   ├── StateLockLost        the lock was taken from a run, or may have been
│   ├── StateConflict        lineage differs or serial moved
│   └── StateUnreadable      damaged, or written by a newer format
├── PlanError
│   ├── DependencyCycle      prints the whole cycle
│   ├── UnmanagedExists      suggests `dkv import`
│   ├── StalePlan            the saved plan no longer matches
│   ├── Incomplete           4: live state that could not be read
│   └── Blocked              3: a guard refused
├── ValueMissing             a secret's source gives no value
├── AzureError               operation, address, status, request id; `.retryable`
│   ├── NotAuthenticated
│   ├── Forbidden            names the missing role or permission
│   ├── NotFound
│   ├── Conflict             409 other than a taken name
│   ├── NameTaken            the global vault name is in use, or soft-deleted
│   ├── Moved                not written: another writer was there first; carries what is there
│   ├── Throttled            retryable
│   ├── Unavailable          retryable
│   └── OutOfTime            not sent: the run was stopped first
├── AppliedInPart            5: something was written and saved, and something is wrong with it
└── Interrupted              130
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from declarative_kv.model.diagnostic import Diagnostic


class DkvError(Exception):
    """Anything that a user or Azure did; carries diagnostics, never a bare string."""

    exit_code: int = 1

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{d.code}: {d.summary}" for d in diagnostics))
        self.diagnostics: tuple[Diagnostic, ...] = tuple(sorted(diagnostics, key=lambda d: d.place))

    @classmethod
    def of(cls, problems: Iterable[Diagnostic]) -> DkvError:
        """The same error from any iterable of diagnostics."""
        return cls(*problems)


class UsageError(DkvError):
    """A command line that makes no sense."""

    exit_code = 64


class ConfigError(DkvError):
    """The configuration has mistakes; all of them at once."""


class StateError(DkvError):
    """The state cannot be used."""


class StateLocked(StateError):
    """Somebody else holds the state's lock."""


class StateLockLost(StateError):
    """The lock was taken from this run, or may have been; it may write nothing more."""


class StateConflict(StateError):
    """Another lineage, or the serial has moved."""


class StateUnreadable(StateError):
    """Damaged, or written by a newer format."""


class PlanError(DkvError):
    """No plan can be made of this."""


class DependencyCycle(PlanError):
    """Resources need each other in a circle."""


class UnmanagedExists(PlanError):
    """An object exists in Azure that the state does not know."""


class StalePlan(PlanError):
    """What a saved plan saw has moved."""


class Incomplete(PlanError):
    """Some live state could not be read, so nothing is applied."""

    exit_code = 4


class Blocked(PlanError):
    """A guard refused."""

    exit_code = 3


class ValueMissing(DkvError):
    """A secret must be written and its source gives no value."""


class AzureError(DkvError):
    """Azure refused or failed; translated once, in `declarative_kv.azure.errors`."""

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        *diagnostics: Diagnostic,
        operation: str = "",
        status: int | None = None,
        code: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(*diagnostics)
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id


class NotAuthenticated(AzureError):
    """No credential, or Entra ID refused it (401)."""


class Forbidden(AzureError):
    """403: a role, permission, network rule or the object's state forbids it; `code` has Azure's inner code."""


class NotFound(AzureError):
    """404."""


class Conflict(AzureError):
    """409 that is about the object's own state; `code` has Azure's inner code where there is one."""


class NameTaken(Conflict):
    """409: the vault's global name is in use, or held by a soft-deleted vault."""


class Moved(AzureError):
    """Nothing was written: right before the write the object was not as it had been read; `now` is what is there."""

    def __init__(self, now: object, *diagnostics: Diagnostic, operation: str = "") -> None:
        super().__init__(*diagnostics, operation=operation)
        self.now = now


class Throttled(AzureError):
    """429 after all retries."""

    retryable = True


class Unavailable(AzureError):
    """5xx, time-out or broken connection after all retries."""

    retryable = True


class OutOfTime(AzureError):
    """The run was stopped before the request could be sent: nothing has come of it."""


class AppliedInPart(DkvError):
    """Something was written and is saved, but not as it should be."""

    exit_code = 5


class Interrupted(DkvError):
    """Ctrl-C or SIGTERM; what was in flight is finished and saved."""

    exit_code = 130
