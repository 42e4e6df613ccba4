import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.errors import ConfigError
from reports.study.units import BASE, COUNTED, unit_of

NAMES = st.sampled_from([*BASE, *COUNTED, "kJ", "MJ", "GJ", "kWh", "mW", "ms"])
POWERS = st.integers(-3, 3).filter(bool)
WHERE = "study.toml: columns.energy.unit"


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("kWh", "J", 3.6e6), ("GJ/image", "kJ/image", 1e6), ("MJ/image", "J/image", 1e6), ("W s", "J", 1.0),
        ("W h", "Wh", 1.0), ("%", "1", 0.01), ("1/Wh", "1/J", 1 / 3600), ("W s²", "J s", 1.0), ("J/s", "W", 1.0),
        ("kJ s/image", "W*s^2/image", 1000.0), ("min", "s", 60.0), ("MiB", "kB", 1048.576), ("A V", "W", 1.0),
    ],
)  # fmt: skip
def test_units_convert_by_their_factor(one: str, other: str, factor: float) -> None:
    assert unit_of(one, WHERE).per(unit_of(other, WHERE)) == pytest.approx(factor, rel=1e-15)


def test_a_sum_of_watts_times_a_duration_is_no_energy() -> None:
    assert unit_of("GJ s/image", WHERE).per(unit_of("kJ/image", WHERE)) is None
    assert unit_of("GJ s/image", WHERE).base == "W s^2/image"


def test_what_is_counted_does_not_cancel_against_what_else_is_counted() -> None:
    assert unit_of("J/image", WHERE).per(unit_of("J/epoch", WHERE)) is None
    assert unit_of("J/image", WHERE).per(unit_of("J", WHERE)) is None
    assert unit_of("J/prompt", WHERE, ["prompt"]).per(unit_of("Wh/prompt", WHERE, ["prompt"])) == 1 / 3600


@given(first=NAMES, second=NAMES, power=POWERS)
def test_what_is_multiplied_and_divided_again_is_as_before(first: str, second: str, power: int) -> None:
    one, other = unit_of(first, WHERE), unit_of(second, WHERE)
    assert one.times(other, power).times(other, -power) == one


@given(first=NAMES, second=NAMES)
def test_the_order_of_factors_does_not_matter(first: str, second: str) -> None:
    assert unit_of(f"{first} {second}", WHERE).per(unit_of(f"{second}*{first}", WHERE)) == 1.0


@pytest.mark.parametrize("text", ["", "kj", "J//image", "joule", "J/", "J image^x", "^2", "GJ per image"])
def test_what_is_no_unit_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^study\.toml: columns\.energy\.unit: "):
        unit_of(text, WHERE)
