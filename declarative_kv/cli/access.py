"""`dkv access`: who can do what on which vault, and through what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

if TYPE_CHECKING:
    from declarative_kv.engine.access.analysis import Answer
    from declarative_kv.engine.access.estate import Estate

app = typer.Typer(add_completion=False)
Texts = list[str] | None


@app.command("access")
def access_command(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    live: Annotated[bool, typer.Option("--live", help="As Azure is now, not as an apply would leave it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, every answer with its whole path.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown tables.")] = False,
    principal: Annotated[
        Texts, typer.Option(metavar="WHO", help="Only this one: a name, a key or an object id.")
    ] = None,
    vault: Annotated[Texts, typer.Option(metavar="VAULT", help="Only this one: an address, a key or a name.")] = None,
    permission: Annotated[
        Texts, typer.Option(metavar="CAN", help="Only this: `read-value`, a phrase, or what Azure calls it.")
    ] = None,
) -> None:
    """Show who can do what on which vault, and through what. Exits 4 where not all of it could be found out."""
    from declarative_kv.cli.accessing import Filter, found

    common = options.common(file, env, var, state, no_color, verbose)
    if as_json and as_markdown:
        raise options.usage("--json and --markdown are two forms of one output; choose one.")
    only = Filter.of(principal or (), vault or (), permission or ())
    estate, answers = in_loop(found(common, only, live=live))
    _print(estate, answers, common, as_json=as_json, as_markdown=as_markdown)
    raise typer.Exit(0 if estate.complete else 4)


def _print(
    estate: Estate, answers: tuple[Answer, ...], common: options.Common, *, as_json: bool, as_markdown: bool
) -> None:
    import sys

    from declarative_kv.cli.output import painted, say, say_json

    if as_json:
        from declarative_kv.render.access_json import access_json

        say_json(access_json(estate, answers))
    elif as_markdown:
        from declarative_kv.render.access_markdown import access_markdown

        say(access_markdown(estate, answers).rstrip("\n"))
    else:
        from declarative_kv.render.access_text import access_text

        say(access_text(estate, answers, painted(sys.stdout, no_color=common.no_color)))
