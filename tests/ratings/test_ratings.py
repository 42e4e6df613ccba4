"""Campaigns of a virtual service of known energy, from run folders to results.json."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.record.verify import examine
from reports.campaign.analyse import analyse
from reports.campaign.runs import read_runs
from reports.results.codec import decoded, encoded
from reports.results.document import CampaignNumbers
from reports.results.ratings import RatingsResult, TaskTypeRating
from reports.results.uncertainty import Number
from tests.reports.served import CLOSED, POISSON, USERS, Service, served_campaign

J_PER_TOKEN = 0.4
SERVICES = {
    "users": Service(
        USERS, {"classify": 0.05, "caption": 0.4, "report": 0.3}, {"classify": 0.5, "caption": 6.0, "report": 3.0},
        {"caption": (20, 30)},
    ),
    "closed": Service(CLOSED, {"answer": 0.25}, {"answer": J_PER_TOKEN * 25}, {"answer": (10, 25)}, servers=4),
    "batched": Service(POISSON, {"classify": 0.05}, {"classify": 1.5}, servers=1, batch=4, idle_w=2.0),
}  # fmt: skip
WH = 3600.0


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three services."""
    return served_campaign(tmp_path_factory.mktemp("ratings"), SERVICES, repetitions=3)


@pytest.fixture(scope="module")
def numbers(campaign: Path) -> CampaignNumbers:
    """What is computed of them."""
    return analyse(campaign).numbers


def ratings(numbers: CampaignNumbers, scenario: str) -> RatingsResult:
    """Of one of them."""
    found = numbers.scenarios[scenario].ratings
    assert found is not None
    return found


def per(result: RatingsResult, work: str) -> Number:
    """Induced energy of one of a kind of work (Wh)."""
    found = {one.work: one.induced_energy_wh for one in result.energy_per}[work]
    assert found is not None
    return found


def test_nothing_is_wrong_with_the_load_and_its_run_folders(campaign: Path, numbers: CampaignNumbers) -> None:
    assert [one for one in numbers.findings if one.code.startswith(("stimulus", "tasks", "no-tasks"))] == []
    assert examine(campaign).broken == []


def test_a_known_energy_of_a_token_is_recovered_within_u(numbers: CampaignNumbers) -> None:
    token = per(ratings(numbers, "closed"), "output tokens")
    assert token.expanded is not None
    assert abs(token.value * WH - J_PER_TOKEN) < token.expanded * WH
    assert token.expanded * WH < 0.05 * J_PER_TOKEN


def test_energies_of_one_kind_of_work_are_those_of_another_by_their_amounts(numbers: CampaignNumbers) -> None:
    result = ratings(numbers, "closed")
    task = per(result, "tasks")
    assert per(result, "input tokens").value * 10 == pytest.approx(task.value)
    assert per(result, "output tokens").value * 25 == pytest.approx(task.value)
    assert per(result, "timely tasks").value == per(result, "successful tasks").value == task.value


def test_the_window_of_others_gives_the_same_energy_of_a_token_where_the_load_is_even(numbers: CampaignNumbers) -> None:
    steady = ratings(numbers, "closed").steady_state
    assert steady is not None
    assert steady.n == 3
    # it begins in the stabilization phase, 3 s before the rating interval, and ends with the last full batch behind it
    assert steady.duration_s is not None
    assert steady.duration_s.value == pytest.approx(60 + 3 + 1, abs=2.5)
    found = {one.work: one.induced_energy_wh for one in steady.energy_per}["output tokens"]
    assert found is not None
    assert found.expanded is not None
    assert abs(found.value * WH - J_PER_TOKEN) < found.expanded * WH
    assert ratings(numbers, "users").steady_state is None


def test_ratings_are_those_of_the_closed_forms(numbers: CampaignNumbers) -> None:
    one = ratings(numbers, "closed").task_types["answer"]
    assert one.throughput.value == pytest.approx(4 / 0.25, rel=0.01)  # four in flight, a quarter of a second each
    assert value(one.mean_execution_s) == pytest.approx(0.25)
    assert value(one.execution_rating) == pytest.approx((0.5 * 0.9 + 2.0 * 0.1) / 0.25)
    assert value(one.timeliness_rating) == 1.0
    assert (one.reference_throughput, one.throughput_rating, one.passed) == (None, None, None)


def test_users_pass_where_the_service_is_faster_than_it_has_to_be(numbers: CampaignNumbers) -> None:
    result = ratings(numbers, "users")
    assert result.passed is True
    classify = result.task_types["classify"]
    assert classify.reference_throughput == pytest.approx(12 * 1.75 / 2.415 + 6 * 0.5 / 2.94)
    # C with .05 and .4 s in the place of T_Ref: visitors .75 * 1.3 + .25 * 2.55, clerks .5 * 2.55 + .5 * 1.5
    assert classify.throughput.value == pytest.approx(12 * 1.75 / 1.6125 + 6 * 0.5 / 2.025, rel=0.03)
    assert value(classify.throughput_rating) > 1
    assert result.task_types["report"].waits is False


