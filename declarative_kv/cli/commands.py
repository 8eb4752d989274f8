"""The commands by name; a command's module is imported when it is called, so that `--help` stays quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Listed:
    """A command of the list: the module whose `app` carries it out, and its line of help."""

    module: str
    help: str


COMMANDS: Final[Mapping[str, Listed]] = MappingProxyType(
    {
        "init": Listed("init", "Write a starter file that plans cleanly against the emulator."),
        "validate": Listed("validate", "Check the configuration offline: no credential, no network."),
        "fmt": Listed("fmt", "Bring the YAML into one layout."),
        "lint": Listed("lint", "Say what the configuration would be better without, offline."),
        "plan": Listed("plan", "Show what would change, and who gains or loses access."),
        "show": Listed("show", "Show a saved plan again."),
        "apply": Listed("apply", "Carry out the changes, or exactly a saved plan."),
        "destroy": Listed("destroy", "Delete all that the state holds and owns."),
        "drift": Listed("drift", "Find what changed outside: the state held against Azure."),
        "review": Listed("review", "Say what a change of the YAML means."),
        "access": Listed("access", "Show who can do what on which vault, and through what."),
        "import": Listed("import_", "Take over objects that exist already."),
        "pull": Listed("pull", "Write YAML from what exists."),
        "principals": Listed("principals", "Write down who the principals of the YAML are."),
        "export": Listed("export", "Write what is kept here for another tool."),
        "snapshot": Listed("snapshot", "Write down what a plan reads, without any value."),
        "rehearse": Listed("rehearse", "Apply the plan to a copy of what a picture shows."),
        "secret": Listed("secret", "Set the value of a secret that is kept in Azure."),
        "state": Listed("state", "Look at the state, and mend it."),
        "graph": Listed("graph", "Print the order of work as a Mermaid diagram."),
        "schema": Listed("schema", "Print the JSON Schema of the YAML, for editors."),
        "emulator": Listed("emulator", "A local Azure: real host names, real clients, nothing leaves this machine."),
        "demo": Listed("demo", "Tour plan, apply, drift and destroy on a private emulator, in under a minute."),
    }
)


class Commands(TyperGroup):
    """The group of all commands; loads the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = loaded(cmd_name)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in `--help`, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.help) for name, listed in COMMANDS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, which suggests names from its own table: so the table must have them."""
        if args and args[0] not in COMMANDS:
            self.commands = {name: TyperCommand(name) for name in COMMANDS}
        return super().resolve_command(ctx, args)


def loaded(name: str) -> Any:
    """The command of that name, with everything below it; its help is plain text, which needs no rich."""
    app: typer.Typer = import_module(f"declarative_kv.cli.{COMMANDS[name].module}").app
    app.rich_markup_mode = None
    return typer.main.get_command(app)
