"""Saved plans: the plan itself, and where and how it was made, so that an apply of it needs no YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from declarative_kv.cli.context import Place, spec_types
from declarative_kv.cli.flow import Planned
from declarative_kv.engine.saved import decode_plan, encode_plan
from declarative_kv.kinds import registry
from declarative_kv.model.codec import Malformed, decode, encode
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError, PlanError, StateError
from declarative_kv.model.plan import Plan
from declarative_kv.state.files import save_file
from declarative_kv.state.layout import dump, parse

_MADE: Final = "made"


@dataclass(frozen=True, slots=True)
class Making:
    """What an apply must know besides the plan; the fields are those of `Planned`."""

    place: Place
    shared: str | None = None
    off: bool = False
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan read from a file."""

    plan: Plan
    making: Making


def save(path: Path, planned: Planned) -> None:
    """Write a plan, readable by its owner only; no secret value can be in it."""
    making = Making(planned.place, planned.shared, planned.off, tuple(sorted(planned.groups)))
    content = f"{dump({**encode_plan(planned.plan), _MADE: encode(making)})}\n".encode()
    try:
        save_file(path, content)
    except StateError as error:
        detail = f"{path} cannot be written: {getattr(error.__cause__, 'strerror', error.__cause__)}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error


def read(path: Path) -> Saved:
    """A saved plan; `PlanError` where the file holds none."""
    try:
        data = parse(path.read_bytes())
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}.") from error
    except Malformed as error:
        raise _unreadable(f"{path} is no saved plan: {error}.") from error
    specs: Mapping[str, type] = spec_types(registry())
    plan = decode_plan(data, specs)
    try:
        return Saved(plan, _making(data, specs))
    except Malformed as error:
        raise _unreadable(f"{path} is damaged: {error}.") from error


def _making(data: Any, specs: Mapping[str, type]) -> Making:
    making: Making = decode(Making, data.get(_MADE), specs)
    return making


def _unreadable(detail: str) -> PlanError:
    hint = "Make a new one:\n    dkv plan --out FILE"
    return PlanError(Diagnostic("plan-unreadable", "The saved plan cannot be read", detail, hint))
