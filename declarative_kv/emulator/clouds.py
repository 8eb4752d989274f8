"""What differs between Azure's public clouds, as far as the emulated services show it: names and audiences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud's host names and token audiences; every audience is spelled without a closing slash."""

    name: str
    portal: str
    login: str
    resource_manager: str
    graph: str
    vault_suffix: str
    storage_suffix: str
    resource_manager_audiences: frozenset[str]
    instance: str

    @property
    def vault_audience(self) -> str:
        """What a token for Key Vault is for; it has no closing slash."""
        return f"https://{self.vault_suffix.removeprefix('.')}"

    @property
    def graph_audience(self) -> str:
        """What a token for Microsoft Graph is for."""
        return f"https://{self.graph}"


PUBLIC: Final = Cloud(
    name="AzureCloud",
    portal="portal.azure.com",
    login="login.microsoftonline.com",
    resource_manager="management.azure.com",
    graph="graph.microsoft.com",
    vault_suffix=".vault.azure.net",
    storage_suffix="core.windows.net",
    resource_manager_audiences=frozenset({"https://management.azure.com", "https://management.core.windows.net"}),
    instance="microsoftonline.com",
)
US_GOVERNMENT: Final = Cloud(
    name="AzureUSGovernment",
    portal="portal.azure.us",
    login="login.microsoftonline.us",
    resource_manager="management.usgovcloudapi.net",
    graph="graph.microsoft.us",
    vault_suffix=".vault.usgovcloudapi.net",
    storage_suffix="core.usgovcloudapi.net",
    resource_manager_audiences=frozenset(
        {"https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"}
    ),
    instance="microsoftonline.us",
)
CHINA: Final = Cloud(
    name="AzureChinaCloud",
    portal="portal.azure.cn",
    login="login.chinacloudapi.cn",
    resource_manager="management.chinacloudapi.cn",
    graph="microsoftgraph.chinacloudapi.cn",
    vault_suffix=".vault.azure.cn",
    storage_suffix="core.chinacloudapi.cn",
    resource_manager_audiences=frozenset(
        {"https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"}
    ),
    instance="partner.microsoftonline.cn",
)
ALL: Final = (PUBLIC, US_GOVERNMENT, CHINA)
_ENDINGS: Final = (
    (".usgovcloudapi.net", US_GOVERNMENT),
    (".microsoftonline.us", US_GOVERNMENT),
    (".microsoft.us", US_GOVERNMENT),
    (".cn", CHINA),
)


def cloud_of(host: str) -> Cloud:
    """The cloud that a host name belongs to; every name that is not of another one is the public cloud's."""
    return next((cloud for ending, cloud in _ENDINGS if host.endswith(ending)), PUBLIC)
