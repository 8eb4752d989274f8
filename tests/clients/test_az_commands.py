"""Which commands az offers for what is emulated, and that the scripts beside this file run every one of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.clients.others import AZ, needs_az, succeeded

HERE: Final = Path(__file__).parent
AT_LEAST: Final = 60
GROUPS: Final = ("group", "keyvault", "role", "ad")
NOT_EMULATED: Final = {
    "managed HSM": (
        "keyvault backup, keyvault check-name, keyvault ekm-connection, keyvault key random, keyvault region, "
        "keyvault key get-attestation, keyvault key get-policy-template, "
        "keyvault restore, keyvault role, keyvault security-domain, keyvault setting, keyvault update-hsm, "
        "keyvault wait-hsm"
    ),
    "certificates": "keyvault certificate",
    "deployments, and templates of what was deployed": "group deployment, group export",
    "locks": "group lock",
    "the activity log": "role assignment list-changelogs",
    "private endpoints, which the network's service makes": "keyvault private-endpoint-connection",
    "deny assignments made by users, a preview": "role deny-assignment create, role deny-assignment delete",
    "consent is given in a browser": "ad app permission admin-consent",
}
# Prints every command of the groups that are named.
LISTING: Final = """
import sys
from azure.cli.core import get_default_cli

cli = get_default_cli()
cli.invocation = cli.invocation_cls(cli, cli.parser_cls, cli.commands_loader_cls, cli.help_cls)
for group in sys.argv[1:]:
    table = cli.invocation.commands_loader.load_command_table([group])
    print(*(name for name in table if name.split()[0] == group), sep="\\n")
"""


def literal(node: ast.expr) -> str | None:
    """The text of a string, with the gaps of an f-string left open; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
    return None


def written() -> Iterator[str]:
    """Every command of the scripts, as it is written there."""
    for script in sorted(HERE.glob("test_az_*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ("az", "az.refused", "robot"):
                text = literal(node.args[0])
                if text is not None:
                    yield text


def named(text: str) -> str:
    """The command of a command line: the words before its options."""
    return re.split(r" -|\{", text)[0].strip()


def test_the_scripts_are_at_least_sixty_commands() -> None:
    assert len(list(written())) >= AT_LEAST


@needs_az
def test_every_command_that_applies_is_run(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    offered = set(succeeded([AZ.with_name("python"), "-c", LISTING, *GROUPS], environ, tmp_path).splitlines())
    elsewhere = tuple(name for names in NOT_EMULATED.values() for name in names.split(", "))
    apply = {name for name in offered if not f"{name} ".startswith(tuple(f"{one} " for one in elsewhere))}
    assert len(apply) >= AT_LEAST
    assert apply - {named(text) for text in written()} == set()
    assert [one for one in elsewhere if not any(f"{name} ".startswith(f"{one} ") for name in offered)] == []
