"""`python -m tests.recordings DIR [--json]`: plays recorded traffic to the emulator and counts what is equal."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.recordings.load import scenarios
from tests.recordings.replay import Outcome, Replay

VERDICTS = ("equal", "differs", "unsupported")


def main(arguments: list[str]) -> int:
    """Run; 0 whenever it ran to the end, whatever came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder whose *.jsonl are played")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument("--service", help="count this service alone (the other entries are played as well)")
    parser.add_argument("--scenario", help="play only scenarios whose name holds this text")
    parser.add_argument("--show", help="print entries whose id starts with this, whatever came out")
    parser.add_argument("--diff", action="store_true", help="print what differs in every entry that is not equal")
    options = parser.parse_args(arguments)
    outcomes: list[Outcome] = []
    for scenario in scenarios(options.folder):
        if options.scenario and options.scenario not in scenario.name:
            continue
        outcomes += Replay(scenario).run()
    chosen = [one for one in outcomes if options.service in (None, one.entry.service)]
    for outcome in chosen:
        _explain(outcome, options.diff, options.show)
    print(json.dumps(counts(chosen), indent=1) if options.json else table(chosen))
    return 0


def counts(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """The verdicts counted, in all and per endpoint."""
    total: Counter[str] = Counter()
    endpoints: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        total[outcome.verdict] += 1
        name = f"{outcome.entry.service} {outcome.entry.endpoint}"
        endpoints.setdefault(name, Counter())[outcome.verdict] += 1
    shown = {name: {verdict: endpoints[name][verdict] for verdict in VERDICTS} for name in sorted(endpoints)}
    return {"total": {verdict: total[verdict] for verdict in VERDICTS}, "endpoints": shown}


def table(outcomes: Iterable[Outcome]) -> str:
    """The verdicts per service and endpoint, as a table of Markdown."""
    chosen = list(outcomes)
    lines = ["| service and endpoint | entries | equal | differs | unsupported |", "|---|---:|---:|---:|---:|"]
    services = sorted({outcome.entry.service for outcome in chosen})
    for service in services:
        mine = [outcome for outcome in chosen if outcome.entry.service == service]
        lines.append(_line(f"**{service}**", mine))
        for endpoint in sorted({outcome.entry.endpoint for outcome in mine}):
            lines.append(_line(f"`{endpoint}`", [one for one in mine if one.entry.endpoint == endpoint]))
    lines.append(_line("**all**", chosen))
    return "\n".join(lines)


def _line(name: str, outcomes: list[Outcome]) -> str:
    found = Counter(outcome.verdict for outcome in outcomes)
    total = len(outcomes)
    share = f"{found['equal']} ({100 * found['equal'] / total:.1f} %)" if total else "0"
    return f"| {name} | {total} | {share} | {found['differs']} | {found['unsupported']} |"


def _explain(outcome: Outcome, every: bool, show: str | None) -> None:
    entry = outcome.entry
    if show is not None and entry.id.startswith(show):
        query = "&".join(f"{name}={value}" for name, value in entry.query.items())
        print(f"{entry.id} {outcome.verdict}\n  {entry.method} https://{entry.host}{entry.path}?{query}")
        print(f"  sent     {json.dumps(entry.body)}")
        print(f"  recorded {entry.status} {json.dumps(entry.answer_headers)} {json.dumps(entry.answer)}")
        print(f"  answered {outcome.answer.status} {json.dumps(outcome.answer.headers)}")
        print(f"           {json.dumps(outcome.answer.body)}")
    elif not every or outcome.verdict == "equal":
        return
    else:
        print(f"{entry.id} {outcome.verdict}  {entry.method} {entry.path} {entry.query.get('api-version', '')}")
    for reason in outcome.reasons:
        print(f"    {reason}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
