"""From the YAML and the state to another tool's files."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.cli.context import opened, store_at
from declarative_kv.cli.documents import loaded
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.options import Common
from declarative_kv.cli.output import say, tell
from declarative_kv.cli.writing import check_free, written_to
from declarative_kv.engine.export import exported
from declarative_kv.engine.loop import in_loop
from declarative_kv.kinds import registry
from declarative_kv.model.document import Document
from declarative_kv.model.state import State
from declarative_kv.render.terraform_code import terraform_files
from declarative_kv.state import blob_place


def told_to_terraform(common: Common, out: Path | None, *, force: bool) -> None:
    """Write the files below `out`, or all of them to standard output."""
    document = loaded(common)
    state = in_loop(_state_of(document, verbose=common.verbose))
    files = terraform_files(exported(document, state, registry()), document.cloud, document.principals)
    if out is None:
        say("\n".join(files.values()).rstrip("\n"))
        return
    check_free([out / name for name in files], force=force, command="export")
    for name, text in files.items():
        written_to(out / name, text)
    tell(f"Wrote {len(files)} files below {out}. Nothing in Azure is changed by:\n    terraform -chdir={out} plan")


async def _state_of(document: Document, *, verbose: bool) -> State:
    """The state; only one in a blob needs a way to Azure."""
    if blob_place(document.state) is None:
        return await store_at(document.state).read()
    async with opened(place_of(document), verbose=verbose) as run:
        return await run.store.read()
