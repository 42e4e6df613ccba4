"""What users and load the emulator made, beside what the population asks for.

Knows one run's tasks and its population. Knows no threshold, no power and no service's merits.

    q   relative frequency of each chain among the chains that a user type began in the rating interval; of a load
        shape, of each task type among its requests
    h   mean of the preparation times that were achieved: from the completion of the user's task before (WAIT) or from
        when it was to be submitted (NO WAIT) to the submission; by user type, task type and declared preparation time
    s   their standard deviation
    order   each user's tasks are those of the chain, one after the other, chain after chain

What was drawn is not taken for what was done: all of this is of the stamps. Tasks whose predecessor was given up have
no preparation time that could be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from harness.record.population import Population, Preparation
from reports.ratings.steady_state import mean_in_flight
from reports.readings.tasks import Flags, Floats, PopulationRun, TaskTable

LAG_PERCENT = 99.0


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a user type did one of its chains (of a load shape: a task type, `user_type` empty)."""

    user_type: str
    chain: str
    expected: float
    observed: float
    count: int

    @property
    def away_percent(self) -> float:
        """How far from what was to be, in % of it."""
        return 100 * abs(self.observed - self.expected) / self.expected


@dataclass(frozen=True, slots=True)
class Thinking:
    """The preparation times of a user type before a task type that share one declaration; n of them were seen."""

    user_type: str
    task_type: str
    preparation: str
    count: int
    expected_mean_s: float
    mean_s: float
    expected_sd_s: float
    sd_s: float

    @property
    def mean_away_percent(self) -> float:
        """How far h is from what was to be, in % of it."""
        return 100 * abs(self.mean_s - self.expected_mean_s) / self.expected_mean_s if self.expected_mean_s else 0.0

    @property
    def sd_away_percent(self) -> float:
        """How far s is from what was to be, in % of it; of a constant time in % of h."""
        scale = self.expected_sd_s or self.expected_mean_s
        return 100 * abs(self.sd_s - self.expected_sd_s) / scale if scale else 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the tasks were to come and came in the rating interval, how late each was, what the emulator took.

    `declared` is the population's own rate (1/s) or, of a closed load, its number in flight, `made` what was made of
    it; both None of users and of traces. `cpu_percent`: of one CPU; None where it was not recorded.
    """

    intended: int
    submitted: int
    duration_s: float
    declared: float | None
    made: float | None
    lag_p99_s: float
    lag_max_s: float
    cpu_percent: float | None
    loop_lag_p99_s: float | None
    queued: int
    errors: int

    @property
    def away_percent(self) -> float:
        """How far the achieved rate is from the intended one, or what was made from what was declared, in %."""
        parts = [abs(self.submitted - self.intended) / self.intended] if self.intended else [1.0]
        if self.declared and self.made is not None:
            parts.append(abs(self.made - self.declared) / self.declared)
        return 100 * max(parts)


@dataclass(frozen=True, slots=True)
class Stimulus:
    """All of it; `disorder`: tasks that are not what follows the user's task before."""

    frequencies: tuple[Frequency, ...]
    thinking: tuple[Thinking, ...]
    disorder: int
    pace: Pace


def stimulus_of(run: PopulationRun, interval_ns: tuple[int, int]) -> Stimulus:
    """What was made of the population in the rating interval of a run."""
    population, tasks = run.population, run.tasks
    order = _by_user(tasks)
    return Stimulus(
        tuple(_frequencies(population, tasks)),
        tuple(_thinking(population, tasks, order)) if population.load is None else (),
        _disorder(population, tasks, order) if population.load is None else 0,
        _pace(run, interval_ns),
    )


def moments_s(preparation: Preparation) -> tuple[float, float]:
    """Mean and standard deviation of a declared preparation time."""
    return preparation.mean_s, preparation.mean_s if preparation.distribution == "exponential" else preparation.spread_s


