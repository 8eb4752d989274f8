"""What a client may send for an object: sizes, tags, dates; everything else is refused as Key Vault refuses it."""

from __future__ import annotations

from typing import Any

from declarative_kv.emulator.errors import AzureFault

LARGEST_VALUE = 25_600
_LONGEST_CONTENT_TYPE = 255
_MOST_TAGS = 15
_LONGEST_TAG = 512


def changes(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a version that the body sets, in the record's shape; those it leaves out stay out.

    Raises 400 `BadParameter`. The limits are Microsoft's (about-secrets); the texts of the refusals are unverified.
    """
    found: dict[str, Any] = {}
    if body.get("tags") is not None:
        found["tags"] = _tags(body["tags"])
    given = body.get("attributes")
    if given is None:
        return found
    if not isinstance(given, dict):
        raise _refused("attributes")
    if given.get("enabled") is not None:
        if not isinstance(given["enabled"], bool):
            raise _refused("attributes.enabled")
        found["enabled"] = given["enabled"]
    for name in ("nbf", "exp"):
        if given.get(name) is not None:
            found[name] = _seconds(name, given[name])
    return found


def value(body: dict[str, Any]) -> str:
    """The value, which must be there and small enough; the size is that of its UTF-8 bytes."""
    text = body.get("value")
    if not isinstance(text, str):
        raise _refused("value")
    if len(text) > LARGEST_VALUE or len(text.encode("utf-8", "surrogatepass")) > LARGEST_VALUE:
        limit = f"Secret is beyond the maximum permitted length of {LARGEST_VALUE} characters."
        raise AzureFault(400, "BadParameter", limit)
    return text


def content_type(body: dict[str, Any]) -> dict[str, str]:
    """The content type of a secret as a field of its version, if the body has one."""
    text = body.get("contentType")
    if text is None:
        return {}
    if not isinstance(text, str) or len(text) > _LONGEST_CONTENT_TYPE:
        raise _refused("contentType")
    return {"contentType": text}


def _tags(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > _MOST_TAGS:
        raise _refused("tags")
    for name, text in given.items():
        if not isinstance(text, str) or len(text) > _LONGEST_TAG or len(name) > _LONGEST_TAG:
            raise _refused("tags")
    return given


def _seconds(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise _refused(f"attributes.{name}")
    return given


def _refused(field: str) -> AzureFault:
    return AzureFault(400, "BadParameter", f"Property {field} has an invalid value.")
