"""The page that says which meter is for whom: its figures are those of its formula, its drivers are there."""

import math
import re
from pathlib import Path

import pytest

from meters import registry

PAGE = (Path(__file__).parents[2] / "docs" / "which-meter.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| where")
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[1][:30] for row in ROWS])
def test_a_row_follows_from_its_step_and_names_drivers_of_its_tier(row: list[str]) -> None:
    _, what, step_w, _, resolves, tier, _ = row
    expected_j = 1.96 * math.sqrt(2) * float(step_w) / math.sqrt(12) * 300
    assert float(resolves.removesuffix(" J")) == pytest.approx(expected_j, rel=0.01)
    names = re.findall(r"`([\w-]+)`", what)
    assert names
    # A module that is bought without a certificate, and a plug that may also be a certified meter, have several tiers.
    tiers = {registry.KNOWN[name].tier for name in names}
    assert tier in tiers
