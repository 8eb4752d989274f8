"""`dkv drift`: what changed outside."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from declarative_kv.cli import options

if TYPE_CHECKING:
    from declarative_kv.model.plan import Plan

app = typer.Typer(add_completion=False)


class Format(StrEnum):
    """In which form drift is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@app.command("drift")
def drift_command(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    form: Annotated[Format, typer.Option("--format", help="In which form.")] = Format.TEXT,
) -> None:
    """Find what changed outside: the state held against Azure. Exits 2 where something did."""
    from declarative_kv.cli.documents import warn
    from declarative_kv.render.summary import of_drift

    common = options.common(file, env, var, state, no_color, verbose)
    found = asyncio.run(_found(common))
    _print(found, form, common)
    warn(found.unreadable, no_color=no_color)
    raise typer.Exit(of_drift(found).code)


async def _found(common: options.Common) -> Plan:
    from declarative_kv.cli.context import opened
    from declarative_kv.cli.documents import loaded
    from declarative_kv.cli.flow import drifted, place_of

    document = loaded(common)
    async with opened(place_of(document), verbose=common.verbose) as run:
        return await drifted(run, document, await run.store.read())


def _print(found: Plan, form: Format, common: options.Common) -> None:
    import sys

    from declarative_kv.cli.output import painted, say, say_json

    match form:
        case Format.JSON:
            from declarative_kv.render.drift_json import drift_json

            say_json(drift_json(found))
        case Format.MARKDOWN:
            from declarative_kv.render.drift_markdown import drift_markdown

            say(drift_markdown(found).rstrip("\n"))
        case Format.TEXT:
            from declarative_kv.render.drift_text import drift_text

            say(drift_text(found, painted(sys.stdout, no_color=common.no_color)))
