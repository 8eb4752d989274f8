"""Dataclasses to JSON: the writing half of the codec, which `declarative_kv.model.codec` describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from declarative_kv.model.address import Address
from declarative_kv.model.secret import Sensitive

_Encoder = Callable[[Any], Any]
TAG = "$type"


def encode(value: object) -> Any:
    """The JSON value of a dataclass or plain value; `TypeError` for `Sensitive` and for what has no JSON form."""
    return _encode_object(value) if _is_object(value) else _encode_any(value)


def _is_object(value: object) -> bool:
    return any(objects((type(value),)))


def _encode_object(value: object) -> Any:
    declared: Any = type(value)
    return _encoder(declared)(value)


@cache
def _encoder(declared: Any) -> _Encoder:
    """The function that encodes values of one annotation."""
    if declared is Any:
        return _encode_any
    origin, args = get_origin(declared), get_args(declared)
    if origin in (Union, UnionType):
        return _union_encoder(args)
    if origin is tuple:
        return _items_encoder(args)
    if origin is frozenset:
        member = _encoder(args[0])
        return lambda value: sorted(map(member, _instance(frozenset, value)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, item = _encoder(args[0]), _encoder(args[1])
        return lambda value: {key(k): item(v) for k, v in _instance(Mapping, value).items()}
    return _object_encoder(declared) if any(objects((declared,))) else _scalar_encoder(declared)


def _instance(kind: Any, value: Any) -> Any:
    """The value, which must be of this class."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _scalar_encoder(declared: type) -> _Encoder:
    """An encoder that lets only values of `declared` pass."""
    render = SCALARS.get(declared, str if issubclass(declared, StrEnum) else None)
    if render is None:
        raise TypeError(f"{declared.__name__} has no JSON form")

    return lambda value: render(_instance(declared, value))


def _same(value: Any) -> Any:
    return value


def _time(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


SCALARS: Mapping[type, _Encoder] = {
    NoneType: _same,
    bool: _same,
    int: _same,
    float: _same,
    str: str,
    datetime: _time,
    Address: str,
}


def _items_encoder(args: tuple[Any, ...]) -> _Encoder:
    if args[1:] == (...,):
        member = _encoder(args[0])
        return lambda value: [member(item) for item in _instance(tuple, value)]
    members = tuple(_encoder(arg) for arg in args)
    return lambda value: [member(item) for member, item in zip(members, _instance(tuple, value), strict=True)]


def _union_encoder(members: tuple[Any, ...]) -> _Encoder:
    """Dataclasses are named, the rest goes by the first member that takes the value."""
    classes = frozenset(objects(members))
    others = tuple(_encoder(member) for member in members if member not in classes)
    tagged = len(classes) > 1

    def encode_union(value: Any) -> Any:
        if type(value) in classes:
            body = _encode_object(value)
            return {TAG: type(value).__name__, **body} if tagged else body
        for other in others:
            try:
                return other(value)
            except TypeError:
                continue
        raise TypeError(f"{type(value).__name__} has no place here")

    return encode_union


def objects(members: tuple[Any, ...]) -> Iterator[type]:
    """Those that become JSON objects: the dataclasses, but for addresses, which are text, and sensitive values."""
    return (m for m in members if is_dataclass(m) and isinstance(m, type) and m not in (Address, Sensitive))


def _object_encoder(declared: type) -> _Encoder:
    plan = tuple((f, _encode_spec if is_spec(f, hint) else _encoder(hint)) for f, hint in json_fields(declared))

    def encode_object(value: Any) -> dict[str, Any]:
        if type(value) is not declared:
            raise TypeError(f"{type(value).__name__} where {declared.__name__} belongs")
        found = {}
        for field, encoder in plan:
            item = getattr(value, field.name)
            if item or _is_written(item, field):
                found[field.name] = encoder(item)
        return found

    return encode_object


def _is_written(item: Any, field: Field[Any]) -> bool:
    """Whether a field appears in the JSON: `None` and empty collections do not, where they are the default."""
    if item is None:
        return field.default is not None
    if not item and isinstance(item, (tuple, frozenset, Mapping)):
        return field.default_factory is MISSING and field.default != item
    return True


def _encode_spec(value: Any) -> Any:
    """A spec by its own class; without its kind's class it is JSON already."""
    return _encode_object(value) if _is_object(value) else _plain(value)


def _plain(value: Any) -> Any:
    """JSON as it is, checked."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: _plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _encode_any(value: Any) -> Any:
    """JSON values stand for themselves; everything else carries a mark."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, list):
        return [_encode_any(item) for item in value]
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if isinstance(value, Address):
        return {TAG: "Address", "text": str(value)}
    if isinstance(value, tuple):
        return {TAG: "tuple", "items": [_encode_any(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {TAG: "set", "items": sorted((_encode_any(item) for item in value), key=repr)}
    if isinstance(value, datetime):
        return {TAG: "datetime", "text": _time(value)}
    if _is_object(value):
        return {TAG: type(value).__name__, **_encode_object(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _encode_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in value):
        raise TypeError("a JSON object's keys are text")
    items = {str(key): _encode_any(item) for key, item in value.items()}
    # A tag with our key in it (`tags: {$type: …}`) must not be taken for a mark.
    return {TAG: "mapping", "items": [[k, v] for k, v in items.items()]} if TAG in items else items


@cache
def json_fields(declared: type) -> tuple[tuple[Field[Any], Any], ...]:
    """The fields that have a place in JSON, with their types; hidden ones have none."""
    hints = get_type_hints(declared)
    return tuple((f, hints[f.name]) for f in fields(declared) if not f.metadata.get("hidden"))


def is_spec(field: Field[Any], hint: Any) -> bool:
    """Whether a field holds the spec of whatever kind its owner is of."""
    return field.name == "spec" and hint is Any
