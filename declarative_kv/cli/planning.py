"""From a plan's options on the command line to the plan, and out again in the form that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from declarative_kv.cli.context import opened
from declarative_kv.cli.documents import loaded, warn
from declarative_kv.cli.flow import planned, planned_from, settings_of
from declarative_kv.cli.guarding import allowed
from declarative_kv.cli.options import Common, Values, addresses, shard, usage
from declarative_kv.cli.output import json_text, painted, say
from declarative_kv.cli.reports import Form, Renderers, write
from declarative_kv.cli.saved import save
from declarative_kv.cli.sharding import checked, place_in
from declarative_kv.engine.resolve import resolve
from declarative_kv.model.document import Document
from declarative_kv.model.plan import Options, Plan
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.plan_text import plan_text
from declarative_kv.render.summary import Summary, of_plan

Reports = Mapping[Path, Form]
"""The reports to write, and in which form each."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan's options as they stand on the command line."""

    target: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    replace: Sequence[str] | None = None
    destroy: bool = False
    refresh_only: bool = False
    import_all: bool = False
    import_only: bool = False
    values: Values = Values.AVAILABLE
    allow: Sequence[str] | None = None
    shard: str | None = None

    def options(self) -> Options:
        """The same for the planner; raises `UsageError` for what goes together with nothing."""
        if self.refresh_only and (self.destroy or self.replace or self.import_all or self.import_only):
            raise usage("--refresh-only changes nothing in Azure, so it goes with none of the options that do.")
        if self.destroy and (self.replace or self.import_all or self.import_only):
            raise usage("--destroy goes neither with --replace nor with --import.")
        return Options(
            destroy=self.destroy,
            refresh_only=self.refresh_only,
            import_all=self.import_all,
            import_only=self.import_only,
            values=self.values.value,
            targets=addresses(self.target),
            excludes=addresses(self.exclude),
            replace=frozenset(addresses(self.replace)),
            allow=allowed(self.allow or ()),
            shard=shard(self.shard),
        )


async def made(common: Common, options: Options, out: Path | None = None, live: Path | None = None) -> Plan:
    """The plan of a command line, saved to `out` if that is given. Takes no lock and writes nothing else.

    `live` is a picture in the place of Azure.
    """
    document = loaded(common)
    if live is not None:
        return await _from_picture(live, document, options)
    async with opened(place_in(document, options.shard), verbose=common.verbose) as run:
        state = await checked(await run.store.read(), document, options.shard, run.store)
        resolved = await resolve(document, run.directory, run.kinds)
        document = settings_of(document)
        plan = await planned_from(run, document, resolved, state, options)
    if out is not None:
        save(out, plan)
    return plan.plan


async def _from_picture(live: Path, document: Document, options: Options) -> Plan:
    """The plan that would have been made when the picture was taken, values not compared."""
    from declarative_kv.cli.picturing import offline, read

    picture = read(live)
    run = offline(place_in(document, options.shard), picture)
    state = await checked(await run.store.read(), document, options.shard, run.store)
    plan = (await planned(run, document, state, replace(options, values="never"))).plan
    return replace(plan, head=replace(plan.head, read_at=picture.taken, as_of=picture.taken))


def shown(
    plan: Plan, common: Common, form: Form = Form.TEXT, *, detailed: bool = False, reports: Reports | None = None
) -> Summary:
    """Print the plan, and what could not be read with its reasons; gives how it ends.

    The `reports` are written first, so that one that cannot be is told before anything else.
    """
    summary = of_plan(plan, detailed=detailed)
    write(reports or {}, _renderers(plan, PLAIN, detailed=detailed))
    say(_renderers(plan, painted(sys.stdout, no_color=common.no_color), detailed=detailed)[form]())
    warn(plan.unreadable, no_color=common.no_color)
    if form is Form.AUTO:
        from declarative_kv.cli import ci

        ci.tell_platform(ci.of_plan(plan, summary))
    return summary


def _renderers(plan: Plan, paint: Paint, *, detailed: bool) -> Renderers:
    """How a plan reads in each form; nothing is loaded or made before it is asked for."""
    text = partial(plan_text, plan, paint, of_plan(plan, detailed=detailed))
    return {
        Form.TEXT: text,
        Form.AUTO: text,
        Form.JSON: lambda: _json(plan, detailed=detailed),
        Form.MARKDOWN: lambda: _markdown(plan),
        Form.HTML: lambda: _html(plan),
    }


def _json(plan: Plan, *, detailed: bool) -> str:
    from declarative_kv.render.plan_json import plan_json

    return json_text(plan_json(plan, detailed=detailed))


def _markdown(plan: Plan) -> str:
    from declarative_kv.render.plan_markdown import plan_markdown

    return plan_markdown(plan).rstrip("\n")


def _html(plan: Plan) -> str:
    from declarative_kv.render.html.plan_page import plan_page

    return plan_page(plan).rstrip("\n")
