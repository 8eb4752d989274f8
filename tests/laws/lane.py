"""An emulated Azure that kills: `dkv` runs in processes of their own against it, and dies at the request it is told.

`python -m tests.laws.lane FOLDER` becomes two processes: one serves the emulator on a port, as `dkv emulator start`
does; the other has imported all that `dkv` needs and forks one process a command, which saves a second each time.
Commands come as lines of JSON on standard input, answers go as lines of JSON to standard output.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import declarative_kv
from declarative_kv.cli.app import main
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.host.authority import authority, server_context
from declarative_kv.emulator.host.control import endpoint
from declarative_kv.emulator.host.folder import Contact, prepare, write_contact
from declarative_kv.emulator.host.server import Gateway
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.world import World, new_world

FOREIGN: Final = (
    "aiohttp",
    "azure.identity.aio",
    "azure.keyvault.secrets.aio",
    "azure.mgmt.authorization.aio",
    "azure.mgmt.keyvault.aio",
    "azure.mgmt.resource.resources.aio",
    "rich.live",
    "rich.progress",
    "yaml",
)
"""What `dkv` imports only when it needs it."""
SETTLED: Final = 0.005
"""Seconds in which what a killed process had sent already arrives."""


@dataclass(slots=True)
class Watched:
    """The emulator's answers, until the request at which the running command is to die.

    `at` counts the requests from 1, or only those with `of` in them; `after` kills when the emulator has done its work,
    else before it begins. What else the command had on its way is served all the same, as Azure would.
    """

    application: Application
    at: int = 0
    after: bool = False
    of: str = ""
    pid: int = 0
    seen: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """The emulator's answer, or none any more."""
        told = f"{request.method} {request.host}{request.path}"
        self.seen.append(told)
        if self.of not in told or sum(self.of in one for one in self.seen) != self.at:
            return await self.application.answer(request)
        if self.after:
            await self.application.answer(request)
        self.kill()
        return Response(0, dropped=True)

    def kill(self) -> None:
        """End the running command, unless it has ended by itself a moment ago."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(slots=True)
class Server:
    """One emulator, and the process that starts commands."""

    world: World
    watched: Watched
    nursery: tuple[asyncio.StreamReader, asyncio.StreamWriter]

    async def carry_out(self, order: Mapping[str, Any]) -> Any:
        """One command of the test's."""
        match order:
            case {"load": str(path)}:
                self._load(path)
            case {"dump": str(path)}:
                self._dump(path)
            case {"run": command, "at": int(at), "after": bool(after), "seconds": seconds, "of": str(of)}:
                self.watched.seen, self.watched.at, self.watched.after, self.watched.of = [], at, after, of
                return await self._run(command, seconds)
            case _:
                raise ValueError(f"not an order: {order}")
        return None

    def _load(self, path: str) -> None:
        store = self.world.store
        store.clear()
        for name, rows in json.loads(Path(path).read_bytes()).items():
            for key, record in rows.items():
                store.put(name, key, record)

    def _dump(self, path: str) -> None:
        Path(path).write_text(json.dumps(self.world.store.dump()))

    async def _run(self, command: Mapping[str, Any], seconds: float | None) -> Any:
        """Run it to its end, or to the request or the second at which it is to die."""
        (reader, writer), loop = self.nursery, asyncio.get_running_loop()
        writer.write(f"{json.dumps(command)}\n".encode())
        self.watched.pid = json.loads(await reader.readline())
        begun = loop.time()
        timer = loop.call_later(seconds, self.watched.kill) if seconds is not None else None
        status = json.loads(await reader.readline())
        took = loop.time() - begun
        if timer is not None:
            timer.cancel()
        await asyncio.sleep(SETTLED if os.WIFSIGNALED(status) else 0)
        return {"code": os.waitstatus_to_exitcode(status), "requests": self.watched.seen, "seconds": took}


def _import_all() -> None:
    for module in pkgutil.walk_packages(declarative_kv.__path__, "declarative_kv."):
        if not module.name.endswith(("__main__", "emulator.pytest")):
            importlib.import_module(module.name)
    for name in FOREIGN:
        importlib.import_module(name)


def _nurse(orders: socket.socket) -> NoReturn:
    """Fork a process a command, tell its id, and how it ended."""
    gc.freeze()
    with orders.makefile("rw") as lines:
        for line in lines:
            pid = os.fork()
            if pid == 0:
                _be(json.loads(line))
            print(pid, file=lines, flush=True)
            print(os.waitpid(pid, 0)[1], file=lines, flush=True)
    os._exit(0)


def _be(command: Mapping[str, Any]) -> NoReturn:
    """Become `dkv` with these arguments, in that folder and environment."""
    code = 70
    try:
        os.chdir(command["folder"])
        os.environ.clear()
        os.environ.update(command["environment"])
        for number, name in enumerate(("in", "out", "err")):
            flags = os.O_RDONLY if name == "in" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            descriptor = os.open(command[name], flags, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in enumerate("rww")
        )
        code = main(command["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _serve(folder: Path, nursery: socket.socket) -> None:
    world = new_world()
    watched = Watched(Application(world))
    gateway = Gateway(watched, server_context(authority(folder)), endpoint(world, "open"))
    port = await gateway.open(0)
    write_contact(folder, Contact(pid=os.getpid(), port=port, secret="open", started=datetime.now(UTC).isoformat()))
    server = Server(world, watched, await asyncio.open_connection(sock=nursery))
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("null", flush=True)
    while line := await orders.readline():
        print(json.dumps(await server.carry_out(json.loads(line))), flush=True)
    await gateway.close()


if __name__ == "__main__":
    _import_all()
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _nurse(theirs)
    theirs.close()
    prepare(Path(sys.argv[1]))
    asyncio.run(_serve(Path(sys.argv[1]), ours))
