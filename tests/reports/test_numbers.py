"""Rounding by the GUM rule, units and prefixes: what a reader sees is what was computed, and no more."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.pages.numbers import THIN, Scale, bare, decimals_for, fixed, full, scale_for, significant, spread

NB = "\u00a0"
VALUES = st.floats(-1e6, 1e6, allow_nan=False)
UNCERTAINTIES = st.floats(1e-9, 1e6, allow_nan=False)


def number(value: float | None, unit: str = "Wh", **parts: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"value": value, "unit": unit, "sd": None, "n": None, "u": None, "U": None, "dof": None} | parts


def plain(text: str) -> float:
    return float(text.replace(THIN, "").replace("−", "-"))


@pytest.mark.parametrize(
    ("value", "expanded", "expected"),
    [
        (12.7487393, 0.4174684, "12.75 ± 0.42"),
        (0.0752345, 0.0055632, "0.0752 ± 0.0056"),
        (-0.0100833, 0.0058, "−0.0101 ± 0.0058"),
        (12345.6, 123.4, f"12{THIN}350 ± 120"),
        (9.96, 0.0999, "9.96 ± 0.10"),
        (1.0, 0.996, "1.0 ± 1.0"),
        (-0.0004, 0.12, "0.00 ± 0.12"),
    ],
)
def test_uncertainty_has_two_digits_and_the_value_ends_at_the_same_place(
    value: float, expanded: float, expected: str
) -> None:
    assert bare(number(value, U=expanded), Scale("Wh")) == expected


@given(st.floats(-1e3, 1e3), st.floats(1e-5, 1e6))
def test_rounding_costs_less_than_a_twentieth_of_the_uncertainty(value: float, expanded: float) -> None:
    shown_value, shown_u = bare(number(value, U=expanded), Scale("Wh")).split(" ± ")
    assert abs(plain(shown_u) - expanded) <= 0.0501 * expanded
    assert abs(plain(shown_value) - value) <= 0.0501 * expanded + 1e-9 * abs(value)


@given(UNCERTAINTIES)
def test_a_printed_uncertainty_has_exactly_two_significant_digits(expanded: float) -> None:
    rounded = round(expanded, decimals_for(expanded))
    assert 9.5 <= rounded * 10 ** decimals_for(expanded) <= 99.5


def test_without_an_uncertainty_none_is_printed() -> None:
    assert full(number(12.3456789, "W")) == f"12.35{THIN}W"
    assert full(number(12.3456789, "W", n=1)) == f"12.35{THIN}W (n{NB}={NB}1)"
    assert "±" not in full(number(12.3456789, "W", sd=0.42, n=3))


def test_a_standard_deviation_is_called_one() -> None:
    assert full(number(12.3456789, "W", sd=0.4174, n=3)) == f"12.35{THIN}W (SD 0.42, n{NB}={NB}3)"
    assert spread(number(1.0, "W", sd=0.0), Scale("W")) == "0"


def test_an_interval_names_its_level_and_the_number_of_runs() -> None:
    assert full(number(0.0752345, U=0.0055632, n=30)) == f"(75.2 ± 5.6){THIN}mWh (95 %, n{NB}={NB}30)"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "12", True])
def test_what_is_no_number_is_printed_as_nothing(value: Any) -> None:  # noqa: ANN401
    assert full(number(value)) == "–"
    assert bare(number(value), Scale("")) == "–"
    assert full(None) == "–"


@pytest.mark.parametrize(
    ("largest", "unit", "printed"),
    [
        (0.075, "Wh", "mWh"), (1.2, "Wh", "Wh"), (0.6, "Wh", "Wh"), (4200.0, "Wh", "kWh"), (3e-9, "Wh", "µWh"),
        (0.0, "Wh", "Wh"), (2.5e6, "kB", "GB"), (120.0, "kB", "kB"), (2.5e6, "KiB", "GiB"),
        (2.5e6, "KiB·s", "GiB·s"), (900.0, "kB/s·s", "MB"), (3.0, "KiB/s", "KiB/s"), (3.0, "%", "%"), (0.8, "1", ""),
        (0.012, "1/Wh", "1/Wh"), (0.012, "Wh/s", "mWh/s"),
    ],
)  # fmt: skip
def test_the_unit_fits_the_largest_number_of_a_column(largest: float, unit: str, printed: str) -> None:
    assert scale_for([number(largest / 3, unit), None, number(-largest, unit)]).unit == printed


@given(VALUES, st.sampled_from(["W", "Wh", "kB", "%", "1"]))
def test_a_prefix_changes_the_unit_and_never_the_quantity(value: float, unit: str) -> None:
    scale = scale_for([number(value, unit)])
    sizes = {"µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    size = 1.0
    if unit == "kB":
        size = sizes[scale.unit[0]] / 1e3
    elif unit in ("W", "Wh") and scale.unit != unit:
        size = sizes[scale.unit[0]]
    assert math.isclose(value * scale.factor * size, value, rel_tol=1e-12)


def test_what_floating_point_left_over_is_no_uncertainty() -> None:
    assert bare(number(64.5, "°C", sd=1.4e-14, U=5.4e-15, n=30), Scale("°C")) == "64.50"
    assert bare(number(-5.9e-16, U=3e-16, n=30), Scale("Wh")) == "0"
    assert full(number(64.5, "°C", sd=1.4e-14, U=5.4e-15, n=3)) == f"64.50{THIN}°C (n{NB}={NB}3)"


def test_units_that_differ_share_no_column() -> None:
    assert scale_for([number(1.0, "W"), number(1.0, "Wh")]).unit == ""


def test_a_minus_is_a_minus_and_zero_has_none() -> None:
    assert fixed(-1.5, 1) == "−1.5"
    assert fixed(-0.01, 1) == "0.0"
    assert significant(0.000123456) == "0.0001235"
    assert significant(120.0) == "120"
    assert significant(0) == "0"
