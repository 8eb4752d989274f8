"""The errors of the state, in words; each says what is wrong, where, and the way out."""

from __future__ import annotations

import shlex
from pathlib import Path

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StateConflict, StateError, StateLocked, StateUnreadable


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
            hint="Give a file's path, as `state: state/dkv.json` in the YAML or with --state.",
        )
    )
