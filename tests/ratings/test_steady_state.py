"""The window of public LLM energy benchmarks, on requests that a reader can count."""

import numpy as np

from reports.ratings.steady_state import mean_in_flight, steady_state


def test_it_goes_from_the_first_time_all_are_in_flight_to_the_last_full_batch() -> None:
    begins = np.array([0, 5, 10, 20, 30, 40])
    ends = np.array([10, 20, 30, 40, 60, 50])
    # two in flight from 5 on (one ends as another begins), at 50 the last but one ends
    assert steady_state(begins, ends, 2) == (5, 50)


def test_a_concurrency_that_is_never_reached_has_none() -> None:
    assert steady_state(np.array([0, 20]), np.array([10, 30]), 2) is None
    assert steady_state(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 1) is None


def test_mean_in_flight_counts_what_lies_between_two_times() -> None:
    assert mean_in_flight(np.array([0, 5]), np.array([10, 15]), 5, 15) == (5 + 10) / 10
