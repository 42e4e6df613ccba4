import pytest

from reports.study.published import agreement


@pytest.mark.parametrize(
    ("value", "printed", "how"),
    [
        (239.09200094, "239.09", "rounded"),
        (2.2514187e-38, "2.25e-38", "rounded"),
        (66.46974, "66.46", "cut-off"),
        (66.46974, "66.47", "rounded"),
        (0.02364746, "2.36e-03", None),
        (0.02364746, "2.36e-02", "rounded"),
        (0.8303798, "0.83", "rounded"),
        (-0.0024505, "-2.45e-03", "rounded"),
        (16.419, "16", "rounded"),
        (18.196, "12", None),
        (0.005, "0.01", "rounded"),
        (1e-300, "0.00", "rounded"),
        ("equal", "equal", "verdict"),
        ("different", "equal", None),
    ],
)
def test_a_number_agrees_when_it_gives_the_printed_digits(value: float | str, printed: str, how: str | None) -> None:
    assert agreement(value, printed) == how
