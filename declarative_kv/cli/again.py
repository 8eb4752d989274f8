"""The one command to go on with after a run that did not do all."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from declarative_kv.cli.saved import Saved
from declarative_kv.model.address import Address

_REPLACE = "--replace"


def same_command(arguments: Sequence[str], done: Collection[Address]) -> str:
    """The same command line once more, less the replacements that are done: repeated, they would replace again."""
    names = {str(at) for at in done}
    return f"To go on, run the same command again:\n    {_line(_left(arguments, names))}"


def new_plan(saved: Saved, path: Path, done: Collection[Address]) -> str:
    """A saved plan is spent once part of it is done: the command for the next one, with what is known of the last."""
    plan, root = saved.plan, saved.making.place.root
    options = plan.options
    flags = [
        ("--destroy", options.destroy),
        ("--refresh-only", options.refresh_only),
        ("--import-only", options.import_only),
        ("--import", options.import_all),
    ]
    words = ["plan", "-f", root, *(["-e", plan.head.environment] if plan.head.environment else [])]
    words += [flag for flag, given in flags if given]
    words += [word for at in options.targets for word in ("--target", str(at))]
    words += [word for at in options.excludes for word in ("--exclude", str(at))]
    words += [word for at in sorted(options.replace - {*done}) for word in (_REPLACE, str(at))]
    words += [word for guard in options.allow for word in ("--allow", guard)]
    words += ["--values", options.values] if options.values != "available" else []
    words += ["--shard", str(options.shard)] if options.shard is not None else []
    # The whole estate's state: where a shard keeps its own goes from there.
    words += ["--state", plan.head.state, "--out", str(path)]
    return f"To go on, make a new plan, with the variables that this one was given:\n    {_line(words)}"


def _left(arguments: Sequence[str], done: Collection[str]) -> Iterator[str]:
    rest = iter(arguments)
    for word in rest:
        if word == _REPLACE:
            address = next(rest, "")
            if address not in done:
                yield from (word, address)
        elif word.partition("=")[0] != _REPLACE or word.partition("=")[2] not in done:
            yield word


def _line(words: Iterator[str] | Sequence[str]) -> str:
    return shlex.join(["dkv", *words])
