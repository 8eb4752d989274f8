"""Which host names the emulator stands in for, in the three public clouds; every other host is refused."""

from __future__ import annotations

from typing import Final

LOGIN: Final = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
    }
)
RESOURCE_MANAGER: Final = frozenset(
    {"management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"}
)
GRAPH: Final = frozenset(
    {"graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"}
)
VAULT_SUFFIXES: Final = (".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn")


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
