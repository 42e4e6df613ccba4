"""What a population's draws will be in its rating interval, before any load: on a clock that only counts.

Knows ISO/IEC 14756's limits for the accuracy of a user emulation: q within 5 %, h within 5 %, s within 10 %. Knows no
service: every task takes as long as its timeliness function allows on average (T_Ref), and 0 where it has none. A
slower service makes fewer tasks of the same draws.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from harness.record.population import Population
from harness.terminal.interval import Interval
from harness.terminal.task import Task
from harness.terminal.users import begin_load

Q_PERCENT, H_PERCENT, S_PERCENT = 5.0, 5.0, 10.0
LONGEST_FACTOR = 64
"""So many times the declared interval is tried; a population that needs more is to be thought over."""
MOST_TASKS = 30_000


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far one of the draws will be off: `q` of a chain, `h` or `s` of a preparation time, in % of it."""

    kind: str
    subject: str
    percent: float
    limit_percent: float

    @property
    def is_within(self) -> bool:
        """Whether the accuracy is met."""
        return self.percent <= self.limit_percent


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Tasks of the rating interval, and every deviation; `is_cut`: so many tasks that only the first were drawn."""

    tasks: int
    deviations: tuple[Deviation, ...]
    is_cut: bool

    @property
    def outside(self) -> list[Deviation]:
        """Those that are not within their limits."""
        return [one for one in self.deviations if not one.is_within]


class _Stage:
    """Where the users of a foreseen load act: a clock that jumps to whatever is due next."""

    def __init__(self, population: Population) -> None:
        self.population, self.interval = population, Interval(population, 0)
        self.clock = self
        self.rated: list[Task] = []
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._number = 0

    def at(self, due_ns: int, call: Callable[[int], None]) -> None:
        """Call at a time."""
        self._number += 1
        heapq.heappush(self._queue, (due_ns, self._number, call))

    def put(self, task: Task) -> None:
        """A task; it is complete behind its reference time."""
        if self.interval.phase_of(task.intended_ns) == "rating":
            self.rated.append(task)
        task.over_ns = task.intended_ns + round(self.population.reference_s(task.task_type) * 1e9)
        self.at(task.over_ns, lambda _: task.on_over(task))

    def run(self) -> None:
        """Until the end of the rating interval, or MOST_TASKS."""
        while self._queue and self._queue[0][0] < self.interval.rating_end_ns and len(self.rated) < MOST_TASKS:
            due_ns, _, call = heapq.heappop(self._queue)
            call(due_ns)


def foresee(population: Population, seed: int) -> Foreseen:
    """The draws of one run; nothing to judge where there are no users: a load shape draws no preparation time."""
    stage = _Stage(population)
    if population.load is not None:
        return Foreseen(0, (), is_cut=False)
    begin_load(stage, seed, ())
    stage.run()
    found = (*_frequencies(population, stage.rated), *_times(population, stage.rated))
    return Foreseen(len(stage.rated), found, is_cut=len(stage.rated) >= MOST_TASKS)


def needed_s(population: Population, seeds: list[int]) -> float | None:
    """The length of the rating interval by which the draws of all these seeds are within their limits: the declared
    one, or the first of its doubles; None: not within LONGEST_FACTOR of it."""
    factor = 1
    while factor <= LONGEST_FACTOR:
        phases = replace(population.phases, rating_s=population.phases.rating_s * factor)
        foreseen = [foresee(replace(population, phases=phases), seed) for seed in seeds]
        if not any(one.outside for one in foreseen):
            return phases.rating_s
        if any(one.is_cut for one in foreseen):
            return None
        factor *= 2
    return None


def _frequencies(population: Population, rated: list[Task]) -> Iterator[Deviation]:
    for name, user_type in population.user_types.items():
        begun = [task.chain for task in rated if task.user_type == name and task.step == 0]
        for chain, share in user_type.chains.items():
            observed = begun.count(chain) / len(begun) if begun else 0.0
            yield Deviation("q", f"{name}.{chain}", 100 * abs(observed / share - 1), Q_PERCENT)


def _times(population: Population, rated: list[Task]) -> Iterator[Deviation]:
    groups: dict[tuple[str, str, str], list[float]] = {
        (name, step.task, step.think): []
        for name, user_type in population.user_types.items()
        for chain in user_type.chains
        for step in population.chains[chain].tasks
    }
    for task in rated:
        think = population.chains[task.chain].tasks[task.step or 0].think
        groups[task.user_type, task.task_type, think].append((task.preparation_ns or 0) * 1e-9)
    for (name, task_type, think), times_s in groups.items():
        preparation, subject = population.preparation[think], f"{name}.{task_type}.{think}"
        if len(times_s) < 2:
            yield Deviation("h", subject, 100.0, H_PERCENT)
            continue
        if preparation.mean_s:
            yield Deviation("h", subject, 100 * abs(fmean(times_s) / preparation.mean_s - 1), H_PERCENT)
        spread_s = preparation.mean_s if preparation.distribution == "exponential" else preparation.spread_s
        if spread_s:
            yield Deviation("s", subject, 100 * abs(stdev(times_s) / spread_s - 1), S_PERCENT)
