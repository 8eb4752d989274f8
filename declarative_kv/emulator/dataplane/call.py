"""One authorised request to a vault's data plane, as its operations see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from declarative_kv.emulator.entra.tokens import Caller
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.world import World

# What may stand behind a name or a version instead of one.
VERBS: Final = frozenset(
    {
        *("versions", "backup", "recover", "create", "rotate", "rotationpolicy", "release"),
        *("encrypt", "decrypt", "sign", "verify", "wrapkey", "unwrapkey"),
    }
)


@dataclass(frozen=True, slots=True)
class VaultCall:
    """`vault` is the vault's record; `segments` the decoded path: collection, name, version or verb."""

    world: World
    request: Request
    vault: Mapping[str, Any]
    caller: Caller
    segments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The object's name as the caller spelled it."""
        return self.segments[1]

    @property
    def version(self) -> str:
        """The version that the path names, or an empty string; a verb in its place is none."""
        named = self.segments[2] if len(self.segments) > 2 else ""
        return "" if named.lower() in VERBS else named

    @property
    def key(self) -> str:
        """The object's key in the tables: names are compared without regard to case."""
        return f"{self.vault['uid']}/{self.segments[1].lower()}"

    @property
    def base(self) -> str:
        """The vault's URI without a closing slash."""
        return f"https://{self.request.host}"

    def delay(self, seconds: float) -> float:
        """When something that takes Azure so many seconds is done, at this emulator's time scale; epoch seconds."""
        return self.world.clock.now() + seconds * self.world.settings.time_scale

    def body(self) -> dict[str, Any]:
        """The body, which must be a JSON object; raises 400 `BadParameter` otherwise (its text is unverified)."""
        try:
            content = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise AzureFault(400, "BadParameter", "Cannot parse JSON.") from error
        if not isinstance(content, dict):
            raise AzureFault(400, "BadParameter", "The request body must be a JSON object.")
        return content
