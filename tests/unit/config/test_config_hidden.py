"""A value that slipped into the YAML shows in no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.yamls import document, refused, vault

VALUE = "correct-horse-battery"

SLIPS = {
    "as value": f"secrets: {{db: {{value: {VALUE}}}}}",
    "as value beside another mistake": f"secrets: {{db: {{colour: red, value: {VALUE}, size: 1}}}}",
    "as value, quoted": f'secrets: {{db: {{"value": "{VALUE}", size: 1}}}}',
    "as value in several lines": f"secrets:\n  db:\n    value: |\n      {VALUE}\n    size: 1",
    "as value, folded from its first line": f'secrets:\n  db: {{value: "{VALUE}\n    more", size: 1}}',
    "as value in a list": f"secrets: {{db: {{value: [{VALUE}]}}}}",
    "as value in a map": f"secrets: {{db: {{value: {{text: {VALUE}}}, size: 1}}}}",
    "as the entry": f"secrets: {{db: {VALUE}}}",
    "as all secrets": f"secrets: {VALUE}",
    "as the source": f"secrets: {{db: {{value_from: {VALUE}}}}}",
    "as the source in a list": f"secrets: {{db: {{value_from: [{VALUE}]}}}}",
    "as an unknown source": f"secrets: {{db: {{value_from: {{literal: {VALUE}}}}}}}",
    "in an entry that is set twice": f"secrets:\n  db: {{value_from: kept}}\n  db: {{value: {VALUE}}}",
    "as an entry that is set twice": f"secrets: {{db: {{value_from: kept}}, db: {VALUE}}}",
    "in a line that does not parse": f'secrets:\n  db: {{value: "{VALUE}" x}}',
    "in a line with an unknown alias": f"secrets:\n  db: {{value: {VALUE}, tags: *t}}",
    "in a line behind the first of a text": f'secrets:\n  db:\n    value: "a\n      {VALUE} \\q"',
    "as an entry with a colon": f"secrets:\n  db: {VALUE}: x: y",
    "as an entry below another": f"secrets:\n  a: {{value_from: kept}}\n  db: {VALUE}: x: y",
    "as a source with a colon": f"secrets:\n  db:\n    value_from: {VALUE}: x: y",
    "behind an alias": f"tags: {{a: &a {{value: {VALUE}}}}}\nsecrets: {{db: *a}}",
}


@pytest.mark.parametrize("settings", SLIPS.values(), ids=SLIPS)
def test_a_value_in_the_yaml_is_starred_out_of_every_message(settings: str, tmp_path: Path) -> None:
    found = refused(tmp_path, vault(settings))

    shown = "\n".join(f"{each.detail} {each.hint} {each.span.source if each.span else ''}" for each in found)
    assert found
    assert VALUE not in shown


def test_a_value_in_bytes_that_are_no_text_is_starred_out(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"vaults: {kv: {secrets: {db: {value: " + VALUE.encode() + b"\xe9}}}}")

    (found,) = refused(tmp_path, document("include: [a.yaml]"))

    assert found.span is not None
    assert found.span.source == "vaults: {kv: {secrets: {db: {value: " + "*" * len(VALUE)


def test_a_value_in_an_environment_is_starred_out(tmp_path: Path) -> None:
    text = vault("") + f"environments: {{live: {{vaults: {{kv-one: {{secrets: {{db: {{value: {VALUE}}}}}}}}}}}}}\n"

    for environment in (None, "live"):
        found = refused(tmp_path, text, environment=environment)
        assert VALUE not in "".join(each.span.source for each in found if each.span)


def test_permissions_are_no_values(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, vault("access_policies: {ci: {secrets: [get, lst]}}\nothers: {secrets: alarm}"))

    assert found.span is not None
    assert "[get, lst]" in found.span.source


def test_a_good_line_is_shown_as_it_is(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, vault("secrets: {db: {value_from: {env: DB}, colour: red}}"))

    assert found.span is not None
    assert found.span.source.strip() == "secrets: {db: {value_from: {env: DB}, colour: red}}"
