"""Key Vault's pages: 25 at most, a skip token that only the service reads, and a nextLink that is null at the end."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request, Response, json_response

LARGEST = 25
_NUMBER = re.compile("[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a list is asked for: the items behind the marker ("" means from the start), at most `size`.

    `room` is how many of these Azure looks at for this page: fewer make a short page, none an empty one.
    """

    after: str
    size: int
    room: int


def window(request: Request, *, ragged: bool = False) -> Window:
    """The part that the request asks for by `maxresults` and `$skiptoken`; raises 400 where they are nonsense.

    With `ragged` some pages are short or empty and have a nextLink all the same, as recorded; which ones depends on
    nothing but the list and the place in it.
    """
    size = request.parameter("maxresults")
    if size is not None and not (_NUMBER.fullmatch(size) and 1 <= int(size) <= LARGEST):
        raise AzureFault(400, "BadParameter", f"maxresults must be between 1 and {LARGEST}.")
    token = request.parameter("$skiptoken")
    after, once_more = ("", False) if token is None else _marker(token)
    most = LARGEST if size is None else int(size)
    return Window(after, most, _room(request, after, most, once_more) if ragged else most)


def _room(request: Request, after: str, most: int, once_more: bool) -> int:
    """An empty page is followed by one that is not."""
    turn = crc32(f"{request.host}{request.path}|{after}".lower().encode()) % 4
    if turn == 0 and not once_more:
        return 0
    return max(1, most // 2) if turn == 1 else most


def page(request: Request, part: Window, items: Sequence[Any], marker: str | None) -> Response:
    """One page; `marker` is the sort key of its last item, None if nothing follows."""
    if not part.room:
        marker = part.after
    link = None
    if marker is not None:
        version = request.parameter("api-version") or ""
        link = (
            f"https://{request.host}:443{request.path.rstrip('/')}?api-version={version}"
            f"&$skiptoken={_token(marker, once_more=not part.room)}&maxresults={part.size}"
        )
    return json_response(200, {"value": items, "nextLink": link})


def _token(marker: str, *, once_more: bool) -> str:
    text = json.dumps({"NextMarker": marker, "TargetLocation": int(once_more)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _marker(token: str) -> tuple[str, bool]:
    """The place that a token names, and whether the page before it was empty."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        marker = content["NextMarker"]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AzureFault(400, "BadParameter", "The skiptoken is invalid.") from error
    if not isinstance(marker, str):
        raise AzureFault(400, "BadParameter", "The skiptoken is invalid.")
    return marker, content.get("TargetLocation") == 1
