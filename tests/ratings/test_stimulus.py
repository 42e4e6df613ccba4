"""The load that was made, judged: what is as declared passes, what is not is found, each by its own finding."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.record.documents import TasksDescriptor, Thresholds
from harness.record.tasks import GENERATOR_COLUMNS, PHASES, REASONS, TASK_COLUMNS
from reports.findings.stimulus_rules import of_served
from reports.ratings.served import Served, served_of
from reports.readings.tasks import Floats, GeneratorTable, PopulationRun, TaskTable, Words
from tests.reports.served import CLOSED, POISSON, USERS, Service, Simulation, population_of

SERVICE = Service(
    USERS, {"classify": 0.05, "caption": 0.4, "report": 0.3}, {"classify": 0.5, "caption": 6.0, "report": 3.0},
    {"caption": (20, 30)},
)  # fmt: skip
LIMITS = Thresholds()
RATED_S = 120.0


def run_of(service: Service, seed: int = 1, rated_s: float = RATED_S, cpu: float = 0.05) -> PopulationRun:
    """A simulated run, as it is read."""
    population = population_of(service)
    tasks = Simulation(population, service, seed, -3.0, rated_s + 1).tasks
    phases = [
        "stabilization" if task.intended_s < 0 else "rating" if task.intended_s < rated_s else "supplementary"
        for task in tasks
    ]
    words = {
        "user_type": _words([t.user_type for t in tasks], list(population.user_types)),
        "chain": _words([t.chain for t in tasks], list(population.chains)),
        "task_type": _words([t.task_type for t in tasks], list(population.task_types)),
        "phase": _words(phases, list(PHASES)),
        "reason": _words([""] * len(tasks), list(REASONS)),
    }
    times_s = {
        "intended": [t.intended_s for t in tasks], "submitted": [t.submitted_s for t in tasks],
        "first_byte": [t.served_s for t in tasks], "first_token": [np.nan] * len(tasks),
        "completed": [t.completed_s for t in tasks],
    }  # fmt: skip
    numbers = {
        "user": [np.nan if t.user is None else t.user for t in tasks],
        "chain_run": [np.nan if t.chain_run is None else t.chain_run for t in tasks],
        "step": [np.nan if t.step is None else t.step for t in tasks],
        "work_units": [1.0] * len(tasks), "input_tokens": [np.nan] * len(tasks), "output_tokens": [np.nan] * len(tasks),
        "longest_gap_s": [np.nan] * len(tasks),
    }  # fmt: skip
    table = TaskTable(
        0, words, {name: np.array(column) for name, column in times_s.items()},
        {name: np.array(column, dtype=np.float64) for name, column in numbers.items()},
    )  # fmt: skip
    seconds = np.arange(-3.0, rated_s + 2)
    generator = GeneratorTable(
        seconds,
        {
            "cpu_s": cpu * (seconds + 4),
            "loop_lag_p99_ns": np.full(seconds.size, 1e5),
            "queued": seconds * 0,
            "errors": seconds * 0,
        },
    )
    descriptor = TasksDescriptor(
        stream="tasks-load.csv", generator="generator-load.csv", population="load", shape=population.shape, seed=1,
        address="", connection="direct", columns=list(TASK_COLUMNS), generator_columns=list(GENERATOR_COLUMNS),
    )  # fmt: skip
    return PopulationRun("load", "0" * 64, population, descriptor, table, generator)


def _words(values: list[str], names: list[str]) -> Words:
    return Words(tuple(names), np.array([names.index(value) if value else -1 for value in values], dtype=np.int32))


def served(run: PopulationRun, rated_s: float = RATED_S) -> Served:
    """What it served."""
    return served_of(run, (0, round(rated_s * 1e9)))


def codes(run: PopulationRun, rated_s: float = RATED_S) -> list[tuple[str, str]]:
    """What is found of it."""
    return [(found.code, found.severity) for found in of_served("run", served(run, rated_s), LIMITS)]


def changed(run: PopulationRun, change: Callable[[TaskTable], TaskTable]) -> PopulationRun:
    """The same with other tasks."""
    return replace(run, tasks=change(run.tasks))


def with_times(run: PopulationRun, change: Callable[[TaskTable], dict[str, Floats]]) -> PopulationRun:
    """The same with other stamps."""
    return changed(run, lambda tasks: replace(tasks, times_s={**tasks.times_s, **change(tasks)}))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_users_as_they_were_declared_pass(seed: int) -> None:
    run = run_of(SERVICE, seed)
    assert codes(run) == []
    own = served(run).stimulus
    assert {(one.user_type, one.chain) for one in own.frequencies} == {
        ("visitor", "browse"), ("visitor", "buy"), ("clerk", "buy"), ("clerk", "file"),
    }  # fmt: skip
    assert max(one.away_percent for one in own.frequencies) < 5
    assert own.disorder == 0


def test_preparation_times_are_of_the_stamps_and_not_of_what_was_drawn() -> None:
    def longer(tasks: TaskTable) -> dict[str, Floats]:
        return {name: tasks.times_s[name] + 0.1 for name in ("submitted", "intended")}

    found = codes(with_times(run_of(SERVICE), longer))
    assert ("stimulus-h", "invalid") in found  # .6 s became .7 s
    assert ("stimulus-q", "invalid") not in found


def test_thinking_that_does_not_scatter_is_found() -> None:
    constant = USERS.replace('distribution = "exponential"\nmean_s = 0.6', 'distribution = "constant"\nmean_s = 0.6')
    run = replace(run_of(replace(SERVICE, population=constant)), population=population_of(SERVICE))
    found = codes(run)
    assert ("stimulus-s", "invalid") in found
    assert ("stimulus-h", "invalid") not in found


def test_other_chains_than_those_declared_are_found() -> None:
    other = USERS.replace("browse = 0.75, buy = 0.25", "browse = 0.65, buy = 0.35")
    run = replace(run_of(replace(SERVICE, population=other)), population=population_of(SERVICE))
    assert ("stimulus-q", "invalid") in codes(run)


def test_a_step_that_was_left_out_is_disorder() -> None:
    def without_one(tasks: TaskTable) -> TaskTable:
        gone = int(np.flatnonzero((tasks.numbers["step"] == 1) & tasks.is_rated)[5])
        keep = np.arange(tasks.size) != gone
        words = {name: Words(own.names, own.codes[keep]) for name, own in tasks.words.items()}
        times_s = {name: own[keep] for name, own in tasks.times_s.items()}
        return TaskTable(0, words, times_s, {name: own[keep] for name, own in tasks.numbers.items()})

    assert ("stimulus-order", "invalid") in codes(changed(run_of(SERVICE), without_one))


def test_tasks_in_another_order_are_disorder() -> None:
    def swapped(tasks: TaskTable) -> TaskTable:
        types = tasks.words["task_type"]
        codes_ = types.codes.copy()
        place = int(np.flatnonzero(tasks.is_rated & types.of("caption"))[3])
        codes_[place] = types.names.index("classify")
        return replace(tasks, words={**tasks.words, "task_type": Words(types.names, codes_)})

    assert ("stimulus-order", "invalid") in codes(changed(run_of(SERVICE), swapped))


OPEN = Service(POISSON, {"classify": 0.02}, {"classify": 1.0}, servers=4)


def test_a_poisson_load_as_declared_passes() -> None:
    assert codes(run_of(OPEN)) == []
    pace = served(run_of(OPEN)).stimulus.pace
    assert pace.declared == 40.0
    assert pace.made == pytest.approx(40.0, rel=0.02)


def test_a_rate_that_was_not_made_is_found() -> None:
    slower = replace(run_of(OPEN), population=population_of(replace(OPEN, population=POISSON.replace("40.0", "44.0"))))
    assert codes(slower) == [("stimulus-rate", "invalid")]


def test_submissions_that_never_came_are_found() -> None:
    def lost(tasks: TaskTable) -> dict[str, Floats]:
        gone = np.arange(tasks.size) % 10 == 0
        return {name: np.where(gone, np.nan, tasks.times_s[name]) for name in ("submitted", "first_byte", "completed")}

    found = codes(with_times(run_of(OPEN), lost))
    assert ("stimulus-rate", "invalid") in found
    assert ("tasks-failed", "invalid") in found


@pytest.mark.parametrize(("late_s", "found"), [(0.004, []), (0.02, ["warn"]), (0.08, ["invalid"])])
def test_a_late_emulator_is_found_and_a_very_late_one_was_the_bottleneck(late_s: float, found: list[str]) -> None:
    run = run_of(replace(OPEN, late_s=late_s))
    assert codes(run) == [("stimulus-lag", severity) for severity in found]
    # who was kept from asking waited too
    assert served(run).types["classify"].execution.least_s >= 0.02 + late_s - 1e-9


def test_an_emulator_that_takes_a_whole_cpu_was_the_bottleneck() -> None:
    assert codes(run_of(OPEN, cpu=0.97)) == [("stimulus-lag", "invalid")]


def test_a_closed_load_that_was_not_filled_is_found() -> None:
    closed = Service(CLOSED, {"answer": 0.25}, {"answer": 10.0}, servers=4)
    assert codes(run_of(closed)) == []
    more = population_of(replace(closed, population=CLOSED.replace("concurrency = 4", "concurrency = 5")))
    assert codes(replace(run_of(closed), population=more)) == [("stimulus-rate", "invalid")]


def test_an_interval_without_a_task_is_none() -> None:
    assert codes(run_of(OPEN, rated_s=0.0001), rated_s=0.0001) == [("no-tasks", "invalid")]


def test_failed_tasks_count_as_submitted_and_never_complete() -> None:
    def failing(tasks: TaskTable) -> TaskTable:
        reasons = tasks.words["reason"]
        wrong = np.where(np.arange(tasks.size) % 50 == 0, reasons.names.index("oracle"), -1).astype(np.int32)
        return replace(tasks, words={**tasks.words, "reason": Words(reasons.names, wrong)})

    run = changed(run_of(OPEN), failing)
    assert codes(run) == [("tasks-failed", "invalid")]
    own = served(run)
    one = own.types["classify"]
    assert one.count - one.done == one.reasons["oracle"]
    assert own.amounts["tasks"] == one.count
    assert own.amounts["successful tasks"] == own.amounts["images"] == one.done
    assert codes(changed(run_of(OPEN), _one_failed)) == [("tasks-failed", "warn")]


def _one_failed(tasks: TaskTable) -> TaskTable:
    reasons = tasks.words["reason"]
    wrong = np.full(tasks.size, -1, dtype=np.int32)
    wrong[int(np.flatnonzero(tasks.is_rated)[0])] = reasons.names.index("timeout")
    return replace(tasks, words={**tasks.words, "reason": Words(reasons.names, wrong)})


def test_every_finding_of_the_stimulus_says_what_it_saw() -> None:
    run = replace(run_of(OPEN), population=population_of(replace(OPEN, population=POISSON.replace("40.0", "44.0"))))
    found = next(of_served("run", served(run), LIMITS))
    assert found.subject == "run"
    assert found.evidence["declared"] == 44.0
    assert found.evidence["away_percent"] == pytest.approx(100 * (1 - 40 / 44), abs=2)
