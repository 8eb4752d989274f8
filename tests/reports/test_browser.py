"""The HTML report in a real browser: clicked through, read on a phone and without JavaScript; it asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from declarative_kv.render.html.drift_page import drift_page
from declarative_kv.render.html.plan_page import plan_page

from .browser import CHROMIUM, DESKTOP, PHONE, chromium, visit
from .sample import clean_plan, sample_drift, sample_plan

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="not run: Chromium is not on the PATH")
SIZES = [DESKTOP, PHONE]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each page in a file."""
    folder = tmp_path_factory.mktemp("pages")
    texts = {
        "plan": plan_page(sample_plan()),
        "large": plan_page(sample_plan(300)),
        "clean": plan_page(clean_plan()),
        "drift": drift_page(sample_drift()),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["plan", "large", "clean", "drift"])
def test_it_fits_and_asks_for_nothing(
    browser: Browser, pages: dict[str, Path], name: str, size: tuple[int, int], script: bool
) -> None:
    with visit(browser, pages[name], size, script=script) as seen:
        assert seen.page.locator("h1").is_visible()
        if script:  # what asks the page for its width is a script
            assert not seen.overflows()
        assert seen.requests == [pages[name].as_uri()]
        assert seen.complaints == []


def test_filters_show_what_is_asked_for(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"]) as seen:
        page, rows = seen.page, seen.page.locator("#changes li:visible")
        everything = rows.count()
        page.get_by_role("searchbox").fill("worker-03")
        assert rows.count() == 1
        assert page.locator("#found").inner_text() == f"1 of {everything}"
        page.get_by_role("searchbox").fill("")
        page.get_by_role("button", name="destroy").click()
        assert rows.all_inner_texts()[0].split()[1] == "access_policy.payments/developers"
        assert rows.count() == 1
        page.get_by_role("button", name="destroy").click()
        assert rows.count() == everything


def test_vaults_open_and_close(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"]) as seen:
        group = seen.page.locator("#changes details", has_text="vault.hr")
        assert group.locator("li").first.is_visible()
        group.locator("summary").click()
        assert group.locator("li").first.is_hidden()
        seen.page.get_by_role("button", name="Open all").click()
        assert group.locator("li").first.is_visible()
        seen.page.get_by_role("button", name="Close all").click()
        assert seen.page.locator("#changes li:visible").count() == 0


def test_the_way_through_the_page_leads_there(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"], PHONE) as seen:
        for link in seen.page.locator("nav a").all():
            link.click()
            target = seen.page.locator(str(link.get_attribute("href")))
            box = target.bounding_box()
            assert box is not None
            assert box["y"] < PHONE[1]


@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
def test_the_essentials_need_no_script(browser: Browser, pages: dict[str, Path], size: tuple[int, int]) -> None:
    with visit(browser, pages["plan"], size, script=False) as seen:
        text = seen.page.locator("body").inner_text()
        for essential in (
            "Plan: 9 to add, 4 to change, 1 to destroy.",
            "reads secret values",
            "value-moved-outside",
            "--allow value-moved-outside=secret.hr/api-key",
            "purge_protection: false -> true",
            "access_policy.payments/ci",
        ):
            assert essential in text
        assert seen.page.locator(".tools").is_hidden()
        group = seen.page.locator("#changes details", has_text="vault.hr")
        group.locator("summary").click()
        assert group.locator("li").first.is_hidden()


def test_access_comes_first_and_the_grid_has_before_and_after(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"]) as seen:
        assert seen.page.locator("main section h2").first.inner_text() == "Access gained and lost"
        table = seen.page.locator("#matrix details", has_text="vault.payments").locator("table")
        row = table.locator("tbody tr", has_text="ci").first
        told = [cell.get_attribute("aria-label") for cell in row.locator(".cell").all()]
        assert "gained: not before, but after" in told
        assert "before and after" in told


def test_the_drawing_has_a_box_for_what_is_alike(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"]) as seen:
        titles = seen.page.locator("svg .node .title").all_text_contents()
        assert "8 in payments" in titles
        assert seen.page.locator("svg .arrows path").count() >= 5


def test_drift_says_what_moved_and_since_when(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["drift"], PHONE) as seen:
        text = seen.page.locator("main").inner_text()
        for told in ("2026-11-21T22:47:31Z", "network.default", "is not in the directory", "ForbiddenByFirewall"):
            assert told in text


def test_it_is_dark_where_that_is_wanted(browser: Browser, pages: dict[str, Path]) -> None:
    colours = []
    for dark in (False, True):
        with visit(browser, pages["plan"], dark=dark) as seen:
            colours.append(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_a_script_that_got_in_would_not_run(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The policy of the page itself, should the escaping ever fail."""
    file = tmp_path / "hurt.html"
    hurt = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    text = pages["plan"].read_text(encoding="utf-8")
    file.write_text(text.replace("<main", f"{hurt}<main"), encoding="utf-8")
    with visit(browser, file) as seen:
        assert "taken" not in seen.page.title()
        assert any("Content Security Policy" in complaint for complaint in seen.complaints)


def test_printed_it_shows_everything(browser: Browser, pages: dict[str, Path]) -> None:
    with visit(browser, pages["plan"]) as seen:
        seen.page.emulate_media(media="print")
        assert seen.page.locator("nav").is_hidden()
        assert seen.page.locator("#changes .tools").is_hidden()
        assert len(seen.page.pdf()) > 10_000
