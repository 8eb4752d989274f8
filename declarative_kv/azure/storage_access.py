"""How a storage account is reached: by the cloud's suffix and the run's sign-in, unless the operator says otherwise.

The operator's words are the variables that Azure's own tools read. They count for the account that they name and for no
other, so that a file of somebody else's can send no key or token anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError
from declarative_kv.model.secret import Sensitive

CONNECTION: Final = "AZURE_STORAGE_CONNECTION_STRING"
ACCOUNT: Final = "AZURE_STORAGE_ACCOUNT"
ENDPOINT: Final = "AZURE_STORAGE_SERVICE_ENDPOINT"
KEY: Final = "AZURE_STORAGE_KEY"
SAS: Final = "AZURE_STORAGE_SAS_TOKEN"


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """An account's blob endpoint, and the key or SAS token for it where the operator gave one."""

    account: str
    endpoint: str
    key: Sensitive | None = None
    sas: Sensitive | None = None

    def credential(self) -> Any:
        """What the storage client takes as credential; None where the run's sign-in is to be used."""
        from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

        if self.key is not None:
            return AzureNamedKeyCredential(self.account, self.key.reveal())
        return AzureSasCredential(self.sas.reveal().lstrip("?")) if self.sas is not None else None


def storage_access(account: str, suffix: str, environ: Mapping[str, str]) -> StorageAccess:
    """The way to an account; `DkvError` where a variable for it cannot be used."""
    usual = f"https://{account}.blob.{suffix}"
    fields = _fields(environ.get(CONNECTION, ""))
    if fields.get("accountname") == account or _named(fields.get("blobendpoint", "")) == account:
        host = fields.get("endpointsuffix")
        scheme = fields.get("defaultendpointsprotocol", "https")
        endpoint = fields.get("blobendpoint") or (f"{scheme}://{account}.blob.{host}" if host else usual)
        return _access(account, endpoint, fields.get("accountkey"), fields.get("sharedaccesssignature"), CONNECTION)
    endpoint = environ.get(ENDPOINT, "")
    here = _named(endpoint) == account
    if not here and environ.get(ACCOUNT) != account:
        return StorageAccess(account, usual)
    return _access(account, endpoint if here else usual, environ.get(KEY), environ.get(SAS), ENDPOINT)


def _access(account: str, endpoint: str, key: str | None, sas: str | None, source: str) -> StorageAccess:
    if not _is_endpoint(endpoint):
        raise _unusable(source, "it names no blob endpoint such as https://ACCOUNT.blob.core.windows.net")
    return StorageAccess(
        account, endpoint.rstrip("/"), Sensitive(key) if key else None, Sensitive(sas) if sas and not key else None
    )


def _fields(connection: str) -> dict[str, str]:
    """A connection string's settings, their names in lower case."""
    pairs = (part.partition("=") for part in connection.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _named(endpoint: str) -> str:
    """The account that an endpoint is for: the first part of its host, or its path, where it has one."""
    try:
        url = urlsplit(endpoint)
    except ValueError:
        return ""
    return url.path.strip("/") or (url.hostname or "").partition(".")[0]


def _is_endpoint(endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0 and not url.query
    except ValueError:
        return False


def _unusable(name: str, why: str) -> DkvError:
    detail = f"The environment variable {name} is set, and cannot be used: {why}."
    hint = f"Correct it, or go on without it:\n    unset {name}"
    return DkvError(Diagnostic("network-setting", "The network's settings cannot be used", detail, hint))
