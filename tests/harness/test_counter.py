"""harness.record.counter: wraps are told from resets, over drawn records of RAPL's counters."""

import numpy as np
import pytest

from harness.record.counter import Floats, counted

RANGES_J = (65_536.0, 262_143.328850)
"""Of 32 bit in units of 2^-16 J and 2^-14 J."""
SEEDS = 150


def drawn(seed: int) -> tuple[Floats, Floats, float]:
    """Stamps (s) at uneven steps, what a machine used until then (J) whose load comes and goes, the counter's range."""
    random = np.random.default_rng(seed)
    range_j = float(random.choice(RANGES_J))
    period_s = float(random.choice([0.1, 0.2, 1.0, 5.0, 15.0]))
    n = int(np.clip(3 * range_j / 60 / period_s, 100, 20_000))
    times_s = np.cumsum(period_s * random.uniform(0.7, 1.3, n))
    is_idle = np.repeat(random.random(n // 50 + 1) < 0.5, 50)[:n]
    power_w = np.where(is_idle, random.uniform(1, 10), random.uniform(30, 250)) * random.uniform(0.9, 1.1, n)
    used_j = random.uniform(0, range_j) + np.cumsum(power_w * np.diff(times_s, prepend=0.0))
    return times_s, np.floor(used_j * 2**14) / 2**14, range_j


def test_every_wrap_of_drawn_records_is_undone_and_none_is_called_a_reset() -> None:
    n_wraps = 0
    for seed in range(SEEDS):
        times_s, used_j, range_j = drawn(seed)
        found = counted(times_s, np.mod(used_j, range_j), range_j)
        assert (found.n_wraps, found.n_resets) == (used_j[-1] // range_j - used_j[0] // range_j, 0), seed
        assert found.steps_j == pytest.approx(np.diff(used_j), abs=1e-6)
        n_wraps += found.n_wraps
    assert n_wraps > SEEDS


def test_most_resets_of_drawn_records_are_told_from_wraps() -> None:
    found = []
    for seed in range(SEEDS):
        times_s, used_j, range_j = drawn(seed)
        at = times_s.size // 3 + seed % 50
        reset_j = np.where(np.arange(times_s.size) < at, used_j, used_j - used_j[at])
        found.append(bool(counted(times_s, np.mod(reset_j, range_j), range_j).resets[at - 1]))
    assert np.mean(found) > 0.9  # of a value every 15 s some stood near the range


def test_rows_of_two_counters_of_which_one_wrapped_are_resets() -> None:
    shown_j = np.where(np.arange(60) % 3 == 0, 65_000.0, 500.0) + 4.0 * np.arange(60)
    found = counted(np.arange(60.0), shown_j, 65_536.0)
    assert (found.n_wraps, found.n_resets, found.is_of_one_thing) == (0, 20, False)


def test_of_two_readings_a_wrap_is_less_than_half_a_turn() -> None:
    assert counted(np.array([0.0, 600.0]), np.array([99_990.0, 15.0]), 100_000.0).steps_j.tolist() == [25.0]
    assert counted(np.array([0.0, 600.0]), np.array([20_000.0, 15.0]), 100_000.0).n_resets == 1


def test_a_counter_without_a_range_never_wraps() -> None:
    found = counted(np.arange(4.0), np.array([1.0, 5.0, 2.0, 3.0]), None)
    assert np.isnan(found.steps_j).tolist() == [False, True, False]
    assert (found.n_wraps, found.n_resets, found.is_of_one_thing) == (0, 1, True)
