"""`make screenshots`: each page at the width of a phone and of a desktop, for a person to look at."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from declarative_kv.render.html.drift_page import drift_page
from declarative_kv.render.html.plan_page import plan_page

from .browser import CHROMIUM, DESKTOP, PHONE, chromium, visit
from .sample import clean_plan, sample_drift, sample_plan


def main(folder: Path) -> int:
    """Write the pictures into a folder; tells each."""
    if CHROMIUM is None:
        print("not run: Chromium is not on the PATH")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "plan": plan_page(sample_plan()),
        "plan-clean": plan_page(clean_plan()),
        "drift": drift_page(sample_drift()),
    }
    with TemporaryDirectory() as scratch, chromium() as browser:
        for name, text in pages.items():
            file = Path(scratch) / f"{name}.html"
            file.write_text(text, encoding="utf-8")
            for width, size in (("desktop", DESKTOP), ("phone", PHONE)):
                for dark in (False, True):
                    picture = folder / f"{name}-{width}-{'dark' if dark else 'light'}.png"
                    with visit(browser, file, size, dark=dark) as seen:
                        seen.page.screenshot(path=picture, full_page=True)
                    print(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")))
