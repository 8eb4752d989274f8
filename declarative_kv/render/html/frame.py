"""The page around a report: its head, its verdict, the way through it, and the rule that nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from declarative_kv import __version__
from declarative_kv.model.plan import Head
from declarative_kv.render.html.element import NOTHING, Html, joined, tag, trusted

_FOLDER: Final = "declarative_kv.render.html"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page. `count` stands in the way through it; `tone` is its colour where it matters."""

    key: str
    title: str
    body: Html
    count: int | None = None
    tone: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ends, in one word with its colour, and in the closing line."""

    word: str
    tone: str
    line: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the head."""

    number: int
    label: str
    tone: str = ""


def page(title: str, head: Head, verdict: Verdict, tiles: Sequence[Tile], sections: Sequence[Section]) -> str:
    """The whole document; sections without a body are left out."""
    shown = [section for section in sections if section.body != NOTHING]
    style, script = _asset("page.css"), _asset("page.js")
    body = tag(
        "body",
        tag("a", "Skip to the report", class_="skip", href="#report"),
        _masthead(title, head, verdict, tiles),
        _way(shown),
        tag("main", joined(_section(section) for section in shown), id="report"),
        _foot(head),
        tag("script", trusted(script)),
    )
    meta = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"dkv {__version__}"),
        tag("title", f"{title} · {verdict.line}"),
        tag("style", trusted(style)),
    ]
    document = tag("html", tag("head", *meta), body, lang="en")
    return f"<!doctype html>\n{document.text}\n"


def _policy(style: str, script: str) -> str:
    """Nothing but our own style and script, which the browser knows by their digests."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return files(_FOLDER).joinpath(name).read_text(encoding="utf-8").strip()


def _masthead(title: str, head: Head, verdict: Verdict, tiles: Sequence[Tile]) -> Html:
    facts = [
        ("Environment", head.environment or "none"),
        ("Subscription", f"{head.subscription} ({head.subscription_from})"),
        ("Tenant", head.tenant),
        ("Read as", f"{head.identity} ({head.identity_from})"),
        ("Read at", head.read_at.replace("T", " ").replace("Z", " UTC")),
        ("State", f"serial {head.serial}"),
    ]
    pairs = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value)
    return tag(
        "header",
        tag(
            "div",
            tag("p", "declarative-kv", class_="brand"),
            tag("h1", title),
            tag("p", tag("span", verdict.word, class_=f"pill {verdict.tone}"), " ", verdict.line, class_="verdict"),
            tag("ul", joined(_tile(tile) for tile in tiles), class_="tiles"),
            tag("dl", joined(pairs), class_="facts"),
            class_="wide",
        ),
        class_=f"masthead {verdict.tone}",
    )


def _tile(tile: Tile) -> Html:
    tone = tile.tone if tile.number else "quiet"
    return tag("li", tag("b", str(tile.number)), tag("span", tile.label), class_=tone)


def _way(sections: Sequence[Section]) -> Html:
    links = (
        tag(
            "a",
            section.title,
            tag("span", str(section.count), class_="count") if section.count is not None else None,
            href=f"#{section.key}",
            class_=section.tone or None,
        )
        for section in sections
    )
    return tag("nav", tag("div", joined(links), class_="wide"), aria_label="Parts of the report")


def _section(section: Section) -> Html:
    return tag(
        "section",
        tag("h2", section.title),
        tag("p", section.lead, class_="lead") if section.lead else None,
        section.body,
        id=section.key,
        class_=section.tone or None,
    )


def _foot(head: Head) -> Html:
    told = f"Made by dkv {__version__} from what Azure held at {head.read_at}. It holds no secret value."
    return tag("footer", tag("p", told, class_="wide"))
