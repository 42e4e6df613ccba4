"""The share seen and the transfer function: hand calculation, uncertainty of both sides, refusals, coverage."""

import math
from dataclasses import replace

import numpy as np
import pytest

from reports.qualification.share import RunMeans, WallError, mean_power, run_means, seen_share
from reports.qualification.trace import of_gauge, of_windows
from reports.qualification.transfer import LevelRun, line_through, predicted_w, transfer_of
from reports.results.software_meter import LoadKind, Refusal, SeenShare, Transfer
from reports.results.uncertainty import Number

EXACT = WallError(0.0, 0.0)
UNKNOWN_LAG = Refusal("constant", "")
KINDS: tuple[LoadKind, ...] = ("cpu", "gpu")


def runs(*pairs: tuple[float, float]) -> list[RunMeans]:
    """Runs with these means of wall and software."""
    return [RunMeans(f"r{at}", wall_w, software_w, 0.5, 0.0) for at, (wall_w, software_w) in enumerate(pairs)]


def share_of(pairs: list[RunMeans], wall: WallError, quantum_u_w: float) -> SeenShare:
    """The share, which is no refusal."""
    result = seen_share(pairs, wall, quantum_u_w)
    assert isinstance(result, SeenShare)
    return result


def test_a_share_is_the_mean_of_the_repetitions_with_their_scatter() -> None:
    seen = share_of(runs((100, 60), (100, 62), (100, 64)), EXACT, 0.0)
    assert seen.share.value == pytest.approx(0.62)
    assert seen.share.estimate.u == pytest.approx(0.02 / math.sqrt(3))
    assert seen.share.estimate.dof == pytest.approx(2)
    assert seen.share.n == 3


def test_limits_of_the_wall_and_quantum_are_common_to_all_repetitions() -> None:
    seen = share_of(runs(*[(100, 60)] * 12), WallError(0.01, 0.5), 0.3)
    lines = {line.source: line.u for line in seen.lines}
    assert lines["wall-limits"] == pytest.approx(0.6 * math.hypot(0.01, 0.005))
    assert lines["software-quantum"] == pytest.approx(0.003)
    assert seen.share.estimate.u == pytest.approx(math.hypot(lines["wall-limits"], 0.003))


def test_sampling_counts_where_one_run_stands_alone() -> None:
    assert share_of(runs((100, 60)), EXACT, 0.0).share.estimate.u == pytest.approx(0.005)
    assert share_of(runs((100, 60)), EXACT, 0.0).share.sd is None


@pytest.mark.parametrize(("pairs", "code"), [([], "no-record"), ([(0.0, 1.0)], "not-above-zero")])
def test_what_has_no_share_is_refused(pairs: list[tuple[float, float]], code: str) -> None:
    refused = seen_share(runs(*pairs), EXACT, 0.0)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_mean_power_without_a_run_is_refused() -> None:
    assert isinstance(mean_power([]), Refusal)
    assert isinstance(mean := mean_power(runs((100, 60), (100, 62))), Number)
    assert mean.value == 61


def test_an_unknown_lag_counts_at_edges_where_the_power_differs() -> None:
    times_s = np.arange(1.0, 301.0)
    wall = of_windows(times_s, 100 + times_s / 10, 1.0)
    software = of_gauge(times_s, 60 + times_s / 10)
    means = run_means("r", wall, software, (20.0, 280.0), UNKNOWN_LAG, 60 + times_s[20:280] / 10)
    assert isinstance(means, RunMeans)
    assert means.software_w == pytest.approx(75)
    assert means.edges_u_w == pytest.approx(26 * 5 / math.sqrt(3) / 260, rel=0.05)
    assert means.sampling_u_w == pytest.approx(0.1 / math.sqrt(2 * 260), rel=0.01)
    assert isinstance(run_means("r", wall, software, (20.0, 500.0), UNKNOWN_LAG, times_s[:0]), Refusal)


# --- transfer -------------------------------------------------------------------------------------------------------


def levels(
    seed: int, kinds: tuple[LoadKind, ...] = ("cpu",), count: int = 5, repetitions: int = 3, noise_w: float = 0.5
) -> list[LevelRun]:
    """Runs in random order: wall = 30 + 1.25 software, both with noise."""
    rng = np.random.default_rng(seed)
    made: list[LevelRun] = []
    for _ in range(repetitions):
        cells = [(kind, level) for kind in kinds for level in range(1, count + 1)]
        for place in rng.permutation(len(cells)):
            kind, level = cells[place]
            true_w = 20.0 + 15 * level
            software_w, wall_w = true_w + rng.normal(0, noise_w), 30 + 1.25 * true_w + rng.normal(0, noise_w)
            made.append(LevelRun(len(made), f"r{len(made)}", f"{kind}{level}", kind, 20.0 * level,
                                 software_w, noise_w, 0.0, wall_w, noise_w))  # fmt: skip
    return made


