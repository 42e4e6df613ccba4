"""MLPerf Training's test of a power meter against hand calculation: ties, exactly the limit, just above it."""

import math

import numpy as np
import pytest

from reports.qualification.olympic import SPANS, decision, minutes, olympic_mean, olympic_test
from reports.qualification.trace import of_counter, of_gauge, of_windows
from reports.results.software_meter import OlympicSpan, OlympicTest, Refusal
from reports.results.uncertainty import Estimate, Number, Term


def spans(wall_w: list[float], software_w: list[float]) -> list[OlympicSpan]:
    """Minutes of one run with these means."""
    pairs = zip(wall_w, software_w, strict=True)
    return [OlympicSpan("r", 60.0 * at, wall, software) for at, (wall, software) in enumerate(pairs)]


def outcome(wall_w: list[float], software_w: list[float], limit: float = 5.0, common_u: float = 0.0) -> OlympicTest:
    """The test of these minutes, which is no refusal."""
    result = olympic_test(spans(wall_w, software_w), limit, [Term(common_u, math.inf)])
    assert isinstance(result, OlympicTest)
    return result


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1.0, 2.0, 3.0, 4.0, 90.0], 3.0),
        ([5.0, 1.0, 3.0, 2.0, 4.0], 3.0),
        ([7.0, 7.0, 7.0, 1.0, 2.0], (7 + 7 + 2) / 3),  # of three equal highest one is dropped
        ([1.0, 1.0, 4.0, 9.0, 9.0], (1 + 4 + 9) / 3),
        ([2.0, 2.0, 2.0, 2.0, 2.0], 2.0),
    ],
)
def test_the_olympic_mean_drops_one_highest_and_one_lowest(values: list[float], mean: float) -> None:
    assert olympic_mean(values) == pytest.approx(mean, rel=1e-15)


def test_each_side_drops_its_own_minutes() -> None:
    result = outcome([100.0, 104.0, 102.0, 90.0, 120.0], [97.0, 99.0, 60.0, 98.0, 130.0])
    assert (result.wall_w, result.software_w) == (102.0, 98.0)
    assert result.ratio.value == pytest.approx(98 / 102, rel=1e-15)
    assert result.passed


@pytest.mark.parametrize("limit", [5.0, 0.1, 7.3, 12.5])
@pytest.mark.parametrize("wall_w", [100.0, 33.3, 1175.519801])
@pytest.mark.parametrize("side", [-1, 1])
def test_exactly_the_limit_passes_and_above_it_fails(limit: float, wall_w: float, side: int) -> None:
    exactly = wall_w * (1 + side * limit / 100)
    above = wall_w * (1 + side * (limit + 1e-5) / 100)
    assert outcome([wall_w] * SPANS, [exactly] * SPANS, limit).passed
    assert not outcome([wall_w] * SPANS, [above] * SPANS, limit).passed


def test_the_scatter_of_the_minutes_is_that_of_a_trimmed_mean() -> None:
    result = outcome([100.0] * SPANS, [90.0, 94.0, 95.0, 97.0, 99.0])
    # Winsorised: 94 94 95 97 97, variance 2.3; u = sqrt(2.3 / 5) / (1 - 2/5), 2 degrees of freedom, per 100 W.
    assert result.ratio.estimate.u == pytest.approx(math.sqrt(2.3 / 5) / 0.6 / 100)
    assert result.ratio.estimate.dof == pytest.approx(2)


def test_the_limits_of_the_wall_enter_the_ratio() -> None:
    assert outcome([100.0] * SPANS, [80.0] * SPANS, common_u=0.01).ratio.estimate.u == pytest.approx(0.008)


@pytest.mark.parametrize(
    ("ratio", "expanded", "said"),
    [(0.97, 0.02, "passes"), (0.97, 0.021, "cannot-be-decided"), (0.94, 0.02, "cannot-be-decided"),
     (0.92, 0.02, "fails"), (1.08, 0.02, "fails"), (1.05, 0.0, "passes")],
)  # fmt: skip
def test_the_decision_keeps_a_guard_band(ratio: float, expanded: float, said: str) -> None:
    u = expanded / Number(Estimate(1.0, 1.0, math.inf), "1").expanded  # type: ignore[operator]
    assert decision(Number(Estimate(ratio, u * 0.999999999, math.inf), "1"), 5.0) == said


def test_without_an_uncertainty_nothing_is_decided() -> None:
    assert decision(Number(Estimate(1.0, None, None), "1"), 5.0) == "cannot-be-decided"


def test_four_minutes_are_refused() -> None:
    result = olympic_test(spans([100.0] * 4, [90.0] * 4), 5.0, [])
    assert isinstance(result, Refusal)
    assert result.code == "too-short"
    assert "4 whole minutes" in result.text


def test_a_wall_at_zero_is_refused() -> None:
    result = olympic_test(spans([0.0] * 5, [90.0] * 5), 5.0, [])
    assert isinstance(result, Refusal)
    assert result.code == "not-above-zero"


def test_minutes_of_gauge_and_counter_are_taken_on_their_own_stamps() -> None:
    wall = of_windows(np.arange(1.0, 400.0), np.full(399, 100.0), 1.0)
    gauge_s = np.arange(0.3, 400, 0.7)
    ramp = of_gauge(gauge_s, 50 + 0.1 * gauge_s)
    first = next(minutes("r", wall, ramp, 10.0, 390.0))
    assert first.wall_w == pytest.approx(100)
    assert first.software_w == pytest.approx(50 + 0.1 * 40)
    counter = of_counter(gauge_s, np.mod(80 * gauge_s, 5000.0), 5000.0)
    found = list(minutes("r", wall, counter, 10.0, 390.0))
    assert len(found) == 6
    assert [span.software_w for span in found] == pytest.approx([80.0] * 6)


def test_a_minute_with_a_gap_does_not_count() -> None:
    times_s = np.arange(0.0, 400.0)
    wall = of_windows(times_s, np.full(400, 100.0), 1.0)
    kept = (times_s < 70) | (times_s > 80)
    software = of_gauge(times_s[kept], np.full(int(kept.sum()), 90.0))
    assert [span.start_s for span in minutes("r", wall, software, 0.0, 399.0)] == [0.0, 120.0, 180.0, 240.0, 300.0]
