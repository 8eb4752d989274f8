"""`dkv drift`: what changed outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.reports import Form, Renderers, forms, tree_of, write
from declarative_kv.engine.loop import in_loop

if TYPE_CHECKING:
    from declarative_kv.model.plan import Plan
    from declarative_kv.model.shard import Shard

app = typer.Typer(add_completion=False)

Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        "--report",
        metavar="FILE",
        help="Also write a report, in the form that the file's name ends in; may be given several times.",
    ),
]


@app.command("drift")
def drift_command(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    form: Annotated[Form, typer.Option("--format", help="In which form, on standard output.")] = Form.TEXT,
    out: Out = None,
    shard: options.ShardOption = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Write Azure's side into the YAML.")] = False,
    deleted: Annotated[
        bool, typer.Option("--adopt-deleted", help="The same, and take out what was deleted outside.")
    ] = False,
) -> None:
    """Find what changed outside: the state held against Azure. Exits 2 where something did."""
    from declarative_kv.cli.documents import warn
    from declarative_kv.cli.output import say
    from declarative_kv.render.summary import of_drift

    reports = forms(out, tuple(Form))
    common = options.common(file, env, var, state, no_color, verbose)
    if adopt or deleted:
        raise typer.Exit(in_loop(_adopted(common, options.shard(shard), deleted=deleted)))
    found = in_loop(_found(common, options.shard(shard)))
    write(reports, _renderers(found, replace(common, no_color=True)))
    say(_renderers(found, common)[form]())
    warn(found.unreadable, no_color=no_color)
    summary = of_drift(found)
    if form is Form.AUTO:
        from declarative_kv.cli import ci

        ci.tell_platform(ci.of_drift(found, summary))
    raise typer.Exit(summary.code)


async def _found(common: options.Common, shard: Shard | None) -> Plan:
    from declarative_kv.cli.context import opened
    from declarative_kv.cli.documents import loaded
    from declarative_kv.cli.flow import drifted
    from declarative_kv.cli.sharding import checked, place_in

    document = loaded(common)
    async with opened(place_in(document, shard), verbose=common.verbose) as run:
        return await drifted(run, document, await checked(await run.store.read(), document, shard, run.store), shard)


async def _adopted(common: options.Common, shard: Shard | None, *, deleted: bool) -> int:
    from declarative_kv.cli.adopting import adopted, found_outside, report, request_of
    from declarative_kv.cli.context import opened
    from declarative_kv.cli.documents import loaded, warn
    from declarative_kv.cli.sharding import checked, place_in

    document = loaded(common)
    async with opened(place_in(document, shard), verbose=common.verbose) as run:
        state = await checked(await run.store.read(), document, shard, run.store)
        found, there = await found_outside(run, document, state, shard)
    made = adopted(request_of(common), there, deleted=deleted)
    code = report(made, there, deleted=deleted, no_color=common.no_color)
    warn(found.unreadable, no_color=common.no_color)
    return code or (4 if found.unreadable else 0)


def _renderers(found: Plan, common: options.Common) -> Renderers:
    """How drift reads in each form; nothing is loaded or made before it is asked for."""
    return {
        Form.TEXT: lambda: _text(found, common),
        Form.AUTO: lambda: _text(found, common),
        Form.JSON: lambda: _json(found),
        Form.MARKDOWN: lambda: _markdown(found),
        Form.HTML: lambda: _html(found),
        Form.SARIF: lambda: _sarif(found),
        Form.JUNIT: lambda: _junit(found),
    }


def _text(found: Plan, common: options.Common) -> str:
    import sys

    from declarative_kv.cli.output import painted
    from declarative_kv.render.drift_text import drift_text

    return drift_text(found, painted(sys.stdout, no_color=common.no_color))


def _json(found: Plan) -> str:
    from declarative_kv.cli.output import json_text
    from declarative_kv.render.drift_json import drift_json

    return json_text(drift_json(found))


def _markdown(found: Plan) -> str:
    from declarative_kv.render.drift_markdown import drift_markdown

    return drift_markdown(found).rstrip("\n")


def _html(found: Plan) -> str:
    from declarative_kv.render.html.drift_page import drift_page

    return drift_page(found).rstrip("\n")


def _sarif(found: Plan) -> str:
    from declarative_kv.cli.output import json_text
    from declarative_kv.render.sarif import drift_sarif

    return json_text(drift_sarif(found, tree_of()))


def _junit(found: Plan) -> str:
    from declarative_kv.render.junit import drift_junit

    return drift_junit(found, tree_of()).rstrip("\n")
