"""What Azure changed over the years, as far as the emulator can go back: `--as-of` says which day it lives in."""

from __future__ import annotations

from declarative_kv.emulator.world import World

_NEWEST = "9999"


def since(world: World, day: str) -> bool:
    """Whether the emulated Azure is that of the ISO day or a later one; without `--as-of` it is today's."""
    return (world.settings.as_of or _NEWEST) >= day


def supports(api_version: str | None, wanted: str) -> bool:
    """Whether an api-version of Key Vault's data plane is the wanted one or newer; none at all counts as newest.

    The order is 2016-10-01, then 7.0 to 7.6, then the dated ones from 2025 on; a preview counts as its version.
    """
    return api_version is None or _rank(api_version) >= _rank(wanted)


def _rank(version: str) -> tuple[int, str]:
    plain = version.partition("-preview")[0]
    if plain.startswith("7."):
        return 1, plain
    return (0 if plain < "2025" else 2), plain
