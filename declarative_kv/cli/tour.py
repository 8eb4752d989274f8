"""The tour that `dkv demo` gives: every step is the real command against a private emulator in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Final

from declarative_kv.cli.output import say

VAULT: Final = "kv-demo-payments"
YAML: Final = """\
version: 1
cloud: emulator
state: state/demo.json

principals:
  deployer: {current: true}
  ci: {object_id: 1b2c0000-0000-0000-0000-000000000000, type: service_principal}

resource_groups:
  rg-demo: {location: westeurope}

vaults:
  payments:
    name: kv-demo-payments
    resource_group: rg-demo
    location: westeurope
    access: policies
    access_policies:
      deployer: {template: secret-management}
      ci: {secrets: [get, list]}
    secrets:
      session-key: {value_from: {generate: {length: 48}}}
      db-password:
        value_from: {env: DEMO_DB_PASSWORD}
        content_type: text/plain
        expires: 2027-06-30
        tags: {owner: payments}
"""


def tour() -> int:
    """Walk through it; 0 if every step ended as it should, else 1."""
    with tempfile.TemporaryDirectory(prefix="dkv-demo-") as name:
        folder = Path(name)
        changes = {"DKV_EMULATOR": str(folder / "none"), "DEMO_DB_PASSWORD": secrets.token_urlsafe(24)}
        with _environment(changes), chdir(folder):
            return _walk(folder)


def _walk(folder: Path) -> int:
    (folder / "dkv.yaml").write_text(YAML, encoding="utf-8")
    _explain(
        "This file describes a vault, who may use it, and two secrets. No value stands in it: one is",
        "generated, the other comes from a variable. The Azure it talks to is an emulator of our own.",
    )
    say(_indented(YAML))
    steps: tuple[Callable[[], bool], ...] = (
        lambda: _step(0, "A plan compares file, state and Azure, and changes nothing.", "plan"),
        lambda: _step(0, "Apply does what the plan says.", "apply", "--auto-approve"),
        lambda: _step(0, "Planned again, nothing is left to do.", "plan", "--detailed-exitcode"),
        lambda: _tampered(folder),
        lambda: _step(2, "Drift finds it: exit code 2, for schedules.", "drift"),
        lambda: _step(0, "Another apply puts it right.", "apply", "--auto-approve"),
        lambda: _step(
            0,
            "Destroy takes everything away; vaults and groups are protected unless that is allowed.",
            "destroy",
            "--auto-approve",
            "--allow",
            "protected",
        ),
    )
    if not all(step() for step in steps):
        _explain("That is not how it should have gone; see above.")
        return 1
    _explain("That was all of it. Start your own with:", "    dkv init")
    return 0


def _step(expected: int, words: str, *arguments: str) -> bool:
    """Explain, run a command as typed, and tell whether it ended as expected."""
    from declarative_kv.cli.app import main

    _explain(words)
    say(f"$ dkv {shlex.join(arguments)}\n")
    code = main(arguments)
    if code != expected:
        say(f"\n(exit code {code}, expected {expected})")
    return code == expected


def _tampered(folder: Path) -> bool:
    """Somebody changes a secret by hand, past dkv, with the Azure SDK."""
    _explain("Now somebody changes a secret by hand, with the Azure SDK, past dkv:")
    say(f'    SecretClient("https://{VAULT}.vault.azure.net", …).update_secret_properties(')
    say('        "db-password", content_type="changed by hand", tags={"owner": "nobody"})')
    asyncio.run(_tamper(folder))
    return True


async def _tamper(folder: Path) -> None:
    from azure.identity.aio import ClientSecretCredential
    from azure.keyvault.secrets.aio import SecretClient

    from declarative_kv.emulator.host.private import open_private
    from declarative_kv.emulator.seed import TENANT

    with open_private(folder / "state" / ".emulator") as emulator:
        who, transport = emulator.identity(), emulator.transport()
        async with (
            ClientSecretCredential(TENANT, who["client_id"], who["client_secret"], transport=transport) as credential,
            SecretClient(f"https://{VAULT}.vault.azure.net", credential, transport=transport) as client,
        ):
            await client.update_secret_properties(
                "db-password", content_type="changed by hand", tags={"owner": "nobody"}
            )


def _explain(*lines: str) -> None:
    say("\n" + "\n".join(f"# {line}" for line in lines) + "\n")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The environment without anybody's Azure settings, and with `changes`, until the end."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AZURE_", "ARM_")):
            del os.environ[name]
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
