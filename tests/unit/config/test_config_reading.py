"""Files from elsewhere than the disk, and what can be told of them before they are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from declarative_kv.config.loading import Request, environments, load
from declarative_kv.model.errors import ConfigError

TEXT = "version: 1\ninclude: [a.yaml]\nenvironments: {test: {}, prod: {}}\nstate: $(env).json\n"


class Memory:
    """Files that nobody has written; it knows no folder but the top."""

    def __init__(self, **texts: str) -> None:
        self.texts = {Path("/") / f"{name}.yaml": text.encode() for name, text in texts.items()}

    def is_folder(self, path: Path) -> bool:
        return path == Path("/")

    def is_file(self, path: Path) -> bool:
        return path in self.texts

    def matching(self, folder: Path, pattern: str) -> Iterable[Path]:
        return [path for path in self.texts if path.match(pattern)]

    def real(self, path: Path) -> Path:
        return path

    def read(self, path: Path, limit: int) -> bytes:
        return self.texts[path]


def request(root: str, disk: Memory, environment: str | None = None) -> Request:
    return Request(Path(root), environment, {}, None, {}, Path("/"), disk=disk, prefix="main:")


def test_a_configuration_is_read_from_anything_that_shows_files() -> None:
    group = "resource_groups: {rg: {location: westeurope}}\n"
    found = load(request(".", Memory(dkv=TEXT, a=group), "prod"))
    assert [str(at) for at in found.resources] == ["resource_group.rg"]
    with pytest.raises(ConfigError) as error:
        load(request("dkv.yaml", Memory(dkv=TEXT, a=f"{group}nonsense: 1\n"), "prod"))
    assert [str(one.span) for one in error.value.diagnostics] == ["main:a.yaml:2:1"]


def test_the_environments_are_known_without_a_load(tmp_path: Path) -> None:
    assert environments(request("dkv.yaml", Memory(dkv=TEXT))) == ("prod", "test")
    assert environments(request("dkv.yaml", Memory(dkv="version: 1\n"))) == ()
    assert environments(request("dkv.yaml", Memory(dkv='"environ\\x6dents": {prod: {}}\n'))) == ("prod",)
    assert environments(request("dkv.yaml", Memory(dkv="environments: [\n"))) == ()
    assert environments(Request(tmp_path, None, {}, None, {}, tmp_path)) == ()
