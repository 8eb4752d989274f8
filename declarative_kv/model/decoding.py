"""JSON to dataclasses: the reading half of the codec, which `declarative_kv.model.codec` describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from declarative_kv.model.address import Address
from declarative_kv.model.alike import addresses, texts
from declarative_kv.model.encoding import SCALARS, TAG, is_spec, json_fields, objects

Specs = Mapping[str, type]
"""The spec class of each kind, by the kind's name."""

_Decoder = Callable[[Any, Specs], Any]


class Malformed(ValueError):
    """JSON that does not fit the type. The text says where and which type was expected, never the value found."""

    def __init__(self, problem: str, *path: str) -> None:
        super().__init__(problem, *path)
        self.problem = problem
        self.path = path

    def under(self, step: str) -> Malformed:
        """The same problem, seen from one level further out."""
        return Malformed(self.problem, step, *self.path)

    def __str__(self) -> str:
        return f"{' > '.join(self.path)}: {self.problem}" if self.path else self.problem


def decode(declared: Any, data: Any, specs: Specs | None = None) -> Any:
    """The value of type `declared` whose JSON is `data`. Raises `Malformed` (a `ValueError`) where it does not fit."""
    return _decoder(declared)(data, specs or {})


@cache
def _decoder(declared: Any) -> _Decoder:
    """The function that decodes JSON of one annotation."""
    if declared is Any:
        return _decode_any
    origin, args = get_origin(declared), get_args(declared)
    if origin in (Union, UnionType):
        return _union_decoder(args)
    if origin is tuple:
        return _items_decoder(args)
    if origin is frozenset:
        return _list_decoder(args[0], addresses if args[0] is Address else frozenset)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_decoder(args[0], args[1])
    return _object_decoder(declared) if any(objects((declared,))) else _scalar_decoder(declared)


def _scalar_decoder(declared: type) -> _Decoder:
    if parse := _PARSERS.get(declared, declared if issubclass(declared, StrEnum) else None):
        return _text_decoder(declared, parse)
    if declared not in SCALARS:
        raise TypeError(f"{declared.__name__} has no JSON form")
    accepted = (int, float) if declared is float else (declared,)

    def decode_scalar(data: Any, specs: Specs) -> Any:
        if type(data) not in accepted:
            raise Malformed(f"expected {declared.__name__}")
        return data

    return decode_scalar


_PARSERS: Mapping[type, Callable[[str], Any]] = {Address: Address.parse, datetime: datetime.fromisoformat}


def _text_decoder(declared: type, parse: Callable[[str], Any]) -> _Decoder:
    def decode_text(data: Any, specs: Specs) -> Any:
        if type(data) is str:
            try:
                return parse(data)
            except ValueError as error:
                raise Malformed(f"expected {declared.__name__}") from error
        raise Malformed(f"expected {declared.__name__}")

    return decode_text


def _list_decoder(member: Any, make: Callable[[list[Any]], Any]) -> _Decoder:
    decoder = _decoder(member)
    return lambda data, specs: make(
        [_at(f"[{index}]", decoder, item, specs) for index, item in enumerate(_expect(list, data))]
    )


def _items_decoder(args: tuple[Any, ...]) -> _Decoder:
    if args[1:] == (...,):
        return _list_decoder(args[0], tuple)
    decoders = tuple(_decoder(arg) for arg in args)

    def decode_items(data: Any, specs: Specs) -> tuple[Any, ...]:
        if len(_expect(list, data)) != len(decoders):
            raise Malformed(f"expected {len(decoders)} items")
        return tuple(_at(f"[{i}]", d, item, specs) for i, (d, item) in enumerate(zip(decoders, data, strict=True)))

    return decode_items


def _texts_decoder(data: Any, specs: Specs) -> Mapping[str, str]:
    found = _expect(dict, data)
    for key, value in found.items():
        _at(key, _decoder(str), value, specs)
    return texts(found)


def _mapping_decoder(key: Any, item: Any) -> _Decoder:
    if key is str and item is str:
        return _texts_decoder
    keys, items = _decoder(key), _decoder(item)
    return lambda data, specs: {_at(k, keys, k, specs): _at(k, items, v, specs) for k, v in _expect(dict, data).items()}


