"""Type A evaluation and Welch-Satterthwaite against worked values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.results.uncertainty import (
    Estimate,
    Number,
    Term,
    combine,
    mean_of,
    mean_with_shared,
    single,
    standard_error,
    t_quantile,
)


def test_students_t_agrees_with_the_gums_table_g2() -> None:
    for dof, t in ((1, 12.71), (2, 4.30), (10, 2.23), (30, 2.04), (math.inf, 1.96)):
        assert t_quantile(dof) == pytest.approx(t, abs=0.005)


def test_a_mean_has_the_standard_error_of_its_values() -> None:
    number = mean_of([1.0, 2.0, 3.0, float("nan")], "W")
    assert number is not None
    assert number.to_json() == {
        "value": 2.0, "unit": "W", "sd": 1.0, "n": 3, "u": pytest.approx(1 / math.sqrt(3)),
        "U": pytest.approx(4.3027 / math.sqrt(3), rel=1e-4), "dof": 2.0,
    }  # fmt: skip


def test_one_value_has_no_spread_and_none_is_no_number() -> None:
    assert mean_of([], "W") is None
    assert mean_of([float("nan")], "W") is None
    assert single(3, "W").to_json() == {
        "value": 3.0, "unit": "W", "sd": None, "n": 1, "u": None, "U": None, "dof": None
    }  # fmt: skip
    assert standard_error(np.array([1.0])) is None


def test_welch_satterthwaite_gives_the_gums_example() -> None:
    """JCGM 100, G.4.1, example: relative u of 0.25, 0.57, 0.82 % with 9, 4 and 14 degrees of freedom: 1.03 %, 19.0."""
    estimate = combine(100.0, [Term(0.25, 9), Term(0.57, 4), Term(0.82, 14)])
    assert estimate.u == pytest.approx(1.03, abs=0.005)
    assert estimate.dof == pytest.approx(19.0, abs=0.05)


@given(st.lists(st.tuples(st.floats(0, 1e3), st.integers(1, 50)), min_size=1, max_size=6))
def test_effective_degrees_of_freedom_lie_between_the_smallest_and_their_sum(parts: list[tuple[float, int]]) -> None:
    estimate = combine(0.0, [Term(u, dof) for u, dof in parts])
    assert estimate.u == pytest.approx(math.hypot(*(u for u, _ in parts)))
    assert estimate.dof is not None
    assert min(dof for _, dof in parts) * (1 - 1e-9) <= estimate.dof <= sum(dof for _, dof in parts) * (1 + 1e-9)


def test_a_shared_error_joins_and_an_unknown_one_leaves_no_uncertainty() -> None:
    values = np.array([1.0, 2.0, 3.0])
    known, unknown = mean_with_shared(values, "Wh", Term(1.0, 4)), mean_with_shared(values, "Wh", None)
    assert known is not None
    assert unknown is not None
    assert known.estimate.u == pytest.approx(math.sqrt(1 / 3 + 1))
    assert (unknown.estimate.u, unknown.sd, unknown.n) == (None, 1.0, 3)


def test_infinite_degrees_of_freedom_are_null_in_json() -> None:
    number = Number(Estimate(1.0, 0.5, math.inf), "W").to_json()
    assert number["dof"] is None
    assert number["U"] == pytest.approx(0.98, abs=0.001)
