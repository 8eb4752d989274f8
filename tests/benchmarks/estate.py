"""An estate of many vaults, made in seconds: a small one is applied, and then each vault's one secret is multiplied.

What a run would have left is written straight into the emulator's folder and into the state, fingerprints included, so
that a plan of it has everything to compare and nothing to do.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from declarative_kv.cli.context import store_at
from declarative_kv.emulator.world import World, new_world
from declarative_kv.engine.fingerprint import digest
from declarative_kv.model.address import Address
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.state import Entry, State
from tests.laws.leaks import secret_value

VARIABLE = "ESTATE_VALUE"
"""The environment variable that every secret's value comes from."""
SEED = "secret-00000"
_SETTINGS = f"{{value_from: {{env: {VARIABLE}}}, content_type: text/plain, tags: {{owner: pay}}}}"


def write_estate(folder: Path, vaults: int, secrets: int, deployer: str) -> Path:
    """The project: one group, so many vaults with one policy each, and so many secrets in each vault."""
    (folder / "vaults").mkdir(parents=True, exist_ok=True)
    root = f"""\
version: 1
cloud: emulator
tenant: 11111111-1111-1111-1111-111111111111
subscription: 22222222-2222-2222-2222-222222222222
include: [vaults/*.yaml]
principals: {{deployer: {{object_id: {deployer}, type: service_principal}}}}
resource_groups: {{rg-estate: {{location: westeurope}}}}
"""
    (folder / "dkv.yaml").write_text(root, encoding="utf-8")
    for vault in range(vaults):
        lines = [
            "defaults: {resource_group: rg-estate, location: westeurope}",
            "vaults:",
            f"  v{vault:03}:",
            f"    name: kv-estate-{vault:03}",
            "    access: policies",
            "    access_policies: {deployer: {template: secret-management}}",
            "    secrets:",
            *(f"      secret-{number:05}: {_SETTINGS}" for number in range(secrets)),
        ]
        (folder / "vaults" / f"v{vault:03}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def multiply(data: Path, state: Path, secrets: int, value: str) -> None:
    """Where each vault holds one secret, let it hold so many: in a stopped emulator's folder, and in the state."""
    world = new_world(data)
    keys = _keys(world)
    with world.store.transaction():
        for place, record in list(world.store.table("secrets").items()):
            if record["name"] == SEED:
                for number in range(1, secrets):
                    _put(world, place, record, number)
    world.close()
    asyncio.run(_extend(state, secrets, value, keys))


def _keys(world: World) -> Mapping[str, str]:
    """The fingerprint key of each vault, by the vault's name in lower case."""
    vaults = {str(record["uid"]): name for name, record in world.store.table("vaults").items()}
    found = {}
    for place, record in world.store.table("secrets").items():
        if record["name"] == "dkv-fingerprint-key":
            found[vaults[place.partition("/")[0]]] = str(record["versions"][-1]["value"])
    return found


def _put(world: World, place: str, record: Mapping[str, Any], number: int) -> None:
    name = f"secret-{number:05}"
    versions = [{**version, "version": _version(place, number)} for version in record["versions"]]
    world.store.put("secrets", f"{place.partition('/')[0]}/{name}", {**record, "name": name, "versions": versions})


def _version(place: str, number: int) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{place}/{number}").hex


async def _extend(location: Path, secrets: int, value: str, keys: Mapping[str, str]) -> None:
    """The state with an entry for each, in place of the one a vault that a run has left."""
    store = store_at(str(location))
    async with store.locked("benchmark") as journal:
        state = journal.state
        entries = dict(state.entries)
        for at, entry in state.entries.items():
            if at.kind == "secret":
                key = keys[entry.remote_id.split("/")[-3].lower()]
                entries |= {one.address: one for one in _copies(at, entry, secrets, key, value)}
        await journal.replace(State(state.lineage, state.serial, dict(sorted(entries.items())), state.keys))


def _copies(at: Address, entry: Entry, secrets: int, key: str, value: str) -> list[Entry]:
    held = Key(entry.facts["fingerprint_key"], Sensitive(key))
    found = []
    for number in range(1, secrets):
        name = f"secret-{number:05}"
        address = Address(at.kind, f"{at.container}/{name}")
        print_ = digest(held, address, Sensitive(value))
        facts = {**entry.facts, "fingerprint": print_, "version": uuid.uuid4().hex}
        spec, remote_id = replace(entry.spec, name=name), f"{entry.remote_id.rpartition('/')[0]}/{name}"
        found.append(replace(entry, address=address, remote_id=remote_id, spec=spec, facts=facts))
    return found


def new_value() -> str:
    """A value for all of them; it is random, so that nobody's search for planted values finds it elsewhere."""
    return secret_value()
