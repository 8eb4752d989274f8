"""Values made at random."""

from __future__ import annotations

import secrets

from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import ALPHABETS, GenerateSource
from declarative_kv.values.check import checked


def generate(source: GenerateSource) -> Sensitive:
    """A new value each time, from the operating system's randomness."""
    alphabet = ALPHABETS[source.alphabet]
    return checked("".join(secrets.choice(alphabet) for _ in range(source.length)), "the generated value")
