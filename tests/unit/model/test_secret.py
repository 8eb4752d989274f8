"""The one type that carries a value: it comes out where it is asked for by name, and nowhere else."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.refs import VaultRef, needed_addresses, references
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec

VALUE = Sensitive("canary-4711")


@pytest.mark.parametrize("shown", [str(VALUE), repr(VALUE), f"{VALUE}", f"{VALUE:>40}", f"{VALUE!r}", f"{[VALUE]}"])
def test_a_value_does_not_print(shown: str) -> None:
    assert "canary" not in shown
    assert "(sensitive)" in shown


@pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy])
def test_a_value_does_not_leave_the_process(leave: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        leave(VALUE)


def test_a_value_is_as_long_as_it_is_sent() -> None:
    assert (VALUE.reveal(), Sensitive("wörd").size) == ("canary-4711", 5)


def test_a_spec_needs_what_it_refers_to() -> None:
    spec = SecretSpec(vault=VaultRef(Address("vault", "kv")), name="db")
    assert needed_addresses(spec) == {Address("vault", "kv")}


def test_what_is_no_spec_refers_to_nothing() -> None:
    assert list(references(object())) == []
