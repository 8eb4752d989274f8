"""Names that want to be more than names, through every form that a plan and drift are shown in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Checked, Orphan, Unmanaged
from declarative_kv.model.plan import (
    AccessLine,
    Action,
    AttrDiff,
    Block,
    Change,
    Drift,
    Irreversible,
    Plan,
    Reason,
    Unwritten,
)
from declarative_kv.model.resource import OtherPolicy, Resource
from declarative_kv.render.annotations import (
    Annotation,
    azure_commands,
    github_commands,
    of_diagnostics,
    of_drift_findings,
    of_plan_findings,
)
from declarative_kv.render.diagnostics import diagnostics_text
from declarative_kv.render.drift_json import drift_json
from declarative_kv.render.drift_markdown import drift_markdown
from declarative_kv.render.drift_text import drift_text
from declarative_kv.render.html.drift_page import drift_page
from declarative_kv.render.html.plan_page import plan_page
from declarative_kv.render.junit import drift_junit
from declarative_kv.render.places import Tree
from declarative_kv.render.plan_json import plan_json
from declarative_kv.render.plan_markdown import plan_markdown
from declarative_kv.render.plan_text import plan_text
from declarative_kv.render.safe import in_json
from declarative_kv.render.sarif import drift_sarif
from tests.counts import count

from .plans import HEAD, PAYMENTS, observed, policy, vault

TREE: Final = Tree("/repo", "/repo")
PIECES: Final = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "```",
    "~~~",
    "| a | b |",
    "[text](https://example.invalid)",
    "![](https://example.invalid/x.png)",
    "https://example.invalid/page",
    "@everyone",
    "#1",
    "\n# heading",
    "\n::error::taken over",
    "::set-output name=a::b",
    "##vso[task.setvariable variable=a]b",
    "##[group]x",
    "%0A::warning::x",
    "%AZP0A",
    "\x1b]0;title\x07\x1b[2J",
    "\u202e\u2066",
    "\u200b\ufeff",
    "\r",
    "\ud800",
    "\x00",
    ";]",
    ",line=1::",
)
NAMES: Final = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), min_size=1, max_size=4).map("".join)
TAGS: Final = frozenset(
    "html head meta title style body a header div p h1 h2 h3 span ul li b dl dt dd nav main section article small"  # noqa: SIM905
    " code details summary label input button output del ins figure svg desc defs marker path g rect text table thead"
    " tbody tr th td footer script".split()
)
ATTRIBUTES: Final = frozenset(
    "aria-label aria-live aria-pressed charset class content d data-action data-find height hidden href http-equiv id"  # noqa: SIM905
    " lang marker-end markerheight markerwidth name open orient placeholder refx refy role rx scope tabindex title type"
    " viewbox width x y".split()
)
examples: Final = settings(
    max_examples=count(25, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def hostile(name: str) -> Plan:
    """A plan in which every text that somebody else can choose is this one."""
    secret, holder = Address("secret", f"payments/{name}"), Address("access_policy", f"payments/{name}")
    span = Span(name, 3, 5, 2, name)
    spec = vault(tags={name: name})
    diff = (AttrDiff(("tags", name), name, f"{name} "),)
    live = observed("access_policy", f"{PAYMENTS}/p/{name}", policy("get"), name)
    mine = Resource(
        holder, replace(policy("get", "set"), principal=name), depends_on=frozenset({Address("vault", name)})
    )
    diagnostic = Diagnostic("forbidden", "Azure refused the operation", name, name, span, secret, request_id=name)
    return Plan(
        head=replace(HEAD, environment=name, identity=name, principals={name: name}, root=f"/repo/{name}"),
        changes=(
            Change(
                Address("vault", name),
                Action.UPDATE,
                Reason.CONFIG_MOVED,
                diff,
                desired=Resource(secret, spec),
                span=span,
            ),
            Change(holder, Action.CREATE, Reason.NEW, desired=mine, span=span),
        ),
        drift=(Drift(secret, Action.UPDATE, diff, since=name, span=span), Drift(holder, Action.DESTROY, span=None)),
        unmanaged=(Unmanaged(holder, Address("vault", name), OtherPolicy.ALARM, live, name, span),),
        access=(
            AccessLine(True, name, name, name, name, name, holder),
            AccessLine(False, name, name, name, name, name, holder),
        ),
        blocks=(Block("protected", secret, name), Block("many-destroys", None, name, allowed=True)),
        irreversible=(Irreversible(secret, name, span),),
        unwritten=(Unwritten(secret, (name,)),),
        notes=(name,),
        unreadable=(diagnostic, replace(diagnostic, address=None)),
        orphans=(Orphan(holder, name, live, span),),
        checked=(Checked(secret, (holder,), span), Checked(holder)),
    )


def harmless(text: str) -> None:
    """No control, bidirectional or invisible character, and no line that a runner would obey."""
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line)
        assert not line.lstrip().startswith("::"), line
    assert not re.search(r"##(vso)?\[", text, re.IGNORECASE)


class Parsed(HTMLParser):
    """The elements of a page, and what a name could have added to them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@examples
