"""Kill a command at a request, and hold what comes of it against what an undisturbed run leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from declarative_kv.engine.fingerprint import digest
from declarative_kv.model.address import Address
from declarative_kv.model.secret import Key, Sensitive
from tests.laws.leaks import source_file

KILLED: Final = -9
_UNSEEN: Final = frozenset({"meta", "operations", "identities", "faults", "tenants", "subscriptions", "directory"})
"""Tables that no client writes here."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_EPOCH: Final = 1_700_000_000


@dataclass(frozen=True)
class Ended:
    """How a command ended, what it printed, and the requests that the emulator met, in their order."""

    code: int
    out: str
    err: str
    requests: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Kill:
    """At the request of that number, from 1: before the emulator begins it, or `after` it has done its work.

    Or at no request (0), but so many `seconds` after its start. With `of` only requests are counted that go to such a
    place: requests side by side come in another order each time, those that concern one object in the same.
    """

    at: int = 0
    after: bool = False
    seconds: float | None = None
    of: str = ""

    def __str__(self) -> str:
        if self.seconds is not None:
            return f"killed after {self.seconds:.3f} s"
        return f"killed {'after' if self.after else 'before'} request {self.at}{self.of and f' of {self.of}'}"


@dataclass(frozen=True)
class Lane:
    """A project whose commands run one after the other against an emulator of their own.

    What lies in `start`, a folder with the project and the world, is where `restart` goes back to.
    """

    folder: Path
    start: Path
    process: subprocess.Popen[str]

    @property
    def project(self) -> Path:
        """The folder with `dkv.yaml`."""
        return self.folder / "project"

    def restart(self) -> None:
        """Put the project and its Azure back."""
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(self.start / "project", self.project)
        for source in (self.project / "secrets").glob("*"):
            source_file(source, source.read_text(encoding="utf-8"))
        self._ask({"load": str(self.start / "world.json")})

    def dkv(self, *arguments: str, kill: Kill | None = None, typed: str = "", environ: Mapping[str, str] = {}) -> Ended:
        """Run a command to its end, or to where it is killed."""
        files = {name: str(self.folder / name) for name in ("in", "out", "err")}
        Path(files["in"]).write_text(typed, encoding="utf-8")
        told = {
            "arguments": arguments,
            "folder": str(self.project),
            "environment": {
                "DKV_EMULATOR": str(self.folder / "emulator"),
                "HOME": str(self.folder),
                "PATH": os.environ["PATH"],
                **environ,
            },
            **files,
        }
        kill = kill or Kill()
        answer = self._ask({"run": told, "at": kill.at, "after": kill.after, "seconds": kill.seconds, "of": kill.of})
        out, err = (Path(files[name]).read_text(encoding="utf-8") for name in ("out", "err"))
        return Ended(answer["code"], out, err, tuple(answer["requests"]), answer["seconds"])

    def pending(self) -> Sequence[str]:
        """The addresses that the next plan should say something about."""
        entries = self._state().get("entries", {})
        return [at for at, entry in sorted(entries.items()) if entry["status"] == "pending"]

    def versions(self, vault: str, name: str) -> int:
        """How many versions a live secret has."""
        world = self._world()
        uid = world["vaults"][vault]["uid"]
        return len(world["secrets"][f"{uid}/{name}"]["versions"])

    def picture(self) -> Mapping[str, Any]:
        """What Azure and the state hold now, comparable with what another run of the same command left."""
        start = json.loads((self.start / "world.json").read_bytes())
        sources = {path.name: path.read_text() for path in (self.project / "secrets").glob("*")}
        return _picture(self._world(), start, self._state(), sources)

    def journal(self) -> bytes | None:
        """What the last run has left of a journal; None where it was folded."""
        path = self.project / "state" / "dkv.json.journal"
        return path.read_bytes() if path.exists() else None

    def _state(self) -> Mapping[str, Any]:
        """The state with what a killed run wrote of its journal."""
        pulled = self.dkv("state", "pull")
        assert pulled.code == 0, pulled.err
        state: Mapping[str, Any] = json.loads(pulled.out)
        return state

    def _world(self) -> Mapping[str, Any]:
        world = self.folder / "world.json"
        self._ask({"dump": str(world)})
        found: Mapping[str, Any] = json.loads(world.read_bytes())
        return found

    def _ask(self, order: Mapping[str, Any]) -> Any:
        assert self.process.stdin is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the lane in {self.folder} has ended"
        return json.loads(line)


