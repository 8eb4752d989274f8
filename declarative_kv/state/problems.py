"""The errors of the state, in words; each says what is wrong, where, and the way out."""

from __future__ import annotations

import shlex
from pathlib import Path

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StateConflict, StateError, StateLocked, StateLockLost, StateUnreadable


def damaged(name: str, problem: str, hint: str) -> StateUnreadable:
    """The file is there and is no state; nothing writes over it."""
    return StateUnreadable(
        Diagnostic(
            code="state-damaged",
            summary="The state cannot be read",
            detail=f"{name} is damaged: {problem}. It is left as it is.",
            hint=hint,
        )
    )


def newer(name: str, found: int, known: int, hint: str) -> StateUnreadable:
    """The file was written by a later version of this program."""
    return StateUnreadable(
        Diagnostic(
            code="state-newer",
            summary="The state was written by a newer version",
            detail=f"{name} has format {found}; this version knows formats up to {known}. It is left as it is.",
            hint=f"Use the newer version, or what was there before it. {hint}",
        )
    )


def snapshot_missing(name: str, journal: str, hint: str) -> StateUnreadable:
    """There is a journal of a snapshot that is not there."""
    return StateUnreadable(
        Diagnostic(
            code="state-damaged",
            summary="The state cannot be read",
            detail=f"{name} is missing, but {journal} holds changes that were made on top of it.",
            hint=hint,
        )
    )


def restoring(path: Path, backup: Path) -> str:
    """How to go back to the backup beside a file, in commands."""
    if not backup.exists():
        return f"There is no backup ({backup}). Put a copy of the state in its place, or import what exists again."
    here, aside, old = (shlex.quote(str(p)) for p in (path, f"{path}.damaged", backup))
    move = f"mv {here} {aside}; " if path.exists() else ""
    return f"The state before the last saved run is the backup {backup}. To go back to it:\n    {move}cp {old} {here}"


def unreadable_file(path: Path, error: OSError) -> StateUnreadable:
    """The operating system refuses the file."""
    return StateUnreadable(
        Diagnostic(
            code="state-damaged",
            summary="The state cannot be read",
            detail=f"{path}: {error.strerror or error}.",
            hint="Check that the path is a file and that you may read it.",
        )
    )


def not_written(path: Path, error: OSError) -> StateError:
    """A write to the state failed."""
    return StateError(
        Diagnostic(
            code="state-not-written",
            summary="The state could not be written",
            detail=f"{path}: {error.strerror or error}. What was saved before stays saved.",
            hint="Make room or give write access to the folder, then plan again.",
        )
    )


def moved(name: str, journal: str, detail: str, hint: str) -> StateConflict:
    """The snapshot that is there is not the one that the journal builds on."""
    return StateConflict(
        Diagnostic(
            code="state-moved",
            summary="The state moved while a run was writing it",
            detail=f"{detail} Nothing was overwritten: the changes of the run are in {journal}.",
            hint=f"Put back the snapshot that the journal belongs to as {name}, or move the journal away to give its "
            f"changes up. {hint}",
        )
    )


def locked(name: str, holder: str) -> StateLocked:
    """Somebody else is at work."""
    return StateLocked(
        Diagnostic(
            code="state-locked",
            summary="The state is locked",
            detail=f"{holder} {name} is not written by two runs at once.",
            hint="Wait until it is done. The lock goes with the process that holds it: "
            "if that process hangs, stop it, then run the command again.",
        )
    )


def no_such_place(location: str, problem: str) -> StateError:
    """The location names nothing that can hold a state."""
    return StateError(
        Diagnostic(
            code="state-location",
            summary="The state's location cannot be used",
            detail=f"{location}: {problem}",
            hint="Give a file's path or azblob://ACCOUNT/CONTAINER/KEY, as `state: …` in the YAML or with --state.",
        )
    )


def leased(name: str, holder: str, seconds: int) -> StateLocked:
    """Somebody else is at work on a state in a blob."""
    return StateLocked(
        Diagnostic(
            code="state-locked",
            summary="The state is locked",
            detail=f"{holder} {name} is not written by two runs at once.",
            hint=f"Wait until it is done, for example with --lock-timeout {seconds}: a killed run holds the lock for "
            f"{seconds} seconds at most. One that hangs is stopped by taking the lock from it:\n    dkv state unlock",
        )
    )


def lock_lost(name: str, holder: str) -> StateLockLost:
    """The lease was broken, or ran out and was taken."""
    return StateLockLost(
        Diagnostic(
            code="state-lock-lost",
            summary="The lock on the state is lost",
            detail=f"Somebody took the lock on {name} from this run, which therefore writes nothing more. {holder}",
            hint="What was done is saved. When nobody else is at work, run the same command again.",
        )
    )


def lock_in_doubt(name: str) -> StateLockLost:
    """The lease could not be renewed in time."""
    return StateLockLost(
        Diagnostic(
            code="state-lock-lost",
            summary="The lock on the state is lost",
            detail=f"The lock on {name} could not be renewed before it ran out, so another run may hold it. This one "
            "writes nothing more.",
            hint="Check the network. What was done is saved: run the same command again.",
        )
    )


def no_container(name: str, account: str, container: str) -> StateError:
    """The container, or the whole account, is not there."""
    return StateError(
        Diagnostic(
            code="state-container",
            summary="The container for the state does not exist",
            detail=f"{name}: the storage account {account} has no container {container}. dkv does not create it.",
            hint="Create it:\n    "
            f"az storage container create --account-name {account} --name {container} --auth-mode login",
        )
    )


def no_access(name: str, said: str) -> StateError:
    """Azure Storage refuses."""
    return StateError(
        Diagnostic(
            code="state-access",
            summary="Azure Storage refused access to the state",
            detail=f"{name}: {said}",
            hint="Whoever applies needs the role `Storage Blob Data Contributor` on the container, whoever only plans "
            "`Storage Blob Data Reader`; the account's firewall must admit this machine. AZURE_STORAGE_KEY and "
            "AZURE_STORAGE_SAS_TOKEN count only for the account that AZURE_STORAGE_ACCOUNT names.",
        )
    )


def unreachable(name: str, said: str) -> StateError:
    """Azure Storage did not do what it was asked for."""
    return StateError(
        Diagnostic(
            code="state-unreachable",
            summary="Azure Storage did not do its part",
            detail=f"{name}: {said}",
            hint="Check the account's name and the network, then run the command again. What was saved stays saved.",
        )
    )


def no_earlier(name: str, serial: int, there: str) -> StateError:
    """No state with that serial is kept."""
    return StateError(
        Diagnostic(
            code="state-serial",
            summary="That earlier state is not kept",
            detail=f"{name} has no earlier snapshot with serial {serial}. Kept are: {there or 'none'}.",
            hint="Choose one of those, or leave out --serial for the present one.",
        )
    )
