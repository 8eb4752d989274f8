"""What all models of the YAML have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen, and without settings that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
