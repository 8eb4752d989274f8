"""What a client may write into the directory: properties of the right type, none of those the service decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from declarative_kv.emulator.graph.call import bad_request
from declarative_kv.emulator.graph.shapes import DEFAULTS

# What the service decides, whatever the body says.
_READ_ONLY: Final = frozenset(
    {"id", "appId", "kind", "tenant", "createdDateTime", "members", "owners", "directoryRoles", "deleted"}
    | {"passwordCredentials", "passwordProfile", "securityIdentifier", "deletedDateTime"}
)
_TEXTS: Final = frozenset(
    {"displayName", "description", "mailNickname", "userPrincipalName", "appId", "mail", "givenName", "surname"}
    | {"jobTitle", "notes", "homepage", "signInAudience", "servicePrincipalType", "visibility", "userType"}
)
_TEXT_LISTS: Final = frozenset(
    {"identifierUris", "servicePrincipalNames", "groupTypes", "tags", "alternativeNames", "replyUrls"}
    | {"members@odata.bind", "owners@odata.bind", "businessPhones"}
)
_SWITCHES: Final = frozenset({"accountEnabled", "isAssignableToRole"})


def check(kind: str, body: Mapping[str, Any]) -> None:
    """Raise 400 for the first property whose value has the wrong type; null fits every type."""
    for name, value in body.items():
        if value is not None and not _fits(kind, name, value):
            resource = f"{kind[0].upper()}{kind[1:]}"
            raise bad_request(f"Invalid value specified for property '{name}' of resource '{resource}'.")


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of the body that a client may set; null empties a list."""
    found = {name: value for name, value in body.items() if name not in _READ_ONLY and "@" not in name}
    return {name: [] if value is None and name in _TEXT_LISTS else value for name, value in found.items()}


def require(kind: str, body: Mapping[str, Any], *names: str) -> None:
    """Raise 400 for the first property that is missing or empty."""
    for name in names:
        if body.get(name) in (None, ""):
            resource = f"{kind[0].upper()}{kind[1:]}"
            raise bad_request(f"A value is required for property '{name}' of resource '{resource}'.")


def moment(text: object, otherwise: float) -> float:
    """A sent time in epoch seconds, `otherwise` where none was sent; raises 400 where it is none."""
    if text is None:
        return otherwise
    try:
        found = datetime.fromisoformat(str(text))
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise bad_request(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.") from error


def _fits(kind: str, name: str, value: Any) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _TEXT_LISTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    default = DEFAULTS[kind].get(name)
    if name in _SWITCHES or isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list)
    return isinstance(value, dict) or not isinstance(default, dict)
