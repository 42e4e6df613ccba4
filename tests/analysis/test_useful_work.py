"""A campaign whose scenarios declare useful work of their own: factors, levels, statistics and words are theirs."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.cli.report import _work_lines
from reports.campaign.analyse import analyse
from reports.pages.campaign import campaign_page
from reports.render import render
from reports.results.document import Results
from tests.reports.make_campaign import LOADS, Shape, SyntheticRun, make_campaign

DECLARED = {
    "work": [{"name": "pictures_per_j", "title": "pictures <b>", "key": "correct", "unit": "1/J"}],
    "repeats": "epoch",
    "quality": {"metric": "accuracy", "title": "hit rate", "levels": [0.2]},
    "correlated": [{"metric": "loss", "title": "misses"}],
}
SHAPE = Shape(loads={"cnn": dataclasses.replace(LOADS["cnn"], configured=True)}, repetitions=3, duration_s=30)


def of_campaign(folder: Path, **declared: Any) -> Results:  # noqa: ANN401
    plain = SyntheticRun._scenario_config
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyntheticRun, "_scenario_config", lambda self: plain(self) | (declared if self.load else {}))
        made = make_campaign(folder, SHAPE)
    return analyse(made).results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return of_campaign(tmp_path_factory.mktemp("declared"), **DECLARED)


def test_the_declared_kind_has_the_factor_and_no_other_kind_has_one(results: Results, tmp_path: Path) -> None:
    part, plain = results.scenarios["cnn"], of_campaign(tmp_path).scenarios["cnn"]
    assert list(part.efficiency.per_induced) == ["pictures_per_j"]
    assert plain.declared is None
    ours, theirs = part.efficiency.per_induced["pictures_per_j"], plain.efficiency.per_induced
    per_wh = theirs["correct_classifications_per_wh"]
    assert (ours.unit, ours.n) == ("1/J", per_wh.n)
    assert ours.value * 3600 == pytest.approx(per_wh.value, rel=1e-12)
    assert (ours.expanded or 0.0) * 3600 == pytest.approx(per_wh.expanded, rel=1e-9)
    assert [row.name for row in part.epochs] == [row.name for row in plain.epochs]


def test_levels_are_read_of_the_declared_metric(results: Results) -> None:
    assert {row.metric for row in results.scenarios["cnn"].energy_to_accuracy} <= {"accuracy"}


def test_the_statistics_compare_the_first_declared_kind_and_correlate_the_declared_metrics(results: Results) -> None:
    statistics, factors = results.statistics, results.scenarios["cnn"].efficiency.values["pictures_per_j"]
    if not statistics.available:
        pytest.skip("R is not installed")
    assert list(statistics.responses)[3:] == ["pictures_per_induced_j"]
    response = statistics.responses["pictures_per_induced_j"]
    known = [value for value in factors.induced if value is not None]
    assert response.unit == "1/J"
    assert response.levels["cnn"].mean.value == pytest.approx(sum(known) / len(known), rel=1e-9)
    assert "val_accuracy" not in {row.x for row in statistics.epochs} | {row.x for row in statistics.runs}


def test_page_and_terminal_say_the_declared_title(results: Results) -> None:
    page = render(campaign_page(results, [], "", "wattlab report"))
    assert "pictures &lt;b&gt; per J" in page
    assert "Validation accuracy by" not in page
    (line,) = _work_lines(results)
    assert line.startswith("cnn, efficiency by induced energy: ")
    assert "pictures <b> per J" in line
