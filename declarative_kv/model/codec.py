"""The JSON form of our frozen dataclasses, both ways, driven by their type annotations.

What each type becomes: a dataclass an object of its fields (`None` and empty collections left out where they are the
default), an `Address` its text, a `datetime` RFC 3339, a tuple or frozenset a list (a frozenset sorted), an enum its
value. Where several dataclasses may stand (a union), and where the annotation is `Any`, an object names its class under
`$type`; tuples, sets, times and addresses under `Any` are marked likewise, so that everything comes back as it was.

A field called `spec` that is annotated `Any` is typed by its owner's kind (`kind`, or `address.kind`): the caller says
which class that is. The spec of a kind that nobody knows stays the plain JSON that it is.
"""

from __future__ import annotations

from declarative_kv.model.decoding import Malformed, Specs, decode
from declarative_kv.model.encoding import encode

__all__ = ["Malformed", "Specs", "decode", "encode"]
