"""The project that requests are counted for, and an emulator of its own that logs them."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.benchmarks.measured import DKV, must, run
from tests.laws.leaks import secret_value, source_file

OTHERS = ("1b2c0000-0000-4000-8000-0000000000c1", "1b2c0000-0000-4000-8000-0000000000d1")
PAGE = 25


def plan_bound(secrets: int) -> int:
    """The most requests of a plan of that many unchanged secrets."""
    return ceil(secrets / PAGE) + 15


def apply_bound(secrets: int) -> int:
    """The most requests of an apply that makes the group, the vault, the policies and that many secrets."""
    return secrets + 2 * ceil(secrets / PAGE) + 25


def change_bound(secrets: int) -> int:
    """The most requests of an apply that changes that many values: each is written, and its versions are listed."""
    return 2 * secrets + 3 * ceil(secrets / PAGE) + 20


def destroy_bound(secrets: int) -> int:
    """The most requests of an apply that deletes that many secrets from a vault that stays."""
    return secrets + 2 * ceil(secrets / PAGE) + 30


def new_values(project: Path) -> None:
    """Give the source of every secret another value."""
    for path in (project / "values").iterdir():
        source_file(path, secret_value())


def without_secrets(project: Path) -> None:
    """Take every secret out of the YAML."""
    file = project / "dkv.yaml"
    file.write_text(file.read_text(encoding="utf-8").partition("    secrets:\n")[0], encoding="utf-8")


@dataclass(frozen=True)
class Emulator:
    """A running emulator: the environment in which a client reaches it, and its request log."""

    environ: Mapping[str, str]
    log: Path

    def requests(self) -> list[dict[str, object]]:
        """The log so far, oldest first."""
        return (
            [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
            if self.log.exists()
            else []
        )


@contextmanager
def emulator(folder: Path, *options: str) -> Iterator[Emulator]:
    """Start one in a folder, and stop it at the end."""
    data, log = folder / "emulator", folder / "requests.jsonl"
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    plain |= {name: text for name, text in os.environ.items() if name.startswith("COV") or name == "PYTHONPATH"}
    start = ("emulator", "start", "--data-dir", str(data), "--request-log", str(log), "--time-scale", "0")
    must(run((*DKV, *start, *options), plain, folder))
    try:
        exports = must(run((*DKV, "emulator", "env", "--data-dir", str(data)), plain, folder)).output
        yield Emulator({**plain, **_exported(exports)}, log)
    finally:
        must(run((*DKV, "emulator", "stop", "--data-dir", str(data)), plain, folder))


def _exported(text: str) -> dict[str, str]:
    lines = (shlex.split(line) for line in text.splitlines() if re.match(r"export \w+=", line))
    return dict(word.split("=", 1) for _, word in lines)


def write_project(folder: Path, secrets: int, deployer: str, *, name: str = "bench", cloud: str = "emulator") -> Path:
    """One group, one vault, three principals by object id with a policy each, and so many secrets from files."""
    folder.mkdir(parents=True)
    head = f"""
        version: 1
        cloud: {cloud}
        tenant: 11111111-1111-1111-1111-111111111111
        subscription: 22222222-2222-2222-2222-222222222222
        principals:
          deployer: {{object_id: {deployer}, type: service_principal}}
          api: {{object_id: {OTHERS[0]}, type: service_principal}}
          developers: {{object_id: {OTHERS[1]}, type: group}}
        resource_groups:
          rg-{name}: {{location: westeurope}}
        vaults:
          bench:
            name: kv-{name}
            resource_group: rg-{name}
            location: westeurope
            access: policies
            access_policies:
              deployer: {{template: key-and-secret-management}}
              api: {{secrets: [get, list]}}
              developers: {{secrets: [list]}}
            secrets:
    """
    text = "\n".join(line[8:] for line in head.rstrip().splitlines()[1:]) + "\n"
    for number in range(secrets):
        source_file(folder / "values" / str(number), secret_value())
        text += f"      secret-{number:05}: {{value_from: {{file: values/{number}}}}}\n"
    (folder / "dkv.yaml").write_text(text, encoding="utf-8")
    return folder


def change_values(folder: Path, secrets: int) -> None:
    """Give every secret's source another value."""
    for number in range(secrets):
        source_file(folder / "values" / str(number), secret_value())


def drop_secrets(folder: Path) -> None:
    """Take all secrets out of the YAML; the vault stays."""
    root = folder / "dkv.yaml"
    kept = root.read_text(encoding="utf-8").partition("      secret-")[0]
    root.write_text(f"{kept.rstrip().removesuffix('secrets:').rstrip()}\n", encoding="utf-8")


def by_kind(requests: list[dict[str, object]]) -> str:
    """The requests in groups of a kind, for whoever looks for a superfluous one."""
    counted = Counter(
        f"{one['method']} {one['host']} {_pattern(str(one['path']))} -> {one['status']}" for one in requests
    )
    return "\n".join(f"{number:6} {kind}" for kind, number in counted.most_common())


def _pattern(path: str) -> str:
    return re.sub(r"secret-\d+(/[0-9a-f]{32})?", "…", path)
