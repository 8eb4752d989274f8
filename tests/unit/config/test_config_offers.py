"""What the package offers beside loading: a starter file and a schema for editors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from declarative_kv import config
from declarative_kv.config.merge import DEFAULTABLE
from declarative_kv.config.problem import SUMMARIES, diagnostic
from declarative_kv.config.schema import Defaults
from tests.unit.config.test_config_document import TEAM
from tests.unit.config.yamls import document, loaded, vault


def test_the_starter_file_loads_without_a_word(tmp_path: Path) -> None:
    found = loaded(tmp_path, config.STARTER)

    assert (found.cloud.name, found.warnings) == ("emulator", ())
    assert [str(each) for each in found.resources] == [
        "resource_group.rg-example",
        "vault.kv-example",
        "access_policy.kv-example/deployer",
        "secret.kv-example/session-key",
    ]


class Loader(yaml.SafeLoader):
    """YAML as editors read it (version 1.2): `on` and dates are text."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("int", "null", "merge")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def as_editors_read(text: str) -> Any:
    return yaml.load(text, Loader)


GOOD = {
    "the starter file": config.STARTER,
    "a team's file": TEAM.replace("public: yes", "public: true").replace("Deny", "deny"),
    "every spelling of import": vault(
        "import: all\nsecrets: {a: {import: true, value_from: kept, expires: 2027-01-01}}"
    ),
    "numbers as texts": vault("tags: {cost: 1234, on: true}\nretention_days: 7"),
    "a custom cloud": document("cloud: {authority: https://a.example, key_vault_suffix: v.example}"),
}
BAD = {
    "an unknown key": document("clod: public"),
    "a wrong word": vault("sku: gold"),
    "a value": vault("secrets: {a: {value: x}}"),
    "no version": "cloud: public\n",
    "a list for a map": document("vaults: []"),
}


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(config.json_schema())


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_the_schema_takes_what_loads(text: str) -> None:
    jsonschema.validate(as_editors_read(text), config.json_schema())


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_the_schema_refuses_what_does_not(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_editors_read(text), config.json_schema())


def test_defaults_are_the_same_in_the_schema_and_in_the_merge() -> None:
    assert set(Defaults.model_fields) == DEFAULTABLE


def test_every_code_has_words_and_every_word_is_used() -> None:
    folder = Path(config.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))

    assert diagnostic.__doc__
    assert [code for code in SUMMARIES if source.count(f'"{code}"') < 2] == []


def test_importing_the_package_starts_neither_the_parser_nor_the_schema() -> None:
    script = "import sys, declarative_kv.config; print([m for m in ('yaml', 'pydantic') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_ten_thousand_secrets_load_with_room_to_spare(tmp_path: Path) -> None:
    entries = "".join(
        f"      s{number}: {{value_from: {{env: S{number}}}, expires: 2027-06-30, tags: {{n: x{number}}}}}\n"
        for number in range(10_000)
    )
    head = "version: 1\nvaults:\n  kv-one:\n    existing: true\n    secrets:\n"
    (tmp_path / "dkv.yaml").write_text(head + entries)
    script = (
        "import sys, time; from pathlib import Path; from declarative_kv.config import load\n"
        "count = len(load(Path(sys.argv[1])).resources)\n"
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(count, time.process_time(), int(peak) // 1024)"
    )

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)

    count, seconds, megabytes = done.stdout.split()
    assert int(count) == 10_001
    assert float(seconds) < 4  # of this process alone; `make bench` holds the program to two, on a quiet machine
    assert int(megabytes) < 200
