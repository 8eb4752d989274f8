"""A rehearsal: the state copied, Azure emulated, the plan applied for good, and planned again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory
from typing import Any

from declarative_kv.azure.credentials import ClientSecret
from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.session import open_session
from declarative_kv.cli.applying import Manner, carried_out
from declarative_kv.cli.context import Place, Run, store_at
from declarative_kv.cli.documents import loaded
from declarative_kv.cli.flow import place_of, planned
from declarative_kv.cli.options import Common
from declarative_kv.cli.output import painted, say
from declarative_kv.cli.picturing import offline, read
from declarative_kv.cli.stage import staged
from declarative_kv.kinds import registry
from declarative_kv.model.document import Cloud, Document
from declarative_kv.model.picture import Picture
from declarative_kv.model.plan import Options, Plan
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.state import State
from declarative_kv.render.plan_text import plan_text
from declarative_kv.state import encode_state
from declarative_kv.values import Sources


class Invented(Sources):
    """Sources that give a new random value whatever they are asked for: nothing real is read in a rehearsal."""

    def __init__(self) -> None:
        super().__init__({})

    async def read(self, source: Any) -> Sensitive:
        """A value that nobody has ever used."""
        return Sensitive(token_urlsafe(24))


async def rehearsed(common: Common, options: Options, live: Path) -> int:
    """Apply and plan again, telling both; 0 where the apply was complete and the second plan is empty, else 1 or so."""
    document, picture = loaded(common), read(live)
    there = offline(place_of(document), picture)
    state = await there.store.read()
    with TemporaryDirectory(prefix="dkv-rehearsal-") as folder:
        place = Place(Cloud("emulator"), picture.identity.tenant, str(Path(folder) / "dkv.json"), document.root)
        copied(state, place)
        async with stage(place, picture, state) as run:
            code, afterwards = await rehearse(run, document, options, common)
    say("")
    say(f"A plan after that rehearsal, of Azure as of {picture.taken}:")
    say(plan_text(afterwards, painted(sys.stdout, no_color=common.no_color)))
    return code or (1 if afterwards.counts().any else 0)


def copied(state: State, place: Place) -> None:
    """A copy of the state, to be written to; one that is empty is none."""
    if state.lineage:
        Path(place.state).write_bytes(encode_state(state))


async def rehearse(run: Run, document: Document, options: Options, common: Common) -> tuple[int, Plan]:
    """Apply on the stage; gives the exit code of that, and the plan that is made afterwards."""
    async with run.store.locked("rehearse") as journal:
        made = await planned(run, document, journal.state, options)
        code = await carried_out(run, replace(made, sources=Invented()), journal, common, Manner(auto_approve=True))
    afterwards = await planned(run, document, await run.store.read(), Options(values="never"))
    return code, afterwards.plan


@asynccontextmanager
async def stage(place: Place, picture: Picture, state: State) -> AsyncIterator[Run]:
    """A run against an emulated Azure that holds what the picture shows, in this process and in memory alone."""
    from declarative_kv.emulator.app import Application
    from declarative_kv.emulator.transport import InProcessTransport

    world = staged(picture, state)
    try:
        me = world.identity()
        secret = Sensitive(me["client_secret"])
        login = ClientSecret(picture.identity.tenant, me["client_id"], secret, source="rehearsal")
        transport = InProcessTransport(Application(world))
        async with open_session(place.cloud, place.tenant, transport=transport, credential=login) as session:
            yield Run(place, session, AzureDirectory(session), store_at(place.state), registry())
    finally:
        world.close()
