"""Where a state is: in a file, or in a blob of Azure Storage."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.model.blob_place import SCHEME, BlobPlace, parse_blob_place
from declarative_kv.model.codec import Specs
from declarative_kv.state import problems
from declarative_kv.state.local import LocalStore
from declarative_kv.state.lock import Clock


def blob_place(location: str) -> BlobPlace | None:
    """The blob that a location names, or None where it is no blob's; `StateError` where no blob can have that name."""
    if not location.startswith(SCHEME):
        return None
    try:
        return parse_blob_place(location)
    except ValueError as error:
        raise problems.no_such_place(location, str(error)) from error


def local_store(location: str, spec_types: Specs, *, clock: Clock) -> LocalStore:
    """The store in a file. Nothing is read or created yet; `StateError` where no state can be there."""
    if "://" in location:
        raise problems.no_such_place(location, "there is no such kind of store.")
    if not location:
        raise problems.no_such_place("(empty)", "it names no file.")
    # A link stays a link: the files beside the state are those of the file that it leads to.
    try:
        path = Path(location).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise problems.no_such_place(location, "it is no path of a file.") from error
    if path.exists() and not path.is_file():
        raise problems.no_such_place(location, "it is a folder." if path.is_dir() else "it is not a plain file.")
    return LocalStore(path, spec_types, clock)
