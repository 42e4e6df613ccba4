"""Lag, averaging window and sampling of virtual meters of known truth; what cannot be told is refused."""

from dataclasses import replace

import numpy as np
import pytest

from reports.qualification.lag import Record, lag_of
from reports.qualification.sampling import dead_band_w, quantum_of, quantum_u_w, sampling_of
from reports.qualification.trace import of_windows
from reports.qualification.window import boxcar_fit, first_order_fit, response_record
from reports.results.software_meter import Lag, LagMethod, Refusal, Response, Sampling
from reports.results.uncertainty import Estimate, Number
from tests.benchmarks.virtual_sut import Setting, record

METHODS: tuple[LagMethod, ...] = ("cross-correlation", "likelihood")
UNKNOWN = Refusal("constant", "")


def virtual(setting: Setting, seed: int) -> tuple[Record, float]:
    """A record of a setting, and its true lag."""
    made = record(setting, np.random.default_rng(seed))
    return Record(f"r{seed}", made.wall, made.times_s, made.power_w), made.lag_s


def refusal_of(given: Record, method: LagMethod = "cross-correlation") -> Refusal:
    """Why the lag of a record is not told."""
    refused = lag_of([given], method)
    assert isinstance(refused, Refusal)
    return refused


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lag_s", [0.0, 0.37, 3.0, -2.5])
@pytest.mark.parametrize(
    "setting",
    [
        Setting("switched"),
        Setting("noise", noise_w=10.0, drops=0.1),
        Setting("quantum", quantum_w=36.0),
        Setting("natural", load="natural", duration_s=800.0),
    ],
    ids=lambda setting: setting.name,
)
def test_a_lag_is_told_with_its_sign(method: LagMethod, lag_s: float, setting: Setting) -> None:
    given, truth_s = virtual(replace(setting, lag_s=lag_s), 4)
    lag = lag_of([given], method)
    assert isinstance(lag, Lag), lag
    low_s, high_s = lag.bound_s
    assert low_s - (high_s - low_s) / 4 <= truth_s <= high_s + (high_s - low_s) / 4
    assert high_s - low_s < 1.0
    assert lag.correlation > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_bounds_hold_the_truth_as_often_as_stated(method: LagMethod) -> None:
    setting = Setting("noise", noise_w=10.0)
    draws = 60 if method == "cross-correlation" else 15
    lags = [(lag_of([given], method), truth_s) for given, truth_s in (virtual(setting, seed) for seed in range(draws))]
    inside = [lag.bound_s[0] <= truth_s <= lag.bound_s[1] for lag, truth_s in lags if isinstance(lag, Lag)]
    assert len(inside) == draws
    assert np.mean(inside) >= 0.86


def test_several_runs_are_better_than_one() -> None:
    both = [virtual(Setting("x", noise_w=10.0), seed) for seed in (1, 2, 3)]
    lag, alone = lag_of([given for given, _ in both], "cross-correlation"), lag_of([both[0][0]], "cross-correlation")
    assert isinstance(lag, Lag)
    assert isinstance(alone, Lag)
    assert lag.runs == ("r1", "r2", "r3")
    assert (lag.lag_s.estimate.u or 9) < (alone.lag_s.estimate.u or 0)


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99])
def test_constant_traces_are_refused(memory: float) -> None:
    setting = Setting("constant", load="constant", noise_w=2.0, wall_noise_w=1.0, memory=memory)
    refused = [isinstance(lag_of([virtual(setting, seed)[0]], "cross-correlation"), Refusal) for seed in range(100)]
    assert all(refused)


def test_a_value_that_never_changes_is_refused() -> None:
    given, _ = virtual(Setting("x"), 1)
    assert refusal_of(replace(given, power_w=np.full(given.times_s.size, 7.0))).code == "constant"


def test_an_offset_that_leaves_no_overlap_is_refused() -> None:
    given, _ = virtual(Setting("x"), 1)
    refusal = refusal_of(replace(given, times_s=given.times_s + 5 * 3600.0))
    assert refusal.code == "no-overlap"
    assert "overlap for 0 s" in refusal.text


