"""Invariants and guards as the YAML has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.model.capabilities import named
from declarative_kv.model.invariant import Claim, Invariant, Who
from tests.unit.config.yamls import document, loaded, places, refused, unmarked

VAULT = "vaults:\n  app: {access: rbac, location: westeurope, resource_group: rg}\n"


def expect(folder: Path, marked: str) -> None:
    """The mistakes stand where the marks are, and nowhere else."""
    text, expected = unmarked(marked)
    assert places(refused(folder, text)) == expected


def read(folder: Path, said: str) -> Invariant:
    (one,) = loaded(folder, document(f"{VAULT}invariants:\n  i: {said}\n")).invariants
    return one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("any", Who()),
        ("ci", Who("ci")),
        ("not ci", Who("ci", negated=True)),
        ("ops", Who("ops", group=True)),
        ("group:ops", Who("ops", group=True)),
        ("not group:Ops", Who("ops", group=True, negated=True)),
    ],
)
def test_who_is_a_key_a_group_their_opposite_or_anybody(tmp_path: Path, text: str, expected: Who) -> None:
    one = read(tmp_path, f"{{never: {{who: '{text}', can: read-value, on: vault.app}}}}")
    assert (one.name, one.claim, one.who, one.can, one.on, one.direct) == (
        "i",
        Claim.NEVER,
        (expected,),
        named("read-value"),
        ("vault.app",),
        False,
    )


def test_lists_and_single_texts_are_the_same(tmp_path: Path) -> None:
    one = read(tmp_path, "{only: {who: [ci, ops], can: [read-value, list-secrets], on: [vault.*], direct: true}}")
    assert (len(one.who), len(one.can), one.on, one.direct) == (2, 2, ("vault.*",), True)


def test_a_guard_is_switched_on_by_name(tmp_path: Path) -> None:
    assert loaded(tmp_path, document(VAULT + "guards: {access-widened: block}")).guards == {"access-widened"}
    assert loaded(tmp_path, document(VAULT + "guards: {access-widened: off}")).guards == frozenset()


@pytest.mark.parametrize(
    "said",
    [
        "{never: ⟦wrong-type⟧[ci]}",
        "{⟦unknown-key⟧nevr: {who: ci, can: read-value, on: vault.app}}",
        "{never: {who: ⟦wrong-type⟧{a: b}, can: read-value, on: vault.app}}",
        "{never: {who: ci, can: read-value, on: ⟦unknown-reference⟧secret.app/db}}",
        "{always: {who: ⟦unknown-reference⟧nobody, can: read-value, on: vault.app}}",
    ],
)
def test_a_mistake_is_told_once_where_it_is(tmp_path: Path, said: str) -> None:
    expect(tmp_path, document(f"{VAULT}invariants:\n  i: {said}\n"))


def test_what_is_broken_elsewhere_is_no_second_mistake(tmp_path: Path) -> None:
    text = "version: 1\nprincipals: ⟦wrong-type⟧[]\nvaults: ⟦wrong-type⟧[]\n"
    claims = "{never: {who: [ci, 'group:ops'], can: read-value, on: vault.app}}"
    expect(tmp_path, f"{text}invariants: {{i: {claims}}}\n")


@pytest.mark.parametrize(
    "line",
    [
        "⟦invariant-claim⟧i: {}",
        "⟦invariant-claim⟧i: {never: {who: ci, can: list, on: vault.app}, only: {who: ci, can: list, on: vault.app}}",
        "⟦missing-setting⟧i: {never: {can: read-value, on: vault.app}}",
        "⟦invariant-claim⟧i: {always: {who: any, can: read-value, on: vault.app}}",
        "i: {never: {who: ⟦unknown-reference⟧group:nobody, can: read-value, on: vault.app}}",
        "i: {never: {who: ci, can: ⟦not-one-of⟧levitate, on: vault.app}}",
    ],
)
def test_a_claim_that_makes_no_sense_is_told_where_it_is(tmp_path: Path, line: str) -> None:
    expect(tmp_path, document(f"{VAULT}invariants:\n  {line}\n"))
