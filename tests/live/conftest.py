"""What tests of the live view share: a synthetic campaign, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.reports.make_campaign import Load, Shape, make_campaign

CHROMIUM = "/usr/bin/chromium"
SHAPE = Shape(name="growing", repetitions=1, baseline_blocks=2, loads={"cnn": Load(52.0, 34.0, 61.0, epochs=3)},
              duration_s=30)  # fmt: skip


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baseline, cnn, baseline: a campaign that is done."""
    return make_campaign(tmp_path_factory.mktemp("whole"), SHAPE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
