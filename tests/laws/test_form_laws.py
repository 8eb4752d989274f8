"""`dkv fmt` on random layouts: it says the same, keeps every comment, and a second time changes nothing."""

from __future__ import annotations

from random import Random

import pytest
import yaml

from declarative_kv.config.form import formed
from declarative_kv.config.forming import says_the_same
from declarative_kv.config.tree import tokens
from tests.counts import count
from tests.laws.layouts import laid_out, tree

SEEDS = count(12, 2000)
EACH = 50


def comments(text: str) -> list[str]:
    """The comments between the tokens, in order."""
    place, found = 0, list[str]()
    for token in tokens(text):
        gap = text[place : token.start_mark.index]
        found += [line.strip() for line in gap.splitlines() if line.strip()]
        place = max(place, token.end_mark.index)
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_another_layout_says_the_same_and_is_the_last(seed: int) -> None:
    random = Random(seed)
    for _ in range(EACH):
        data = tree(random)
        text = laid_out(data, random)
        after = formed(text)
        assert says_the_same(text, after), text
        assert formed(after) == after, text
        assert comments(text) == comments(after), text
        if "'" not in text and '"' not in text:
            # Any other reader of YAML reads the same too, as there were no quotes that could have meant something.
            assert yaml.load(text, yaml.BaseLoader) == yaml.load(after, yaml.BaseLoader)
