"""What an emulator can be told besides Azure's APIs, whether it runs or rests in its data folder."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from declarative_kv.emulator.host import snapshots
from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.world import World

if TYPE_CHECKING:
    from aiohttp import web

Arguments = Mapping[str, Any]
Command = Callable[[World, Arguments], Any]


def run(world: World, name: str, arguments: Arguments) -> Any:
    """Carry out one command; the result is JSON. Raises `EmulatorError` where it is refused."""
    command = COMMANDS.get(name)
    if command is None:
        raise EmulatorError(f"The emulator has no command {name!r}.", "Is it another version of dkv?")
    with world.store.transaction():
        return command(world, arguments)


def endpoint(world: World, secret: str) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    """The HTTP face of `run`: `POST /control/NAME`, the folder's secret as bearer token, JSON in and out."""
    from aiohttp import web

    expected = f"Bearer {secret}".encode()

    async def answer(asked: web.BaseRequest) -> web.Response:
        if not compare_digest(asked.headers.get("Authorization", "").encode(), expected):
            return web.json_response({"message": "This control address takes another secret."}, status=401)
        name = asked.raw_path.removeprefix("/control/")
        try:
            return web.json_response({"result": run(world, name, json.loads(await asked.read() or b"{}"))})
        except EmulatorError as error:
            return web.json_response({"message": error.message, "hint": error.hint}, status=400)

    return answer


def _status(world: World, _: Arguments) -> Any:
    store = world.store
    return {
        "clock": _iso(world.clock.now()),
        "written": not snapshots.is_unwritten(world),
        "faults": len(store.table("faults")),
        "throttle": world.settings.throttle,
        "vaults": len(store.table("vaults")),
        "secrets": len(store.table("secrets")),
    }


def _reset(world: World, _: Arguments) -> None:
    snapshots.reset(world)


def _snapshot(world: World, _: Arguments) -> Any:
    return snapshots.snapshot(world)


def _load(world: World, arguments: Arguments) -> bool:
    """Load `content`, with `only_unwritten` only where no client has changed anything; whether it did."""
    if arguments.get("only_unwritten") and not snapshots.is_unwritten(world):
        return False
    snapshots.load(world, arguments["content"])
    return True


def _clock(world: World, arguments: Arguments) -> str:
    world.clock.shift(float(arguments.get("seconds", 0.0)))
    return _iso(world.clock.now())


def _fault_add(world: World, arguments: Arguments) -> None:
    try:
        world.faults.add(**arguments)
    except ValueError as error:
        raise EmulatorError(f"The fault cannot be arranged: {error}.") from error


def _fault_clear(world: World, _: Arguments) -> None:
    world.faults.clear()


def _identity(world: World, arguments: Arguments) -> dict[str, Any]:
    return dict(world.identity(arguments.get("name", "main")))


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


COMMANDS: Final[Mapping[str, Command]] = {
    "status": _status,
    "reset": _reset,
    "snapshot": _snapshot,
    "load": _load,
    "clock": _clock,
    "fault-add": _fault_add,
    "fault-clear": _fault_clear,
    "identity": _identity,
}
