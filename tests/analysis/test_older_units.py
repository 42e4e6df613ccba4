"""Campaigns that commit 68f151b signed are read for ever: what it called kB is what it was, and no number moves but by
the unit that was misnamed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.run_folder import verify_campaign
from reports.analysis.results import analyse

SIGNED = Path(__file__).parents[1] / "data" / "signed"
Json = dict[str, Any]


def opened(name: str, folder: Path) -> tuple[Path, Json, Json]:
    """A signed campaign, its results as signed, and as they are computed now."""
    shutil.unpack_archive(SIGNED / f"68f151b-{name}.tar.gz", folder)
    campaign = folder / name
    assert [check for check in verify_campaign(campaign) if not check.passed] == []
    return campaign, json.loads((campaign / "derived" / "results.json").read_text()), analyse(campaign).to_json()


MOVED = {
    "oscar-import": {"ram_used_kb", "disk_read_kb", "disk_write_kb", "net_received_kb", "net_sent_kb"},
    "agent-units": {"ram_used_kb"},
}
LABEL = {
    "oscar-import": {"memory": 1.024, "network": 1.024, "storage-traffic": 1.024, "processor": 1.0},
    "agent-units": {"memory": 1.024, "network": 1.0, "storage-traffic": 1.0, "processor": 1.0, "gpu-memory": 1.0},
}


@pytest.mark.parametrize("name", MOVED)
def test_an_older_campaign_keeps_its_numbers_and_gets_the_units_that_they_are_in(name: str, tmp_path: Path) -> None:
    _, signed, now = opened(name, tmp_path)
    scenario = next(iter(signed["scenarios"]))
    before, after = (tree["scenarios"][scenario] for tree in (signed, now))
    for indicator, part in before["hardware"].items():
        mean, told = after["hardware"][indicator]["mean"], part["mean"]
        assert mean["value"] == pytest.approx(told["value"], rel=1e-12), indicator
        assert mean["unit"] == (told["unit"].replace("kB", "KiB") if indicator in MOVED[name] else told["unit"])
    units = [{one["name"]: one["unit"] for one in tree["indicators"]} for tree in (signed, now)]
    assert {key for key in units[0] if units[0][key] != units[1][key]} == MOVED[name]
    for quantity, factor in LABEL[name].items():
        rows = [next(r for r in tree["label"]["baseline"] if r["quantity"] == quantity) for tree in (signed, now)]
        assert rows[1]["unit"] == rows[0]["unit"]
        assert rows[1]["gross"]["value"] == pytest.approx(factor * rows[0]["gross"]["value"], rel=1e-12), quantity


def test_memory_of_an_older_machine_is_printed_in_the_unit_that_it_is_in(tmp_path: Path) -> None:
    _, signed, now = opened("agent-units", tmp_path)
    assert signed["sut"] == now["sut"]
    assert (signed["label"]["reference_system"]["ram"], now["label"]["reference_system"]["ram"]) == (
        "16341872 kB", "16341872 KiB",
    )  # fmt: skip
