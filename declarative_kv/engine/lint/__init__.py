"""Lint: what a loaded document would be better without. Pure, offline, and by no means an error."""

from declarative_kv.engine.lint.findings import examined, findings

__all__ = ["examined", "findings"]
