"""Energy: the laws of an integral, the edges of windows, gaps, the baseline."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.record.documents import PowerDescriptor
from harness.record.errors import AnalysisError
from reports.energy.budget import baseline_term, induced
from reports.energy.energy import Block, baseline_for, pooled_w, register_energy_wh
from reports.energy.power_function import power_function, summed
from reports.results.uncertainty import t_quantile
from tests.analysis.streams import at, descriptor, stream

POWERS = st.lists(st.floats(0, 2000), min_size=2, max_size=40)
STEPS = st.lists(st.floats(0.2, 4), min_size=2, max_size=40)
HOWS = st.builds(
    descriptor,
    averaging=st.sampled_from(["window", "instantaneous"]),
    stamp=st.sampled_from(["end", "start", "unknown"]),
    window_s=st.floats(0.5, 2),
    latency_s=st.floats(0, 1),
)
EDGE = st.floats(-20, 200)


@given(STEPS, POWERS, HOWS, EDGE, EDGE, EDGE)
def test_energy_and_gaps_are_additive_over_a_split(
    steps: list[float], powers: list[float], how: PowerDescriptor, a: float, b: float, c: float
) -> None:
    count = min(len(steps), len(powers))
    function = power_function(stream(np.cumsum(steps[:count]).tolist(), powers[:count], how))
    a, b, c = sorted((a, b, c))
    for part in (function.energy_j, function.gap_energy_j, function.gap_s):
        whole = float(part(at(a), at(c)))
        assert float(part(at(a), at(b))) + float(part(at(b), at(c))) == pytest.approx(whole, rel=1e-9, abs=1e-6)
        assert whole >= -1e-6


@given(STEPS, st.floats(0, 2000), HOWS, EDGE, EDGE)
def test_constant_power_gives_power_times_time(
    steps: list[float], power_w: float, how: PowerDescriptor, a: float, b: float
) -> None:
    function = power_function(stream(np.cumsum(steps).tolist(), [power_w] * len(steps), how))
    a, b = sorted((a, b))
    duration_s = (at(b) - at(a)) * 1e-9
    assert float(function.energy_j(at(a), at(b))) == pytest.approx(power_w * duration_s, rel=1e-9, abs=1e-6)
    assert float(function.gap_s(at(a), at(b))) <= duration_s + 1e-6


@given(STEPS, POWERS, STEPS, POWERS, HOWS, HOWS, EDGE, EDGE)
def test_the_sum_of_two_circuits_is_the_sum_of_their_energies_over_any_interval(
    steps: list[float],
    powers: list[float],
    other_steps: list[float],
    other_powers: list[float],
    how: PowerDescriptor,
    other_how: PowerDescriptor,
    a: float,
    b: float,
) -> None:
    pairs = ((steps, powers, how), (other_steps, other_powers, other_how))
    functions = [power_function(stream(np.cumsum(s[: len(p)]).tolist(), p[: len(s)], h)) for s, p, h in pairs]
    a, b = sorted((a, b))
    alone = [float(function.energy_j(at(a), at(b))) for function in functions]
    assert float(summed(functions).energy_j(at(a), at(b))) == pytest.approx(sum(alone), rel=1e-9, abs=1e-6)
    assert float(summed(functions).gap_s(at(a), at(b))) >= max(float(f.gap_s(at(a), at(b))) for f in functions) - 1e-6


def test_two_circuits_are_summed_by_time_and_not_by_line_number() -> None:
    slow = power_function(stream([2.0, 4.0, 6.0, 8.0], [10.0, 30.0, 30.0, 30.0], descriptor(window_s=2.0)))
    fast = power_function(stream([float(k) for k in range(3, 9)], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    both = summed([slow, fast])
    # From 2 s to 4 s: 30 W from the slow one; the fast one 1 W until 3 s, then 2 W.
    assert float(both.energy_j(at(2.5), at(4.0))) == pytest.approx(30 * 1.5 + 1 * 0.5 + 2 * 1.0)
    assert float(both.energy_j(at(7.0), at(8.0))) == pytest.approx(30 + 6)
    with pytest.raises(AnalysisError, match="no power stream"):
        summed([])


@given(POWERS, st.integers(2, 5), st.data())
def test_energy_does_not_depend_on_how_samples_are_grouped(powers: list[float], size: int, data: st.DataObject) -> None:
    powers = (powers * size)[: len(powers) // size * size or size]
    powers += [0.0] * (-len(powers) % size)
    fine = power_function(stream(range(1, len(powers) + 1), powers))
    means = np.array(powers).reshape(-1, size).mean(axis=1).tolist()
    coarse = power_function(stream(range(size, len(powers) + 1, size), means, descriptor(window_s=float(size))))
    edges = sorted(data.draw(st.lists(st.integers(0, len(means)), min_size=2, max_size=2)))
    interval = at(edges[0] * size), at(edges[1] * size)
    assert float(fine.energy_j(*interval)) == pytest.approx(float(coarse.energy_j(*interval)), rel=1e-9, abs=1e-9)


@given(STEPS, POWERS, HOWS, EDGE, EDGE)
def test_the_same_stream_replayed_gives_the_same_energy(
    steps: list[float], powers: list[float], how: PowerDescriptor, a: float, b: float
) -> None:
    count = min(len(steps), len(powers))
    seconds = np.cumsum(steps[:count]).tolist()
    one, two = (power_function(stream(seconds, powers[:count], how)).energy_j(at(a), at(b)) for _ in range(2))
    assert one.tobytes() == two.tobytes()


@given(STEPS, POWERS, st.floats(0.5, 2), EDGE, EDGE)
def test_energy_is_the_sum_of_power_times_overlap(
    steps: list[float], powers: list[float], window_s: float, a: float, b: float
) -> None:
    """The formula of method.md section 2, literally, and the gaps beside it; moving averages are taken apart."""
    count = min(len(steps), len(powers))
    ends = np.round(np.cumsum(steps[:count]), 9)
    a, b = sorted((round(a, 9), round(b, 9)))
    series = stream(ends.tolist(), powers[:count], descriptor(window_s=window_s))
    assume(not series.is_moving)
    function = power_function(series)
    covered_j = covered_s = 0.0
    for k, end in enumerate(ends):
        begin = max(ends[k - 1] if k else -np.inf, end - 1.5 * window_s)
        overlap = max(0.0, min(b, end) - max(a, begin))
        covered_j, covered_s = covered_j + powers[k] * overlap, covered_s + overlap
    energy_j, gap_j = float(function.energy_j(at(a), at(b))), float(function.gap_energy_j(at(a), at(b)))
    assert energy_j - gap_j == pytest.approx(covered_j, rel=1e-6, abs=1e-4)
    assert float(function.gap_s(at(a), at(b))) == pytest.approx((b - a) - covered_s, abs=1e-6)


def test_partial_first_and_last_windows_count_in_part() -> None:
    function = power_function(stream([1, 2, 3], [10, 20, 30]))
    assert float(function.energy_j(at(0.25), at(2.5))) == pytest.approx(0.75 * 10 + 20 + 0.5 * 30)


def test_stamps_at_the_start_of_a_window_shift_it_by_one_window_and_latency_shifts_it_back() -> None:
    end = power_function(stream([1, 2, 3], [10, 20, 30]))
    start = power_function(stream([0, 1, 2], [10, 20, 30], descriptor(stamp="start")))
    late = power_function(stream([1.4, 2.4, 3.4], [10, 20, 30], descriptor(latency_s=0.4)))
    told = power_function(stream([0, 1, 2], [10, 20, 30], descriptor(stamp="unknown")), "start")
    expected = float(end.energy_j(at(0.3), at(2.9)))
    for other in (start, late, told):
        assert float(other.energy_j(at(0.3), at(2.9))) == pytest.approx(expected)


def test_a_gap_is_filled_by_a_straight_line_and_its_energy_stands_apart() -> None:
    function = power_function(stream([1, 2, 6, 7], [10, 10, 50, 50]))
    # The window of the reading at 6 s reaches back 1.5 s: 2 s to 4.5 s are not covered, from 10 W to 50 W.
    assert float(function.gap_s(at(0), at(7))) == pytest.approx(2.5)
    assert float(function.gap_energy_j(at(0), at(7))) == pytest.approx(30 * 2.5)
    assert float(function.energy_j(at(0), at(7))) == pytest.approx(20 + 75 + 75 + 50)
    assert float(function.gap_energy_j(at(2), at(3.25))) == pytest.approx((10 + 30) / 2 * 1.25)


def test_what_lies_outside_of_all_readings_is_a_gap_at_the_nearest_power() -> None:
    function = power_function(stream([1, 2], [10, 30]))
    assert float(function.gap_energy_j(at(-1.5), at(4))) == pytest.approx(1 * 10 + 2 * 30)
    assert float(function.gap_s(at(-1.5), at(4))) == pytest.approx(3)


def test_instantaneous_values_are_integrated_by_trapezoid() -> None:
    function = power_function(stream([0, 1, 2], [0, 10, 20], descriptor("instantaneous")))
    assert float(function.energy_j(at(0), at(2))) == pytest.approx(20)
    assert float(function.energy_j(at(0.5), at(1.5))) == pytest.approx(10)
    assert float(function.gap_s(at(0), at(2))) == 0
    assert float(power_function(stream([1], [5], descriptor("instantaneous"))).energy_j(at(0), at(2))) == pytest.approx(
        10
    )


@given(STEPS, POWERS)
def test_a_gap_of_instantaneous_values_is_what_is_further_than_one_usual_step_from_all_of_them(
    steps_s: list[float], powers: list[float]
) -> None:
    seconds = np.cumsum([0.0, *steps_s])
    values = np.resize(powers, seconds.size)
    series = stream(seconds.tolist(), values.tolist(), descriptor("instantaneous"))
    function, usual_s = power_function(series), series.reach_s
    begin_ns, end_ns = int(series.times_ns[0]), int(series.times_ns[-1])
    missing_s = np.maximum(np.diff(series.times_ns) * 1e-9 - 2 * usual_s, 0).sum()
    assert float(function.gap_s(begin_ns, end_ns)) == pytest.approx(missing_s, abs=1e-6)
    joules = np.trapezoid(values, series.times_ns * 1e-9 - series.times_ns[0] * 1e-9)
    assert float(function.energy_j(begin_ns, end_ns)) == pytest.approx(joules, rel=1e-6, abs=1e-4)


def test_values_that_stand_for_a_while_leave_no_gap_before_they_are_due_again() -> None:
    steps_s = [0.006] * 20 + [0.09] + [0.006] * 20
    seconds, values = np.cumsum([0.0, *steps_s]).tolist(), [100.0] * 42
    at_once, standing = (stream(seconds, values, descriptor("instantaneous", window_s=s)) for s in (0.0, 0.1))
    assert float(power_function(at_once).gap_s(at(0), at(seconds[-1]))) == pytest.approx(0.09 - 0.012)
    assert float(power_function(standing).gap_s(at(0), at(seconds[-1]))) == 0
    assert at_once.reach_s == pytest.approx(0.006)
    assert standing.reach_s == 0.1


def test_two_readings_with_one_stamp_do_not_count_twice() -> None:
    assert float(power_function(stream([1, 2, 2, 3], [10, 10, 10, 10])).energy_j(at(0), at(3))) == pytest.approx(30)


def test_a_stream_without_a_reading_has_no_energy() -> None:
    with pytest.raises(AnalysisError, match="no reading"):
        power_function(stream([], []))


def test_the_meters_register_is_read_at_the_nearest_readings() -> None:
    series = stream([1, 2, 3, 4], [1] * 4, register_wh=[0.1, 0.2, np.nan, 0.4])
    assert register_energy_wh(series, at(1.1), at(3.9)) == pytest.approx(0.3)
    assert register_energy_wh(stream([1, 2], [1, 1]), at(1), at(2)) is None
    assert register_energy_wh(stream([1, 2], [1, 1], register_wh=[5.0, 0.1]), at(1), at(2)) is None


def blocks(*means_w: float, session: str = "s") -> list[Block]:
    return [Block(at(100 * i), at(100 * i + 20), mean_w, session) for i, mean_w in enumerate(means_w)]


def test_the_baseline_is_a_line_between_the_blocks_around_a_run() -> None:
    level = baseline_for(blocks(10, 20, 20), "s", at(40), at(90))
    assert level is not None
    assert level.interpolated
    assert float(level.energy_j(at(60), at(61))) == pytest.approx(15.05)
    assert level.u_w == pytest.approx(WIDER[3] * np.std([10, 20, 20], ddof=1) / np.sqrt(3))


WIDER = {m: t_quantile(m - 1.0) / t_quantile(np.inf) for m in (2, 3, 4)}
"""What fewer than five blocks are widened by."""


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fewer_than_five_blocks_hardly_know_their_spread(count: int) -> None:
    means = [10.0, 20.0, 14.0, 12.0][:count]
    level = baseline_for(blocks(*means), "s", at(40), at(60))
    assert level is not None
    assert level.sd_w == pytest.approx(WIDER[count] * np.std(means, ddof=1))
    assert level.dof == np.inf
    five = baseline_for(blocks(*means, *([11.0] * (5 - count))), "s", at(40), at(60))
    assert five is not None
    assert (five.dof, five.shape_w) == (4, 0)


def test_what_two_blocks_do_not_see_between_them_is_a_limit_by_their_slopes() -> None:
    """Blocks on a parabola that rises by 2 W to the middle: both have the same mean."""
    rise = [Block(at(0), at(20), 10.0, "s", 0.02), Block(at(380), at(400), 10.0, "s", -0.02)]
    level = baseline_for(rise, "s", at(150), at(250))
    assert level is not None
    assert level.u_w == 0
    assert level.shape_w == pytest.approx(380 / 8 * 0.04)
    straight = [Block(at(0), at(20), 10.0, "s", 0.01), Block(at(380), at(400), 13.8, "s", 0.01)]
    level = baseline_for(straight, "s", at(150), at(250))
    assert level is not None
    assert level.shape_w == pytest.approx(0, abs=1e-12)


def test_the_power_just_before_a_run_shows_a_baseline_that_blocks_do_not() -> None:
    level = baseline_for(blocks(10, 10), "s", at(40), at(60), idle_w=12.5)
    assert level is not None
    assert level.shape_w == pytest.approx(2.5)


def test_a_run_beside_all_blocks_or_of_another_session_gets_the_pooled_baseline() -> None:
    beside = baseline_for(blocks(10, 20), "s", at(300), at(400))
    other = baseline_for(blocks(10, 20), "t", at(40), at(90))
    for level, session in ((beside, "s"), (other, None)):
        assert level is not None
        assert (level.interpolated, level.session) == (False, session)
        assert float(level.energy_j(at(40), at(42))) == pytest.approx(30)


def test_without_a_block_there_is_no_baseline_and_one_block_has_no_uncertainty() -> None:
    assert baseline_for([], "s", at(0), at(1)) is None
    assert baseline_for(blocks(10), "s", at(0), at(1)) is not None
    one = baseline_for(blocks(10), "s", at(40), at(90))
    assert one is not None
    number = induced(np.array([1.0, 2.0]), np.array([60.0, 60.0]), [one, one])
    assert number is not None
    assert (number.estimate.value, number.estimate.u, number.n) == (1.5, None, 2)


@given(st.lists(st.floats(1, 100), min_size=2, max_size=8), st.floats(1, 50), st.floats(60, 600))
def test_a_run_at_the_power_of_the_baseline_induces_nothing(
    means: list[float], power_w: float, duration_s: float
) -> None:
    same = blocks(*([power_w] * len(means)))
    level = baseline_for(same, "s", at(10), at(10 + duration_s))
    assert level is not None
    assert float(level.energy_j(at(10), at(10 + duration_s))) == pytest.approx(power_w * duration_s, rel=1e-9)


def test_the_baselines_of_two_sessions_err_independently_and_one_block_borrows_the_spread_of_all() -> None:
    everyone = blocks(10, 12) + blocks(11, 13, 12, session="t") + blocks(14, session="u")
    levels = [baseline_for(everyone, session, at(500), at(560)) for session in ("s", "s", "t", "u")]
    u_w = [level.u_w for level in levels if level is not None and level.u_w is not None]
    assert u_w[3] == pytest.approx(np.std([10, 12, 11, 13, 12, 14], ddof=1))
    term = baseline_term(levels, np.ones(4))
    assert term is not None
    assert term.u == pytest.approx(np.hypot(np.hypot(2 * u_w[0], u_w[2]), u_w[3]) / 4)


def test_pooled_power_weighs_blocks_by_their_time() -> None:
    assert pooled_w([Block(at(0), at(10), 10.0, "s"), Block(at(20), at(50), 20.0, "s")]) == pytest.approx(17.5)
