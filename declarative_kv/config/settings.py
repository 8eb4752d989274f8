"""Where Azure is, which tenant and subscription, where the state lies: from the YAML, else from the operator."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from declarative_kv.config import schema
from declarative_kv.config.draft import Draft
from declarative_kv.config.problem import choices
from declarative_kv.config.secrets import FINGERPRINT_NAME
from declarative_kv.model.address import Address
from declarative_kv.model.blob_place import SCHEME, parse_blob_place
from declarative_kv.model.document import Cloud, Origin
from declarative_kv.model.roles import GUID

DEFAULT_STATE = "state/dkv.json"

CLOUDS: Mapping[str, Cloud] = {
    "public": Cloud("public"),
    "emulator": Cloud("emulator"),
    "usgov": Cloud(
        "usgov",
        "https://login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
        "https://graph.microsoft.us",
        "vault.usgovcloudapi.net",
    ),
    "china": Cloud(
        "china",
        "https://login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "vault.azure.cn",
    ),
}
"""Microsoft's clouds; the emulator answers under the names of the public one."""

_ENVIRONMENTS = {
    "azurecloud": "public",
    "azurepubliccloud": "public",
    "azureusgovernment": "usgov",
    "azureusgovernmentcloud": "usgov",
    "azurechinacloud": "china",
}


def cloud_named(name: str | None, environ: Mapping[str, str]) -> Cloud | None:
    """One of the known clouds: the named one, else that of AZURE_ENVIRONMENT, else the public one."""
    if name is not None:
        return CLOUDS.get(name)
    said = environ.get("AZURE_ENVIRONMENT", "")
    return CLOUDS.get(_ENVIRONMENTS.get(said.lower(), "")) if said else CLOUDS["public"]


def cloud(draft: Draft, environ: Mapping[str, str]) -> Cloud:
    """The cloud of the YAML, else of AZURE_ENVIRONMENT, else the public one."""
    written = draft.settings.cloud
    if written is None:
        name = environ.get("AZURE_ENVIRONMENT", "")
        if name and name.lower() not in _ENVIRONMENTS:
            detail = f"AZURE_ENVIRONMENT is `{name}`."
            hint = "Set AzureCloud, AzureUSGovernment or AzureChinaCloud, or write `cloud` in the YAML."
            draft.report("invalid-environment", detail, hint, None)
        return cloud_named(None, environ) or CLOUDS["public"]
    custom = (written.authority, written.resource_manager, written.key_vault_suffix, written.graph)
    if written.name is not None and custom == (None, None, None, None):
        return CLOUDS[written.name]
    return _custom(draft, written, environ)


def _custom(draft: Draft, written: schema.NamedCloud, environ: Mapping[str, str]) -> Cloud:
    mark = draft.tree.key_mark("cloud")
    if written.name is not None:
        detail = "`cloud` is a name, or a map of endpoints."
        draft.report("wrong-type", detail, "Take `name` out.", draft.tree.value_mark("cloud"))
    for name in _ENDPOINTS if _asks_graph(draft) else _ENDPOINTS[:-1]:
        if getattr(written, name) is None and not draft.is_touched("cloud"):
            draft.report("missing-setting", f"A custom cloud needs `{name}`.", f"Write `{name}: …`.", mark)
    if "cloud" not in re.split(r"[\s,]+", environ.get("DKV_ALLOW", "")):
        detail = "Tokens would go to hosts that the YAML names, so the operator must agree; the YAML cannot."
        draft.report("cloud-not-allowed", detail, "Run it with DKV_ALLOW=cloud, if you trust the file.", mark)
    return Cloud(
        "custom",
        written.authority or "",
        written.resource_manager or "",
        written.graph or "",
        written.key_vault_suffix or "",
    )


_ENDPOINTS = ("authority", "resource_manager", "key_vault_suffix", "graph")


def _asks_graph(draft: Draft) -> bool:
    """Whether any principal is given by more than an object id, so that Microsoft Graph is asked about it."""
    known = {"current", "object_id", "type"}
    return any(each.model_fields_set - known for each in (draft.settings.principals or {}).values())


def tenant(draft: Draft, environ: Mapping[str, str]) -> Origin:
    """The tenant, where somebody says it."""
    if draft.settings.tenant is not None:
        return Origin(draft.settings.tenant, "from YAML")
    named = environ.get("AZURE_TENANT_ID")
    return Origin(named, "AZURE_TENANT_ID") if named else Origin(None, "")


def default_subscription(draft: Draft, environ: Mapping[str, str]) -> Origin:
    """The default subscription's id, where somebody says it."""
    written = draft.settings.subscription
    if written is None:
        named = environ.get("AZURE_SUBSCRIPTION_ID")
        return Origin(named.lower(), "AZURE_SUBSCRIPTION_ID") if named else Origin(None, "")
    if written not in draft.subscriptions and not GUID.fullmatch(written) and not draft.is_broken("subscriptions"):
        detail = f"`{written}` is neither a key of `subscriptions` nor a subscription's id."
        hint = choices(written, draft.subscriptions, what="subscriptions")
        draft.report("unknown-reference", detail, hint, draft.tree.value_mark("subscription"))
    return Origin(draft.subscriptions.get(written, written).lower(), "from YAML")


def state(draft: Draft, given: str | None, folder: Path, cwd: Path) -> str:
    """The state's location: what the operator gives counts from the working directory, the rest from the root file."""
    if given is not None:
        return given if given.startswith(SCHEME) else os.path.normpath(cwd / given)
    written = draft.settings.state or DEFAULT_STATE
    if written.startswith(SCHEME):
        try:
            parse_blob_place(written)
        except ValueError as error:
            hint = "Write azblob://ACCOUNT/CONTAINER/KEY."
            detail = f"`{written}` names no blob. {error}"
            draft.report("invalid-state", detail, hint, draft.tree.value_mark("state"))
        return written
    if "://" in written or written.endswith("/"):
        hint = "Write a path such as `state/dkv.json`, or azblob://ACCOUNT/CONTAINER/KEY."
        draft.report("invalid-state", f"`{written}` is no place for a state.", hint, draft.tree.value_mark("state"))
    return os.path.normpath(folder / written)


def fingerprint(draft: Draft) -> tuple[Address | None, bool]:
    """The one secret that holds the fingerprint key, where one is named; and whether fingerprints are off."""
    written = draft.settings.fingerprint
    if written is None:
        return None, False
    if written.lower() == "none":
        return None, True
    kind, _, path = written.partition(".")
    vault, slash, name = path.partition("/")
    mark = draft.tree.value_mark("fingerprint")
    if kind != "secret" or not slash or not re.fullmatch(r"[0-9A-Za-z-]{1,127}", name):
        hint = f"Write `secret.VAULT/{FINGERPRINT_NAME}`, or `none`."
        draft.report("invalid-address", f"`{written}` is not the address of a secret.", hint, mark)
        return None, False
    if Address("vault", vault) not in draft.resources:
        declared = [each.path for each in draft.resources if each.kind == "vault"]
        if not draft.is_broken("vaults"):
            hint = choices(vault, declared, what="vaults")
            draft.report("unknown-reference", f"`{vault}` is not a declared vault.", hint, mark)
        return None, False
    return Address(kind, path), False
