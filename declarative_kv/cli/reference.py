"""The generated pages: `python -m declarative_kv.cli.reference > docs/cli.md`, and with `lint` for docs/lint.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from declarative_kv.cli.app import app
from declarative_kv.cli.commands import COMMANDS, loaded
from declarative_kv.render.lint.page import lint_page

_HEAD = """# Commands

Generated from the program by `python -m declarative_kv.cli.reference`; do not edit.

`python -m declarative_kv` is the same as `dkv`. Data goes to standard output, everything else to standard error.

| exit code | meaning |
| --- | --- |
| 0 | done, or nothing to do |
| 1 | an error; declined; no terminal and no `--auto-approve` |
| 2 | changes (`plan --detailed-exitcode`), or drift |
| 3 | blocked by a guard |
| 4 | incomplete: some live state could not be read |
| 5 | applied in part |
| 64 | a command line that makes no sense |
| 130 | interrupted |
"""


def reference() -> str:
    """The whole page."""
    root = typer.Context(typer.main.get_command(app), info_name="dkv")
    lines = [_HEAD]
    for name in COMMANDS:
        lines.extend(_command(loaded(name), name, root, level=2))
    return "\n".join(lines)


def _command(command: Any, name: str, parent: typer.Context, level: int) -> Iterator[str]:
    """One command's heading, usage, help and parameters; then its sub-commands."""
    context = typer.Context(command, info_name=name, parent=parent)
    yield f"{'#' * level} {context.command_path}\n"
    yield f"{(command.help or '').strip()}\n"
    subcommands = getattr(command, "commands", {})
    if not subcommands:
        pieces = " ".join(command.collect_usage_pieces(context))
        yield f"```console\n{context.command_path} {pieces}\n```\n"
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter, context))]
    if rows and not subcommands:
        yield "| parameter | meaning |\n| --- | --- |"
        yield "\n".join(rows) + "\n"
    for sub in subcommands:
        yield from _command(subcommands[sub], sub, context, level + 1)


def _row(parameter: Any, context: typer.Context) -> str:
    record = parameter.get_help_record(context)
    if record is None or "--help" in parameter.opts:
        return ""
    names, text = (part.replace("|", "\\|") for part in record)
    return f"| `{names}` | {text} |"


if __name__ == "__main__":
    sys.stdout.write(lint_page() if sys.argv[1:] == ["lint"] else reference())
