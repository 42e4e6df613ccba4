"""What a service did with the tasks of one run's rating interval, task type by task type.

Knows one run's tasks and its population. Knows no power, no other run and no rating.

Tasks of the rating interval are those that were intended in it, followed to their end whenever that came. A task is
done where it was completed, and correctly where an oracle judges; every other one counts as submitted and as never
complete. The execution time of a task runs from its submission; of a NO WAIT task, and of an open load, from the time
at which it was to be submitted: who was kept from asking waited too. A task is timely where it is done within the last
limit of its timeliness function, which is to hold for all.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.record.population import Population
from reports.ratings.iso14756 import Timeliness, timely_of
from reports.ratings.latency import Latencies, latencies_of, parts_of_run
from reports.ratings.steady_state import steady_state
from reports.ratings.stimulus import Stimulus, flights_ns, stimulus_of
from reports.readings.tasks import Flags, Floats, PopulationRun

BINS = 60
"""Of a picture of rates over the rating interval."""
OPEN = frozenset({"constant", "poisson", "trace"})


@dataclass(frozen=True, slots=True)
class ServedType:
    """The tasks of one type. `within`: how many were done within each limit of the timeliness function (empty: it has
    none); `parts`: the execution times of equal parts of the run; `first_token`, `per_token`: of streamed answers, the
    time to the first token and the mean time between two."""

    count: int
    done: int
    reasons: Mapping[str, int]
    within: tuple[int, ...]
    execution: Latencies
    parts: tuple[Latencies, ...]
    first_token: Latencies
    per_token: Latencies
    longest_gap_s: float | None

    @property
    def timely(self) -> int:
        """Done within the last limit; without a function all that are done."""
        return self.within[-1] if self.within else self.done

    def counted_as_timely(self, function: Timeliness) -> int:
        """e."""
        return timely_of(self.count, self.within, function)


@dataclass(frozen=True, slots=True)
class Window:
    """The steady state by the rule of `steady_state`, and what was completed in it (kind of work -> amount)."""

    begin_ns: int
    end_ns: int
    amounts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that one run says of its tasks. `amounts`: kind of work -> amount, of tasks of the rating interval;
    `rates`: for each of `BINS` parts of it the tasks that were to be submitted, that were, and that were completed."""

    name: str
    digest: str
    population: Population
    types: Mapping[str, ServedType]
    amounts: Mapping[str, float]
    rates: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    stimulus: Stimulus
    window: Window | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)


def served_of(run: PopulationRun, interval_ns: tuple[int, int]) -> Served:
    """What came of the tasks of a rating interval."""
    population, tasks = run.population, run.tasks
    execution_s = execution_times_s(run)
    types = {name: _served_type(run, name, execution_s) for name in population.task_types}
    reasons: Counter[str] = Counter()
    for one in types.values():
        reasons.update(one.reasons)
    amounts = _amounts(run, tasks.is_rated, {name: one.timely for name, one in types.items()})
    return Served(
        run.name, run.digest, population, types, amounts, _rates(run, interval_ns), stimulus_of(run, interval_ns),
        _window(run), dict(reasons),
    )  # fmt: skip


def timeliness_of(population: Population, task_type: str) -> Timeliness | None:
    """The timeliness function of a task type; None where it has none."""
    named = population.task_types[task_type].timeliness
    return tuple((limit.within_s, limit.share) for limit in population.timeliness[named].limits) if named else None


def execution_times_s(run: PopulationRun) -> Floats:
    """The execution time of every task; infinite where it was not done."""
    tasks, population = run.tasks, run.population
    is_open = population.load is not None and population.load.shape in OPEN
    words = tasks.words["task_type"]
    from_intended = np.array([is_open or not population.task_types[name].wait for name in words.names] or [False])
    begins_s = np.where(from_intended[words.codes], tasks.times_s["intended"], tasks.times_s["submitted"])
    return np.where(tasks.is_done, tasks.times_s["completed"] - begins_s, np.inf)


