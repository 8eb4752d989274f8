"""Configuration files: read whole, decoded, parsed; the root file and what it includes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from declarative_kv.config.hidden import in_line
from declarative_kv.config.problem import Problem, Unparsable
from declarative_kv.config.reading import Files, NotRegular, TooLarge
from declarative_kv.config.source import LIMIT, TO_END, Source, Sources, pack, unpack
from declarative_kv.config.tree import Map, Seq, parse
from declarative_kv.model.diagnostic import Severity

ROOT_NAME = "dkv.yaml"
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file as a tree; `dropped` is what was left out of it because its key was set twice."""

    source: Source
    tree: Map
    dropped: tuple[Map, ...] = ()

    @property
    def trees(self) -> tuple[Map, ...]:
        """Everything that stands in the file."""
        return self.tree, *self.dropped


def open_root(root: Path, cwd: Path, sources: Sources) -> tuple[Parsed | None, list[Problem]]:
    """The root file; a folder means its `dkv.yaml`. None where nothing in it can be used."""
    path, name = _root(root, cwd, sources)
    return _open(path, str(name), sources, None)


def mentions(root: Path, cwd: Path, sources: Sources, key: bytes) -> bool:
    """Whether the bytes of a plain key stand anywhere in the root file; true too where it cannot be read."""
    try:
        data = sources.disk.read(_root(root, cwd, sources)[0], LIMIT)
    except (OSError, NotRegular, TooLarge):
        return True
    return key in data or b"\\" in data


def _root(root: Path, cwd: Path, sources: Sources) -> tuple[Path, Path]:
    """The root file's path, and its name as people know it."""
    path = cwd / root
    return (path / ROOT_NAME, root / ROOT_NAME) if sources.disk.is_folder(path) else (path, root)


def open_included(root: Parsed, sources: Sources) -> tuple[list[Parsed], list[Problem]]:
    """The files that `include` names, each once, in the order of the list and sorted within a pattern."""
    entry = root.tree.get("include")
    problems: list[Problem] = []
    files: list[Parsed] = []
    seen = {sources.disk.real(root.source.path)}
    if not isinstance(entry, Seq):
        return [], []  # the schema says what is wrong with it
    for pattern, mark in zip(entry, entry.marks, strict=True):
        if not isinstance(pattern, str):
            continue  # likewise
        paths, found = _matching(root.source, pattern, mark, sources.disk)
        problems.extend(found)
        for path in paths:
            if sources.disk.real(path) in seen:
                continue
            seen.add(sources.disk.real(path))
            parsed, found = _open(path, _name(root.source, path), sources, mark)
            problems.extend(found)
            if parsed is not None:
                files.append(parsed)
    return files, problems


def _name(root: Source, path: Path) -> str:
    """How people see an included file: the way that they named the root file, and from there the include."""
    return str(Path(root.name).parent / path.relative_to(root.folder))


def _matching(root: Source, pattern: str, mark: int, disk: Files) -> tuple[list[Path], list[Problem]]:
    hint = f"Paths start from {root.name}'s folder."
    outside = Problem("include-outside", f"`{pattern}` leads outside {root.name}'s folder.", _INSIDE_HINT, mark)
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        return [], [outside]
    if _GLOB.intersection(pattern):
        paths = _glob(root.folder, pattern, disk)
        missing = [] if paths else [_nothing(pattern, hint, mark)]
    else:
        paths = [root.folder / pattern] if disk.is_file(root.folder / pattern) else []
        missing = [] if paths else [Problem("include-missing", f"There is no file `{pattern}`.", hint, mark)]
    home = disk.real(root.folder)
    inside = [path for path in paths if disk.real(path).is_relative_to(home)]
    return inside, [*missing, *([outside] if len(inside) < len(paths) else [])]


_INSIDE_HINT = "Move the file into the folder: what reviews a configuration must not read other files of the machine."


def _glob(folder: Path, pattern: str, disk: Files) -> list[Path]:
    try:
        return sorted(disk.matching(folder, pattern))
    except ValueError:  # a pattern such as `a**b`, which Python refuses and which can match nothing
        return []