def preparation_times_s(population: Population, tasks: TaskTable, order: NDArray[np.intp]) -> Floats:
    """The preparation time before every task as its stamps show it; NaN where they do not."""
    submitted_s, found_s = tasks.times_s["submitted"], np.full(tasks.size, np.nan)
    ends_s = np.where(_waits(population, tasks), tasks.times_s["completed"], tasks.times_s["intended"])
    before, after = order[:-1], order[1:]
    same = (tasks.words["user_type"].codes[before] == tasks.words["user_type"].codes[after]) & (
        tasks.numbers["user"][before] == tasks.numbers["user"][after]
    )
    found_s[after[same]] = submitted_s[after[same]] - ends_s[before[same]]
    return found_s


def _waits(population: Population, tasks: TaskTable) -> Flags:
    words = tasks.words["task_type"]
    waits = np.array([population.task_types[name].wait for name in words.names] or [False])
    return np.asarray(waits[words.codes])


def _by_user(tasks: TaskTable) -> NDArray[np.intp]:
    """Places of the tasks, user by user in the order in which each was to submit them."""
    keys = (tasks.numbers["step"], tasks.numbers["chain_run"], tasks.times_s["intended"], tasks.numbers["user"])
    return np.lexsort((*keys, tasks.words["user_type"].codes))


def _frequencies(population: Population, tasks: TaskTable) -> Iterator[Frequency]:
    if population.load is not None:
        shares = population.load.shares
        counts = {name: int(np.sum(tasks.is_rated & tasks.of_type(name))) for name in shares}
        yield from _of_counts("", shares, counts)
        return
    begun = tasks.is_rated & (tasks.numbers["step"] == 0)
    for name, user_type in population.user_types.items():
        own = begun & tasks.words["user_type"].of(name)
        counts = {chain: int(np.sum(own & tasks.words["chain"].of(chain))) for chain in user_type.chains}
        yield from _of_counts(name, user_type.chains, counts)


def _of_counts(user_type: str, shares: Mapping[str, float], counts: Mapping[str, int]) -> Iterator[Frequency]:
    total = sum(counts.values())
    for name, share in shares.items():
        yield Frequency(user_type, name, share, counts[name] / total if total else 0.0, counts[name])


def _thinking(population: Population, tasks: TaskTable, order: NDArray[np.intp]) -> Iterator[Thinking]:
    times_s = preparation_times_s(population, tasks, order)
    seen = tasks.is_rated & np.isfinite(times_s)
    groups: dict[tuple[str, str, str], list[Flags]] = {}
    for user_name, user_type in population.user_types.items():
        of_user = seen & tasks.words["user_type"].of(user_name)
        for chain in user_type.chains:
            of_chain = of_user & tasks.words["chain"].of(chain)
            for place, step in enumerate(population.chains[chain].tasks):
                rows = of_chain & (tasks.numbers["step"] == place)
                groups.setdefault((user_name, step.task, step.think), []).append(rows)
    for (user_name, task_type, think), parts in groups.items():
        own_s = times_s[np.logical_or.reduce(parts)]
        mean_s, sd_s = moments_s(population.preparation[think])
        if own_s.size > 1:
            yield Thinking(
                user_name, task_type, think, own_s.size, mean_s, float(own_s.mean()), sd_s, float(own_s.std(ddof=1))
            )


def _disorder(population: Population, tasks: TaskTable, order: NDArray[np.intp]) -> int:
    users = tasks.words["user_type"].codes.tolist(), tasks.numbers["user"].tolist()
    chains, types = tasks.words["chain"], tasks.words["task_type"]
    runs, steps = tasks.numbers["chain_run"].tolist(), tasks.numbers["step"].tolist()
    wanted = {name: [step.task for step in chain.tasks] for name, chain in population.chains.items()}
    wrong = 0
    for _, own in groupby(order.tolist(), key=lambda at: (users[0][at], users[1][at])):
        before: tuple[float, float, str] | None = None
        for at in own:
            name = chains.names[chains.codes[at]] if chains.codes[at] >= 0 else ""
            planned = wanted.get(name, [])
            follows = before is None or _follows(before, (runs[at], steps[at], name), wanted)
            fits = 0 <= steps[at] < len(planned) and planned[int(steps[at])] == types.names[types.codes[at]]
            wrong += not (follows and fits)
            before = runs[at], steps[at], name
    return wrong