def test_a_lag_beyond_the_search_is_refused() -> None:
    given, _ = virtual(Setting("x", load="natural", duration_s=800.0), 1)
    assert refusal_of(replace(given, times_s=given.times_s + 40.0)).code == "undetermined"


def test_a_load_that_repeats_itself_within_the_search_is_ambiguous() -> None:
    times_s = np.arange(0.0, 400.0, 0.5)
    power_w = 100 + 40 * (np.mod(times_s, 8) < 4)
    given = Record("r", of_windows(times_s, power_w, 0.5), times_s + 0.1, power_w * 0.6)
    assert "equally likely" in refusal_of(given).text


def test_a_meter_that_falls_where_the_wall_rises_has_no_lag() -> None:
    given, _ = virtual(Setting("x"), 1)
    assert refusal_of(replace(given, power_w=-given.power_w)).code == "undetermined"


def test_few_readings_and_no_run_are_refused() -> None:
    given, _ = virtual(Setting("x"), 1)
    assert refusal_of(replace(given, times_s=given.times_s[:9], power_w=given.power_w[:9])).code == "too-short"
    refused = lag_of([], "likelihood")
    assert isinstance(refused, Refusal)
    assert refused.code == "no-record"


# --- window ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window_s", [1.0, 3.0])
def test_the_averaging_window_is_found(window_s: float) -> None:
    given, truth_s = virtual(Setting("x", window_s=window_s), 2)
    fit = boxcar_fit(given.wall, given.times_s, given.power_w, truth_s + 0.1, 30.0)
    response = response_record("boxcar", fit)
    assert isinstance(response, Response)
    assert abs(response.duration_s.value - window_s) < (response.duration_s.expanded or 0)
    assert response.duration_s.value == pytest.approx(window_s, abs=0.15)


def test_a_first_order_response_is_told_from_a_boxcar() -> None:
    rng = np.random.default_rng(1)
    fine_s = np.arange(0.0, 600.0, 0.05)
    power_w = 60 + 100.0 * (np.floor(fine_s / 25 + 0.3 * np.sin(fine_s / 90)) % 2)
    shown = np.empty_like(power_w)
    shown[0] = power_w[0]
    kept = np.exp(-0.05 / 2.0)
    for place in range(1, power_w.size):
        shown[place] = kept * shown[place - 1] + (1 - kept) * power_w[place]
    seconds = power_w.reshape(-1, 20).mean(axis=1)
    wall = of_windows(np.arange(1.0, 601.0), seconds, 1.0)
    times_s = np.arange(0.4, 599.0)
    power_w = 0.5 * np.interp(times_s, fine_s + 0.05, shown) + rng.normal(0, 0.2, times_s.size)
    first_order = first_order_fit(wall, times_s, power_w, 2.0, 20.0)
    boxcar = boxcar_fit(wall, times_s, power_w, 2.0, 20.0)
    assert not isinstance(first_order, Refusal)
    assert not isinstance(boxcar, Refusal)
    assert first_order.duration.value == pytest.approx(2.0, abs=0.1)
    assert first_order.lag.value == pytest.approx(2.0, abs=0.1)
    assert first_order.residual_sd_w < boxcar.residual_sd_w / 2


def test_a_response_of_nothing_is_refused() -> None:
    given, _ = virtual(Setting("x"), 1)
    few = boxcar_fit(given.wall, given.times_s[:30], given.power_w[:30], 0.0, 9.0)
    still = boxcar_fit(given.wall, given.times_s, np.full(given.times_s.size, 3.0), 0.0, 9.0)
    assert [one.code for one in (few, still) if isinstance(one, Refusal)] == ["too-short", "constant"]


# --- sampling -------------------------------------------------------------------------------------------------------


def sampled(given: Record, boxcar: Response | Refusal = UNKNOWN) -> Sampling:
    """What the readings of a gauge tell, which is no refusal."""
    result = sampling_of(given.times_s, given.power_w, "gauge", None, 0.6, boxcar)
    assert isinstance(result, Sampling)
    return result


