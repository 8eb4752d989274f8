"""What follows from a cloud's endpoints: token scopes and the hosts of vaults."""

from __future__ import annotations

from declarative_kv.model.document import Cloud


def resource_manager_scope(cloud: Cloud) -> str:
    """What a token for Azure Resource Manager is asked for."""
    return f"{cloud.resource_manager}/.default"


def graph_scope(cloud: Cloud) -> str:
    """What a token for Microsoft Graph is asked for."""
    return f"{cloud.graph}/.default"


def storage_suffix(cloud: Cloud) -> str:
    """What the hosts of storage accounts end in, after `ACCOUNT.blob.`."""
    return {"usgov": "core.usgovcloudapi.net", "china": "core.chinacloudapi.cn"}.get(cloud.name, "core.windows.net")


def vault_uri(cloud: Cloud, name: str) -> str:
    """The data-plane address of a vault, without trailing slash; hosts are lower case whatever the name's case."""
    return f"https://{name.lower()}.{cloud.key_vault_suffix.lstrip('.')}"
