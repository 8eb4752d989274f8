"""Where a state in a blob may lie: Azure's names and nothing that could lead elsewhere."""

from __future__ import annotations

import pytest

from declarative_kv.model.blob_place import LONGEST, BlobPlace, parse_blob_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("azblob://abc/con/key", BlobPlace("abc", "con", "key")),
        (
            "azblob://contoso1states/dkv-states/teams/a b/prod.json",
            BlobPlace("contoso1states", "dkv-states", "teams/a b/prod.json"),
        ),
        ("azblob://abc/con/" + "k" * LONGEST, BlobPlace("abc", "con", "k" * LONGEST)),
    ],
)
def test_a_place_is_read_and_printed_again(text: str, place: BlobPlace) -> None:
    assert parse_blob_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize(
    "text",
    [
        "abc/con/key",
        "azblob://",
        "azblob://abc",
        "azblob://abc/con",
        "azblob://abc/con/",
        "azblob:///con/key",
        "azblob://ab/con/key",
        "azblob://Abc/con/key",
        "azblob://abc.example.com/con/key",
        "azblob://abc@evil/con/key",
        "azblob://abc:443/con/key",
        "azblob://abc/co/key",
        "azblob://abc/Con/key",
        "azblob://abc/-con/key",
        "azblob://abc/con-/key",
        "azblob://abc/c--n/key",
        "azblob://abc/" + "c" * 64 + "/key",
        "azblob://abc/con//key",
        "azblob://abc/con/key/",
        "azblob://abc/con/a/../b",
        "azblob://abc/con/./b",
        "azblob://abc/con/key.",
        "azblob://abc/con/ key",
        "azblob://abc/con/key?sig=1",
        "azblob://abc/con/key#1",
        "azblob://abc/con/a%2Fb",
        "azblob://abc/con/a\\b",
        "azblob://abc/con/a\nb",
        "azblob://abc/con/" + "k" * (LONGEST + 1),
    ],
)
def test_what_azure_does_not_allow_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        parse_blob_place(text)
