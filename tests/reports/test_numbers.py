"""Rounding by the GUM rule, units and prefixes: what a reader sees is what was computed, and no more."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.pages.numbers import (
    THIN,
    Scale,
    bare,
    decimals_for,
    energy_like,
    fixed,
    full,
    in_page_units,
    quantity,
    scale_for,
    significant,
    spread,
)
from reports.results.uncertainty import Estimate, Number, t_quantile

NB = "\u00a0"
VALUES = st.floats(-1e6, 1e6, allow_nan=False)
UNCERTAINTIES = st.floats(1e-9, 1e6, allow_nan=False)


def number(
    value: float,
    unit: str = "Wh",
    *,
    sd: float | None = None,
    n: int | None = None,
    U: float | None = None,  # noqa: N803  as the field calls it
) -> Number:
    """A Number with infinite degrees of freedom where it has U."""
    u = None if U is None else U / t_quantile(math.inf)
    return Number(Estimate(value, u, None if u is None else math.inf), unit, sd, n)


@dataclass(frozen=True)
class Document:
    """A document: scenarios by name, a baseline, single runs."""

    scenarios: Mapping[str, Any]
    baseline: Mapping[str, Number] = field(default_factory=dict)
    runs: tuple[Any, ...] = ()


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
    assert full(number(12.3456789, "W", n=1)) == f"12.3{THIN}W (no U, n{NB}={NB}1)"
    assert bare(number(0.0015134, n=1), Scale("mWh", 1e3)) == "1.51"
    assert bare(number(0.66123, "1/Wh", n=1), Scale("1/Wh")) == "0.661"
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


# --- one unit a page ---


def page() -> Document:
    """A document of two scenarios, a baseline and single runs."""
    return Document(
        {
            "a": {"energy_wh": number(0.63, U=0.02), "induced_energy_wh": number(0.47, U=0.02), "n": 3,
                  "per_point": number(0.004, "Wh/pp"), "share": number(0.3, "1")},
            "b": {"energy_wh": number(0.05, U=0.02), "induced_energy_wh": number(0.0, U=0.000011)},
        },
        {"mean_power_w": number(41.0, "W"), "drift_w": number(0.02, "W")},
        ({"energy_wh": number(7.0, U=0.1)}, {"note": ("text", None)}),
    )  # fmt: skip


def test_every_energy_of_a_page_has_the_unit_of_its_largest() -> None:
    shown = in_page_units(page(), "scenarios", "baseline")
    units = {
        scale_for([part[key]]).unit for part in shown.scenarios.values() for key in ("energy_wh", "induced_energy_wh")
    }
    assert units == {"Wh"}
    assert scale_for([shown.runs[0]["energy_wh"]]).unit == "Wh"
    assert quantity(shown.scenarios["a"]["induced_energy_wh"]) == f"(0.470 ± 0.020){THIN}Wh"
    assert quantity(shown.scenarios["b"]["induced_energy_wh"]) == f"(0.000000 ± 0.000011){THIN}Wh"
    assert scale_for([shown.baseline["drift_w"]]).unit == "W"
    assert scale_for([shown.scenarios["a"]["per_point"]]).unit == "mWh/pp"
    assert shown.scenarios["a"]["share"] == number(0.3, "1")


def test_a_unit_is_chosen_by_u_where_that_is_larger_than_the_value() -> None:
    shown = in_page_units(Document({"a": {"energy_wh": number(0.0, U=0.011)}}), "scenarios")
    assert quantity(shown.scenarios["a"]["energy_wh"]) == f"(0 ± 11){THIN}mWh"
    assert scale_for([number(1e-7, U=0.011)]).unit == "mWh"


@pytest.mark.parametrize(
    ("value", "size", "with_u", "without"),
    [(143.26, 40.0, "143 ± 40", "143"), (143.26, 0.15, "143.26 ± 0.15", "143.26"), (143.26, 400.0, "140 ± 400", "143")],
)
def test_the_mean_of_one_run_has_no_fewer_digits_than_that_run(
    value: float, size: float, with_u: str, without: str
) -> None:
    """And three at least, where that run has fewer; an observation that has a U nowhere has three."""
    mean, other = number(value * (1 + 1e-15), "W", n=1), number(120.5, "W", n=1)
    document = Document(
        {"a": {"mean_power_w": mean, "other": other}}, {}, ({"mean_power_w": number(value, "W", U=size, n=1)},)
    )
    shown = in_page_units(document, "scenarios")
    assert bare(shown.runs[0]["mean_power_w"], Scale("W")) == with_u
    assert bare(shown.scenarios["a"]["mean_power_w"], Scale("W")) == without
    assert bare(shown.scenarios["a"]["other"], Scale("W")) == "120" == bare(other, Scale("W"))


def test_an_action_of_a_few_milliseconds_does_not_choose_the_unit_of_a_page() -> None:
    """Its U is the energy of the windows it touches, over hardly any time."""
    action: dict[str, Any] = {"mean_power_w": number(1192.0, "W", U=258.0), "per_point": number(0.2, "Wh/pp")}
    scenario: dict[str, Any] = {"mean_power_w": number(92.1, "W", U=1.7), "actions": (action,)}
    shown = in_page_units(Document({"idle": scenario}), "scenarios")
    assert quantity(shown.scenarios["idle"]["mean_power_w"]) == f"(92.1 ± 1.7){THIN}W"
    (printed,) = shown.scenarios["idle"]["actions"]
    assert quantity(printed["mean_power_w"]) == f"(1{THIN}190 ± 260){THIN}W"
    assert scale_for([printed["per_point"]]).unit == "mWh/pp"


def test_an_energy_that_is_no_number_of_the_document_has_the_unit_of_its_page() -> None:
    shown = in_page_units(page(), "scenarios", "baseline")
    assert quantity(energy_like(shown, 0.0004)) == f"0.0004000{THIN}Wh"
    assert quantity(energy_like(Document({}), 0.0004)) == f"400{THIN}µWh"


def test_the_document_itself_stays_as_it_is() -> None:
    before = page()
    in_page_units(before, "scenarios", "baseline")
    assert before == page()


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_the_unit_of_a_page_changes_no_quantity(one: float, other: float) -> None:
    shown = in_page_units(Document({"a": number(one), "b": number(other)}), "scenarios")
    sizes = {"µWh": 1e-6, "mWh": 1e-3, "Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
    for part, value in zip(shown.scenarios.values(), (one, other), strict=True):
        scale = scale_for([part])
        assert math.isclose(value * scale.factor * sizes[scale.unit], value, rel_tol=1e-12)


def test_seconds_are_printed_to_a_thousandth_at_the_most() -> None:
    assert bare(number(25.000162, "s", U=0.000038), Scale("s")) == "25.000"
    assert bare(number(25.000162, "s", U=0.0021), Scale("s")) == "25.000 ± 0.002"
    assert bare(number(25.16, "s", U=1.2), Scale("s")) == "25.2 ± 1.2"
    assert full(number(25.000162, "s", U=0.000038, n=3)) == f"25.000{THIN}s (n{NB}={NB}3)"


def test_an_integer_of_any_length_is_no_number_that_can_be_printed() -> None:
    assert bare(number(10**400), Scale("")) == "–"
