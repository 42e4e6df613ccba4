"""A section of results.json that is none: verify names its place as a failed check of the page, no traceback."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.verifier import check_page
from harness.record.campaign_folder import DERIVED
from reports.render import AUDIT, GENERATOR, REPORT
from reports.results.document import RESULTS
from tests.analysis.tracked import Tracked, tracked_campaign
from tests.documents import write_results

PAGE = f'<!doctype html>\n<meta name="generator" content="{GENERATOR}">\n<p>a report</p>\n'


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = replace(Tracked(), repetitions=2, baseline_blocks=2)
    folder = tracked_campaign(tmp_path_factory.mktemp("forged"), shape)
    write_results(folder)
    for name in (REPORT, AUDIT):
        (folder / DERIVED / name).write_text(PAGE)
    return folder


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("measurement", "origin"), "real", "results.json.measurement.origin: found 'real', "),
        (("meters", 0, "identity"), None, "results.json.meters[0].identity: found None"),
        (("cross_checks",), None, "results.json.cross_checks: found None, expected a list"),
        (("label", "usage", "cnn", 0, "asked"), "both", "results.json.label.usage.cnn[0].asked: found 'both', "),
        (("label", "checks"), None, "results.json.label.checks: found None, expected a list"),
        (("clock", "bound_s"), 0.1, "results.json.clock.bound_s: found 0.1, expected a Number"),
        (("observer",), {"idle": None}, "results.json.observer: lacks induced_power_w, load"),
        (("records", "clocks", 0, "exchanges"), 1.5, "results.json.records.clocks[0].exchanges: found 1.5"),
        (("records", "inputs", 0, "of"), "nobody", "results.json.records.inputs[0].of: found 'nobody', "),
        (("trackers", "runs", 0, "factor"), "1", "results.json.trackers.runs[0].factor: found '1', expected float"),
        (("trackers", "scenarios", "cnn", "codecarbon", "n"), 3, "results.json.trackers.scenarios.cnn.codecarbon.n: "),
    ],
)
def test_a_forged_section_is_a_failed_check_of_both_pages(
    campaign: Path, path: tuple[str | int, ...], value: object, says: str
) -> None:
    file = campaign / DERIVED / RESULTS
    content = file.read_text()
    results: Any = json.loads(content)
    part = results
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    file.chmod(0o644)
    try:
        file.write_text(json.dumps(results))
        for name in (REPORT, AUDIT):
            check = check_page(RESULTS_DOCUMENT, campaign, name, CampaignInputs(campaign))
            assert not check.passed
            assert check.detail.startswith("cannot be compared (DocumentError: ")
            assert says in check.detail
    finally:
        file.write_text(content)
