"""The law of the second writer for `dkv secret set`, which reads nothing but what it writes: at every request of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.cli.keeping import write_value
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Options
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.state import Status
from tests.laws.interference import Interference
from tests.laws.lab import Lab
from tests.laws.leaks import leak_in, secret_value
from tests.laws.rival import Act, Rival, delete_secret, set_attributes, set_value

KEPT = Address("secret", "one/partner")
NEVER = 10**6
DEEDS: dict[str, Act] = {
    "set another value": set_value("partner"),
    "set the same value": set_value("partner", same=True),
    "tag": set_attributes("partner", tags={"by": "hand"}),
    "delete": delete_secret("partner"),
}
TREE = {
    "version": 1,
    "cloud": "emulator",
    "tenant": TENANT,
    "subscription": SUBSCRIPTION,
    "principals": {"me": {"current": True}},
    "resource_groups": {"rg": {"location": "westeurope"}},
    "vaults": {
        "one": {
            "name": "kv-one",
            "resource_group": "rg",
            "location": "westeurope",
            "access": "policies",
            "access_policies": {"me": {"template": "key-and-secret-management"}},
            "secrets": {"partner": {"value_from": "kept", "tags": {"team": "pay"}}},
        }
    },
}


async def kept(folder: Path) -> Lab:
    """A project whose secret has a value."""
    folder.mkdir()
    lab = Lab(folder)
    lab.write(TREE)
    assert (await lab.apply(Options())).succeeded
    assert await setting(lab, Rival(lab, NEVER, DEEDS["tag"])) == ()
    lab.world.clock.shift(60)
    return lab


async def setting(lab: Lab, rival: Rival) -> tuple[Diagnostic, ...]:
    """`dkv secret set` with a rival in it; gives what it said."""
    answers, document = Interference(lab.application, lambda: None, rival.before_each), lab.document()
    async with lab.run(document, answers) as run, run.store.locked("secret set") as journal:
        try:
            await write_value(run, journal, document, KEPT, Sensitive(secret_value("ours")))
        except DkvError as error:
            return error.diagnostics
    return ()


def lists(rival: Rival) -> list[int]:
    """The requests that listed the vault's secrets."""
    return [n for n, (method, path, _) in enumerate(rival.served) if (method, path) == ("GET", "/secrets")]


def writing(rival: Rival) -> int:
    """The request that wrote."""
    (found,) = [n for n, (method, _, _) in enumerate(rival.served) if method == "PUT"]
    return found


@pytest.mark.parametrize("deed", DEEDS)
async def test_nobody_is_written_over_silently(deed: str, tmp_path: Path) -> None:
    alone = await kept(tmp_path / "alone")
    undisturbed = Rival(alone, NEVER, DEEDS[deed])
    assert await setting(alone, undisturbed) == ()
    look, *_, back = lists(undisturbed)
    assert look < writing(undisturbed) < back, "it looks before and after"
    # Tags that come after our version stand on it: nothing of either is lost.
    last = writing(undisturbed) if deed == "tag" else back

    for at in range(len(undisturbed.served)):
        lab = await kept(tmp_path / str(at))
        rival = Rival(lab, at, DEEDS[deed])
        told = await setting(lab, rival)
        assert not rival.refused
        where = f"{deed} before {rival.request}: {[(one.code, one.detail) for one in told]}"
        if look < at <= last:
            assert len(told) == 1, where
            assert KEPT.key in told[0].detail, where
        elif deed != "delete":
            assert told == (), where
        assert {entry.status for entry in (await lab.state()).entries.values()} == {Status.APPLIED}, where
        assert not leak_in("".join(f"{one.detail}{one.hint}" for one in told).encode(), lab.values())


async def test_both_sides_are_told_by_their_versions(tmp_path: Path) -> None:
    lab = await kept(tmp_path / "alone")
    undisturbed = Rival(lab, NEVER, DEEDS["tag"])
    assert await setting(lab, undisturbed) == ()
    lab.world.clock.shift(60)
    (told,) = await setting(lab, Rival(lab, writing(undisturbed), DEEDS["set another value"]))
    (record,) = lab.dump()["secrets"].values()
    theirs, ours = (version["version"] for version in record["versions"][-2:])
    assert told.code == "overwritten-meanwhile"
    assert theirs in told.detail
    assert ours in told.detail
