"""The one type that carries a secret value, and the key that values are fingerprinted with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, repr=False)
class Sensitive:
    """A value that cannot print; codecs refuse it. Read it with `reveal`, at the last moment."""

    _value: str

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    @property
    def size(self) -> int:
        """Bytes of the value as sent (UTF-8)."""
        return len(self._value.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return "(sensitive)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "(sensitive)"

    def __reduce__(self) -> str:
        raise TypeError("a sensitive value cannot be pickled")


@dataclass(frozen=True, slots=True)
class Key:
    """A fingerprint key. `id` is the secret's remote id and version: `{vault id}/secrets/{name}/{version}`."""

    id: str
    secret: Sensitive = field(repr=False)
    made: bool = False
    """Whether this run made or recovered it, so that it goes when the last of our secrets goes."""
