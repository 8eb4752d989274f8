"""The order of work as a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Mapping

from declarative_kv.model.address import Address
from declarative_kv.model.resource import Resource
from declarative_kv.render.safe import safe


def graph_mermaid(resources: Mapping[Address, Resource]) -> str:
    """A flowchart: an arrow from what comes first to what needs it, each vault with its contents in a frame."""
    addresses = sorted(resources)
    identifiers = {address: f"n{number}" for number, address in enumerate(addresses)}
    lines = ["flowchart LR"]
    frames: dict[str, list[Address]] = {}
    for address in addresses:
        frames.setdefault(_frame(address, resources), []).append(address)
    for frame, inside in sorted(frames.items()):
        nodes = [_node(identifiers[address], address, resources[address]) for address in inside]
        if not frame:
            lines.extend(f"    {node}" for node in nodes)
            continue
        vault = identifiers.get(Address("vault", frame), frame)
        lines += [f'    subgraph {vault}g["{_label(frame)}"]', *(f"        {node}" for node in nodes), "    end"]
    for address in addresses:
        for first in sorted(resources[address].depends_on):
            if first in identifiers:
                lines.append(f"    {identifiers[first]} --> {identifiers[address]}")
    return "\n".join(lines)


def _frame(address: Address, resources: Mapping[Address, Resource]) -> str:
    """The vault whose frame holds the address; empty for what stands alone."""
    inside = address.kind == "vault" or (address.key and Address("vault", address.container) in resources)
    return address.container if inside else ""


def _node(identifier: str, address: Address, resource: Resource) -> str:
    shape = ("[/", "/]") if resource.lifecycle.existing else ("[", "]")
    return f'{identifier}{shape[0]}"{_label(str(address))}"{shape[1]}'


def _label(text: str) -> str:
    """Text that Mermaid takes literally between quotes."""
    return safe(text).replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
