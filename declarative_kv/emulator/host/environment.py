"""What a shell exports so that unmodified Azure clients talk to a running emulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from declarative_kv.emulator.host.folder import CERTIFICATE
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT

_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY")
_DIRECT: Final = "localhost,127.0.0.1,::1"
_TRUST: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
# Whatever else could win over the exported identity, or lead a client around the proxy.
RIVALS: Final = (
    "ALL_PROXY",
    "all_proxy",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ARM_ACCESS_KEY",
    "ARM_CLIENT_CERTIFICATE",
    "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_CLIENT_ID",
    "ARM_CLIENT_ID_FILE_PATH",
    "ARM_CLIENT_SECRET",
    "ARM_CLIENT_SECRET_FILE_PATH",
    "ARM_MSI_ENDPOINT",
    "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
    "ARM_OIDC_REQUEST_TOKEN",
    "ARM_OIDC_REQUEST_URL",
    "ARM_OIDC_TOKEN",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "ARM_SUBSCRIPTION_ID",
    "ARM_TENANT_ID",
    "ARM_USE_AKS_WORKLOAD_IDENTITY",
    "ARM_USE_CLI",
    "ARM_USE_MSI",
    "ARM_USE_OIDC",
    "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)


def variables(folder: Path, port: int, main: Mapping[str, Any], norights: Mapping[str, Any]) -> dict[str, str]:
    """The variables and their values; the identities are records of the table `identities`."""
    proxy = f"http://127.0.0.1:{port}"
    proxies = dict.fromkeys(_PROXIES, proxy) | {"NO_PROXY": _DIRECT}
    return {
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        **{name: str(folder / CERTIFICATE) for name in _TRUST},
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": main["client_id"],
        "AZURE_CLIENT_SECRET": main["client_secret"],
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_CONFIG_DIR": str(folder / "azure-cli"),
        "DKV_EMULATOR": str(folder),
        "DKV_EMULATOR_OBJECT_ID": main["object_id"],
        "DKV_EMULATOR_NORIGHTS_CLIENT_ID": norights["client_id"],
        "DKV_EMULATOR_NORIGHTS_CLIENT_SECRET": norights["client_secret"],
        "DKV_EMULATOR_NORIGHTS_OBJECT_ID": norights["object_id"],
    }


_NOBODY: Final = {"client_id": "", "client_secret": "", "object_id": ""}
NAMES: Final = tuple(variables(Path(), 0, _NOBODY, _NOBODY))


def exports(values: Mapping[str, str]) -> str:
    """Shell text that exports the values, one a line, and unsets their rivals."""
    lines = [f"export {name}={quoted(value)}" for name, value in values.items()]
    return "\n".join([*lines, f"unset {' '.join(RIVALS)}"]) + "\n"


def unsets() -> str:
    """Shell text that takes back what `exports` exported."""
    return "".join(f"unset {name}\n" for name in NAMES)


def quoted(value: str) -> str:
    """A shell word that means exactly `value`, always in single quotes."""
    return "'" + value.replace("'", "'\\''") + "'"
