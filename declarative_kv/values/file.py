"""Values from files."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import FileSource
from declarative_kv.values.check import LIMIT, decoded, missing

_UNREAL = ("/proc", "/sys", "/dev")
"""File systems whose files are the machine's, not a team's: another process's environment, devices without an end."""


def read_file(source: FileSource) -> Sensitive:
    """The file's text without its last newline; the words of errors name the path as the YAML has it."""
    name = f"file {source.written}"
    try:
        path = Path(source.path).resolve()
        if any(path.is_relative_to(folder) for folder in _UNREAL) or (path.exists() and not path.is_file()):
            raise missing(f"{name} is not an ordinary file", "Name a file of your own.")
        with path.open("rb") as file:
            data = file.read(LIMIT + 3)
    except FileNotFoundError as error:
        raise missing(
            f"{name} does not exist", "Create it, or correct the path: it counts from the YAML file."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not a file name"
        raise missing(f"{name} cannot be read: {reason.lower()}") from error
    if len(data) > LIMIT + 2:
        raise missing(f"{name} has over {LIMIT} bytes, more than Key Vault takes", "Shorten or split the value.")
    return decoded(data, name)
