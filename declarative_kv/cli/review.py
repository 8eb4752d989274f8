"""`dkv review`: what a change of the YAML means, by the YAML alone."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from declarative_kv.cli import options

if TYPE_CHECKING:
    from declarative_kv.model.review import Comparison

_OBJECTS: Final = 1_000_000

app = typer.Typer(add_completion=False)


@app.command("review")
def review_command(
    base: Annotated[str, typer.Argument(metavar="BASE", help="A git revision, a folder, or a root file.")],
    head: Annotated[
        str | None, typer.Argument(metavar="[HEAD]", help="Likewise; without it the files as they are.")
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    no_color: options.NoColor = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_markdown: options.Markdown = False,
    detailed: Annotated[bool, typer.Option("--detailed-exitcode", help="Exit 2 where anything differs.")] = False,
    allow: options.Allow = None,
) -> None:
    """Say what a change of the YAML means: who gains or loses access, what changes, what it risks. Asks nobody."""
    from declarative_kv.cli.guarding import allowed
    from declarative_kv.cli.reviewing import compared

    if as_json and as_markdown:
        raise options.usage("--json and --markdown are two forms of one output; choose one.")
    # A hook waits for this. Both sides live to the end: a twentieth of a large review was a look for garbage in them.
    gc.set_threshold(_OBJECTS)
    common = options.common(file, env, var, None, no_color, False)
    found = compared(common, base, head, allowed(allow or ()))
    raise typer.Exit(_shown(found, common, as_json=as_json, as_markdown=as_markdown, detailed=detailed))


def _shown(found: Comparison, common: options.Common, *, as_json: bool, as_markdown: bool, detailed: bool) -> int:
    """Print the review; gives the exit code."""
    from declarative_kv.cli.output import painted, say, say_json
    from declarative_kv.render.review_words import of_review

    if as_json:
        from declarative_kv.render.review_json import review_json

        say_json(review_json(found, detailed=detailed))
    elif as_markdown:
        from declarative_kv.render.review_markdown import review_markdown

        say(review_markdown(found).rstrip("\n"))
    else:
        from declarative_kv.render.review_text import review_text

        say(review_text(found, painted(sys.stdout, no_color=common.no_color)))
    return of_review(found, detailed=detailed).code
