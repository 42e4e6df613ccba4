"""A service beside a faster one: efficiency values of every task type, energy of a task; other loads are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.record.errors import AnalysisError
from reports.comparison.comparison import compare
from reports.comparison.selection import Part
from reports.results.compared_pair import EfficiencyValue, EfficiencyValues
from reports.results.comparison import Options
from tests.ratings.test_ratings import SERVICES
from tests.reports.comparisons import SOFTWARE, present
from tests.reports.served import CLOSED, Service, served_campaign

SLOW: Service = SERVICES["closed"]
FAST = replace(SLOW, service_s={"answer": 0.125}, energy_j={"answer": 0.25 * SLOW.energy_j["answer"]})
"""Twice as fast, a quarter of the energy."""
FIVE = replace(SLOW, population=CLOSED.replace("concurrency = 4", "concurrency = 5"), servers=5)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three services, three runs each."""
    services = {"slow": SLOW, "fast": FAST, "five": FIVE}
    return served_campaign(tmp_path_factory.mktemp("lab"), services, repetitions=3, duration_s=30)


def values(lab: Path, first: str, second: str) -> EfficiencyValues:
    """Of one scenario's software against another's."""
    made = compare([[Part(lab, first)], [Part(lab, second)]], Options(), SOFTWARE, lab)
    return made.sets[0].pairs[0].iso14756


def value_of(found: EfficiencyValue | None) -> float:
    """A value that is there."""
    return present(present(found).number).value


def test_a_service_that_is_twice_as_fast_says_so(lab: Path) -> None:
    found = values(lab, "slow", "fast")
    of_type = present(found.task_types)["answer"]
    # four in flight: 16 and 32 a second
    assert value_of(of_type.throughput) == pytest.approx(2.0, rel=0.02)
    assert value_of(of_type.mean_execution_time) == pytest.approx(2.0)
    assert present(of_type.timely_throughput).value == pytest.approx(2.0, rel=0.02)
    assert value_of(found.throughput) == value_of(of_type.throughput)
    assert (found.timely_throughput, found.timely_throughput_reason) == (None, "of-each-task-type")


def test_energy_is_per_task_and_not_per_run(lab: Path) -> None:
    # 41 W and 160 W over 16 a second; 41 W and 80 W over 32 a second
    found = values(lab, "slow", "fast").energy
    assert value_of(found) == pytest.approx((201 / 16) / (121 / 32), rel=0.02)
    low, high = present(present(found).interval)
    assert low < value_of(found) < high
    back = values(lab, "fast", "slow").energy
    assert value_of(found) * value_of(back) == pytest.approx(1.0)


def test_another_parameter_set_is_another_work(lab: Path) -> None:
    with pytest.raises(AnalysisError, match="population"):
        values(lab, "slow", "five")
