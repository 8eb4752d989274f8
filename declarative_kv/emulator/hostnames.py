"""Which host names the emulator stands in for, in the three public clouds; every other host is refused."""

from __future__ import annotations

from typing import Final

from declarative_kv.emulator.clouds import ALL

# Login answers under its older names too, and they still stand in some clients' settings.
LOGIN: Final = frozenset({cloud.login for cloud in ALL} | {"login.microsoft.com", "login.windows.net"})
RESOURCE_MANAGER: Final = frozenset(cloud.resource_manager for cloud in ALL)
GRAPH: Final = frozenset(cloud.graph for cloud in ALL)
VAULT_SUFFIXES: Final = tuple(cloud.vault_suffix for cloud in ALL)


def is_served(host: str) -> bool:
    """Whether requests for `host` (a name, without a port, in any case) are the emulator's to answer."""
    name = host.lower()
    return name in LOGIN or name in RESOURCE_MANAGER or name in GRAPH or vault_suffix(name) is not None


def vault_suffix(host: str) -> str | None:
    """The data-plane suffix `host` ends with, when what stands before it is one label; else None."""
    name = host.lower()
    suffix = next((known for known in VAULT_SUFFIXES if name.endswith(known)), None)
    if suffix is None or "." in name.removesuffix(suffix) or name == suffix:
        return None
    return suffix