def _served_type(run: PopulationRun, name: str, execution_s: Floats) -> ServedType:
    tasks = run.tasks
    rows = tasks.is_rated & tasks.of_type(name)
    done = rows & tasks.is_done
    order = np.argsort(tasks.times_s["intended"][done], kind="stable")
    own_s = execution_s[done][order]
    function = timeliness_of(run.population, name) or ()
    reasons = tasks.words["reason"]
    counts = np.bincount(reasons.codes[rows & (reasons.codes >= 0)], minlength=len(reasons.names)).tolist()
    first_s = tasks.times_s["first_token"][done] - (tasks.times_s["completed"][done] - execution_s[done])
    tokens = tasks.numbers["output_tokens"][done]
    streamed = np.isfinite(first_s)
    several = streamed & (tokens > 1)
    spent_s = (tasks.times_s["completed"] - tasks.times_s["first_token"])[done]
    gaps_s = tasks.numbers["longest_gap_s"][done]
    return ServedType(
        count=int(np.sum(rows)),
        done=int(np.sum(done)),
        reasons={word: count for word, count in zip(reasons.names, counts, strict=True) if count},
        within=tuple(int(np.sum(own_s <= within_s)) for within_s, _ in function),
        execution=latencies_of(own_s),
        parts=tuple(parts_of_run(own_s)),
        first_token=latencies_of(first_s[streamed]),
        per_token=latencies_of(spent_s[several] / (tokens[several] - 1)),
        longest_gap_s=float(np.nanmax(gaps_s)) if np.isfinite(gaps_s).any() else None,
    )


def _amounts(run: PopulationRun, rows: Flags, timely: Mapping[str, int]) -> dict[str, float]:
    """Kind of work -> how much of it some tasks did. Work of a failed task counts for nothing."""
    tasks, population = run.tasks, run.population
    done = rows & tasks.is_done
    amounts = {"tasks": float(np.sum(rows)), "successful tasks": float(np.sum(done))}
    if timely:
        amounts["timely tasks"] = float(sum(timely.values()))
    units: dict[str, float] = {}
    for name, task_type in population.task_types.items():
        unit = population.activities[task_type.activity].unit
        did = tasks.numbers["work_units"][done & tasks.of_type(name)]
        units[unit] = units.get(unit, 0.0) + float(np.nansum(did))
    amounts |= {f"{unit}s": amount for unit, amount in units.items() if unit not in ("token", "task")}
    for kind, column in (("input tokens", "input_tokens"), ("output tokens", "output_tokens")):
        if np.isfinite(tasks.numbers[column][done]).any():
            amounts[kind] = float(np.nansum(tasks.numbers[column][done]))
    return {kind: amount for kind, amount in amounts.items() if amount > 0 or kind in ("tasks", "successful tasks")}


def _rates(
    run: PopulationRun, interval_ns: tuple[int, int]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    begin_s, end_s = ((edge_ns - run.tasks.origin_ns) * 1e-9 for edge_ns in interval_ns)
    edges_s = np.linspace(begin_s, end_s, BINS + 1)
    counted = []
    for name in ("intended", "submitted", "completed"):
        times_s = run.tasks.times_s[name]
        counted.append(tuple(np.histogram(times_s[np.isfinite(times_s)], edges_s)[0].tolist()))
    return counted[0], counted[1], counted[2]


def _window(run: PopulationRun) -> Window | None:
    """The steady state of a closed load; None of any other."""
    load, tasks = run.population.load, run.tasks
    if load is None or load.shape != "closed":
        return None
    window = steady_state(*flights_ns(tasks), load.concurrency)
    if window is None:
        return None
    ends_s = tasks.times_s["completed"]
    begin_s, end_s = ((edge_ns - tasks.origin_ns) * 1e-9 for edge_ns in window)
    return Window(*window, _amounts(run, (ends_s > begin_s) & (ends_s <= end_s), {}))
