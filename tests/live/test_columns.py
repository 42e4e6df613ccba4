import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.live.columns import BUCKETS, Column, Envelope, Floats, thinned, with_breaks

VALUES = hnp.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6))


@given(VALUES, st.integers(1, 60), st.floats(0.001, 5000.0))
def test_what_is_drawn_keeps_the_extremes_and_has_at_most_two_points_a_column(
    values: np.ndarray, columns: int, step_s: float
) -> None:
    times_s: Floats = np.arange(values.size) * np.float64(step_s)
    end_s = float(times_s[-1]) + step_s
    thin_s, thin_w = thinned(times_s, values, 0.0, end_s, columns)
    assert (thin_w.min(), thin_w.max()) == (values.min(), values.max())
    assert set(thin_w) <= set(values)
    assert np.all(np.diff(thin_s) >= 0)
    counts = np.bincount(np.clip((thin_s / end_s * columns).astype(int), 0, columns - 1))
    assert counts.max() <= 2


@given(VALUES, st.floats(0.0001, 100.0), st.integers(1, 50))
def test_an_envelope_that_grows_bit_by_bit_is_that_of_all_at_once(
    values: np.ndarray, step_s: float, piece: int
) -> None:
    times_s: Floats = np.arange(values.size) * np.float64(step_s)
    whole, grown = Envelope(), Envelope()
    whole.extend(times_s, values)
    for first in range(0, values.size, piece):
        grown.extend(times_s[first : first + piece], values[first : first + piece])
    assert [one.tolist() for one in whole.trace] == [one.tolist() for one in grown.trace]
    trace_s, trace_w = whole.trace
    assert (trace_w.min(), trace_w.max()) == (values.min(), values.max())
    assert trace_s.size <= 2 * BUCKETS
    for at_s, value in zip(times_s, values, strict=True):  # each value lies in the envelope of its own bucket
        own = np.floor(trace_s / whole.width_s) == np.floor(at_s / whole.width_s)
        assert trace_w[own].min() <= value <= trace_w[own].max()


def test_a_column_grows_and_leaves_what_was_handed_out() -> None:
    column = Column(np.int64)
    column.extend(np.arange(1000))
    before = column.values
    for _ in range(5):
        column.extend(np.arange(1000))
    assert before.tolist() == list(range(1000))
    assert column.values.tolist() == [*range(1000)] * 6


def test_no_line_is_drawn_over_what_was_not_read() -> None:
    at_s, shown = with_breaks(np.array([0.0, 1.0, 9.0]), np.array([5.0, 6.0, 7.0]), 3.0)
    assert (at_s, shown) == ([0.0, 1.0, 5.0, 9.0], [5.0, 6.0, None, 7.0])
