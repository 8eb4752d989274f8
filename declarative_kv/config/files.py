"""Configuration files: read whole, decoded, parsed; the root file and what it includes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from declarative_kv.config.hidden import in_line
from declarative_kv.config.problem import Problem, Unparsable
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
    path = cwd / root
    name = root
    if path.is_dir():
        path, name = path / ROOT_NAME, name / ROOT_NAME
    return _open(path, str(name), sources, None)


def open_included(root: Parsed, sources: Sources) -> tuple[list[Parsed], list[Problem]]:
    """The files that `include` names, each once, in the order of the list and sorted within a pattern."""
    entry = root.tree.get("include")
    problems: list[Problem] = []
    files: list[Parsed] = []
    seen = {root.source.path.resolve()}
    if not isinstance(entry, Seq):
        return [], []  # the schema says what is wrong with it
    for pattern, mark in zip(entry, entry.marks, strict=True):
        if not isinstance(pattern, str):
            continue  # likewise
        paths, found = _matching(root.source, pattern, mark)
        problems.extend(found)
        for path in paths:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            parsed, found = _open(path, _name(root.source, path), sources, mark)
            problems.extend(found)
            if parsed is not None:
                files.append(parsed)
    return files, problems


def _name(root: Source, path: Path) -> str:
    """How people see an included file: the way that they named the root file, and from there the include."""
    return str(Path(root.name).parent / path.relative_to(root.folder))


def _matching(root: Source, pattern: str, mark: int) -> tuple[list[Path], list[Problem]]:
    hint = f"Paths start from {root.name}'s folder."
    outside = Problem("include-outside", f"`{pattern}` leads outside {root.name}'s folder.", _INSIDE_HINT, mark)
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        return [], [outside]
    if _GLOB.intersection(pattern):
        paths = _glob(root.folder, pattern)
        missing = [] if paths else [_nothing(pattern, hint, mark)]
    else:
        paths = [root.folder / pattern] if (root.folder / pattern).is_file() else []
        missing = [] if paths else [Problem("include-missing", f"There is no file `{pattern}`.", hint, mark)]
    home = root.folder.resolve()
    inside = [path for path in paths if path.resolve().is_relative_to(home)]
    return inside, [*missing, *([outside] if len(inside) < len(paths) else [])]


_INSIDE_HINT = "Move the file into the folder: what reviews a configuration must not read other files of the machine."


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except ValueError:  # a pattern such as `a**b`, which Python refuses and which can match nothing
        return []


def _nothing(pattern: str, hint: str, mark: int) -> Problem:
    return Problem("nothing-included", f"No file matches `{pattern}`.", hint, mark, severity=Severity.WARNING)


def _open(path: Path, name: str, sources: Sources, named_at: int | None) -> tuple[Parsed | None, list[Problem]]:
    """Read, decode and parse one file; what ends it is a problem, never an exception."""
    try:
        held = sources.texts.get(path)
        text = held if held is not None else _decoded(_bytes(path, name, named_at), path, name, sources)
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


def _bytes(path: Path, name: str, named_at: int | None) -> bytes:
    try:
        # A pipe or a device must not be opened at all: that alone can wait for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            detail = f"{name} is not a regular file."
            raise Unparsable(Problem("file-unreadable", detail, "Name a YAML file, or its folder.", named_at))
        if status.st_size > LIMIT:
            detail = f"{name} has {status.st_size:,} bytes; at most {LIMIT:,} are read."
            raise Unparsable(
                Problem("file-too-large", detail, "Split it, and name the parts under `include`.", named_at)
            )
        with path.open("rb") as stream:
            return stream.read(LIMIT + 1)
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
