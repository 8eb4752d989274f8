"""Files: whatever they hold, the answer is a document or a clear mistake, and it comes at once."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from declarative_kv.config import load
from declarative_kv.model.document import Document
from declarative_kv.model.errors import ConfigError
from declarative_kv.model.resource import Resource
from tests.unit.config.yamls import document, loaded, places, refused, unmarked, vault, write

BYTES = {
    "an empty file": (b"", "empty-file"),
    "a file of comments": (b"# nothing\n", "empty-file"),
    "a file that holds null": (b"null\n", "empty-file"),
    "a file that holds text": (b"hello\n", "wrong-type"),
    "a file that holds a list": (b"- a\n", "wrong-type"),
    "a file in UTF-16": ("version: 1\n".encode("utf-16"), "wrong-encoding"),
    "a file in Latin-1": ("version: 1\ncloud: café\n".encode("latin-1"), "wrong-encoding"),
    "a program": (b"\x7fELF\x02\x01\x00\x00\xff\xfe\x00" * 1000, "binary-file"),
    "a text with a NUL": (b"version: 1\ncloud: a\0b\n", "binary-file"),
    "a text with a control character": (b'version: 1\ncloud: "a\x01b"\n', "binary-file"),
    "a file of 50 MB": (b"a: b\n" * 10 * 1024 * 1024, "file-too-large"),
    "a file of a million values": (b"a: [" + b"1,\n" * 1_000_000 + b"]", "file-too-large"),
    "a key that is set a million times": (b"{" + b"k: 1,\n" * 900_000 + b"}", "too-many-problems"),
    "brackets without an end": (b"a: " + b"[" * 100_000, "too-deep"),
    "maps without an end": (b"a: " + b"{b: " * 100_000, "too-deep"),
    "indentation without an end": ("\n".join(" " * n + "a:" for n in range(2000)).encode(), "too-deep"),
    "aliases that grow by ten each line": (
        b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)).encode(),
        "alias-bomb",
    ),
    "aliases that nest": (
        b"a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}}}\n" for n in range(1, 999)).encode(),
        "too-deep",
    ),
    "an alias in itself": (b"version: 1\nvaults: &v {a: *v}\n", "recursive-alias"),
    "an alias of the whole": (b"&a [*a]\n", "recursive-alias"),
    "an alias of nothing": (b"version: 1\nvaults: *v\n", "unknown-alias"),
    "two documents": (b"version: 1\n---\nversion: 1\n", "several-documents"),
    "a bracket that is not closed": (b"version: 1\nvaults: {a: {b: c\n", "syntax"),
    "a tab that indents": (b"version: 1\nvaults:\n\ta: b\n", "syntax"),
    "half a surrogate": (b'version: 1\ncloud: "\\ud800"\n', "syntax"),
    "a map as a key": (b"{a: b}: c\n", "key-not-text"),
    "a list as a key, through an alias": (b"a: &a [x]\n*a : c\n", "key-not-text"),
}


@pytest.mark.parametrize(("data", "code"), BYTES.values(), ids=BYTES)
def test_a_file_that_is_no_configuration_gets_one_clear_error_at_once(data: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_bytes(data)
    load_once(tmp_path)  # the imports count for the program's start, not for the file
    start = time.process_time()

    found = load_once(tmp_path)

    assert time.process_time() - start < (8 if "coverage" in sys.modules else 2)
    assert code in [each.code for each in found.diagnostics]
    assert all(each.hint and each.detail for each in found.diagnostics)


def only(found: Document) -> Resource:
    (resource,) = found.resources.values()
    return resource


def load_once(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder, environ={})
    return caught.value


PLACES = {
    "the byte that is not UTF-8": ("version: 1\ncloud: caf\u00e9\n".encode("latin-1"), ("wrong-encoding", 2, 11)),
    "the line of a NUL": (b"version: 1\ncloud: a\0b\n", ("binary-file", 2, 1)),
    "a control character": (b'version: 1\ncloud: "a\x01b"\n', ("binary-file", 2, 10)),
    "an alias": (b"version: 1\nvaults: *v\n", ("unknown-alias", 2, 9)),
    "a column behind letters of other scripts": ('cloud: {"日本": 1, x: 2}\n'.encode(), ("unknown-key", 1, 18)),
    "what was begun where the file ends": (b"version: 1\nvaults: {a: {\n\n", ("syntax", 2, 13)),
    "a line after line ends of Windows": (b"version: 1\r\nclod: x\r\n", ("unknown-key", 2, 1)),
    "a line after line ends of old": (b"version: 1\rclod: x\r", ("unknown-key", 2, 1)),
    "a column after a byte order mark": (b"\xef\xbb\xbfclod: x", ("unknown-key", 1, 1)),
}


@pytest.mark.parametrize(("data", "place"), PLACES.values(), ids=PLACES)
def test_the_place_is_told_where_there_is_one(data: bytes, place: tuple[str, int, int], tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_bytes(data)

    assert place in places(load_once(tmp_path).diagnostics)


def test_a_line_of_a_megabyte_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_text(f"version: 1\na: {'x' * 1_000_000}\nb: {{{'y: 1, ' * 1000}z: 1}}\n")

    spans = [each.span for each in load_once(tmp_path).diagnostics if each.span]

    assert max(len(span.source) for span in spans) <= 400
    assert {span.source for span in spans if span.column > 400} == {""}


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    (found,) = load_once(tmp_path).diagnostics

    assert (found.code, found.span) == ("file-missing", None)
    assert "dkv init" in found.hint


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dkv.yaml")

    (found,) = load_once(tmp_path).diagnostics

    assert found.code == "file-unreadable"


def test_a_file_that_cannot_be_opened_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").symlink_to("dkv.yaml")

    (found,) = load_once(tmp_path).diagnostics

    assert found.code == "file-unreadable"


def test_a_folder_means_its_dkv_yaml_and_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", document("clod: x"))

    with pytest.raises(ConfigError) as caught:
        load(Path("a"), environ={}, cwd=tmp_path)

    assert str(caught.value.diagnostics[0].span) == "a/dkv.yaml:3:1"


def test_tags_of_yaml_are_refused_each(tmp_path: Path) -> None:
    clean, expected = unmarked(
        "version: ⟦unsupported-tag⟧!!int 1\nvars: ⟦unsupported-tag⟧!ref {a: ⟦unsupported-tag⟧!x b}\n"
    )

    assert places(refused(tmp_path, clean)) == expected


def test_a_tag_that_says_text_is_fine(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("tags: !!map {cost: !!str 0123, none: !!str null, list: ! yes}"))

    assert only(found).spec.tags == {"cost": "0123", "none": "null", "list": "yes"}


def test_keys_and_texts_stay_as_they_are_written(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, vault("tags: {on: no, off: 0123, 1: 1e3, ~: 2027-06-30, 0x10: 1_000, null: 'null', y: \"~\"}")
    )

    assert only(found).spec.tags == {
        "on": "no",
        "off": "0123",
        "1": "1e3",
        "~": "2027-06-30",
        "0x10": "1_000",
        "null": "null",
        "y": "~",
    }


def test_merge_keys_bring_what_a_map_does_not_set_itself(tmp_path: Path) -> None:
    text = document(
        """
        vaults:
          kv-one: &one {access: rbac, location: westeurope, resource_group: rg, sku: premium}
          kv-two: {<<: *one, sku: standard}
          kv-three: {<<: [{sku: standard}, *one]}
        """
    )

    specs = [each.spec for each in loaded(tmp_path, text).resources.values()]

    assert [(spec.name, spec.sku, spec.location) for spec in specs] == [
        ("kv-one", "premium", "westeurope"),
        ("kv-two", "standard", "westeurope"),
        ("kv-three", "standard", "westeurope"),
    ]


def test_a_merge_key_of_text_is_a_mistake(tmp_path: Path) -> None:
    clean, expected = unmarked(vault("<<: ⟦merge-key⟧sku"))

    assert places(refused(tmp_path, clean)) == expected


def test_an_alias_may_be_a_key_or_a_text(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, vault("tags: {&team team: &name payments, *team : again}\nsku: standard").replace("*team", "copy")
    )

    assert only(found).spec.tags == {"team": "payments", "copy": "again"}


def test_an_alias_as_a_key_is_the_text_it_stands_for(tmp_path: Path) -> None:
    found = loaded(tmp_path, vault("tags: {team: &team payments, *team : x}"))

    assert only(found).spec.tags == {"team": "payments", "payments": "x"}


INCLUDED = "vaults: {kv-%s: {access: rbac, location: westeurope, resource_group: rg}}\n"


def test_included_files_add_their_entries_once_and_in_order(tmp_path: Path) -> None:
    files = {f"teams/{name}.yaml": INCLUDED % name for name in ("b", "a")} | {"c.yaml": INCLUDED % "c"}

    found = loaded(tmp_path, document("include: [c.yaml, teams/*.yaml, teams/a.yaml, dkv.yaml]"), files=files)

    assert [str(each) for each in found.resources] == ["vault.kv-c", "vault.kv-a", "vault.kv-b"]
    assert [str(each.span) for each in found.resources.values()] == [
        "c.yaml:1:10",
        "teams/a.yaml:1:10",
        "teams/b.yaml:1:10",
    ]


def test_an_included_file_holds_entries_and_nothing_else(tmp_path: Path) -> None:
    clean, expected = unmarked(
        "⟦misplaced-setting⟧cloud: public\n⟦misplaced-setting⟧vault: {}\nvaults: ⟦wrong-type⟧[]\nreader_roles:\n"
    )

    found = refused(tmp_path, document("include: [a.yaml]"), files={"a.yaml": clean})

    assert places(found) == expected
    assert found[1].hint == "Did you mean `vaults`?"


def test_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    files = {"a.yaml": "vaults: {", "b.yaml": "defaults: {colour: red, sku: gold}\n", "c.yaml": ""}

    found = refused(tmp_path, document("include: [a.yaml, b.yaml, c.yaml]\nclod: x"), files=files)

    assert [(each.code, each.span.file) for each in found if each.span] == [
        ("syntax", "a.yaml"),
        ("unknown-key", "b.yaml"),
        ("not-one-of", "b.yaml"),
        ("empty-file", "c.yaml"),
        ("unknown-key", "dkv.yaml"),
    ]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("nowhere.yaml", "include-missing"),
        ('""', "include-missing"),
        ("../other.yaml", "include-outside"),
        ("/etc/hosts", "include-outside"),
        ("link.yaml", "include-outside"),
        ("li*.yaml", "include-outside"),
    ],
)
def test_an_include_leads_to_a_file_of_the_folder_or_is_a_mistake(pattern: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("vaults: {}\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "other.yaml")

    found = refused(tmp_path / "in", document(f"include: [{pattern}]"))

    assert code in [each.code for each in found]


@pytest.mark.parametrize("pattern", ["teams/*.yaml", "a**b/*"])
def test_a_pattern_that_matches_nothing_is_a_warning(pattern: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, document(f"include: ['{pattern}']"))

    assert [(each.code, each.severity.value) for each in found.warnings] == [("nothing-included", "warning")]


def test_an_included_file_that_cannot_be_read_is_told_at_its_include(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"x" * (11 * 1024 * 1024))

    (found,) = refused(tmp_path, document("include: [a.yaml]"))

    assert (found.code, str(found.span)) == ("file-too-large", "dkv.yaml:3:11")


def test_what_is_no_pattern_is_left_to_the_schema(tmp_path: Path) -> None:
    clean, expected = unmarked(document("include: [⟦wrong-type⟧{a: b}, ⟦wrong-type⟧[x]]"))

    assert places(refused(tmp_path, clean)) == expected
