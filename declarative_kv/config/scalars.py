"""The types of single settings: what a text must look like, and what it becomes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError, ip_network
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from declarative_kv.model.roles import GUID


def refuse(code: str, detail: str, hint: str) -> NoReturn:
    """End a validation with a problem of ours; `config.validate` turns it into one with a place."""
    # The texts travel in the context, since a message template would read their braces.
    raise PydanticCustomError(code, "refused", {"detail": detail, "hint": hint})


_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DIGITS = re.compile(r"-?[0-9]{1,9}")


def _flag(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lower() not in _WORDS:
        refuse("wrong-type", f"`{value}` is neither true nor false.", "Write `true` or `false`.")
    return _WORDS[value.lower()]


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not _DIGITS.fullmatch(value):
        refuse("wrong-type", f"`{value}` is not a whole number.", "Write digits only.")
    return int(value)


_TEXT_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
"""Editors read `123` and `no` as a number and a flag; here both are text."""

Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[int, BeforeValidator(_number)]
Text = Annotated[str, WithJsonSchema(_TEXT_SCHEMA)]


def _filled(value: str) -> str:
    if not value.strip():
        refuse("wrong-type", "An empty text stands where a name is needed.", "Write the name, or take the line out.")
    return value


Name = Annotated[str, AfterValidator(_filled), WithJsonSchema(_TEXT_SCHEMA)]


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        hint = "Write it as 11111111-2222-3333-4444-555555555555."
        refuse("invalid-id", f"`{value}` is not a GUID.", hint)
    return value.lower()


Guid = Annotated[str, AfterValidator(_guid)]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def _moment(value: str) -> datetime:
    """A date at 00:00 UTC, or an RFC 3339 time in UTC; fractions of a second are cut, since Azure keeps none."""
    try:
        if _DATE.fullmatch(value):
            moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        elif _TIME.fullmatch(value):
            whole = re.sub(r"\.\d+", "", value).upper().replace(" ", "T")
            moment = datetime.fromisoformat(whole).astimezone(UTC)
        else:
            refuse("invalid-date", f"`{value}` is not a date that is understood.", _DATE_HINT)
    except (ValueError, OverflowError):
        refuse("invalid-date", f"`{value}` does not exist in the calendar.", _DATE_HINT)
    if moment < _EPOCH:
        refuse("invalid-date", f"`{value}` lies before 1970, which Azure cannot keep.", _DATE_HINT)
    return moment


_DATE_HINT = "Write `2027-06-30` (00:00 UTC) or `2027-06-30T12:00:00Z`."


def _as_moment(value: Any) -> Any:
    return _moment(value) if isinstance(value, str) else value


Moment = Annotated[
    datetime, BeforeValidator(_as_moment), WithJsonSchema({"type": "string", "description": "A date or RFC 3339 time"})
]

_PRIVATE = tuple(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _ip_rule(value: str) -> str:
    """An address or range of IPv4 as CIDR. Azure takes neither IPv6 nor private ranges in a vault's firewall."""
    if ":" in value:
        refuse("invalid-ip", f"`{value}` is IPv6, which a vault's firewall does not take.", _IP_HINT)
    try:
        network = IPv4Network(value, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        refuse("invalid-ip", f"`{value}` is not an IPv4 address or range.", _IP_HINT)
    if "/" in value and not value.startswith(f"{network.network_address}/"):
        refuse("invalid-ip", f"`{value}` has bits set behind its prefix.", f"Did you mean `{network}`?")
    if any(network.subnet_of(private) for private in _PRIVATE if isinstance(private, IPv4Network)):
        refuse("invalid-ip", f"`{value}` is private (RFC 1918), which a vault's firewall does not take.", _IP_HINT)
    return str(network)


_IP_HINT = "Write a public address or range such as `203.0.113.0/24`."

_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)


def _subnet(value: str) -> str:
    if not _SUBNET.fullmatch(value):
        hint = "Write /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…"
        refuse("invalid-id", f"`{value}` is not the id of a subnet.", hint)
    return value.lower()


IpRule = Annotated[str, AfterValidator(_ip_rule)]
Subnet = Annotated[str, AfterValidator(_subnet)]


def _location(value: str) -> str:
    text = value.replace(" ", "").lower()
    if not re.fullmatch(r"[a-z0-9]{2,40}", text):
        refuse("invalid-name", f"`{value}` is not the name of a region.", "Write it as in `westeurope`.")
    return text


Location = Annotated[str, AfterValidator(_location)]


def _retention(value: int) -> int:
    if not 7 <= value <= 90:
        refuse("out-of-range", f"A vault keeps what is deleted for 7 to 90 days, not {value}.", "Write 7 to 90.")
    return value


Retention = Annotated[int, BeforeValidator(_number), AfterValidator(_retention)]


def _length(value: int) -> int:
    if not 8 <= value <= 25_600:
        refuse("out-of-range", f"A generated value has 8 to 25,600 characters, not {value}.", "Write 32, say.")
    return value


Length = Annotated[int, BeforeValidator(_number), AfterValidator(_length)]


def _content_type(value: str) -> str:
    if len(value) > 255:
        refuse("invalid-name", f"A content type has at most 255 characters, not {len(value)}.", "Shorten it.")
    return value


ContentType = Annotated[str, AfterValidator(_content_type), WithJsonSchema(_TEXT_SCHEMA)]


def _url(value: str) -> str:
    local = re.match(r"http://(localhost|127\.0\.0\.1)([:/]|$)", value)
    if not (local or re.fullmatch(r"https://[^\s/@]+(/[^\s@]*)?", value)):
        refuse("invalid-url", f"`{value}` is not an https URL.", "Write it as in `https://login.example.org`.")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]


def _suffix(value: str) -> str:
    text = value.removeprefix(".").lower()
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", text):
        refuse("invalid-url", f"`{value}` is not the suffix of a host name.", "Write it as in `vault.azure.net`.")
    return text


Suffix = Annotated[str, AfterValidator(_suffix)]