def _union_decoder(members: tuple[Any, ...]) -> _Decoder:
    classes = {cls.__name__: cls for cls in objects(members)}
    others = tuple(_decoder(member) for member in members if member not in classes.values())

    def decode_union(data: Any, specs: Specs) -> Any:
        if isinstance(data, dict) and classes:
            cls = _named(data, classes) if len(classes) > 1 else next(iter(classes.values()))
            return _decoder(cls)({k: v for k, v in data.items() if k != TAG}, specs)
        for other in others:
            try:
                return other(data, specs)
            except Malformed:
                continue
        raise Malformed("expected a value of another type")

    return decode_union


def _object_decoder(declared: type) -> _Decoder:
    plan = {f.name: (None if is_spec(f, hint) else _decoder(hint)) for f, hint in json_fields(declared)}
    needed = {f.name for f, _ in json_fields(declared) if f.default is MISSING and f.default_factory is MISSING}

    def decode_object(data: Any, specs: Specs) -> Any:
        unknown = _expect(dict, data).keys() - plan.keys()
        if unknown or not needed <= data.keys():
            raise Malformed(
                f"{declared.__name__} {'has an unknown' if unknown else 'lacks a'} field",
                min(unknown or needed - data.keys()),
            )
        values = {k: _at(k, decoder, data[k], specs) for k, decoder in plan.items() if decoder and k in data}
        if "spec" in data and plan["spec"] is None:
            values["spec"] = _decode_spec(values, data["spec"], specs)
        return declared(**values)

    return decode_object


def _decode_spec(owner: Mapping[str, Any], data: Any, specs: Specs) -> Any:
    """The spec by the kind of the object that it stands in."""
    kind = owner["address"].kind if "address" in owner else owner["kind"]
    return _at("spec", _decoder(specs[kind]), data, specs) if kind in specs else data


def _decode_any(data: Any, specs: Specs) -> Any:
    if isinstance(data, list):
        return [_decode_any(item, specs) for item in data]
    if not isinstance(data, dict):
        return data
    if TAG not in data:
        return {key: _decode_any(item, specs) for key, item in data.items()}
    rest = {key: item for key, item in data.items() if key != TAG}
    if isinstance(data[TAG], str) and data[TAG] in _MARKS:
        return _MARKS[data[TAG]](rest, specs)
    return _decoder(_named(data, _known_objects(specs)))(rest, specs)


def _named(data: Mapping[str, Any], classes: Mapping[str, type]) -> type:
    """The class that an object names itself to be."""
    name = data.get(TAG)
    if not isinstance(name, str) or name not in classes:
        raise Malformed("expected an object with a known $type")
    return classes[name]


def _marked_items(data: Any, specs: Specs) -> list[Any]:
    return [_decode_any(item, specs) for item in _expect(list, data.get("items"))]


def _decode_set(items: list[Any]) -> frozenset[Any]:
    try:
        return frozenset(items)
    except TypeError as error:
        raise Malformed("expected members that can stand in a set") from error


_MARKS: Mapping[Any, _Decoder] = {
    "tuple": lambda data, specs: tuple(_marked_items(data, specs)),
    "set": lambda data, specs: _decode_set(_marked_items(data, specs)),
    "mapping": lambda data, specs: dict(decode(tuple[tuple[str, Any], ...], data.get("items"), specs)),
    "datetime": lambda data, specs: decode(datetime, data.get("text")),
    "Address": lambda data, specs: decode(Address, data.get("text")),
}


def _known_objects(specs: Specs) -> Mapping[str, type]:
    """The spec classes and every dataclass that their fields may hold, by class name."""
    found: dict[str, type] = {}
    waiting: list[Any] = list(specs.values())
    while waiting:
        hint = waiting.pop()
        waiting.extend(get_args(hint))
        for cls in objects((hint,)):
            if cls.__name__ not in found:
                found[cls.__name__] = cls
                waiting.extend(hint for _, hint in json_fields(cls))
    return found


def _expect(kind: type, data: Any) -> Any:
    if not isinstance(data, kind):
        raise Malformed(f"expected {'an object' if kind is dict else 'a list'}")
    return data


def _at(step: str, decoder: _Decoder, data: Any, specs: Specs) -> Any:
    """Decode a part; what is wrong with it is told with its place."""
    try:
        return decoder(data, specs)
    except Malformed as error:
        raise error.under(step) from None
