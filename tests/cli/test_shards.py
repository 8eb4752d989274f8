"""`--shard I/N`: many runs that together do what one would, each with its own state."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from declarative_kv.cli.sharding import state_at
from declarative_kv.engine.shard import number_of
from declarative_kv.model.address import Address
from tests.scenarios import portal

from .conftest import Dkv, Project

VAULTS = ("payments", "hr", "web")
YAML = """\
version: 1
cloud: emulator
state: state/dkv.json
defaults: {resource_group: rg, location: westeurope}
principals:
  deployer: {current: true}
  ci: {object_id: 1b2c0000-0000-0000-0000-000000000000, type: service_principal}
resource_groups: {rg: {protect: false}}
role_assignments:
  ci-on-web: {principal: ci, role: Reader, scope: vault.web}
vaults:
"""
VAULT = """\
  %(key)s:
    name: kv-shard-%(key)s
    access: policies
    protect: false
    access_policies: {deployer: {template: secret-management}}
    secrets: {db: {value_from: {generate: {length: 24}}}}
"""


@pytest.fixture
def estate(project: Project) -> Project:
    project.write(YAML + "".join(VAULT % {"key": key} for key in VAULTS))
    return project


def addresses(dkv: Dkv, *arguments: str) -> list[str]:
    """The addresses that a plan changes."""
    result = dkv("plan", "--json", *arguments)
    assert result.code in (0, 3), result
    plan = json.loads(result.out)
    return [one["dkv"]["address"] for one in plan["resource_changes"] if one["change"]["actions"] != ["no-op"]]


def test_the_shards_do_together_what_one_run_would(estate: Project, dkv: Dkv) -> None:
    whole = addresses(dkv)
    parts = [addresses(dkv, "--shard", f"{number}/3") for number in (1, 2, 3)]
    assert sorted(one for part in parts for one in part) == sorted(whole)
    assert all(parts)

    for number in (1, 2, 3):
        result = dkv("apply", "--auto-approve", "--shard", f"{number}/3")
        assert result.code == 0, result
        assert f"shard {number}/3 · " in result.out
        assert dkv("plan", "--detailed-exitcode", "--shard", f"{number}/3").code == 0
        assert dkv("drift", "--shard", f"{number}/3").code == 0
    states = sorted(path.name for path in (estate.folder / "state").glob("*.json"))
    assert states == [f"dkv.shard-{number}.json" for number in (1, 2, 3)]

    for number in (3, 2, 1):
        assert dkv("destroy", "--auto-approve", "--shard", f"{number}/3").code == 0


@pytest.mark.parametrize(("option", "named"), [("--target", "vault.web"), ("--replace", "secret.web/db")])
def test_what_is_asked_for_by_name_in_another_shard_is_told(estate: Project, dkv: Dkv, option: str, named: str) -> None:
    its = number_of(Address.parse(named), (), 3)
    note = f"{named} is of shard {its}/3: it is not in this run"
    told = {number: dkv("plan", option, named, "--shard", f"{number}/3") for number in (1, 2, 3)}
    assert {number for number, result in told.items() if note in result.out} == {1, 2, 3} - {its}
    assert note not in dkv("plan", option, named).out


def test_each_shard_adopts_what_drifted_in_it_and_leaves_the_rest(estate: Project, dkv: Dkv) -> None:
    shards = [["--shard", f"{number}/3"] for number in (1, 2, 3)]
    for shard in shards:
        assert dkv("apply", "--auto-approve", *shard).code == 0
    for key in VAULTS:
        words = ["policy", "set", f"kv-shard-{key}", "me", "secrets=get,list,set,delete,recover,backup,restore,purge"]
        asyncio.run(portal.run(estate.folder / "state" / ".emulator", words))

    told = [dkv("drift", "--adopt", *shard).out.splitlines() for shard in shards]

    assert sorted(line.split()[1] for lines in told for line in lines if line.startswith("dkv.yaml")) == [
        f"access_policy.{key}/deployer" for key in sorted(VAULTS)
    ]
    assert [dkv("plan", "--detailed-exitcode", *shard).code for shard in shards] == [0, 0, 0]
    assert "error[shard-mismatch]" in dkv("drift", "--adopt").err


def test_what_another_shard_has_not_made_yet_blocks_before_anything_is_written(estate: Project, dkv: Dkv) -> None:
    number = next(n for n in (2, 3) if any(one.startswith("vault.") for one in addresses(dkv, "--shard", f"{n}/3")))
    result = dkv("apply", "--auto-approve", "--shard", f"{number}/3")
    assert result.code == 3
    assert "shard-order  resource_group.rg  is not there yet, and shard 1/3 makes it" in result.out
    assert "the first one first" in result.err
    assert not list((estate.folder / "state").glob("dkv*.json"))


@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"], ["drift"], ["destroy", "--auto-approve"]])
def test_a_state_of_another_division_is_refused_with_a_way_out(command: list[str], estate: Project, dkv: Dkv) -> None:
    assert dkv("apply", "--auto-approve", "--shard", "1/3").code == 0
    kept = (estate.folder / "state" / "dkv.shard-1.json").read_bytes()
    for option in ([], ["--shard", "1/2"], ["--state", "state/dkv.shard-1.json"]):
        result = dkv(*command, *option)
        assert result.code == 1, result
        assert "error[shard-mismatch]" in result.err
        assert "dkv apply --shard I/N --import-only" in result.err
    assert (estate.folder / "state" / "dkv.shard-1.json").read_bytes() == kept


@pytest.mark.parametrize("shard", ["4/4", "5/6"])
def test_no_shard_of_another_division_is_begun_beside_the_first_one(shard: str, estate: Project, dkv: Dkv) -> None:
    assert dkv("apply", "--auto-approve", "--shard", "1/3").code == 0
    refused = dkv("plan", "--shard", shard)
    assert refused.code == 1
    assert "shard-1.json is there, made shard 1/3, and " in refused.err


def test_single_addresses_are_imported_and_set_in_their_shards_state(estate: Project, dkv: Dkv) -> None:
    estate.replace("value_from: {generate: {length: 24}}", "value_from: kept")
    number = number_of(Address("vault", "hr"), (), 3)
    mine, other = f"{number}/3", f"{number % 3 + 1}/3"
    for one in (1, 2, 3):
        assert dkv("apply", "--auto-approve", "--shard", f"{one}/3").code == 0
    given = ("secret", "set", "secret.hr/db", "--shard")
    for wrong in {"1/3", "2/3", "3/3"} - {mine}:
        refused = dkv(*given, wrong, typed="a value\n")
        assert (refused.code, "error[other-shard]" in refused.err) == (1, True)
        assert f"    --shard {mine}" in refused.err
    assert "error[shard-mismatch]" in dkv(*given[:-1], typed="a value\n").err
    assert dkv(*given, mine, typed="a value\n").code == 0
    state = f"state/dkv.shard-{mine[0]}.json"
    assert dkv("state", "rm", "secret.hr/db", "--state", state).code == 0

    assert "error[other-shard]" in dkv("import", "secret.hr/db", "--auto-approve", "--shard", other).err
    done = dkv("import", "secret.hr/db", "--auto-approve", "--shard", mine)
    assert done.code == 0, done
    assert "secret.hr/db" in dkv("state", "list", "--state", state).out


def test_a_whole_estate_is_taken_over_by_its_shards(estate: Project, dkv: Dkv) -> None:
    assert dkv("apply", "--auto-approve").code == 0
    assert "error[shard-mismatch]" in dkv("plan", "--shard", "2/3").err
    (estate.folder / "state" / "dkv.json").rename(estate.folder / "old.json")
    for number in (1, 2, 3):
        shard = ["--shard", f"{number}/3"]
        assert dkv("apply", "--auto-approve", "--import-only", *shard).code == 0
        assert dkv("plan", "--detailed-exitcode", *shard).code == 0


def test_a_saved_plan_of_a_shard_is_applied_to_its_state(estate: Project, dkv: Dkv) -> None:
    assert dkv("plan", "--shard", "1/3", "--out", "plan.json").code == 0
    assert dkv("apply", "plan.json", "--auto-approve").code == 0
    assert dkv("plan", "--shard", "1/3", "--detailed-exitcode").code == 0
    assert "error[shard-mismatch]" in dkv("plan", "--shard", "1/4").err
    refused = dkv("apply", "plan.json", "--auto-approve", "--shard", "1/3")
    assert refused.code == 64


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", ""])
@pytest.mark.parametrize("command", ["plan", "apply", "destroy", "drift"])
def test_a_shard_that_is_none_is_wrong_usage(command: str, text: str, estate: Project, dkv: Dkv) -> None:
    result = dkv(command, "--shard", text)
    assert result.code == 64
    assert "is not a shard such as 2/4" in result.err


@pytest.mark.parametrize(
    ("whole", "second"),
    [
        ("state/dkv.json", "state/dkv.shard-2.json"),
        ("/a.b/dkv", "/a.b/dkv.shard-2"),
        ("dkv.json", "dkv.shard-2.json"),
        ("azblob://acc/states/team/prod.json", "azblob://acc/states/team/prod.shard-2.json"),
        ("azblob://acc/states/.hidden", "azblob://acc/states/.hidden.shard-2"),
    ],
)
def test_a_shards_state_lies_beside_the_whole_ones(whole: str, second: str) -> None:
    assert state_at(whole, 2) == second
    assert Path(whole).parent == Path(second).parent
