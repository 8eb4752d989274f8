"""YAML in, a `Document` out. Parser and schema are imported when first asked for, since they are slow to start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from declarative_kv.config.starter import STARTER
from declarative_kv.model.document import Cloud, Document

__all__ = ["STARTER", "cloud_named", "json_schema", "load"]

_NONE: Mapping[str, str] = MappingProxyType({})


def load(
    root: Path,
    *,
    environment: str | None = None,
    variables: Mapping[str, str] = _NONE,
    state: str | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Document:
    """Read a configuration: `root` is a file or a folder with a `dkv.yaml`; relative paths start from `cwd`.

    Raises `ConfigError` with every mistake, sorted by place. Runs nothing and reads no file but the YAML files of the
    root file's folder. `state` is a location that wins over the YAML's, `variables` win over the YAML's `vars`.
    """
    from declarative_kv.config.loading import Request
    from declarative_kv.config.loading import load as load_request

    return load_request(Request(root, environment, variables, state, environ, cwd or Path.cwd()))


def cloud_named(name: str | None, environ: Mapping[str, str] = os.environ) -> Cloud | None:
    """One of Microsoft's clouds or the emulator: the named one, else the environment's; None where it is unknown."""
    from declarative_kv.config.settings import cloud_named as named

    return named(name, environ)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the root file, for editors."""
    from declarative_kv.config.editors import json_schema as make

    return make()