def fitted(made: list[LevelRun]) -> Transfer:
    """The transfer function, which is no refusal."""
    result = transfer_of(made, WallError(0.002, 0.1))
    assert isinstance(result, Transfer), result
    return result


def test_levels_that_are_all_alike_give_no_line() -> None:
    """A machine that other programs keep busy draws the same at every level: whatever slope comes out is chance."""
    rng = np.random.default_rng(11)
    made = [
        replace(run, software_w=28.0 + rng.normal(0, 0.01), wall_w=103.0 + rng.normal(0, 0.03))
        for run in levels(3, noise_w=0.02)
    ]
    refused = transfer_of(made, EXACT)
    assert isinstance(refused, Refusal)
    assert "the gain cannot be told from zero" in refused.text


def test_yorks_line_is_the_one_published() -> None:
    # Pearson's data with York's weights: a = 5.47991, b = -.480533; uncertainties of adjusted points .295 and .058.
    x = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
    y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
    weights_x = np.array([1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
    weights_y = np.array([1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500.0])
    line = line_through(x, weights_x**-0.5, y, weights_y**-0.5)
    assert (line.offset_w, line.gain) == pytest.approx((5.47991, -0.480533), abs=1e-5)
    assert np.sqrt(np.diag(line.covariance)) == pytest.approx([0.2950, 0.0580], abs=5e-4)
    assert line.chi_squared == pytest.approx(11.8664, abs=1e-3)


def test_the_line_and_its_spreads_are_found() -> None:
    transfer = fitted(levels(1, KINDS))
    assert abs(transfer.offset_w.value - 30) < (transfer.offset_w.expanded or 0)
    assert abs(transfer.gain.value - 1.25) < (transfer.gain.expanded or 0)
    assert transfer.dof == 8
    assert [one.what for one in transfer.left_out] == ["level"] * 10 + ["kind"] * 2
    assert set(transfer.ranges) == {"cpu", "gpu"}
    assert transfer.kind_spread_w is not None


def test_offset_covers_and_is_no_wider_than_needed() -> None:
    estimates = [fitted(levels(seed)).offset_w for seed in range(300)]
    share = np.mean([abs(one.value - 30) <= (one.expanded or 0) for one in estimates])
    assert 0.92 <= share <= 0.98


@pytest.mark.parametrize(
    ("made", "code", "text"),
    [
        (levels(1, count=4), "too-few-levels", "Kind cpu has 4 levels"),
        (levels(1, repetitions=2), "too-few-repetitions", "0 levels with 3 repetitions"),
        ([replace(run, kind="idle") for run in levels(1)], "too-few-levels", "no load beside idle"),
        ([replace(run, place=int(run.level_percent * 100) + at) for at, run in enumerate(levels(1))],
         "order-not-random", "in order"),
        ([replace(run, place=int(run.level_percent) + 1000 * (at // 5)) for at, run in enumerate(levels(1))],
         "order-not-random", "in order"),
        ([replace(run, software_w=50.0) for run in levels(1)], "constant", "does not see them"),
    ],
)  # fmt: skip
def test_a_transfer_function_without_enough_is_refused(made: list[LevelRun], code: str, text: str) -> None:
    refused = transfer_of(made, EXACT)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert text in refused.text


def test_a_kind_that_lacks_levels_is_left_out() -> None:
    made = levels(1, KINDS)
    few = [run for run in made if run.kind == "cpu" or run.level_percent < 60]
    assert set(fitted(few).ranges) == {"cpu"}


def test_a_prediction_holds_the_spread_and_the_wall() -> None:
    transfer = fitted(levels(3, KINDS))
    predicted = predicted_w(transfer, "cpu", 65.0, 0.5)
    assert isinstance(predicted, Number)
    assert abs(predicted.value - (30 + 1.25 * 65)) < (predicted.expanded or 0)
    assert (predicted.estimate.u or 0) > math.hypot(transfer.level_spread_w, transfer.kind_spread_w or 0)


@pytest.mark.parametrize(("kind", "software_w", "code"), [("cpu", 10.0, "no-overlap"), ("memory", 65.0, "no-record")])
def test_a_prediction_outside_of_what_was_measured_is_refused(kind: LoadKind, software_w: float, code: str) -> None:
    refused = predicted_w(fitted(levels(3)), kind, software_w, 0.0)
    assert isinstance(refused, Refusal)
    assert refused.code == code
