"""A real, headless Chromium: the system's own, driven by playwright, which brings none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, with a profile of its own that is thrown away."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One page opened from a file, and everything that went wrong or out while it was looked at."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def overflows(self) -> bool:
        """Whether the page as a whole can be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def visit(
    browser: Browser, file: Path, size: tuple[int, int] = DESKTOP, *, script: bool = True, dark: bool = False
) -> Iterator[Visit]:
    """Open a file at a size, in its own profile."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
    )
    try:
        seen = Visit(context.new_page())
        seen.page.goto(file.as_uri())
        yield seen
    finally:
        context.close()
