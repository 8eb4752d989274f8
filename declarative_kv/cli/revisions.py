"""Revisions of a git repository as files: read from its objects by git itself; nothing is checked out, nothing runs."""

from __future__ import annotations

import errno
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Final

from declarative_kv.config.reading import NotRegular, TooLarge
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError

TOP: Final = Path("/")
"""The repository's own folder, in the paths of a revision's files."""
_ELSEWHERE: Final = Path("..")
_LINK, _FILE = "120000", "100"
_LINKS: Final = 40
"""So many links are followed, as the operating system does."""
_LONGEST: Final = 4096
"""The bytes of the longest path that a link holds."""
_QUIET: Final = {
    # A partial clone would fetch what it lacks, and a prompt would wait for somebody.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository; `top` is the folder of its working tree, and `folder` where it was found from."""

    top: Path
    folder: Path

    def tree(self, revision: str) -> str | None:
        """The id of a revision's tree; None where the repository knows no such revision."""
        done = _git(self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def is_empty(self) -> bool:
        """Whether nothing was ever committed on the branch that is checked out."""
        return self.tree("HEAD") is None and _git(self.folder, "symbolic-ref", "--quiet", "HEAD").returncode == 0

    def files(self, tree: str) -> Revision:
        """The files of a tree; to be closed."""
        listed = _checked(_git(self.folder, "ls-tree", "-r", "-z", "--full-tree", tree))
        return Revision(self.folder, _entries(listed.stdout))


def repository(folder: Path) -> Repository | None:
    """The repository that a folder lies in; None where it lies in none, or there is no git.

    Raises `DkvError` where git refuses to read it.
    """
    try:
        done = _git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        return None
    if done.returncode != 0:
        if b"not a git repository" in done.stderr:
            return None
        _checked(done)
    return Repository(Path(os.fsdecode(done.stdout.removesuffix(b"\n"))), folder)


@dataclass(slots=True)
class Revision:
    """The files of one tree, under absolute paths below `TOP`; links are followed inside it and lead nowhere else.

    `entries` has mode and object of each path. One git answers for all of them; closing ends it.
    """

    folder: Path
    entries: Mapping[str, tuple[str, str]]
    _folders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _reader: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        for path in self.entries:
            while path:
                path, _, name = path.rpartition("/")
                self._folders[path].add(name)

    def close(self) -> None:
        """End the git that reads."""
        if self._reader is not None:
            self._reader.communicate()
            self._reader = None

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder."""
        return self._key(self.real(path)) in self._folders

    def is_file(self, path: Path) -> bool:
        """Whether there is a file."""
        return self._entry(path)[0].startswith(_FILE)

    def matching(self, folder: Path, pattern: str) -> Iterable[Path]:
        """The files below a folder that a pattern matches, part by part; `**` stands for any folders."""
        parts = PurePosixPath(pattern).parts
        if any("**" in part and part != "**" for part in parts):
            raise ValueError(pattern)
        return {path for path in self._matching(folder, parts) if self.is_file(path)}

    def real(self, path: Path) -> Path:
        """The path with every link followed, as far as it stays in the tree."""
        found, left, followed = TOP, list(reversed(path.parts[1:])), 0
        while left:
            part = left.pop()
            found = found.parent if part == ".." else found / part
            mode, blob = self.entries.get(self._key(found), ("", ""))
            if mode != _LINK:
                continue
            followed, found = followed + 1, found.parent
            target = self._target(blob) if followed <= _LINKS else None
            if target is None or target.is_absolute() or _climbs(target, len(found.parts) - 1):
                return _ELSEWHERE
            left.extend(reversed(target.parts))
        return found

    def _target(self, blob: str) -> PurePosixPath | None:
        """Where a link leads; None where it cannot be read."""
        try:
            return PurePosixPath(os.fsdecode(self._content(blob, _LONGEST)))
        except (OSError, TooLarge):
            return None

    def read(self, path: Path, limit: int) -> bytes:
        """What a file holds."""
        mode, blob = self._entry(path)
        if mode.startswith(_FILE):
            return self._content(blob, limit)
        if self.is_folder(path) or mode:
            raise NotRegular
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    def _entry(self, path: Path) -> tuple[str, str]:
        return self.entries.get(self._key(self.real(path)), ("", ""))

    @staticmethod
    def _key(path: Path) -> str:
        return path.as_posix().removeprefix("/")

    def _matching(self, folder: Path, parts: Sequence[str]) -> Iterable[Path]:
        if not parts:
            yield folder
            return
        names = self._folders.get(self._key(self.real(folder)), set())
        first, rest = parts[0], parts[1:]
        if first == "**":
            yield from self._matching(folder, rest) if rest else ()
            deeper = (folder / name for name in names if self._key(folder / name) in self._folders)
            for below in deeper:
                yield from self._matching(below, parts)
            return
        for name in names:
            if fnmatchcase(name, first):
                yield from self._matching(folder / name, rest)

    def _content(self, blob: str, limit: int) -> bytes:
        """An object by its id, from the git that answers for all."""
        if self._reader is None:
            self._reader = _started(self.folder, "cat-file", "--batch")
        send, answer = _pipes(self._reader)
        send.write(f"{blob}\n".encode())
        send.flush()
        words = answer.readline().split()
        if len(words) != 3 or words[1] != b"blob":
            raise OSError(errno.EIO, os.strerror(errno.EIO), blob)
        size = int(words[2])
        data = answer.read(min(size, limit))
        left = size - len(data) + 1
        while left > 0:
            left -= len(answer.read(min(left, 1 << 20)))
        if size > limit:
            raise TooLarge(size)
        return data


def _climbs(target: PurePosixPath, depth: int) -> bool:
    """Whether a relative path leads above so many folders."""
    for part in target.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _entries(listed: bytes) -> dict[str, tuple[str, str]]:
    """Mode and object by path, from what `ls-tree -z` prints."""
    found = {}
    for line in listed.split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode().split(" ", 2)
            found[os.fsdecode(path)] = (mode, blob)
    return found


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    process = _started(folder, *arguments)
    told, complaint = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, told, complaint)


def _started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command, environ = ("git", "--no-pager", *arguments), {**os.environ, **_QUIET}
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - no shell; a revision stands behind `--end-of-options`
        command, cwd=folder, env=environ, stdin=pipe, stdout=pipe, stderr=pipe
    )


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None, "it was opened with pipes"
    assert process.stdout is not None, "it was opened with pipes"
    return process.stdin, process.stdout


def _checked(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[bytes]:
    """The same, if it succeeded."""
    if done.returncode == 0:
        return done
    said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
    hint = "Check that git itself can read the repository:\n    git status"
    raise DkvError(Diagnostic("git-failed", "Git could not read the repository", f"git says: {said}", hint))