def _follows(before: tuple[float, float, str], now: tuple[float, float, str], wanted: dict[str, list[str]]) -> bool:
    """Whether a task is the next of the same chain, or the first of the next one after the last."""
    if now[0] == before[0]:
        return now[1] == before[1] + 1 and now[2] == before[2]
    return now[0] == before[0] + 1 and now[1] == 0 and before[1] == len(wanted.get(before[2], [])) - 1


def _pace(run: PopulationRun, interval_ns: tuple[int, int]) -> Pace:
    tasks, (begin_ns, end_ns) = run.tasks, interval_ns
    begin_s, end_s = ((edge_ns - tasks.origin_ns) * 1e-9 for edge_ns in interval_ns)
    submitted_s = tasks.times_s["submitted"]
    inside = (submitted_s >= begin_s) & (submitted_s < end_s)
    lag_s = (submitted_s - tasks.times_s["intended"])[tasks.is_rated]
    lag_s = lag_s[np.isfinite(lag_s)]
    intended, duration_s = int(np.sum(tasks.is_rated)), end_s - begin_s
    declared, made = _declared(run, (begin_ns, end_ns), intended / duration_s)
    cpu_percent, loop_lag_s, queued, errors = _generator(run, begin_s, end_s)
    return Pace(
        intended, int(np.sum(inside)), duration_s, declared, made,
        float(np.percentile(lag_s, LAG_PERCENT)) if lag_s.size else 0.0, float(lag_s.max()) if lag_s.size else 0.0,
        cpu_percent, loop_lag_s, queued, errors,
    )  # fmt: skip


def _declared(run: PopulationRun, interval_ns: tuple[int, int], rate: float) -> tuple[float | None, float | None]:
    load = run.population.load
    if load is None or load.shape == "trace":
        return None, None
    if load.shape != "closed":
        return load.rate_per_s, rate
    begins_ns, ends_ns = flights_ns(run.tasks)
    return float(load.concurrency), mean_in_flight(begins_ns, ends_ns, *interval_ns)


def flights_ns(tasks: TaskTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When every task that was completed was submitted and completed (ns)."""
    done = np.isfinite(tasks.times_s["submitted"]) & np.isfinite(tasks.times_s["completed"])
    begins, ends = (
        tasks.origin_ns + np.rint(tasks.times_s[name][done] * 1e9).astype(np.int64)
        for name in ("submitted", "completed")
    )
    return begins, ends


def _generator(run: PopulationRun, begin_s: float, end_s: float) -> tuple[float | None, float | None, int, int]:
    """CPU of one (%), the median of the loop's lateness (s), most tasks that waited for a connection, connections that
    failed; in the rating interval."""
    if run.generator is None:
        return None, None, 0, 0
    inside = (run.generator.times_s >= begin_s) & (run.generator.times_s <= end_s)
    numbers = {name: column[inside] for name, column in run.generator.numbers.items()}
    if np.sum(inside) < 2:
        return None, None, 0, 0
    elapsed_s = float(np.ptp(run.generator.times_s[inside]))
    cpu_percent = 100 * float(np.ptp(numbers["cpu_s"])) / elapsed_s if elapsed_s else None
    loop_lag_s = float(np.nanmax(numbers["loop_lag_p99_ns"])) * 1e-9
    return cpu_percent, loop_lag_s, int(np.nanmax(numbers["queued"])), int(np.ptp(numbers["errors"]))
