"""What a run over several vaults asks for: nothing twice, one challenge a vault, one token a resource.

Counted in the log of a running emulator, in processes of their own. What an apply reads more than once is documented:
the plan's reading, the check right before the writes, and the reading back after them; a group or a vault is looked for
once more in the very step that makes it, since making it would write over all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.benchmarks.measured import DKV, run
from tests.benchmarks.project import Emulator, emulator
from tests.laws.leaks import secret_value, source_file

VAULTS: Final = ("one", "two", "six")
SECRETS: Final = 27
"""Two pages of a list."""
READINGS: Final = 3
Requests = list[dict[str, object]]
HEAD = """
version: 1
cloud: emulator
tenant: 11111111-1111-1111-1111-111111111111
subscription: 22222222-2222-2222-2222-222222222222
principals:
  deployer: {current: true}
  api: {object_id: 1b2c0000-0000-4000-8000-0000000000c1, type: service_principal}
resource_groups:
  rg-ACCESS: {location: westeurope}
reader_roles:
  ACCESS: {principal: api, scope: resource_group.rg-ACCESS}
vaults:
"""
GRANTS = {
    "policies": "access_policies: {deployer: {template: key-and-secret-management}, api: {secrets: [get]}}",
    "rbac": "roles: {deployer: [Key Vault Secrets Officer], api: [Key Vault Secrets User]}",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator with a request log."""
    with emulator(tmp_path_factory.mktemp("twice")) as running:
        yield running


def write(folder: Path, access: str, content_type: str) -> None:
    """Three vaults with some secrets each."""
    text = HEAD.replace("ACCESS", access)
    for vault in VAULTS:
        text += f"  {vault}:\n    name: kv-{vault}-{access}\n    access: {access}\n    resource_group: rg-{access}\n"
        text += f"    location: westeurope\n    {GRANTS[access]}\n    secrets:\n"
        for number in range(SECRETS):
            name = f"{vault}-{number}"
            source_file(folder / "values" / name, secret_value(name))
            text += f"      s{number}: {{value_from: {{file: values/{name}}}, content_type: {content_type}}}\n"
    (folder / "dkv.yaml").write_text(text, encoding="utf-8")


def asked(server: Emulator, folder: Path, *command: str) -> Requests:
    """What a command that must succeed asked for."""
    before = len(server.requests())
    done = run((*DKV, *command), server.environ, folder)
    assert done.code == 0, done.output
    return server.requests()[before:]


def gets(requests: Requests) -> dict[str, int]:
    """How often each address was read, the answers with a challenge left out."""
    found = Counter(
        f"{one['host']}{one['path']}?{one['query']}"
        for one in requests
        if one["method"] == "GET" and one["status"] != 401 and not str(one["host"]).startswith("login.")
    )
    return dict(found)


def challenges(requests: Requests) -> Counter[object]:
    """How often each host asked who we are."""
    return Counter(one["host"] for one in requests if one["status"] == 401)


def tokens(requests: Requests) -> int:
    """How often somebody signed in."""
    return sum(1 for one in requests if str(one["path"]).endswith("/token"))


def _is_made_whole(url: str) -> bool:
    path = url.partition("?")[0].lower()
    return path.rpartition("/")[0].endswith(("/resourcegroups", "/vaults"))


@pytest.mark.parametrize("access", sorted(GRANTS))
def test_a_run_over_three_vaults_reads_nothing_twice(access: str, server: Emulator, tmp_path: Path) -> None:
    write(tmp_path, access, "text/plain")
    first = asked(server, tmp_path, "plan")
    made = asked(server, tmp_path, "apply", "--auto-approve")
    planned = asked(server, tmp_path, "plan")
    write(tmp_path, access, "application/json")
    changed = asked(server, tmp_path, "apply", "--auto-approve")

    for plan in (first, planned):
        assert {url: times for url, times in gets(plan).items() if times > 1} == {}
    assert {url: times for url, times in gets(changed).items() if times > READINGS} == {}
    assert {url: times for url, times in gets(made).items() if times > READINGS + _is_made_whole(url)} == {}
    for requests in (first, made, planned, changed):
        assert not [host for host, times in challenges(requests).items() if times > 1]
        assert tokens(requests) <= 2, "one for Resource Manager, one for all vaults"
    pages = [url for url in gets(planned) if ".vault.azure.net/secrets?" in url]
    assert len(pages) == 2 * len(VAULTS)
