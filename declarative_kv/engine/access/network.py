"""What changes about the networks of vaults, which is nobody's right and still decides whether rights help."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.engine.access.estate import Estate


def network_notes(before: Estate, after: Estate) -> Iterator[str]:
    """Vaults whose network opens or closes: nobody's rights change, but from where they help does."""
    known = {vault.id: vault for vault in before.vaults}
    for vault in after.vaults:
        was = known.get(vault.id)
        if was is not None and was.network is not vault.network:
            yield f"the network of {vault.address} goes from {was.network} to {vault.network}: rights stay as they are"