@given(NAMES)
def test_text_and_diagnostics_are_harmless_lines(name: str) -> None:
    plan = hostile(name)
    harmless(plan_text(plan))
    harmless(drift_text(plan))
    harmless(diagnostics_text(plan.unreadable))


@pytest.mark.parametrize("form", [plan_markdown, drift_markdown])
@examples
@given(NAMES)
def test_markdown_has_no_markup_of_others(form: Callable[[Plan], str], name: str) -> None:
    text = form(hostile(name))
    harmless(text)
    tokens = list(_all(MarkdownIt("commonmark").enable("table").parse(text)))
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "hr", "blockquote_open"}
    # As a forge looks for them: in the text that was rendered, code left out.
    assert not [token.content for token in tokens if token.type == "text" and re.search(r"@\w|#\d", token.content)]


def _all(tokens: list[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


@pytest.mark.parametrize("form", [plan_page, drift_page])
@examples
@given(NAMES)
def test_a_page_has_only_our_elements_and_asks_for_nothing(form: Callable[[Plan], str], name: str) -> None:
    text = form(hostile(name))
    harmless(text)
    page = Parsed(text)
    assert set(page.tags) <= TAGS
    assert page.tags.count("script") == page.tags.count("style") == 1
    for key, value in page.attributes:
        assert key in ATTRIBUTES, key
        assert key != "href" or str(value).startswith("#")


@examples
@given(NAMES)
def test_json_and_sarif_are_json_and_junit_is_xml(name: str) -> None:
    plan = hostile(name)
    for value in (plan_json(plan), drift_json(plan), drift_sarif(plan, TREE)):
        text = in_json(json.dumps(value, ensure_ascii=True))
        harmless(text)
        assert json.loads(text) == json.loads(json.dumps(value))
    root = ElementTree.fromstring(drift_junit(plan, TREE))
    plain = ElementTree.fromstring(drift_junit(hostile("plain"), TREE))
    assert sorted(part.tag for part in root.iter()) == sorted(part.tag for part in plain.iter())


@examples
@given(NAMES)
def test_commands_of_runners_are_the_ones_that_we_gave(name: str) -> None:
    plan = hostile(name)
    remarks = (*of_plan_findings(plan), *of_drift_findings(plan), *of_diagnostics(plan.unreadable))
    for line, remark in zip(github_commands(remarks, TREE), _by_level(remarks), strict=True):
        assert line.isprintable()
        command = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert command is not None, line
        assert command[1] == remark.level
        pairs = dict(pair.split("=", 1) for pair in command[2].split(","))
        assert set(pairs) == ({"file", "line", "col", "title"} if remark.span else {"title"})
    for line in azure_commands(remarks, TREE):
        assert line.isprintable()
        assert re.fullmatch(r"##vso\[task\.logissue (\w+=[^;\]]*;)+\].*", line), line
        assert line.lower().count("##vso[") == 1


def _by_level(remarks: tuple[Annotation, ...]) -> list[Annotation]:
    return [remark for level in ("error", "warning", "notice") for remark in remarks if remark.level == level]


def test_a_property_says_what_was_meant_once_it_is_decoded() -> None:
    remark = Annotation(of_plan_findings(hostile("x"))[0].level, "a,b:c%", "text", Span("dir,1/a:b%.yaml", 1, 1))
    (line,) = github_commands([remark], TREE)
    properties = dict(pair.split("=", 1) for pair in line.split(" ", 1)[1].split("::")[0].split(","))
    assert unquote(properties["file"]) == "dir,1/a:b%.yaml"
    assert unquote(properties["title"]) == "a,b:c%"
