"""Key Vault's pages: 25 at most, a skip token that only the service reads, and a nextLink that is null at the end."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request, Response, json_response

LARGEST = 25
_NUMBER = re.compile("[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a list is asked for: the items behind the marker ("" means from the start), at most `size`."""

    after: str
    size: int


def window(request: Request) -> Window:
    """The part that the request asks for by `maxresults` and `$skiptoken`; raises 400 where they are nonsense."""
    size = request.parameter("maxresults")
    if size is not None and not (_NUMBER.fullmatch(size) and 1 <= int(size) <= LARGEST):
        raise AzureFault(400, "BadParameter", f"maxresults must be between 1 and {LARGEST}.")
    token = request.parameter("$skiptoken")
    return Window("" if token is None else _marker(token), LARGEST if size is None else int(size))


def page(request: Request, part: Window, items: Sequence[Any], marker: str | None) -> Response:
    """One page; `marker` is the sort key of its last item, None if nothing follows."""
    link = None
    if marker is not None:
        version = request.parameter("api-version") or ""
        link = (
            f"https://{request.host}:443{request.path.rstrip('/')}?api-version={version}"
            f"&$skiptoken={_token(marker)}&maxresults={part.size}"
        )
    return json_response(200, {"value": items, "nextLink": link})


def _token(marker: str) -> str:
    text = json.dumps({"NextMarker": marker, "TargetLocation": 0}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _marker(token: str) -> str:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        marker = content["NextMarker"]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AzureFault(400, "BadParameter", "The skiptoken is invalid.") from error
    if not isinstance(marker, str):
        raise AzureFault(400, "BadParameter", "The skiptoken is invalid.")
    return marker
