"""The energy of a sum of runs that are no replicates: what they share counts once, with its sign."""

import math
from dataclasses import replace

import numpy as np
import pytest

from reports.campaign.group import Group
from reports.campaign.run import AT_RUN
from reports.energy import budget
from reports.energy.sample import Kind
from reports.results.uncertainty import Number
from tests.benchmarks.bench_coverage import Bench, Setting

KINDS: tuple[Kind, Kind] = ("gross", "induced")
TRIALS = Setting("trials", 8, 4, load_w=20.0, run_sd_w=6.0)
"""Runs whose loads differ as those of a search's trials do."""


def sums_of(group: Group) -> tuple[Number, Number]:
    """Total and induced energy of all runs together."""
    at = [AT_RUN] * len(group.runs)
    gross, induced = (budget.of_sum(group.terms, at, kind) for kind in KINDS)
    assert gross is not None
    assert induced is not None
    return gross, induced


def u_of(number: Number | None) -> float:
    assert number is not None
    assert number.estimate.u is not None
    return number.estimate.u


def group_of(setting: Setting, seed: int = 3) -> Group:
    return Bench(setting).campaign(np.random.default_rng(seed))[0]


def test_a_sum_is_the_sum_of_its_parts_and_counts_them() -> None:
    group = group_of(TRIALS)
    gross, induced = sums_of(group)
    assert gross.value == pytest.approx(math.fsum(group.energies_wh))
    assert induced.value == pytest.approx(math.fsum(group.induced_wh))
    assert (gross.n, induced.n, gross.unit) == (8, 8, "Wh")


def test_the_sum_of_one_run_has_the_u_of_that_run() -> None:
    group = group_of(replace(TRIALS, runs=1, clock_bound_s=0.1))
    for found, kind in zip(sums_of(group), KINDS, strict=True):
        alone = budget.of_one(group.terms[0], kind).number(AT_RUN)
        assert u_of(found) == pytest.approx(u_of(alone), rel=1e-6)


def test_a_gain_errs_in_the_whole_sum_alike() -> None:
    only_gain = replace(TRIALS, gain_percent=3.0, offset_w=0.0, noise_w=1e-4, resolution_w=1e-6, curve_w=0.0)
    gross, _ = sums_of(group_of(only_gain))
    assert u_of(gross) == pytest.approx(0.03 / math.sqrt(3) * gross.value, rel=0.01)


def test_the_baseline_is_subtracted_from_all_and_its_error_counts_once_for_all_of_them() -> None:
    noisy = replace(TRIALS, blocks=2, drift_w=3.0, gain_percent=0.0, offset_w=0.0, noise_w=1e-4, resolution_w=1e-6)
    group = group_of(noisy)
    joint = u_of(sums_of(group)[1])
    alone = [u_of(budget.of_one(own, "induced").number(AT_RUN)) for own in group.terms]
    # Every run leans on the same two blocks, one more on the first, another on the second: the errors nearly add up.
    assert 0.7 * math.fsum(alone) < joint <= 1.001 * math.fsum(alone)
    assert joint > 1.8 * math.hypot(*alone)


def test_without_the_spread_of_the_baseline_the_sum_has_no_u_and_without_runs_there_is_none() -> None:
    group = group_of(replace(TRIALS, blocks=1))
    gross, induced = sums_of(group)
    assert induced.estimate.u is None
    assert gross.estimate.u is not None
    assert budget.of_sum([], [], "gross") is None


@pytest.mark.parametrize("setting", [replace(TRIALS, gain_percent=3.0), replace(TRIALS, drift_w=0.5, noise_w=2.0)])
def test_u_of_a_sum_covers_what_was_put_in(setting: Setting) -> None:
    bench, random, campaigns = Bench(setting), np.random.default_rng(20261130), 50
    covered = naively = 0
    for _ in range(campaigns):
        group, truth = bench.campaign(random)
        induced = sums_of(group)[1]
        away = abs(induced.value - float(truth.runs_wh.sum()))
        covered += away <= (induced.expanded or 0.0)
        singles = [budget.of_one(own, "induced").number(AT_RUN) for own in group.terms]
        naively += away <= math.hypot(*((one.expanded or 0.0) for one in singles if one))
    # 50 draws of 95 % are below 42 once in a thousand.
    assert covered >= 42
    assert naively <= covered
