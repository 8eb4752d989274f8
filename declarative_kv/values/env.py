"""Values from environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import FORBIDDEN_PREFIXES, EnvSource
from declarative_kv.values.check import checked, missing


def read_env(source: EnvSource, environ: Mapping[str, str]) -> Sensitive:
    """The variable's value as it is; a variable that signs in to something is refused before it is looked at."""
    if source.name.upper().startswith(FORBIDDEN_PREFIXES):
        raise missing(
            f"{source.name} may hold a credential and is never a source",
            "Copy the value to a variable of another name.",
            code="source-forbidden",
        )
    value = environ.get(source.name)
    if value is None:
        raise missing(f"{source.name} is not set", f"Set {source.name} and run again.")
    return checked(value, source.name)
