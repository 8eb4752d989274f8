"""The one type that carries a secret value."""

from __future__ import annotations

from dataclasses import dataclass


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
