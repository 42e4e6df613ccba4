"""Reports in Chromium: their size, how many screens they are long, when they are painted first, which tables are cut.

Run: .venv/bin/python -m tests.benchmarks.bench_pages REPORT...

REPORT is a report.html. Budget for 120 runs: 3 MB, first paint within 1 s.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

WIDTHS, HEIGHT = (1400, 920, 390), 900
PAINTED = "performance.getEntriesByType('paint').map(entry => Math.round(entry.startTime))[0]"
CUT = """(() => { for (const part of document.querySelectorAll('details')) part.open = true;
  return [...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth + 1).length; })()"""


def main(reports: list[Path]) -> None:
    """Print one JSON line a report and width."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for report in reports:
            for width in WIDTHS:
                print(json.dumps({"report": str(report), "kb": round(report.stat().st_size / 1e3)}
                                 | measured(browser, report, width)))  # fmt: skip
        browser.close()


def measured(browser: Browser, report: Path, width: int) -> dict[str, object]:
    """Of one report at one width: first paint (ms after navigation), screens of 900 pixels, tables and figures cut."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT})
    page.goto(report.resolve().as_uri())
    page.wait_for_function(PAINTED)
    painted = page.evaluate(PAINTED)
    screens = page.evaluate("document.documentElement.scrollHeight") / HEIGHT
    found = {"width": width, "first_paint_ms": painted, "screens": round(screens, 1), "cut": page.evaluate(CUT)}
    page.close()
    return found


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
