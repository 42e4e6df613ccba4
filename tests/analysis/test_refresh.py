"""How often a meter has a new value, proved on meters whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reports.energy.refresh import measured, refresh_check

Floats = NDArray[np.float64]


def asked(
    refresh_s: float, step_s: float, seed: int, *, seconds: float = 40.0, sd_w: float = 0.5, jitter_s: float = 0.01
) -> tuple[Floats, Floats]:
    """Times and powers of a meter with a display of .1 W that is asked faster than it has new values."""
    random = np.random.default_rng(seed)
    times_s = np.sort(
        np.arange(0.0, seconds, step_s) + random.uniform(-jitter_s, jitter_s, int(np.ceil(seconds / step_s)))
    )
    values_w = np.round(50 + random.normal(0.0, sd_w, int(seconds / refresh_s) + 3), 1)
    return times_s, values_w[((times_s + 1.0 + random.uniform(0, refresh_s)) / refresh_s).astype(int)]


@settings(max_examples=40)
@given(st.sampled_from([0.5, 1.0, 2.0, 3.3]), st.sampled_from([0.5, 0.06]), st.integers(0, 10_000))
def test_the_refresh_is_found_whether_values_repeat_or_not(refresh_s: float, sd_w: float, seed: int) -> None:
    times_s, power_w = asked(refresh_s, 0.1, seed, seconds=60 * refresh_s, sd_w=sd_w)
    found = measured(times_s, power_w[:, None])
    assert found.refresh_s == pytest.approx(refresh_s, abs=0.06)
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s <= refresh_s + 0.02
    assert found.high_s >= refresh_s - 0.02


def said(stated_s: float | None, times_s: Floats, power_w: Floats, *beside: Floats) -> tuple[str, str]:
    check = refresh_check((times_s, power_w), beside, stated_s, is_set="refresh_s")
    return check.grade, check.sentence


def test_what_the_driver_takes_is_held_against_it() -> None:
    times_s, power_w = asked(2.0, 0.1, 1)
    assert said(2.0, times_s, power_w)[0] == "good"
    assert said(None, times_s, power_w)[0] == "good"
    grade, sentence = said(1.0, times_s, power_w)
    assert grade == "bad"
    assert "a new value each 2 s (1.9" in sentence
    assert "its driver takes 1 s, so that a value that only repeats counts as a new one" in sentence
    assert sentence.endswith("set the option refresh_s = 2")
    assert said(10.0, times_s, power_w)[0] == "remark"


def test_a_steady_load_says_nothing_and_another_quantity_may_say_it_instead() -> None:
    times_s, voltage_v = asked(1.0, 0.1, 2)
    steady = np.full_like(times_s, 50.0)
    grade, sentence = said(1.0, times_s, steady)
    assert (grade, "too rarely to say how often it is new" in sentence) == ("remark", True)
    grade, sentence = said(1.0, times_s, steady, voltage_v)
    assert grade == "good"


def test_a_meter_that_is_new_whenever_it_is_asked_and_one_that_keeps_no_step_are_told_apart() -> None:
    random = np.random.default_rng(3)
    times_s = np.arange(0.0, 20.0, 0.1)
    assert "a new value whenever it is asked" in said(0.1, times_s, random.normal(50, 1, times_s.size))[1]
    grade, sentence = said(1.0, times_s, random.normal(50, 1, times_s.size))
    assert (grade, "refresh_s may be shorter" in sentence) == ("remark", True)
    changes = np.cumsum(random.random(times_s.size) < 0.4)
    assert "cannot be told from so few readings between changes" in said(0.1, times_s, changes.astype(np.float64))[1]
    changes = np.cumsum(random.random(times_s.size) < 0.15)
    grade, sentence = said(1.0, times_s, changes.astype(np.float64))
    assert (grade, "at no steady distance" in sentence) == ("remark", True)


def test_readings_without_a_power_and_too_few_of_them_are_no_refresh() -> None:
    times_s, power_w = asked(1.0, 0.1, 4)
    power_w[::7] = np.nan
    assert measured(times_s, power_w[:, None]).changes > 8
    for count in (0, 1, 2, 5):
        assert said(1.0, times_s[:count], power_w[:count])[0] == "remark"
