"""Read secret values from where the YAML says they come from; nothing here writes or prints one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import assert_never

from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import CommandSource, EnvSource, FileSource, GenerateSource, Kept, Source
from declarative_kv.values.command import read_command
from declarative_kv.values.env import read_env
from declarative_kv.values.file import read_file
from declarative_kv.values.generate import generate

__all__ = ["Sources", "allowed", "read"]


def allowed(environ: Mapping[str, str]) -> frozenset[str]:
    """What the operator's environment lets the YAML do: the words of DKV_ALLOW."""
    return frozenset(word.strip() for word in environ.get("DKV_ALLOW", "").split(",") if word.strip())


async def read(source: Source, environ: Mapping[str, str], allow: frozenset[str]) -> Sensitive:
    """The value that a source gives now; raises `ValueMissing` with the reason, never with the value."""
    match source:
        case EnvSource():
            return read_env(source, environ)
        case FileSource():
            return read_file(source)
        case CommandSource():
            return await read_command(source, environ, allow)
        case GenerateSource():
            return generate(source)
        case Kept():
            raise ValueError("a kept value lives in Azure and is never read")
        case _ as unreachable:
            assert_never(unreachable)


class Sources:
    """The sources of one run. A command runs once however often it is named, so plan and apply see one value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._allow = allowed(environ)
        self._running: dict[CommandSource, asyncio.Task[Sensitive]] = {}

    async def read(self, source: Source) -> Sensitive:
        """The value that a source gives; raises `ValueMissing`."""
        if not isinstance(source, CommandSource):
            return await read(source, self._environ, self._allow)
        if source not in self._running:
            self._running[source] = asyncio.create_task(read(source, self._environ, self._allow))
        return await asyncio.shield(self._running[source])
