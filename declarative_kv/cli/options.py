"""Options that most commands share, and how their texts become values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

File = Annotated[Path, typer.Option("--file", "-f", metavar="FILE|FOLDER", help="The root file, or its folder.")]
Env = Annotated[str | None, typer.Option("--env", "-e", metavar="ENV", help="The environment.")]
Vars = Annotated[list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="Set a variable.")]
StateAt = Annotated[str | None, typer.Option("--state", metavar="PATH", help="Where the state is; wins over the YAML.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the requests that are sent.")]
Json = Annotated[bool, typer.Option("--json", help="As Terraform's plan JSON.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="As Markdown, for a pull request.")]
Addresses = list[str] | None
Targets = Annotated[Addresses, typer.Option("--target", metavar="A", help="Only this address and what it needs.")]
Excludes = Annotated[Addresses, typer.Option("--exclude", metavar="A", help="Not this address, nor what needs it.")]
Replaces = Annotated[Addresses, typer.Option("--replace", metavar="A", help="Make this one anew.")]
Destroy = Annotated[bool, typer.Option("--destroy", help="Plan to delete all that the state holds and owns.")]
RefreshOnly = Annotated[bool, typer.Option("--refresh-only", help="Only take what changed outside into the state.")]
Import = Annotated[bool, typer.Option("--import", help="Take over what exists already.")]
ImportOnly = Annotated[bool, typer.Option("--import-only", help="Take over, and write nothing else.")]
Allow = Annotated[Addresses, typer.Option("--allow", metavar="CODE[=A]", help="Lift a guard.")]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")]
Parallelism = Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Changes in flight at once.")]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", min=0, metavar="S", help="Wait so many seconds for the state's lock.")
]
Timeout = Annotated[float | None, typer.Option(min=0, metavar="S", help="End the run after so many seconds.")]

ShardOption = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="Only the Ith of N parts, by vault, with its own state.")
]

KINDS = frozenset({"access_policy", "reader_role", "resource_group", "role_assignment", "secret", "vault"})
"""The kinds of the registry, which is not loaded for a command line that is wrong; a test holds them equal."""
DEFAULT_FILE = Path("dkv.yaml")
DEFAULT_PARALLELISM = 32


class Values(StrEnum):
    """Which values of secrets a plan compares."""

    AVAILABLE = "available"
    REQUIRED = "required"
    NEVER = "never"


ValuesOption = Annotated[Values, typer.Option("--values", help="Which values are compared: those at hand, all, none.")]


@dataclass(frozen=True, slots=True)
class Common:
    """What most commands are told about where and how to work."""

    file: Path = DEFAULT_FILE
    environment: str | None = None
    variables: tuple[str, ...] = ()
    state: str | None = None
    no_color: bool = False
    verbose: bool = False


def common(
    file: Path, env: str | None, var: Sequence[str] | None, state: str | None, no_color: bool, verbose: bool
) -> Common:
    """The shared options as one value."""
    return Common(file, env, tuple(var or ()), state, no_color, verbose)


def variables(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` pairs; raises `UsageError` for anything else."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise usage(f"--var wants NAME=VALUE, and {text!r} is not.")
        found[name] = value
    return found


def addresses(texts: Iterable[str] | None) -> tuple[Any, ...]:
    """Addresses; raises `UsageError` for what is none."""
    from declarative_kv.model.address import Address

    found = []
    for text in texts or ():
        try:
            found.append(Address.parse(text))
        except ValueError as error:
            raise usage(f"{error}.") from error
        if found[-1].kind not in KINDS:
            raise usage(f"{text} names no kind.", f"The kinds are {', '.join(sorted(KINDS))}.")
    return tuple(found)


def shard(text: str | None) -> Any:
    """The shard that an option names; raises `UsageError` for what is none."""
    from declarative_kv.model.shard import Shard

    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise usage(f"{error}.") from error


def usage(detail: str, hint: str = "") -> Exception:
    """A command line that makes no sense."""
    from declarative_kv.model.diagnostic import Diagnostic
    from declarative_kv.model.errors import UsageError

    return UsageError(Diagnostic("usage", "The command line makes no sense", detail, hint))
