"""A record of a software meter at the wall: the stated interval holds the truth, and agrees with a prediction."""

import numpy as np
import pytest

from reports.qualification.correction import total_of
from reports.qualification.transfer import predicted_w
from reports.results.software_meter import Transfer
from reports.results.transfer_error import TransferError
from reports.results.uncertainty import Number
from tests.analysis.corrected_sut import VirtualSut
from tests.analysis.unmetered import IDLE_W

DRAWS = 120


def test_the_stated_interval_of_a_later_run_holds_the_truth() -> None:
    random, sut = np.random.default_rng(12), VirtualSut(kinds=("gpu", "cpu"), kind_w=2.0)
    held = 0
    for _ in range(DRAWS):
        document = sut.certificate(random)
        run, truth_wh = sut.later(document, "gpu", float(random.uniform(20.0, 100.0)), random)
        assert run.energy_wh is not None
        assert run.energy_wh.expanded is not None
        held += abs(run.energy_wh.value - truth_wh) <= run.energy_wh.expanded
    assert held >= 0.9 * DRAWS


def test_a_total_holds_the_truth_though_its_runs_err_alike() -> None:
    random, sut = np.random.default_rng(13), VirtualSut(wall_percent=2.0)
    held = squares = 0
    for _ in range(DRAWS // 2):
        document = sut.certificate(random)
        runs, truths_wh = zip(
            *(sut.later(document, "gpu", level, random) for level in (30.0, 50.0, 90.0)), strict=True
        )  # fmt: skip
        total = total_of(runs)
        assert total is not None
        assert total.expanded is not None
        away_wh = abs(total.value - sum(truths_wh))
        held += away_wh <= total.expanded
        squares += away_wh <= float(np.linalg.norm([run.energy_wh.expanded for run in runs if run.energy_wh]))
    assert held >= 0.9 * DRAWS / 2
    assert held > squares


@pytest.mark.parametrize("level", [30.0, 55.0, 90.0])
def test_the_u_of_a_long_quiet_run_is_that_of_a_prediction_and_the_scatter_of_runs(level: float) -> None:
    random, sut = np.random.default_rng(14), VirtualSut(kinds=("gpu", "cpu"), kind_w=2.0, noise_w=0.0, lag_u_s=1e-6)
    document = sut.certificate(random)
    transfer = document.meters[0].transfer
    assert isinstance(transfer, Transfer)
    run, _ = sut.later(document, "gpu", level, random)
    assert run.power_w is not None
    said_w = (run.power_w.value - transfer.offset_w.value) / transfer.gain.value
    assert said_w == pytest.approx(IDLE_W + 1.2 * level, abs=2.0)
    predicted = predicted_w(transfer, "gpu", said_w, 0.0)
    assert isinstance(predicted, Number)
    assert run.power_w.value == pytest.approx(predicted.value)
    assert run.power_w.estimate.u is not None
    assert predicted.estimate.u is not None
    both = np.hypot(predicted.estimate.u, TransferError.of(transfer).scatter_u_w)
    assert run.power_w.estimate.u == pytest.approx(float(both), rel=1e-3)
