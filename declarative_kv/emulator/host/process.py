"""Start, stop and ask emulators: each lives in a data folder, running behind a port or at rest."""

from __future__ import annotations

import http.client
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from declarative_kv.emulator.host.environment import variables
from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.host.folder import (
    SERVER_LOG,
    STARTING,
    Contact,
    exclusive,
    is_free,
    prepare,
    read_contact,
    remove_contact,
)
from declarative_kv.emulator.host.options import Options

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_ASK_SECONDS: Final = 60.0
# What a server may see of its starter's environment: it needs nothing else, and outlives everything in there.
_INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TZ",
)


def running(folder: Path) -> Contact | None:
    """How the folder's running emulator is reached, or None; one that was killed is recognised as gone."""
    contact = read_contact(folder)
    if contact is None:
        return None
    try:
        _ask(contact, "status", {})
    except (OSError, http.client.HTTPException, EmulatorError):
        return None
    return contact


def start(folder: Path, options: Options) -> Contact:
    """Start the folder's emulator in a process of its own, unless it runs; returns when it answers.

    Raises `EmulatorError` with what the server said where it does not start.
    """
    with exclusive(folder, _START_SECONDS, STARTING):
        contact = running(folder)
        if contact is not None:
            return contact
        remove_contact(folder)
        _launch(folder, options)
    started = running(folder)
    if started is None:
        raise EmulatorError("The emulator stopped right after its start.", f"See {folder / SERVER_LOG}.")
    return started


def serve_here(folder: Path, options: Options) -> None:
    """Serve in this process until it is told to stop, unless another one does; a line says when it answers."""
    from declarative_kv.emulator.host.serve import serve  # aiohttp, which only the serving process needs

    contact = running(folder)
    if contact is not None:
        _say(f"emulator answers on port {contact.port} already, data in {folder}")
        return
    prepare(folder)
    serve(folder, options, lambda port: _say(f"emulator answers on port {port}, data in {folder}"))


def stop(folder: Path) -> bool:
    """Stop the folder's emulator and wait until it is gone; False where none runs."""
    contact = running(folder)
    if contact is None:
        return False
    os.kill(contact.pid, signal.SIGTERM)
    if not is_free(folder, _STOP_SECONDS):
        raise EmulatorError(f"The emulator (process {contact.pid}) does not stop.", f"Try kill -9 {contact.pid}.")
    return True


def command(folder: Path, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
    """Carry out a command of `control.COMMANDS` on the folder's emulator, whether it runs or not.

    Raises `EmulatorError` where the folder holds no emulator, is in use otherwise, or refuses.
    """
    contact = running(folder)
    if contact is not None:
        return _ask(contact, name, arguments or {})
    if not (folder / "world.db").exists():
        raise EmulatorError(
            f"There is no emulator in {folder}.",
            "Start one with `dkv emulator start`, or give its --data-dir.",
        )
    from declarative_kv.emulator.host.control import run  # the whole emulator, only where it is opened in here
    from declarative_kv.emulator.host.opened import opened

    with opened(folder, _ASK_SECONDS) as world:
        return run(world, name, arguments or {})


def load(folder: Path, content: Any, *, only_unwritten: bool = False) -> bool:
    """Load a snapshot, with `only_unwritten` unless a client has changed the world; whether it did."""
    return bool(command(folder, "load", {"content": content, "only_unwritten": only_unwritten}))


def read_snapshot(path: Path) -> Any:
    """A snapshot file's content, for `load`; raises `EmulatorError` where it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise EmulatorError(f"The snapshot {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise EmulatorError(f"The snapshot {path} is not JSON.") from error


def write_snapshot(path: Path, content: Any) -> None:
    """Write a snapshot file whole, readable by its owner only; raises `EmulatorError` where it cannot."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
        beside.replace(path)
    except OSError as error:
        raise EmulatorError(f"The snapshot {path} cannot be written: {error.strerror}.") from error


def exported(folder: Path) -> dict[str, str]:
    """The variables through which any Azure client reaches the folder's running emulator.

    Raises `EmulatorError` where none runs.
    """
    contact = running(folder)
    if contact is None:
        raise EmulatorError(f"No emulator runs in {folder}.", "Start it with `dkv emulator start`.")
    main, norights = (_ask(contact, "identity", {"name": name}) for name in ("main", "norights"))
    return variables(folder, contact.port, main, norights)


def _launch(folder: Path, options: Options) -> None:
    """Start the server process and wait for its word that it answers."""
    arguments = [sys.executable, "-P", "-m", "declarative_kv.emulator.host.serve", str(folder), options.text()]
    with (folder / SERVER_LOG).open("ab") as log:
        os.chmod(log.fileno(), 0o600)
        with subprocess.Popen(  # noqa: S603 - the arguments are our own
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=_environment(),
        ) as starter:
            assert starter.stdout is not None
            said = _first_words(starter.stdout)
    if said != "ready\n":
        message, _, hint = said.strip().partition("\n")
        raise EmulatorError(message or "The emulator did not start.", hint or f"See {folder / SERVER_LOG}.")


def _first_words(stream: IO[bytes]) -> str:
    """What the server says: one line when it answers, else all up to its end."""
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not said.startswith(b"ready\n"):
            if not selector.select(_START_SECONDS):
                raise EmulatorError(f"The emulator does not answer after {_START_SECONDS:.0f} seconds.")
            chunk = os.read(stream.fileno(), 4096)
            if not chunk:
                break
            said += chunk
    return said.decode(errors="replace")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    package_root = str(Path(__file__).resolve().parents[3])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, kept.get("PYTHONPATH")]))
    return kept


def _ask(contact: Contact, name: str, arguments: Mapping[str, Any]) -> Any:
    """Ask a running emulator; raises `EmulatorError` where it refuses, `OSError` where it is gone."""
    connection = http.client.HTTPConnection("127.0.0.1", contact.port, timeout=_ASK_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {contact.secret}", "Content-Type": "application/json"}
        connection.request("POST", f"/control/{name}", json.dumps(arguments), headers)
        response = connection.getresponse()
        content = response.read()
        if response.status == 200:
            return json.loads(content)["result"]
        raise _refused(content)
    finally:
        connection.close()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _refused(content: bytes) -> EmulatorError:
    try:
        said = json.loads(content)
        return EmulatorError(said["message"], said.get("hint", ""))
    except (ValueError, TypeError, KeyError):
        return EmulatorError("What answers on the emulator's port is not this emulator.")
