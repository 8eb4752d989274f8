"""Whether an answer of the emulator keeps to the specification of its operation, and where real Azure does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from jsonschema.exceptions import ValidationError

from declarative_kv.emulator.http import Request, Response
from tests.specs.index import FOLDER, Operation, operations_for
from tests.specs.schemas import Checker, checker, resolved

# Recorded traffic breaks the files in these ways, and with null for some texts (schemas.py), and in no other. (That an
# error may have no body, as Key Vault's challenge, or be a page of HTML, as its answer to a name with a stray `%`, is
# recorded too.)
NULL_WHERE_AN_OBJECT_IS_DECLARED: Final = frozenset({("rotationpolicy", "attributes")})
"""By the last segment of the path: a rotation policy that nobody has set yet has null attributes."""
CASED_AS_SENT: Final = frozenset({"keys", "secrets", "certificates", "storage", "name"})
"""Permissions (`Get`) and the SKU's name (`Standard`) come back in the case in which a client sent them."""
CAPITALISED: Final = "lifetimeActions"
"""What a rotation policy does is `Notify` also where Resource Manager shows it, whose files say `notify`."""


def violations(request: Request, response: Response) -> list[str]:
    """What is wrong with the answer, each with file and place; never with a value, which may be a secret."""
    return [
        f"{request.method} {request.path} ({request.parameter('api-version')}) -> {response.status}: "
        f"{operation.file.relative_to(FOLDER)} {operation.content.get('operationId', '')}: {found}"
        for operation in operations_for(request)
        for found in _broken(operation, request, response)
    ]


def _broken(operation: Operation, request: Request, response: Response) -> Iterator[str]:
    if response.dropped:
        return
    answers = operation.content["responses"]
    key = str(response.status)
    if key not in answers:
        if response.status < 400:
            yield f"the status is none of {', '.join(sorted(answers))}"
            return
        if "default" not in answers:
            return  # the derived files leave errors out
        key = "default"
    if request.method == "HEAD":
        return
    check = _checker(operation, key)
    if check is None:
        if response.body:
            yield f"a body of {len(response.body)} bytes where none is declared"
        return
    if response.status >= 400 and (not response.body or _is_page(response)):
        return
    try:
        body = json.loads(response.body)
    except ValueError:
        yield f"a body of {len(response.body)} bytes that is not JSON"
        return
    segment = request.path.rstrip("/").rpartition("/")[2].lower()
    for error in check.errors(body):
        for leaf in _leaves(error):
            if not _known(leaf, segment):
                yield f"{_place(leaf)}: {_what(leaf)}"


def _is_page(response: Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html")


_CHECKERS: Final[dict[tuple[Any, ...], Checker | None]] = {}


def _checker(operation: Operation, key: str) -> Checker | None:
    """What checks one answer of one operation, made once."""
    name = (operation.file, operation.method, operation.template, key)
    if name not in _CHECKERS:
        file, answer = resolved(operation.file, operation.content["responses"][key])
        schema = answer.get("schema")
        _CHECKERS[name] = None if schema is None else checker(file, schema)
    return _CHECKERS[name]


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors proper: of `null or this` (`x-nullable`), what is wrong with this."""
    inner = [part for part in error.context or () if part.relative_schema_path[0] == 1]
    if error.validator != "anyOf" or not inner:
        yield error
    for part in inner:
        yield from _leaves(part)


def _known(error: ValidationError, segment: str) -> bool:
    """Whether real Azure breaks the files in the same way."""
    rule: Any = error.validator_value
    names = [part for part in error.absolute_path if isinstance(part, str)]
    last = names[-1] if names else ""
    if error.validator == "type":
        return error.instance is None and (segment, last) in NULL_WHERE_AN_OBJECT_IS_DECLARED
    is_cased = last in CASED_AS_SENT or (last == "type" and CAPITALISED in error.absolute_path)
    if error.validator == "enum" and is_cased and isinstance(error.instance, str):
        return error.instance.lower() in {str(value).lower() for value in rule}
    return False


def _place(error: ValidationError) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return "$" + "".join(parts)


def _what(error: ValidationError) -> str:
    """The broken rule, without the value that broke it."""
    rule: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        missing = [name for name in rule if name not in value]
        return f"lacks {', '.join(missing)}"
    return f"{type(value).__name__} breaks {error.validator} {rule!r:.200}"


@cache
def available() -> bool:
    """Whether the specifications are there; they lie beside the project, not in it."""
    return FOLDER.is_dir()
