"""Results of a campaign with meters on other circuits: recomputed, also where they were written before these stood."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.verification import verify
from harness.record.campaign_folder import DERIVED
from reports.results.document import RESULTS
from tests.documents import write_results
from tests.evidence.forger import copied
from tests.reports.rack import rack_campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = rack_campaign(tmp_path_factory.mktemp("rack"), repetitions=2, baseline_blocks=2)
    write_results(folder)
    return folder


def changed(campaign: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy whose results.json the lab itself changed."""
    copy = copied(campaign, folder)
    file = copy / DERIVED / RESULTS
    results = json.loads(file.read_text())
    change(results)
    file.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
    return copy


def failed(campaign: Path) -> list[str]:
    """What `verify` finds wrong with the numbers."""
    return [check.detail for check in verify(campaign, None).failed if check.name == "results"]


def test_results_that_were_written_before_these_stood_in_them_verify(campaign: Path, tmp_path: Path) -> None:
    assert failed(campaign) == []
    assert failed(changed(campaign, tmp_path, lambda results: results.pop("other_circuits"))) == []


def test_a_number_of_another_circuit_that_was_edited_is_found(campaign: Path, tmp_path: Path) -> None:
    def scaled(results: dict[str, Any]) -> None:
        results["other_circuits"][0]["scenarios"]["cnn"]["energy_wh"]["value"] *= 1.001

    [said] = failed(changed(campaign, tmp_path, scaled))
    assert "other_circuits[0].scenarios.cnn.energy_wh.value" in said
