"""Brings the emulator to the state that a request presupposes: what its own scenario did not make, others had made.

Each service has a module of its own with `prepare(replay, entry)` and, where requests lack something, `body_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.recordings import cast, stage_arm, stage_directory, stage_keys, stage_objects, stage_vault

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

_MODULES = {
    "arm-keyvault": (stage_arm,),
    "arm-authorization": (stage_arm, stage_directory),
    "arm-resources": (stage_arm,),
    "kv-secrets": (stage_vault, stage_objects),
    "kv-keys": (stage_vault, stage_keys, stage_objects),
    "graph": (stage_directory,),
    "entra": (stage_directory,),
}


def open_stage(replay: Replay) -> None:
    """What is there before the first request: tenant, subscriptions, the caller and its rights."""
    with replay.world.store.transaction():
        cast.enter(replay)


def prepare(replay: Replay, entry: Entry) -> None:
    """What has to be there before this request, and that nothing in the scenario made."""
    with replay.world.store.transaction():
        for module in _MODULES[entry.service]:
            module.prepare(replay, entry)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """The body to send: with what a recorder took out of it filled in."""
    for module in _MODULES[entry.service]:
        fill = getattr(module, "body_of", None)
        if fill is not None:
            body = fill(replay, entry, body)
    return body


def path_of(replay: Replay, entry: Entry) -> str:
    """The path to send; what a sanitiser called by two names goes by one."""
    path = entry.path
    for module in _MODULES[entry.service]:
        fill = getattr(module, "path_of", None)
        path = path if fill is None else fill(replay, entry)
    return path


def query_of(entry: Entry) -> dict[str, str]:
    """What a recorder took out of the query, as far as the answer tells it."""
    query: dict[str, str] = {}
    for module in _MODULES[entry.service]:
        fill = getattr(module, "query_of", None)
        query |= {} if fill is None else fill(entry)
    return query


def identity_of(entry: Entry) -> str:
    """By what the object that a request is about is known: ARM's id, or host, collection and name; lower case."""
    parts = [part for part in entry.path.lower().split("/") if part]
    if not entry.is_vault:
        return "/" + "/".join(parts) if entry.host.startswith("management.") else f"{entry.host}/{'/'.join(parts)}"
    collection = parts[0].removeprefix("deleted") if parts else ""
    name = parts[1] if len(parts) > 1 else ""
    if name == "restore" or (entry.method == "POST" and parts[-1] == "restore"):
        name = restored_name(entry)
    return f"{entry.host}/{collection}/{name}"


def restored_name(entry: Entry) -> str:
    """The name of the object that a restore brought back, as its answer says."""
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    identifier = str(answer.get("id") or (answer.get("key") or {}).get("kid") or "")
    parts = identifier.split("/")
    return parts[4].lower() if len(parts) > 4 else ""
