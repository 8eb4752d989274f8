"""Where a state is: a file's path now; a blob's URL is recognised, so that it is not taken for a file."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.model.codec import Specs
from declarative_kv.state import problems
from declarative_kv.state.local import LocalStore
from declarative_kv.state.lock import Clock
from declarative_kv.state.store import Store


def open_store(location: str, spec_types: Specs, *, clock: Clock) -> Store:
    """The store at a location. Nothing is read or created yet; `StateError` where no state can be there."""
    scheme, separator, _ = location.partition("://")
    if separator:
        known = "states in a blob are not supported yet." if scheme == "azblob" else "there is no such kind of store."
        raise problems.no_such_place(location, known)
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