def _nothing(pattern: str, hint: str, mark: int) -> Problem:
    return Problem("nothing-included", f"No file matches `{pattern}`.", hint, mark, severity=Severity.WARNING)


def _open(path: Path, name: str, sources: Sources, named_at: int | None) -> tuple[Parsed | None, list[Problem]]:
    """Read, decode and parse one file; what ends it is a problem, never an exception."""
    try:
        held = sources.texts.get(path)
        text = held if held is not None else _decoded(_bytes(path, name, named_at, sources.disk), path, name, sources)
        source = sources.add(path, name, text)
        tree, problems, dropped = parse(source)
    except Unparsable as error:
        _hide_in_line(error, sources)
        return None, [error.problem]
    if tree is None:
        detail = f"{name} holds no settings."
        return None, [*problems, Problem("empty-file", detail, _EMPTY_HINT, pack(source.number, 0, 0, 1))]
    if not isinstance(tree, Map):
        detail = f"{name} must be a map of settings such as `version: 1`."
        return None, [*problems, Problem("wrong-type", detail, _EMPTY_HINT, pack(source.number, 0, 0, 1))]
    return Parsed(source, tree, tuple(dropped)), problems


def _hide_in_line(error: Unparsable, sources: Sources) -> None:
    """Where a file cannot be parsed nothing is known but the line: what looks like a value in it is not shown."""
    mark = error.problem.mark
    if mark is None or not sources.files:
        return
    number, line, _, _ = unpack(mark)
    column = in_line(sources.files[number].line(line), error.path)
    if column is not None:
        sources.hide(pack(number, line, column, TO_END))


_EMPTY_HINT = "Start from an example:\n    dkv init"


def _bytes(path: Path, name: str, named_at: int | None, disk: Files) -> bytes:
    try:
        return disk.read(path, LIMIT)
    except NotRegular as error:
        detail = f"{name} is not a regular file."
        raise Unparsable(Problem("file-unreadable", detail, "Name a YAML file, or its folder.", named_at)) from error
    except TooLarge as error:
        detail = f"{name} has {error.size:,} bytes; at most {LIMIT:,} are read."
        hint = "Split it, and name the parts under `include`."
        raise Unparsable(Problem("file-too-large", detail, hint, named_at)) from error
    except FileNotFoundError as error:
        raise Unparsable(Problem("file-missing", f"There is no file {name}.", _MISSING_HINT, named_at)) from error
    except OSError as error:
        detail = f"{name} cannot be read: {os.strerror(error.errno or 0)}."
        raise Unparsable(Problem("file-unreadable", detail, "Check the file's permissions.", named_at)) from error


_MISSING_HINT = "Name the file with `-f`, or write a starter file:\n    dkv init"


def _decoded(data: bytes, path: Path, name: str, sources: Sources) -> str:
    """The file's text. Raises `Unparsable` for other encodings and for binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unparsable(_not_text(name, "wrong-encoding", "It is UTF-16 by its first two bytes.", None))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        if b"\0" in data:
            raise Unparsable(_not_text(name, "binary-file", "It holds NUL bytes and is not UTF-8.", None)) from error
        # What came before the offending byte is shown; the byte itself cannot be.
        source = sources.add(path, name, before)
        line = before.count("\n")
        mark = pack(source.number, line, len(before) - before.rfind("\n") - 1, 1)
        detail = f"Byte 0x{data[error.start]:02x} at position {error.start} is not UTF-8."
        raise Unparsable(_not_text(name, "wrong-encoding", detail, mark)) from error
    if "\0" in text:
        source = sources.add(path, name, "")
        line = text.count("\n", 0, text.index("\0"))
        mark = pack(source.number, line, 0, 1)
        raise Unparsable(_not_text(name, "binary-file", "It holds NUL characters.", mark))
    return text


def _not_text(name: str, code: str, detail: str, mark: int | None) -> Problem:
    hint = "Save the file as UTF-8." if code == "wrong-encoding" else "Name a YAML file with `-f`."
    return Problem(code, f"{name} cannot be read as text. {detail}", hint, mark)
