"""How much a plan does, or an apply did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of the closing line."""

    imported: int = 0
    added: int = 0
    changed: int = 0
    destroyed: int = 0
    forgotten: int = 0
    moved: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything to do, forgets and moves included."""
        numbers = (self.imported, self.added, self.changed, self.destroyed, self.forgotten, self.moved)
        return any(numbers)