@contextmanager
def lane(folder: Path, start: Path) -> Iterator[Lane]:
    """A lane of its own, with two processes that end with it."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.laws.lane", str(folder / "emulator")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        opened = Lane(folder, start, process)
        opened._answer()
        try:
            yield opened
        finally:
            assert process.stdin is not None
            process.stdin.close()


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where two pictures differ, a line each; values are in no line."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted(expected.keys() | found.keys()):
            if key not in found:
                yield f"{path}/{key} is missing"
            elif key not in expected:
                yield f"{path}/{key} is there and should not be"
            else:
                yield from differences(expected[key], found[key], f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif expected != found:
        yield f"{path} is {found!r} and not {expected!r}"


def _picture(
    world: Mapping[str, Any], start: Mapping[str, Any], state: Mapping[str, Any], sources: Mapping[str, str]
) -> Mapping[str, Any]:
    known = {value: f"the value of {name}" for name, value in sources.items()}
    known |= {value: f"what {at} was at first" for at, value in _values(start) if value not in known}
    names = _names(world)
    tables = {
        name: {_renamed(key, names): _settled(record, names, known) for key, record in rows.items()}
        for name, rows in world.items()
        if name not in _UNSEEN and rows
    }
    prints = _fingerprints(world, state.get("entries", {}))
    entries = {
        at: {**_settled(_without_kept_version(entry), names, known), "fingerprint": prints.get(at)}
        for at, entry in state.get("entries", {}).items()
    }
    return {"azure": tables, "state": entries, "keys": _settled(state.get("keys", {}), names, known)}


def _without_kept_version(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry; of a kept value the state may know a version or not, as nobody compares it."""
    facts = {name: fact for name, fact in entry.get("facts", {}).items() if name != "version"}
    return {**entry, "facts": facts} if "Kept" in str(entry["spec"].get("source")) else dict(entry)


def _values(world: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = _names(world)
    for table in ("secrets", "deleted_secrets"):
        for key, record in world.get(table, {}).items():
            yield from ((_renamed(key, names), version["value"]) for version in record["versions"])


def _names(world: Mapping[str, Any]) -> Mapping[str, str]:
    """What Azure drew by lot, vaults' and versions' ids, by names that every run gives alike."""
    vaults = {
        record["uid"]: record["name"]
        for table in ("vaults", "deleted_vaults")
        for record in world.get(table, {}).values()
    }
    versions = {
        version["version"]: f"{vaults.get(key[:32], 'nowhere')}-{record['name']}-version-{number}"
        for table in ("secrets", "deleted_secrets")
        for key, record in world.get(table, {}).items()
        for number, version in enumerate(record["versions"], 1)
    }
    return {**vaults, **versions}


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"[0-9a-f]{32}", lambda found: names.get(found[0], found[0]), text)


def _settled(thing: Any, names: Mapping[str, str], known: Mapping[str, str]) -> Any:
    """The same with times as a word, ids by their names, and values by where they come from; lists sorted."""
    match thing:
        case dict():
            return {
                _renamed(key, names): _value(one, known) if key == "value" else _settled(one, names, known)
                for key, one in thing.items()
                if key not in ("fingerprint", "pending_fingerprint")
            }
        case list():
            # Whose policy came first is no one's concern; the versions of a secret are in their order.
            items = [_settled(one, names, known) for one in thing]
            return items if any("version" in one for one in items if isinstance(one, dict)) else _sorted(items)
        case str():
            return "a time" if _TIME.match(thing) else _renamed(thing, names)
        case int() | float() if thing > _EPOCH:
            return "a time"
    return thing


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda one: json.dumps(one, sort_keys=True))


def _value(value: Any, known: Mapping[str, str]) -> str:
    return known.get(value) or f"a new value of {len(value)} characters"


def _fingerprints(world: Mapping[str, Any], entries: Mapping[str, Any]) -> Mapping[str, bool]:
    """Whether each entry's fingerprint is the one of the version that the entry names."""
    vaults = {record["uid"]: record["id"].lower() for record in world.get("vaults", {}).values()}
    values = {
        f"{vaults[key[:32]]}/secrets/{record['name']}/{version['version']}".lower(): version["value"]
        for key, record in world.get("secrets", {}).items()
        if key[:32] in vaults
        for version in record["versions"]
    }
    found = {}
    for at, entry in entries.items():
        facts = entry.get("facts", {})
        if facts.get("fingerprint") is None:
            continue
        key, value = facts["fingerprint_key"].lower(), f"{entry['remote_id']}/{facts.get('version')}".lower()
        found[at] = (
            key in values
            and value in values
            and digest(Key(key, Sensitive(values[key])), Address.parse(at), Sensitive(values[value]))
            == facts["fingerprint"]
        )
    return found


def outlines(requests: Sequence[str]) -> str:
    """Requests, a line each, for who must understand a failure."""
    return "\n".join(f"{number:4} {request}" for number, request in enumerate(requests, 1))
