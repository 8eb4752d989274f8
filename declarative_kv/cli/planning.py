"""From a plan's options on the command line to the plan, and out again as text, JSON or Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from declarative_kv.cli.context import opened
from declarative_kv.cli.documents import loaded, warn
from declarative_kv.cli.flow import place_of, planned
from declarative_kv.cli.options import Common, Values, addresses, usage
from declarative_kv.cli.output import painted, say, say_json
from declarative_kv.cli.saved import save
from declarative_kv.model.plan import Options, Plan
from declarative_kv.render.summary import Summary, of_plan

GUARDS = frozenset(
    {
        "protected",
        "access-model-flip",
        "access-lost-on-import",
        "value-moved-outside",
        "recover-unmanaged",
        "group-not-empty",
        "many-destroys",
        "irreversible",
    }
)


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
            allow=tuple(_guard(text) for text in self.allow or ()),
        )


def _guard(text: str) -> str:
    code = text.partition("=")[0]
    if code not in GUARDS:
        raise usage(f"--allow {text} names no guard.", f"The guards are {', '.join(sorted(GUARDS))}.")
    if "=" in text:
        addresses([text.partition("=")[2]])
    return text


class Form(StrEnum):
    """In which form a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"

    @classmethod
    def of(cls, *, as_json: bool, as_markdown: bool) -> Form:
        """The form that two flags ask for; raises `UsageError` where they ask for two."""
        if as_json and as_markdown:
            raise usage("--json and --markdown are two forms of one output; choose one.")
        return cls.JSON if as_json else cls.MARKDOWN if as_markdown else cls.TEXT


async def made(common: Common, options: Options, out: Path | None = None) -> Plan:
    """The plan of a command line, saved to `out` if that is given. Takes no lock and writes nothing else."""
    document = loaded(common)
    async with opened(place_of(document), verbose=common.verbose) as run:
        plan = await planned(run, document, await run.store.read(), options)
    if out is not None:
        save(out, plan)
    return plan.plan


def shown(plan: Plan, common: Common, form: Form = Form.TEXT, *, detailed: bool = False) -> Summary:
    """Print the plan, and what could not be read with its reasons; gives how it ends."""
    summary = of_plan(plan, detailed=detailed)
    match form:
        case Form.JSON:
            from declarative_kv.render.plan_json import plan_json

            say_json(plan_json(plan, detailed=detailed))
        case Form.MARKDOWN:
            from declarative_kv.render.plan_markdown import plan_markdown

            say(plan_markdown(plan).rstrip("\n"))
        case Form.TEXT:
            from declarative_kv.render.plan_text import plan_text

            say(plan_text(plan, painted(sys.stdout, no_color=common.no_color), summary))
    warn(plan.unreadable, no_color=common.no_color)
    return summary
