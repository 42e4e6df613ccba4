"""Users and load shapes: who puts a task when.

Knows chains, preparation times, WAIT and NO WAIT, and shapes. Knows no connection: a task goes to `put`, and says when
it is over. The same code makes the load and foresees it (`harness.terminal.foresight`), on another clock.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from harness.record.population import LoadShape, Population
from harness.record.tasks import Reason, TaskPhase
from harness.terminal.arrivals import arrivals_ns
from harness.terminal.draws import choices, preparation_times, stream_seed
from harness.terminal.interval import Interval
from harness.terminal.task import Task

AT_ONCE: frozenset[Reason] = frozenset({"refused", "reset", "unreachable"})
BACK_OFF_NS = 100_000_000
"""Who waits for an answer and gets no connection waits so long before the next preparation time: a service that is not
there is asked some ten times a second by each, not as often as the machine can."""


class Clock(Protocol):
    """Calls what is due, when it is."""

    def at(self, due_ns: int, call: Callable[[int], None]) -> None:
        """Call at a time."""


class Stage(Protocol):
    """Where users act."""

    @property
    def population(self) -> Population:
        """Who they are."""

    @property
    def interval(self) -> Interval:
        """When."""

    @property
    def clock(self) -> Clock:
        """By which clock."""

    def put(self, task: Task) -> None:
        """Submit a task now."""


class Draws:
    """The streams of draws of one run. Each user type, task type, preparation time and phase has its own, so that what
    is drawn for one of them in the rating interval is spread over the whole distribution, whatever is drawn besides."""

    def __init__(self, population: Population, seed: int) -> None:
        self._population, self._seed = population, seed
        self._times: dict[tuple[str, str, str, TaskPhase], Iterator[int]] = {}
        self._chains: dict[tuple[str, TaskPhase], Iterator[str]] = {}

    def preparation_ns(self, user_type: str, task_type: str, name: str, phase: TaskPhase) -> int:
        """The next preparation time of that name in front of a task of that type."""
        key = (user_type, task_type, name, phase)
        if key not in self._times:
            seed = stream_seed(self._seed, "preparation", *key)
            self._times[key] = preparation_times(self._population.preparation[name], seed)
        return next(self._times[key])

    def chain(self, user_type: str, phase: TaskPhase) -> str:
        """The next chain."""
        key = (user_type, phase)
        if key not in self._chains:
            shares = self._population.user_types[user_type].chains
            self._chains[key] = choices(shares, stream_seed(self._seed, "chains", *key))
        return next(self._chains[key])


class User:
    """One user: chain after chain, without end."""

    def __init__(self, stage: Stage, draws: Draws, user_type: str, number: int) -> None:
        self._stage, self._draws, self._user_type, self._number = stage, draws, user_type, number
        self._chain, self._chain_run, self._step = "", -1, 0
        self._preparation_ns = 0

    def prepare(self, from_ns: int) -> None:
        """The preparation time of the next task begins."""
        population, phase = self._stage.population, self._stage.interval.phase_of(from_ns)
        if self._chain_run < 0 or self._step + 1 == len(population.chains[self._chain].tasks):
            self._chain, self._step = self._draws.chain(self._user_type, phase), 0
            self._chain_run += 1
        else:
            self._step += 1
        step = population.chains[self._chain].tasks[self._step]
        self._preparation_ns = self._draws.preparation_ns(self._user_type, step.task, step.think, phase)
        self._stage.clock.at(from_ns + self._preparation_ns, self._submit)

    def _submit(self, due_ns: int) -> None:
        population = self._stage.population
        name = population.chains[self._chain].tasks[self._step].task
        waits = population.task_types[name].wait
        task = Task(
            name, due_ns, self._after if waits else _nothing, self._number, self._user_type, self._chain,
            self._chain_run, self._step, self._preparation_ns,
        )  # fmt: skip
        self._stage.put(task)
        if not waits:
            self.prepare(due_ns)

    def _after(self, task: Task) -> None:
        self.prepare(_over_ns(task))


class Place:
    """One place of a closed load, which has as many as its concurrency: the next task is due when one is over."""

    def __init__(self, stage: Stage, names: Iterator[str], number: int) -> None:
        self._stage, self._names, self._number = stage, names, number

    def submit(self, due_ns: int) -> None:
        """The next task of this place."""
        self._stage.put(Task(next(self._names), due_ns, self._after, self._number))

    def _after(self, task: Task) -> None:
        self._stage.clock.at(_over_ns(task), self.submit)


class Stream:
    """An open load: one task after the other as they are due."""

    def __init__(self, stage: Stage, names: Iterator[str], due_ns: Iterator[int]) -> None:
        self._stage, self._names, self._due_ns = stage, names, due_ns

    def go_on(self) -> None:
        """Wait for the next."""
        due_ns = next(self._due_ns, None)
        if due_ns is not None:
            self._stage.clock.at(self._stage.interval.rating_begin_ns + due_ns, self._submit)

    def _submit(self, due_ns: int) -> None:
        self._stage.put(Task(next(self._names), due_ns, _nothing))
        self.go_on()


def begin_load(stage: Stage, seed: int, trace_ns: Sequence[int]) -> None:
    """Set the whole load going, at the begin of the stabilization phase."""
    population, begin_ns = stage.population, stage.interval.begin_ns
    if population.load is not None:
        _begin_shape(stage, population.load, seed, trace_ns)
        return
    draws = Draws(population, seed)
    for name, user_type in population.user_types.items():
        for number in range(user_type.users):
            User(stage, draws, name, number).prepare(begin_ns)


def _begin_shape(stage: Stage, load: LoadShape, seed: int, trace_ns: Sequence[int]) -> None:
    interval, names = stage.interval, choices(load.shares, stream_seed(seed, "mix"))
    if load.shape == "closed":
        for number in range(load.concurrency):
            stage.clock.at(interval.begin_ns, Place(stage, names, number).submit)
    else:
        before_ns = interval.rating_begin_ns - interval.begin_ns
        Stream(stage, names, arrivals_ns(load, seed, before_ns, trace_ns)).go_on()


def _over_ns(task: Task) -> int:
    """When the next preparation time begins behind a task that was waited for."""
    over_ns = task.over_ns
    return over_ns + BACK_OFF_NS if task.reason in AT_ONCE else over_ns


def _nothing(_task: Task) -> None:
    """Nobody waits for it."""
