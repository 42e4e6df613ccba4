"""FLUSS on traces whose change is known: what it sees, what it does not, and that the nearest windows are stumpy's."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.estimation.settling import ARC, EDGES, FEWEST, MOST, REGIMES, WINDOW, by_chance, nearest, regime_change

BY_STUMPY = """
import json, sys
import numpy as np
import stumpy
values, window = np.array(json.load(sys.stdin)), int(sys.argv[1])
profiles = {is_scaled: stumpy.stump(values, m=window, normalize=is_scaled) for is_scaled in (False, True)}
place = {
    is_scaled: int(stumpy.fluss(profile[:, 1], L=int(sys.argv[2]), n_regimes=2, excl_factor=3)[1][0])
    for is_scaled, profile in profiles.items()
}
json.dump({"nearest": profiles[False][:, 1].tolist(), "plain": place[False], "scaled": place[True]}, sys.stdout)
"""


def step(at: int, size: int = 200, low: float = 60.0, high: float = 100.0, seed: int = 1) -> NDArray[np.float64]:
    """Power that rises once, with noise of 3 W."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.normal(low, 3, at), draw.normal(high, 3, size - at)])


@pytest.mark.parametrize("at", [40, 60, 120, 150])
def test_a_step_of_the_level_is_found(at: int) -> None:
    change = regime_change(step(at))
    assert change is not None
    assert abs(change.sample - at) <= 2
    assert change.arcs < 0.05


def test_windows_brought_to_one_spread_do_not_see_it_and_the_nearest_are_stumpys() -> None:
    """In a process of its own, where stumpy's loops are not compiled: that takes half a minute, and gives the same."""
    trace = step(60)
    told = subprocess.run(
        [sys.executable, "-c", BY_STUMPY, str(WINDOW), str(ARC)], input=json.dumps(trace.tolist()), text=True,
        capture_output=True, check=True, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert nearest(trace).tolist() == found["nearest"]
    assert (REGIMES, EDGES) == (2, 3)
    assert abs(found["scaled"] + WINDOW // 2 - 60) > 20
    change = regime_change(trace)
    assert change is not None
    assert abs(change.sample - 60) <= 2
    assert abs(found["plain"] + WINDOW // 2 - change.sample) <= 1


def test_a_constant_trace_and_a_short_one_have_no_change() -> None:
    assert regime_change(np.full(200, 70.0)) is None
    assert regime_change(step(30, FEWEST - 1)) is None
    assert regime_change(step(FEWEST // 2, FEWEST)) is not None


def test_where_nothing_changes_nearly_as_many_arcs_pass_as_by_chance() -> None:
    draw = np.random.default_rng(5)
    changes = [regime_change(draw.normal(70, 3, 240)) for _ in range(20)]
    assert min(change.arcs for change in changes if change is not None) > 0.5


def test_arcs_by_chance_are_those_of_random_arcs() -> None:
    draw, count = np.random.default_rng(6), 100
    passed = np.zeros(count)
    for _ in range(2000):
        ends = draw.integers(0, count, count)
        marks = np.bincount(np.minimum(ends, np.arange(count)), minlength=count)
        passed += (marks - np.bincount(np.maximum(ends, np.arange(count)), minlength=count)).cumsum() / 2000
    assert passed == pytest.approx(by_chance(count), abs=0.4)


def test_of_two_that_are_alike_the_nearer_in_time_is_taken() -> None:
    values = np.tile(np.arange(20.0), 5)
    assert nearest(values)[40] in (20, 60)
    assert MOST >= 1000
