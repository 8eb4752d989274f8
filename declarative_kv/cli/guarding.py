"""The guards by name, for `--allow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from declarative_kv.cli.options import addresses, usage

GUARDS: Final = frozenset(
    {
        "protected",
        "access-model-flip",
        "access-lost-on-import",
        "value-moved-outside",
        "recover-unmanaged",
        "group-not-empty",
        "many-destroys",
        "irreversible",
        "access-widened",
        "invariant",
    }
)


def allowed(texts: Iterable[str]) -> tuple[str, ...]:
    """What `--allow` lifts; raises `UsageError` for what names no guard, or no address behind it."""
    return tuple(map(_allowed, texts))


def _allowed(text: str) -> str:
    code = text.partition("=")[0]
    if code not in GUARDS:
        raise usage(f"--allow {text} names no guard.", f"The guards are {', '.join(sorted(GUARDS))}.")
    if "=" in text and code != "invariant":
        addresses([text.partition("=")[2]])
    return text