def test_the_quantum_and_update_interval_of_a_slow_meter_are_found() -> None:
    given, _ = virtual(Setting("bmc", quantum_w=36.0, update_s=5.0, asked_s=1.0, share=1.0, noise_w=20.0), 3)
    found = sampled(given)
    assert found.quantum == pytest.approx(36.0)
    assert found.resolution == pytest.approx(36.0)
    assert isinstance(found.update_interval_s, Number)
    assert found.update_interval_s.value == pytest.approx(5.0, abs=1.0)
    assert found.update_is_resolved


def test_a_window_shorter_than_the_update_speaks_of_a_part_of_the_time() -> None:
    given, _ = virtual(Setting("x", update_s=4.0, asked_s=1.0), 3)
    share = sampled(given, Response("boxcar", Number(Estimate(17**0.5, 0.1, 20.0), "s"), 1.0)).sampled_share
    assert isinstance(share, Number)
    assert share.value == pytest.approx(0.25, abs=0.05)


def test_drops_are_counted() -> None:
    given, _ = virtual(Setting("x", drops=0.2, asked_s=1.0), 3)
    assert sampled(given).missing_share == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(
    ("values", "quantum"),
    [
        ([0.0, 36.0, 72.0, 180.0], 36.0),
        ([12.5, 37.5, 50.0], 12.5),
        ([0.061, 0.122, 0.183, 6.1], 0.061),
        ([1.0, 2.0, 3.0], None),
        ([10.1, 11.7, 13.37], None),
        ([5.0, 5.0], None),
    ],
)
def test_a_quantum_is_what_all_values_are_multiples_of(values: list[float], quantum: float | None) -> None:
    assert quantum_of(np.array(values)) == (None if quantum is None else pytest.approx(quantum))


def test_a_quantum_that_noise_dithers_counts_less() -> None:
    still, noisy = np.full(100, 36.0), 36.0 * np.random.default_rng(1).choice([1.0, 2.0, 3.0], 100)
    assert quantum_u_w(36.0, still) == pytest.approx(36 / 12**0.5)
    assert quantum_u_w(36.0, noisy) == pytest.approx(3.6 / 12**0.5)
    assert quantum_u_w(None, still) == 0


def test_a_counter_counts_its_wraps_and_all_of_the_time() -> None:
    times_s = np.arange(0.0, 300.0)
    found = sampling_of(times_s, np.mod(70.5 * times_s, 4000.0), "counter", 4000.0, 0.0, UNKNOWN)
    assert isinstance(found, Sampling)
    assert found.n_wraps == 5
    assert isinstance(found.sampled_share, Number)
    assert found.sampled_share.value == 1


def test_the_steps_of_a_counter_are_told_without_its_resets() -> None:
    times_s = np.arange(0.0, 300.0)
    counted_j = 50_000 + 70.5 * times_s
    counted_j[100:] -= 57_049.75
    found = sampling_of(times_s, counted_j, "counter", 65_536.0, 0.0, UNKNOWN)
    assert isinstance(found, Sampling)
    assert found.n_wraps == 0
    assert found.resolution == pytest.approx(70.5)


def test_a_dead_band_is_what_the_wall_moved_while_the_value_stood() -> None:
    times_s = np.arange(0.0, 600.0)
    wall_w = 100 + 10 * np.sin(times_s / 20)
    shown = np.empty_like(wall_w)
    shown[0] = wall_w[0]
    for place in range(1, wall_w.size):
        moved = abs(wall_w[place] - shown[place - 1]) > 8
        shown[place] = wall_w[place] if moved else shown[place - 1]
    assert dead_band_w(shown, 0.8) == pytest.approx(10, abs=0.5)
    assert dead_band_w(wall_w, 1.0) is None
    assert dead_band_w(36.0 * np.round(wall_w / 6), 1.0) is None


def test_few_readings_have_no_sampling() -> None:
    assert isinstance(sampling_of(np.arange(5.0), np.arange(5.0), "gauge", None, 1.0, UNKNOWN), Refusal)
