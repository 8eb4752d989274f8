"""Key Vault's secrets in our words, and ours in Key Vault's; no value passes through here but into a body to send."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.kinds.base import merged_tags
from declarative_kv.model.alike import NOTHING, seconds, texts
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.specs import SecretSpec

FINGERPRINT_TAG: Final = ("dkv", "fingerprint")
"""Marks the secret that keys the fingerprints of values: ours, never reported."""
CERTIFICATES: Final = frozenset({"application/x-pkcs12", "application/x-pem-file"})
"""The content types that Key Vault gives to the secrets of certificates."""
_DATES: Final[Mapping[str, str]] = {"not_before": "nbf", "expires": "exp"}


def observed(vault: str, item: Mapping[str, Any], known: Mapping[str, str] = NOTHING) -> Observed:
    """A live secret, from a list or from an answer about one; a value that came along is not taken over.

    `known` has remote ids that are in memory already.
    """
    facts = _facts(item)
    if item.get("managed"):
        facts = {**facts, "managed": True}
    return _as_observed(vault, item, Condition.LIVE, facts, known)


def observed_by_manager(vault: str, item: Mapping[str, Any]) -> Observed:
    """A live secret as Resource Manager lists it: the same facts in another order, and the latest version's id too.

    It does not say which secrets belong to certificates: one whose content type is a certificate's counts as such.
    """
    properties = item["properties"]
    found = observed(vault, {**properties, "id": properties["secretUri"], "tags": item.get("tags")})
    version = str(properties.get("secretUriWithVersion") or "").rpartition("/secrets/")[2].partition("/")[2]
    facts = {**found.facts, "version": version} if version else found.facts
    is_certificate = str(found.spec.content_type).lower() in CERTIFICATES
    return replace(found, facts=facts, system=found.system or is_certificate)


def observed_deleted(vault: str, item: Mapping[str, Any]) -> Observed:
    """A soft-deleted secret; the answer to a delete also says which version was the latest."""
    facts = {"deleted": item.get("deletedDate"), "purge": item.get("scheduledPurgeDate"), **_facts(item)}
    return _as_observed(vault, item, Condition.SOFT_DELETED, facts)


def is_same_version(one: Observed, other: Observed) -> bool:
    """Whether both show one version: by its id where both have it, else by the second it was made in."""
    if "version" in one.facts and "version" in other.facts:
        return bool(one.facts["version"] == other.facts["version"])
    return bool(one.facts.get("created") == other.facts.get("created"))


def version_body(desired: SecretSpec, live: SecretSpec | None) -> dict[str, Any]:
    """The body that sets a new version: a version has no settings but its own, so unmanaged ones are sent again."""
    if desired.value is None:
        raise ValueError("a version needs a value")
    body: dict[str, Any] = {"value": desired.value.reveal(), "attributes": _attributes(desired, live)}
    content_type = _either(desired, live, "content_type")
    if content_type:
        body["contentType"] = content_type
    tags = merged_tags(desired.tags, live.tags if live else None)
    return {**body, "tags": tags} if tags else body


def change(desired: SecretSpec, live: SecretSpec, changed: Collection[str]) -> dict[str, Any]:
    """The body that changes the attributes named in `changed`; what it leaves out stays."""
    body: dict[str, Any] = {}
    if "content_type" in changed:
        body["contentType"] = desired.content_type
    if "tags" in changed:
        body["tags"] = merged_tags(desired.tags, live.tags)
    attributes: dict[str, Any] = {"enabled": desired.enabled} if "enabled" in changed else {}
    attributes |= {theirs: _epoch(getattr(desired, ours)) for ours, theirs in _DATES.items() if ours in changed}
    return {**body, "attributes": attributes} if attributes else body


def _attributes(desired: SecretSpec, live: SecretSpec | None) -> dict[str, Any]:
    enabled = _either(desired, live, "enabled")
    attributes: dict[str, Any] = {"enabled": True if enabled is None else enabled}
    for ours, theirs in _DATES.items():
        moment = _either(desired, live, ours)
        if moment is not None:
            attributes[theirs] = _epoch(moment)
    return attributes


def _either(desired: SecretSpec, live: SecretSpec | None, name: str) -> Any:
    written = getattr(desired, name)
    return written if written is not None or live is None else getattr(live, name)


def _spec(vault: str, item: Mapping[str, Any]) -> SecretSpec:
    attributes, content_type = item.get("attributes") or {}, item.get("contentType")
    return SecretSpec(
        vault=vault,
        name=_segments(item)[1],
        content_type=intern(content_type) if content_type else content_type,
        enabled=bool(attributes.get("enabled", True)),
        not_before=_moment(attributes.get("nbf")),
        expires=_moment(attributes.get("exp")),
        tags=texts(item.get("tags") or NOTHING),
    )


def _facts(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """When the version was made and changed, and which it is, where its id says so (a list's do not)."""
    attributes, segments = item.get("attributes") or {}, _segments(item)
    moments = seconds({name: int(attributes[name]) for name in ("created", "updated") if name in attributes})
    return {**moments, "version": segments[2]} if len(segments) > 2 else moments


def _segments(item: Mapping[str, Any]) -> list[str]:
    """The path of the id, `https://HOST/secrets/NAME/VERSION`, in its parts."""
    return str(item["id"]).rstrip("/").split("/")[3:]


def _as_observed(
    vault: str,
    item: Mapping[str, Any],
    condition: Condition,
    facts: Mapping[str, Any],
    known: Mapping[str, str] = NOTHING,
) -> Observed:
    spec = _spec(vault, item)
    tag, mark = FINGERPRINT_TAG
    is_system = bool(item.get("managed")) or (item.get("tags") or {}).get(tag) == mark
    remote_id = ids.secret_id(vault, spec.name)
    return Observed(
        "secret",
        known.get(remote_id, remote_id),
        spec,
        condition,
        facts,
        parent=vault,
        label=spec.name,
        system=is_system,
    )


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
