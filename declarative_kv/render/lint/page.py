"""The page of documentation about lint's rules, written from their table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from declarative_kv.model.lint import RULES, Rule, Tool, Twin
from declarative_kv.render.markdown import table

_HEAD: Final = """\
# Lint

Generated from the program by `make reference`; do not edit.

`dkv lint` says what a configuration would be better without. It looks at the YAML alone: no credential, no network, and
nothing that only exists (`existing: true`) and is never written. A setting that is not written counts as what Azure
makes of it in a new vault.

A finding is a warning or a note. Where another setting takes the edge off it is a note: an open firewall of a vault
without public address, say, or `purge` on a vault with purge protection. The run ends with 0 all the same, since
nothing in it is an error. Rules that your team holds itself to block, and then it ends with 3:

```yaml
lint:
  block: [secret-expiry, purge-protection]
```

`dkv lint --strict` blocks on every warning, whatever the YAML says.

What is meant to be as it is gets a reason, for the whole configuration, for a vault with everything in it, or for one
entry. An environment may have reasons and rules of its own. A reason has to be written; reports list what is ignored
together with it.

```yaml
lint:
  ignore: {access-model: "Until the move to roles in 2027."}
vaults:
  payments:
    lint: {ignore: {network-open: "The partner has no fixed addresses."}}
    secrets:
      db-password:
        lint: {ignore: {secret-expiry: "The database rotates it."}}
```

What finds the same in other tools is named with its id there, so that a team that knows one of them finds its way, and
a suppression can be carried over. Ids never change their meaning.
"""


def lint_page() -> str:
    """The whole page."""
    rows = [[f"[`{rule.id}`](#{rule.id})", rule.title, rule.weight.value, _ids(rule)] for rule in RULES.values()]
    overview = table(["rule", "finds", "is a", "also known as"], rows)
    parts = [line for rule in RULES.values() for line in _rule(rule)]
    return "\n".join([_HEAD, "## Rules", "", *overview, *parts]).rstrip("\n") + "\n"


def _rule(rule: Rule) -> Iterator[str]:
    yield from (f"### {rule.id}", "", f"**{rule.title}.** {rule.why}", "", rule.fix, "")
    if rule.twins:
        yield from (f"- {twin.tool} `{twin.id}`: {twin.title}" for twin in rule.twins)
        yield ""


def _ids(rule: Rule) -> str:
    return ", ".join(map(_short, rule.twins)) or "-"


def _short(twin: Twin) -> str:
    """The id, or of a policy that has nothing but a GUID who has it."""
    return f"{twin.tool}" if twin.tool is Tool.POLICY else f"`{twin.id}`"
