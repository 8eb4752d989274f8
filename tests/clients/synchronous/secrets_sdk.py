"""Azure's synchronous SDK for secrets."""

import os
import time
from datetime import UTC, datetime

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

client = SecretClient(os.environ["VAULT_URL"], DefaultAzureCredential())
END = datetime(2099, 1, 1, tzinfo=UTC)


def refused(kind: type[HttpResponseError], call, *words) -> HttpResponseError:
    """The error of a call that must be refused in this way."""
    try:
        call(*words)
    except kind as error:
        return error
    raise AssertionError(f"{call} was not refused")


def purged(name: str) -> None:
    """Purge a deleted secret, and wait until it is gone."""
    client.purge_deleted_secret(name)
    while name in [one.name for one in client.list_deleted_secrets()]:
        time.sleep(0.1)
    refused(ResourceNotFoundError, client.get_deleted_secret, name)


first = client.set_secret("py-db", "first", content_type="text/plain", tags={"a": "1"}, expires_on=END)
assert first.properties.expires_on == END
client.set_secret("py-db", "second")
assert client.get_secret("PY-db").value == "second"
assert client.get_secret("py-db", first.properties.version).value == "first"
changed = client.update_secret_properties("py-db", tags={}, enabled=False)
assert (changed.tags, changed.enabled) == ({}, False)
assert refused(HttpResponseError, client.get_secret, "py-db").status_code == 403
for number in range(30):
    client.set_secret(f"py-page-{number}", "value")
assert len(list(client.list_properties_of_secrets())) == 31
assert len(list(client.list_properties_of_secret_versions("py-db"))) == 2
backup = client.backup_secret("py-page-1")
deleting = client.begin_delete_secret("py-page-1", _polling_interval=0.1)
deleting.wait()
deleted = deleting.result()
assert deleted.scheduled_purge_date > deleted.deleted_date
assert refused(ResourceExistsError, client.set_secret, "py-page-1", "other").error.code == "Conflict"
recovering = client.begin_recover_deleted_secret("py-page-1", _polling_interval=0.1)
recovering.wait()
assert recovering.result().name == "py-page-1"
client.begin_delete_secret("py-page-1", _polling_interval=0.1).wait()
assert [one.name for one in client.list_deleted_secrets()] == ["py-page-1"]
purged("py-page-1")
client.restore_secret_backup(backup)
assert client.get_secret("py-page-1").value == "value"
for version in ("7.0", "7.1", "7.3", "7.5", "2025-07-01"):
    older = SecretClient(os.environ["VAULT_URL"], DefaultAzureCredential(), api_version=version)
    assert older.set_secret("py-version", version).value == version
print("held")
