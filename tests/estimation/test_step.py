"""STEP and its relatives, on trainings that are known to the joule."""

from pathlib import Path

import numpy as np
import pytest

from harness.cli.estimate import scores_sheet
from harness.record.errors import AnalysisError
from reports.estimation.assessment import Case, assess
from reports.estimation.cases import cases_of
from reports.estimation.facts import FactTable
from reports.estimation.proxies import Nameplate, green_algorithms, mlco2
from reports.estimation.scores import score
from reports.estimation.step import Extent, is_early_enough, mean_epoch, step_epoch, step_power
from reports.estimation.training import Training
from reports.pages.estimation.words import unscored
from tests.analysis.monitored import campaign_of
from tests.analysis.test_every_finding import FIRES


def training(
    epoch_j: list[float], epoch_s: list[float] | None = None, *, before_j: float = 0.0, before_s: float = 0.0,
    run: str = "run", configuration: str = "net",
) -> Training:  # fmt: skip
    """A training without an end behind its last epoch."""
    lengths = [1.0] * len(epoch_j) if epoch_s is None else epoch_s
    return Training(
        run, configuration, np.array(epoch_j), np.array(lengths), before_j, before_s, 0.0, 0.0, is_uniform=False
    )


@pytest.mark.parametrize("start", [0, 3, 10])
@pytest.mark.parametrize("window", [2, 5])
def test_constant_power_is_estimated_exactly(start: int, window: int) -> None:
    steady = training([70.0] * 40, [2.0] * 40)
    extent = Extent(40, 80.0)
    for estimate in (step_power(steady, extent, start, window), step_epoch(steady, extent, start, window)):
        assert estimate.energy_j == pytest.approx(steady.energy_j, rel=1e-12)
    assert step_epoch(steady, extent, start, window).half_width_j == pytest.approx(0.0, abs=1e-9)


def test_the_formulas_of_the_paper_by_hand() -> None:
    one = training([10.0, 20.0, 30.0, 50.0, 70.0], [1.0, 2.0, 2.0, 3.0, 4.0])
    extent = Extent(7, 20.0)
    assert step_power(one, extent, 2, 2).energy_j == pytest.approx((30 + 50) / 5 * 20)
    assert step_epoch(one, extent, 2, 2).energy_j == pytest.approx(10 + 20 + (30 + 50) / 2 * (7 - 2))
    assert mean_epoch(one, extent, 2).energy_j == pytest.approx(7 * 15)


def test_the_half_width_by_hand() -> None:
    """Two epochs of 30 and 50 J, three to come: t(.975, 1) = 12.7062, sd = 14.1421."""
    one = training([10.0, 20.0, 30.0, 50.0])
    width_j = step_epoch(one, Extent(7, 7.0), 2, 2).half_width_j
    assert width_j == pytest.approx(12.706204736 * 14.142135624 * np.sqrt(9 / 2 + 3))


def test_a_window_of_one_epoch_has_no_interval() -> None:
    assert np.isnan(step_epoch(training([1.0, 2.0]), Extent(2, 2.0), 1, 1).half_width_j)


def test_the_interval_holds_where_epochs_are_alike() -> None:
    """300 trainings whose epochs are independent draws: the interval of five of them holds in about 95 %."""
    draw = np.random.default_rng(20261129)
    held = 0
    for _ in range(300):
        one = training(draw.normal(100.0, 5.0, 60).tolist())
        estimate = step_epoch(one, Extent(60, 60.0))
        held += abs(estimate.energy_j - one.energy_j) <= estimate.half_width_j
    assert 0.92 * 300 <= held <= 0.98 * 300


def test_a_training_that_is_too_short_has_no_step() -> None:
    assert is_early_enough(training([1.0] * 15), 10, 5)
    assert not is_early_enough(training([1.0] * 14), 10, 5)


def test_calculators_by_hand() -> None:
    extent = Extent(1, 3600.0)
    assert mlco2(Nameplate(350.0), extent).energy_j == 350 * 3600
    assert green_algorithms(Nameplate(350.0, 16.0), 0.5, extent).energy_j == pytest.approx((175 + 5.96) * 3600)


def test_scores_by_hand() -> None:
    found = score(np.array([11.0, 18.0, 33.0]), np.array([2.0, 1.0, np.nan]), np.array([10.0, 20.0, 30.0]))
    assert found.rmse_j == pytest.approx(np.sqrt(14 / 3))
    assert found.mae_j == pytest.approx(2.0)
    assert found.mape_percent == pytest.approx(10.0)
    assert found.bias_j == pytest.approx(2 / 3)
    assert found.r2 == pytest.approx(1 - 14 / 200)
    assert (found.intervals, found.intervals_held) == (2, 1)


def test_one_energy_alone_has_no_r2() -> None:
    assert score(np.array([1.0]), np.array([np.nan]), np.array([2.0])).r2 is None


def test_the_length_is_predicted_from_the_other_trainings_only() -> None:
    """Two of a configuration, 20 and 30 epochs of 1 J: each is told the other's number."""
    cases = [Case("c", training([1.0] * epochs, run=f"r{epochs}"), {}, None) for epochs in (20, 30)]
    found = assess(cases, "meter", {})
    told = {
        (row.run, one.extent): one.energy_j
        for row in found.trainings
        for one in row.estimates
        if one.estimator == "step-epoch"
    }
    assert told[("r20", "known")] == pytest.approx(20.0)
    assert told[("r20", "predicted")] == pytest.approx(30.0)
    assert told[("r30", "predicted")] == pytest.approx(20.0)


def test_a_training_alone_has_no_predicted_length() -> None:
    found = assess([Case("c", training([1.0] * 20), {}, None)], "meter", {})
    assert {one.extent for one in found.trainings[0].estimates} == {"known"}
    assert [scored.score is None for scored in found.scores if scored.extent == "predicted"] == [True] * 7


def test_what_cannot_be_scored_says_why_and_what_to_do() -> None:
    found = assess([Case("c", training([1.0] * 8), {}, None)], "meter", {})
    said = list(unscored(found))
    assert said[0].startswith("STEP counts up to epoch 15, and no training has more than 8")
    assert "`tdp_w`" in said[1]
    assert said[2].startswith("One training alone")
    assert [row[0] for row in scores_sheet(found).rows] == ["mean epoch (carbontracker)"]


def test_a_calculator_is_told_the_mean_duration_of_the_others() -> None:
    cases = [Case("c", training([1.0] * epochs, run=f"r{epochs}"), {"tdp_w": 10.0}, 0.5) for epochs in (20, 30, 40)]
    rows = {row.run: row.estimates for row in assess(cases, "meter", {}).trainings}
    told = {one.estimator: one.energy_j for one in rows["r20"] if one.extent == "predicted"}
    assert told["mlco2"] == pytest.approx(10 * 35)
    assert told["green-algorithms"] == pytest.approx(5 * 35)


def test_curves_say_how_many_trainings_carry_them() -> None:
    cases = [Case("c", training([1.0] * epochs), {}, None) for epochs in (16, 60)]
    points = {(point.start, point.window): point.n for point in assess(cases, "meter", {}).curves}
    assert points[(10, 5)] == 2
    assert points[(20, 5)] == 1


def test_epochs_that_the_meter_does_not_see_are_no_training(tmp_path: Path) -> None:
    """Nor has an estimate an energy that the report refuses."""
    campaign = campaign_of(tmp_path, FIRES["action-too-short"])
    with pytest.raises(AnalysisError, match="shorter than two distances of the meter's readings"):
        cases_of([campaign], "meter", FactTable({}))
