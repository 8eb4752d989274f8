"""What every value must be before it may be sent: text, not empty, not too big."""

from __future__ import annotations

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import ValueMissing
from declarative_kv.model.secret import Sensitive

LIMIT = 25_600
"""Bytes of UTF-8 that Key Vault takes (25 KB, Microsoft's "About keys, secrets and certificates")."""


def missing(why: str, hint: str = "", code: str = "value-missing") -> ValueMissing:
    """The error of a source that gives no value; `why` is a clause that fits in brackets and never quotes the value."""
    return ValueMissing(Diagnostic(code=code, summary="A secret's source gives no value", detail=why, hint=hint))


def checked(text: str, name: str) -> Sensitive:
    """The value, where it may be sent; `name` says in words where it came from."""
    value = Sensitive(text)
    if not text:
        raise missing(f"{name} is empty", "Give it a value, or take the secret out of the YAML.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise missing(f"{name} is not UTF-8 text", "Encode binary values, for example as base64.")
    if value.size > LIMIT:
        raise missing(f"{name} has {value.size} bytes, over Key Vault's {LIMIT}", "Shorten or split the value.")
    return value


def decoded(data: bytes, name: str) -> Sensitive:
    """The value in bytes that a file or a command gave, without the one newline that ends them."""
    if data.endswith(b"\n"):
        data = data[: -2 if data.endswith(b"\r\n") else -1]
    return checked(data.decode("utf-8", "surrogateescape"), name)