def test_a_load_is_rated_by_its_rate_and_fails_where_it_is_late(numbers: CampaignNumbers) -> None:
    one = ratings(numbers, "batched").task_types["classify"]
    assert one.reference_throughput == one.throughput.value, "a Poisson load asks for what was drawn"
    assert one.throughput_rating is not None
    assert (one.throughput_rating.value, one.throughput_rating.estimate.u) == (1.0, 0.0)
    assert value(one.timeliness_rating) < 1  # batches of four wait for their fourth
    assert one.passed is False


def test_the_load_of_the_stabilization_phase_is_no_baseline_that_lies_elsewhere(campaign: Path) -> None:
    runs = [run for run in read_runs(campaign, examine(campaign), []) if run.served is not None]
    assert len(runs) == 9
    assert [run.idle_w for run in runs] == [None] * 9
    assert any(replace(run, served=None).idle_w is not None for run in runs), "of a run without a service it is asked"


def test_every_run_says_what_its_service_did(campaign: Path, numbers: CampaignNumbers) -> None:
    runs = [run for run in numbers.runs if run.scenario == "batched"]
    for run in runs:
        tasks = pd.read_csv(next((campaign / run.folder).glob("tasks-*.csv")))
        rated = tasks[tasks.phase == "rating"]
        batches = pd.read_csv(campaign / run.folder / "artifacts" / "batches.csv")
        assert run.served is not None
        assert (run.served.tasks, run.served.done) == (len(rated), len(rated))
        latencies_s = (rated.completed_ns - rated.intended_ns) * 1e-9
        assert run.served.mean_latency_s == pytest.approx(latencies_s.mean())
        assert run.served.largest_latency_s == pytest.approx(latencies_s.max())
        assert run.served.batches is not None
        assert 0 < run.served.batches <= len(batches)
        assert run.served.mean_batch == 4.0
        assert run.served.longest_hold_s is not None
        assert run.served.longest_hold_s <= batches.hold_ns.max() * 1e-9
        assert run.mean_power_w is not None
        assert run.served.largest_power_w is not None
        assert run.served.largest_power_w > run.mean_power_w.value
        assert set(run.served.columns()) >= {"images", "mean_batch", "largest_power_w"}
    assert [run.served for run in numbers.runs if run.kind == "baseline"] == [None] * len(
        [run for run in numbers.runs if run.kind == "baseline"]
    )


def test_batches_energy_and_its_parts(numbers: CampaignNumbers) -> None:
    result = ratings(numbers, "batched").batches
    assert result is not None
    assert (result.refused, result.model, result.mean_size) == (None, "by-size", 4.0)
    batch, none = result.sizes
    # 1.5 J on top of 2 W that it takes all the time, for .05 s
    assert within_u(batch.value, 1.5 + 2.0 * 0.05)
    assert within_u(none.value, 2.0)
    assert result.parts is not None
    assert within_u(result.parts.difference_j, 0.0)
    parts = (result.parts.attributed_j, result.parts.idle_j, result.parts.queue_j)
    whole = numbers.scenarios["batched"].induced_energy_wh
    assert whole is not None
    assert sum(part.value for part in parts) == pytest.approx(3 * whole.value * WH, rel=0.03)
    assert result.parts.induced_j.value == pytest.approx(3 * whole.value * WH, rel=0.03)


def test_latencies_have_intervals_by_runs_and_exact_extremes(numbers: CampaignNumbers) -> None:
    found = ratings(numbers, "batched").task_types["classify"].latency
    assert found is not None
    assert (found.sections, found.dropped) == ("runs", 0)
    assert found.least_s == pytest.approx(0.05)
    known = {one.percent: value_of(one.value_s) for one in found.percentiles}
    assert known[90.0].expanded is not None
    assert known[99.0].expanded is None  # hardly 25 tasks of a run lie beyond
    assert known[50.0].value < known[90.0].value < known[99.0].value < found.largest_s * 1.001


def test_answers_that_are_streamed_have_first_token_and_pace(numbers: CampaignNumbers) -> None:
    one: TaskTypeRating = ratings(numbers, "closed").task_types["answer"]
    assert one.first_token is not None
    assert one.per_token is not None
    assert one.first_token.mean_s.value == pytest.approx(0.01)
    assert one.per_token.mean_s.value == pytest.approx(0.01)
    assert ratings(numbers, "batched").task_types["classify"].first_token is None


def test_what_is_written_is_read_back(numbers: CampaignNumbers) -> None:
    for scenario in SERVICES:
        own = ratings(numbers, scenario)
        again: Any = decoded(RatingsResult, encoded(own), scenario)
        assert encoded(again) == encoded(own)
    stimuli = [run.stimulus for run in numbers.runs if run.kind == "scenario"]
    assert all(one is not None and one.cpu_percent == pytest.approx(5.0, abs=0.1) for one in stimuli)
    assert all(run.stimulus is None for run in numbers.runs if run.kind == "baseline")


def value(number: Number | None) -> float:
    """Of a number that is there."""
    return value_of(number).value


def value_of(number: Number | None) -> Number:
    """A number that is there."""
    assert number is not None
    return number


def within_u(number: Number, truth: float) -> bool:
    """Whether the truth lies in the interval."""
    assert number.expanded is not None
    return abs(number.value - truth) < number.expanded
