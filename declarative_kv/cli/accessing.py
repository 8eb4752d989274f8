"""From the options of `dkv access` to its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from declarative_kv.cli.context import opened
from declarative_kv.cli.documents import loaded, warn
from declarative_kv.cli.flow import estates, place_of
from declarative_kv.cli.options import Common, usage
from declarative_kv.engine.access.analysis import Answer, answers
from declarative_kv.engine.access.estate import Estate, Vault
from declarative_kv.model.capabilities import WORDS, named


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers are wanted; an empty set wants all. `capabilities` are names."""

    principals: frozenset[str] = frozenset()
    vaults: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()

    @classmethod
    def of(cls, principals: Sequence[str], vaults: Sequence[str], permissions: Sequence[str]) -> Filter:
        """The filter that these texts ask for; raises `UsageError` for a permission that nobody knows."""
        capabilities: set[str] = set()
        for text in permissions:
            meant = named(text)
            if not meant:
                hint = f"Write a permission of Azure's, or one of {', '.join(WORDS)}."
                raise usage(f"--permission {text} is nothing that can be done.", hint)
            capabilities |= {one.name for one in meant}
        return cls(frozenset(text.lower() for text in principals), tuple(vaults), frozenset(capabilities))

    def chosen(self, estate: Estate) -> tuple[Vault, ...]:
        """The vaults that are wanted; raises `UsageError` for one that is not there."""
        if not self.vaults:
            return estate.vaults
        chosen: dict[str, Vault] = {}
        for text in self.vaults:
            found = {vault.id: vault for vault in estate.vaults if text.lower() in _names(vault)}
            if not found:
                known = ", ".join(str(vault.address) for vault in estate.vaults) or "none"
                raise usage(f"--vault {text} is no vault of this configuration.", f"The vaults are: {known}.")
            chosen |= found
        return tuple(chosen[identifier] for identifier in sorted(chosen))

    def wants(self, estate: Estate, one: Answer) -> bool:
        """Whether an answer is wanted."""
        who = {one.principal, estate.name(one.principal).lower()}
        return (not self.principals or not self.principals.isdisjoint(who)) and (
            not self.capabilities or one.capability.name in self.capabilities
        )


def _names(vault: Vault) -> frozenset[str]:
    key = vault.address.path if vault.address else ""
    return frozenset({str(vault.address).lower(), key.lower(), vault.label.lower(), vault.id})


async def found(common: Common, only: Filter, *, live: bool) -> tuple[Estate, tuple[Answer, ...]]:
    """The estate, and the answers about it that are wanted. Takes no lock and writes nothing."""
    document = loaded(common)
    async with opened(place_of(document), verbose=common.verbose) as run:
        before, after, unreadable = await estates(run, document, await run.store.read())
    warn(unreadable, no_color=common.no_color)
    estate = before if live else after
    return estate, _wanted(estate, only)


def _wanted(estate: Estate, only: Filter) -> tuple[Answer, ...]:
    chosen: Iterable[Answer] = answers(replace(estate, vaults=only.chosen(estate)))
    return tuple(one for one in chosen if only.wants(estate, one))
