"""How publishers count, on streams that are worked out by hand."""

import pytest

from reports.energy.publisher import RULES, since_previous
from tests.analysis.streams import at, stream

SERIES = stream([0, 1, 2, 4, 5, 6], [100.0, 110.0, 130.0, 120.0, 90.0, 80.0])


def test_each_sample_but_the_first_counts_for_the_time_since_the_one_before() -> None:
    counted = since_previous(SERIES, at(0.5), at(5.5))  # the samples at 1, 2, 4 and 5 s
    assert counted is not None
    assert counted.rows == 3
    assert counted.energy_j == pytest.approx(130 * 1 + 120 * 2 + 90 * 1)
    assert counted.mean_w == pytest.approx(460 / 4)
    assert counted.spanned_j == pytest.approx(115 * 5)


def test_samples_at_both_edges_are_inside() -> None:
    counted = RULES["since-previous"].count(SERIES, at(1), at(5))
    assert counted is not None
    assert counted.energy_j == pytest.approx(460)


def test_one_sample_inside_has_no_energy() -> None:
    assert since_previous(SERIES, at(0.5), at(1.5)) is None
