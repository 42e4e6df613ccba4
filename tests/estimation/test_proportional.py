"""Proxies as estimators, by hand."""

import numpy as np
import pytest

from reports.estimation.assessment import Case, assess
from reports.estimation.proportional import AMOUNTS, scored_proxies, without_own
from reports.estimation.step import Extent
from reports.results.estimation import Settling
from tests.estimation.test_step import training


def test_the_factor_is_fitted_without_the_own_group() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 9.0, 12.0])
    said = without_own(x, y, ["a", "a", "b", "b"])
    assert said == pytest.approx([3.0, 6.0, 6.0, 8.0])


def test_one_group_alone_leaves_nothing_to_fit() -> None:
    assert np.isnan(without_own(np.array([1.0, 2.0]), np.array([1.0, 2.0]), ["a", "a"])).all()


def test_amounts_by_hand() -> None:
    told = ({"gflops": 2.0, "train_size": 100.0, "tdp_w": 350.0}, 0.5, Extent(10, 60.0))
    assert {name: amount(told) for name, amount in AMOUNTS.items()} == pytest.approx(
        {"flops": 2000.0, "tdp": 350.0, "gpu-use": 0.5, "time": 60.0, "tdp-time": 21000.0, "use-time": 30.0,
         "tdp-use-time": 10500.0}
    )  # fmt: skip
    assert AMOUNTS["flops"](({"gflops": 2.0}, None, Extent(1, 1.0))) is None


def test_constant_power_is_told_exactly_by_time() -> None:
    cases = [
        Case("c", training([70.0] * epochs, run=f"r{epochs}", configuration=name), {}, None, machine=f"m{name}")
        for name, epochs in (("a", 20), ("a", 25), ("b", 30), ("c", 40))
    ]
    scored = {(one.proxy, one.without): one.score for one in assess(cases, "meter", {}).proxies}
    for without in ("training", "configuration", "machine"):
        score = scored[("time", without)]
        assert score is not None
        assert score.n == 4
        assert score.rmse_j == pytest.approx(0.0, abs=1e-9)
    assert scored[("tdp", "training")] is None


def test_what_a_proxy_cannot_know_is_no_estimate() -> None:
    found = scored_proxies(
        [({"tdp_w": 100.0}, None, Extent(2, 2.0)), ({}, None, Extent(2, 2.0)), ({"tdp_w": 50.0}, None, Extent(2, 2.0))],
        np.array([10.0, 10.0, 10.0]), {"training": ["0", "1", "2"], "configuration": ["a"] * 3, "machine": [""] * 3},
    )  # fmt: skip
    tdp = {one.without: one for one in found if one.proxy == "tdp"}
    assert (tdp["training"].score is not None, tdp["training"].left_out) == (True, 1)
    assert (tdp["machine"].score, tdp["machine"].left_out) == (None, 3)


def test_step_begins_when_power_has_settled() -> None:
    """Known: after the own change. Predicted: where nine tenths of the others had settled."""
    slow = [10.0] * 20 + [20.0] * 20
    cases = [
        Case("c", training(slow, run=f"r{place}"), {}, None, settling=Settling(epoch, 1.0, 0.0))
        for place, epoch in enumerate((19, 24, 29))
    ]
    found = assess(cases, "meter", {}, start=10, window=5)
    assert found.settled == 30
    first = {(one.estimator, one.extent): one.energy_j for one in found.trainings[0].estimates}
    assert first[("step-epoch-settled", "known")] == pytest.approx(600.0)
    assert first[("step-epoch-settled", "predicted")] == pytest.approx(600.0)
    assert first[("step-epoch", "known")] == pytest.approx(400.0)
    assert first[("step-power-settled", "known")] == pytest.approx(800.0)
