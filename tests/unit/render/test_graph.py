"""The order of work, drawn."""

from __future__ import annotations

from declarative_kv.model.resource import Lifecycle, Resource
from declarative_kv.render.graph import graph_mermaid

from .plans import at


def test_arrows_lead_from_what_comes_first() -> None:
    resources = {
        at("resource_group.rg"): Resource(at("resource_group.rg"), None),
        at("vault.a"): Resource(at("vault.a"), None, frozenset({at("resource_group.rg")})),
        at("secret.a/db"): Resource(at("secret.a/db"), None, frozenset({at("vault.a")})),
    }
    assert graph_mermaid(resources).splitlines() == [
        "flowchart LR",
        '    n0["resource_group.rg"]',
        '    subgraph n2g["a"]',
        '        n1["secret.a/db"]',
        '        n2["vault.a"]',
        "    end",
        "    n2 --> n1",
        "    n0 --> n2",
    ]


def test_what_must_exist_already_looks_different() -> None:
    vault = Resource(at("vault.a"), None, lifecycle=Lifecycle(existing=True))
    assert 'n0[/"vault.a"/]' in graph_mermaid({vault.address: vault})


def test_labels_are_text() -> None:
    vault = Resource(at('vault.a"]<b>#'), None)
    assert "a#quot;]#lt;b#gt;#35;" in graph_mermaid({vault.address: vault})
