"""Every formula of ISO/IEC 14756 by hand: two user types, three chains (tests/reports/served.py)."""

import math

import numpy as np
import pytest

from reports.ratings.iso14756 import Tasks, chain_s, reference_throughput, tasks_in_chain, timely_of
from reports.ratings.served import timeliness_of
from tests.reports.served import CLOSED, POISSON, USERS, Service, population_of

USERS_OF = population_of(Service(USERS, {}, {}))


def test_reference_time_is_the_mean_that_the_timeliness_function_admits() -> None:
    # .2 s for 90 %, 1 s for the other 10 %
    assert USERS_OF.reference_s("classify") == pytest.approx(0.2 * 0.9 + 1.0 * 0.1)
    assert USERS_OF.reference_s("caption") == 2.0


def test_chains_last_as_long_as_their_preparation_and_what_is_waited_for() -> None:
    # browse 2 (.6 + .28) = 1.76; buy .6 + .28 + 1.5 + 2 = 4.38; file 1.5, for nobody waits for it
    assert chain_s(USERS_OF, "visitor") == pytest.approx(0.75 * 1.76 + 0.25 * 4.38)
    assert chain_s(USERS_OF, "clerk") == pytest.approx(0.5 * 4.38 + 0.5 * 1.5)


def test_tasks_in_a_chain_are_weighted_by_its_frequency() -> None:
    found = [tasks_in_chain(USERS_OF, user, task) for user in ("visitor", "clerk") for task in USERS_OF.task_types]
    assert found == pytest.approx([0.75 * 2 + 0.25, 0.25, 0.0, 0.5, 0.5, 0.5])


def test_reference_throughput_is_that_of_all_users() -> None:
    assert reference_throughput(USERS_OF) == pytest.approx(
        {
            "classify": 12 * 1.75 / 2.415 + 6 * 0.5 / 2.94,
            "caption": 12 * 0.25 / 2.415 + 6 * 0.5 / 2.94,
            "report": 6 * 0.5 / 2.94,
        }
    )


def test_reference_throughput_of_a_load_is_its_rate_and_a_closed_one_has_none() -> None:
    assert reference_throughput(population_of(Service(POISSON, {}, {}))) == {"classify": 40.0}
    assert reference_throughput(population_of(Service(CLOSED, {}, {}))) == {}


def test_nothing_says_how_fast_users_are_who_wait_for_what_may_take_any_time() -> None:
    text = USERS.replace('timeliness = "slow"\n[task_types.report]', "[task_types.report]")
    assert reference_throughput(population_of(Service(text, {}, {}))) == {}


def test_timely_tasks_are_those_of_the_strictest_limit() -> None:
    function = timeliness_of(USERS_OF, "classify")
    assert function == ((0.2, 0.9), (1.0, 1.0))
    # of ten tasks 8 within .2 s: floor(8 / .9) = 8; 9 within 1 s: floor(9 / 1) = 9
    times = Tasks(np.array([0.1] * 8 + [0.5, math.inf]), rated_s=5.0)
    assert (times.count, times.timely(function)) == (10, 8)
    assert timely_of(10, [9, 10], function) == 10
    assert timely_of(100, [90, 100], function) == 100  # 90 / .9 is 100, whatever binary fractions make of it
