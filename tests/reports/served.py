"""Synthetic campaigns of a service under load: virtual users, virtual tasks, a known energy of each.

Users and load are simulated against servers of known service times, in virtual time; draws are stratified, as those of
the emulator are. What a task or a batch takes is spread evenly over the time in which it is served.
"""

import heapq
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.record.codec import Mistakes, record
from harness.record.documents import Document, TasksDescriptor
from harness.record.population import Population, Step
from harness.record.run_writer import RunWriter
from harness.record.tasks import (
    GENERATOR_COLUMNS,
    POPULATION,
    TASK_COLUMNS,
    generator_stream,
    header_of,
    tasks_stream,
)
from tests.reports.make_campaign import SECOND_NS, Load, Shape, SyntheticRun, make_campaign

Floats = npt.NDArray[np.float64]
USERS = """schema = 1
[activities.ask]
path = "/ask"
unit = "image"
[activities.talk]
protocol = "chat"
model = "tiny"
body = "Say ${random}"
unit = "token"
[timeliness.quick]
limits = [{ within_s = 0.2, share = 0.9 }, { within_s = 1.0, share = 1.0 }]
[timeliness.slow]
limits = [{ within_s = 2.0, share = 1.0 }]
[task_types.classify]
activity = "ask"
timeliness = "quick"
[task_types.caption]
activity = "talk"
timeliness = "slow"
[task_types.report]
activity = "ask"
timeliness = "slow"
wait = false
[preparation.short]
distribution = "exponential"
mean_s = 0.6
[preparation.long]
distribution = "normal"
mean_s = 1.5
spread_s = 0.3
[chains.browse]
tasks = [{ task = "classify", think = "short" }, { task = "classify", think = "short" }]
[chains.buy]
tasks = [{ task = "classify", think = "short" }, { task = "caption", think = "long" }]
[chains.file]
tasks = [{ task = "report", think = "long" }]
[user_types.visitor]
users = 12
chains = { browse = 0.75, buy = 0.25 }
[user_types.clerk]
users = 6
chains = { buy = 0.5, file = 0.5 }
[phases]
stabilization_s = 3.0
rating_s = 60.0
supplementary_limit_s = 10.0
"""
"""Two user types, three chains, three task types."""
CLOSED = """schema = 1
[activities.talk]
protocol = "chat"
model = "tiny"
body = "Say ${random}"
unit = "token"
[timeliness.quick]
limits = [{ within_s = 0.5, share = 0.9 }, { within_s = 2.0, share = 1.0 }]
[task_types.answer]
activity = "talk"
timeliness = "quick"
[load]
shape = "closed"
concurrency = 4
task = "answer"
[phases]
stabilization_s = 3.0
rating_s = 60.0
supplementary_limit_s = 10.0
"""
POISSON = """schema = 1
[activities.ask]
path = "/ask"
unit = "image"
[timeliness.quick]
limits = [{ within_s = 0.1, share = 0.9 }, { within_s = 0.5, share = 1.0 }]
[task_types.classify]
activity = "ask"
timeliness = "quick"
[load]
shape = "poisson"
rate_per_s = 40.0
task = "classify"
[phases]
stabilization_s = 3.0
rating_s = 60.0
supplementary_limit_s = 10.0
"""


@dataclass(frozen=True, slots=True)
class Service:
    """How the virtual service does its tasks: service time (s) and energy (J) of each, tokens in and out, servers, what
    it takes while it waits (W). `late_s`: what the emulator loses before it submits; `fail_every`: each so many tasks a
    500; `batch`: requests are gathered to so many, which takes `service_s` and `energy_j` once each."""

    population: str
    service_s: Mapping[str, float]
    energy_j: Mapping[str, float]
    tokens: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    servers: int = 8
    idle_w: float = 0.0
    late_s: float = 0.0
    fail_every: int = 0
    batch: int = 0


@dataclass(slots=True)
class Task:
    """One virtual task; times in s from the begin of the rating interval."""

    user_type: str
    user: int | None
    chain: str
    chain_run: int | None
    step: int | None
    task_type: str
    preparation_s: float | None
    intended_s: float
    submitted_s: float = 0.0
    served_s: float = 0.0
    completed_s: float = 0.0


class Draws:
    """Stratified draws: every block of them holds its quantiles once, in drawn order."""

    def __init__(self, seed: int, size: int = 20) -> None:
        self._random, self._size = np.random.default_rng(seed), size
        self._left: dict[str, list[float]] = {}

    def quantile(self, name: str) -> float:
        """The next, between 0 and 1; draws of one name make blocks."""
        if not self._left.get(name):
            self._left[name] = ((self._random.permutation(self._size) + 0.5) / self._size).tolist()
        return self._left[name].pop()

    def preparation_s(self, user_type: str, step: Step, population: Population) -> float:
        """The next preparation time of a user type before a task."""
        own, at = population.preparation[step.think], self.quantile(f"{user_type} {step.task} {step.think}")
        if own.distribution == "exponential":
            return float(-own.mean_s * np.log1p(-at))
        if own.distribution == "normal":
            return max(0.0, float(stats.norm.ppf(at, own.mean_s, own.spread_s)))
        return own.mean_s


class Simulation:
    """Tasks of a population at a service, from `begin_s` until all that is intended before `end_s` is done."""

    def __init__(self, population: Population, service: Service, seed: int, begin_s: float, end_s: float) -> None:
        self.population, self.service = population, service
        self.begin_s, self.end_s = begin_s, end_s
        self.tasks: list[Task] = []
        self.batches: list[tuple[float, float, int, float]] = []
        self._draws = Draws(seed)
        self._free = [begin_s] * service.servers
        heapq.heapify(self._free)
        self._waiting: list[Task] = []
        if population.load is None:
            self._users(population)
        else:
            self._load(population)

    def _serve(self, task: Task) -> None:
        task.submitted_s = task.intended_s + self.service.late_s
        self.tasks.append(task)
        if self.service.batch:
            self._gather(task)
            return
        task.served_s = max(task.submitted_s, heapq.heappop(self._free))
        task.completed_s = task.served_s + self.service.service_s[task.task_type]
        heapq.heappush(self._free, task.completed_s)

    def _gather(self, task: Task) -> None:
        self._waiting.append(task)
        if len(self._waiting) < self.service.batch:
            return
        begin_s = max(task.submitted_s, heapq.heappop(self._free))
        end_s = begin_s + self.service.service_s[task.task_type]
        heapq.heappush(self._free, end_s)
        self.batches.append((begin_s, end_s, len(self._waiting), begin_s - self._waiting[0].submitted_s))
        for one in self._waiting:
            one.served_s, one.completed_s = begin_s, end_s
        self._waiting = []

    def _users(self, population: Population) -> None:
        ready: list[tuple[float, int, str, int, str, int, int]] = []
        number = 0
        for name, own in population.user_types.items():
            for user in range(own.users):
                chain = self._chain(name)
                first_s = self.begin_s + self._draws.preparation_s(name, population.chains[chain].tasks[0], population)
                heapq.heappush(ready, (first_s, number, name, user, chain, 0, 0))
                number += 1
        while ready and ready[0][0] < self.end_s:
            at_s, number, name, user, chain, chain_run, step = heapq.heappop(ready)
            steps = population.chains[chain].tasks
            task_type = steps[step].task
            task = Task(name, user, chain, chain_run, step, task_type, None, at_s)
            self._serve(task)
            step += 1
            if step == len(steps):
                chain, chain_run, step = self._chain(name), chain_run + 1, 0
            think_s = self._draws.preparation_s(name, population.chains[chain].tasks[step], population)
            ended_s = task.completed_s if population.task_types[task_type].wait else at_s
            heapq.heappush(ready, (ended_s + think_s, number, name, user, chain, chain_run, step))

    def _chain(self, user_type: str) -> str:
        at, below = self._draws.quantile(f"chain {user_type}"), 0.0
        shares = self.population.user_types[user_type].chains
        for name, share in shares.items():
            below += share
            if at < below:
                return name
        return list(shares)[-1]

    def _load(self, population: Population) -> None:
        load = population.load
        assert load is not None
        task_type = next(iter(load.shares))
        if load.shape == "closed":
            places = [(self.begin_s, place) for place in range(load.concurrency)]
            while places[0][0] < self.end_s:
                at_s, place = heapq.heappop(places)
                self._serve(task := Task("", place, "", None, None, task_type, None, at_s))
                heapq.heappush(places, (task.completed_s, place))
            return
        at_s = self.begin_s
        while True:
            gap_s = -np.log1p(-self._draws.quantile("gap")) if load.shape == "poisson" else 1.0
            at_s += float(gap_s) / load.rate_per_s
            if at_s >= self.end_s:
                break
            self._serve(Task("", None, "", None, None, task_type, None, at_s))
        while self._waiting:  # what is left is no full batch
            self.tasks.remove(self._waiting.pop())


class ServedRun(SyntheticRun):
    """A run whose service is driven, of the service that its shape's `services` have for its scenario."""

    services: Mapping[str, Service] = {}
    """Scenario -> its service."""

    @property
    def service(self) -> Service | None:
        """Its own; None of the baseline."""
        return self.services.get(str(self.plain["scenario"])) if self.load is not None else None

    @property
    def simulation(self) -> Simulation:
        """What happens in it."""
        assert self.service is not None
        seed = int(self.plain["ordinal"])
        return Simulation(population_of(self.service), self.service, seed, -3.0, self.duration_s + 1)

    def _write_inputs(self, writer: RunWriter) -> dict[str, str]:
        inputs = super()._write_inputs(writer)
        if self.service is not None:
            inputs[POPULATION] = writer.write_file(f"inputs/{POPULATION}", self.service.population.encode())
        return inputs

    def _scenario_config(self) -> dict[str, Any]:
        if self.load is None:
            return super()._scenario_config() | {"baseline_state": "model-loaded"}
        return super()._scenario_config() | {"population": "load", "parameters": {}}

    def _descriptors(self) -> list[Document]:
        if self.service is None:
            return super()._descriptors()
        described = TasksDescriptor(
            stream=tasks_stream("load"), generator=generator_stream("load"), population="load",
            shape=population_of(self.service).shape, seed=1, address="http://127.0.0.1:9", connection="direct",
            columns=list(TASK_COLUMNS), generator_columns=list(GENERATOR_COLUMNS),
        )  # fmt: skip
        return [*super()._descriptors(), described]

    def _streams(self) -> dict[str, bytes]:
        if self.service is None:
            return {}
        return {tasks_stream("load"): self._tasks(), generator_stream("load"): self._generator()}

    def _tasks(self) -> bytes:
        service = self.service
        assert service is not None
        population = population_of(service)
        rows = [header_of(TASK_COLUMNS)]
        for number, task in enumerate(self.simulation.tasks):
            failed = bool(service.fail_every) and number % service.fail_every == 0
            inward, outward = service.tokens.get(task.task_type, (None, None))
            phase = "stabilization" if task.intended_s < 0 else "rating"
            phase = "supplementary" if task.intended_s >= self.duration_s else phase
            first_s = task.served_s + (task.completed_s - task.served_s) / (outward or 1)
            unit = population.activities[population.task_types[task.task_type].activity].unit
            cells = {
                "task": number, "user_type": task.user_type, "user": task.user, "chain": task.chain,
                "chain_run": task.chain_run, "step": task.step, "task_type": task.task_type, "phase": phase,
                "intended_ns": self._at(task.intended_s), "submitted_ns": self._at(task.submitted_s),
                "first_byte_ns": self._at(first_s), "completed_ns": self._at(task.completed_s),
                "first_token_ns": self._at(first_s) if outward else None, "status": 500 if failed else 200,
                "bytes_sent": 100, "bytes_received": 200,
                "work_units": 0 if failed else (outward or 0) if unit == "token" else 1,
                "input_tokens": inward, "output_tokens": outward, "chunks": outward,
                "longest_gap_ns": 5_000_000 if outward else None, "correct": int(not failed),
                "reason": "status" if failed else None,
            }  # fmt: skip
            rows.append(",".join(_cell(cells.get(str(column["name"]))) for column in TASK_COLUMNS))
        return "\n".join([*rows, ""]).encode()

    def _generator(self) -> bytes:
        rows = [header_of(GENERATOR_COLUMNS)]
        for second in range(-3, int(self.duration_s) + 2):
            cells = {"time_ns": self._at(second), "cpu_s": 0.05 * (second + 4), "loop_lag_p99_ns": 100_000,
                     "open_connections": 8, "errors": 0, "queued": 0, "loop_lag_max_ns": 200_000, "submitted": 0,
                     "completed": 0}  # fmt: skip
            rows.append(",".join(_cell(cells[str(column["name"])]) for column in GENERATOR_COLUMNS))
        return "\n".join([*rows, ""]).encode()

    def _artifacts(self) -> dict[str, Any]:
        if self.service is None or not self.service.batch:
            return {}
        rows = ["begin_ns,end_ns,size,hold_ns,queue"]
        rows += [
            f"{self._at(begin_s)},{self._at(end_s)},{size},{round(hold_s * 1e9)},0"
            for begin_s, end_s, size, hold_s in self.simulation.batches
        ]
        return {"batches.csv": "\n".join([*rows, ""]).encode()}

    def _at(self, seconds: float) -> int:
        return self._start_ns + round(seconds * 1e9)

    def _power_w(self) -> Floats:
        """Mean power of every window."""
        ends_s = self._seconds - self.shape.margin_s
        power = 41.0 + self._random.normal(0, 0.05, self._count)
        if self.service is None:
            return np.asarray(power)
        inside = (ends_s > -self.shape.margin_s + 0.5) & (ends_s <= self.duration_s + 1)
        power += np.where(inside, self.service.idle_w, 0.0)
        simulation = self.simulation
        if self.service.batch:
            energy_j = next(iter(self.service.energy_j.values()))
            spans = [(begin_s, end_s, energy_j) for begin_s, end_s, _, _ in simulation.batches]
        else:
            spans = [
                (task.served_s, task.completed_s, self.service.energy_j[task.task_type]) for task in simulation.tasks
            ]
        for begin_s, end_s, energy_j in spans:
            first = max(int(np.floor(begin_s + self.shape.margin_s)), 0)
            last = min(int(np.ceil(end_s + self.shape.margin_s)), self._count)
            for at in range(first, last):
                share_s = min(end_s, ends_s[at]) - max(begin_s, ends_s[at] - 1)
                power[at] += energy_j * max(share_s, 0.0) / (end_s - begin_s)
        return np.asarray(power)

    def _readings(self) -> bytes:
        times = self._base_ns + (self._seconds * SECOND_NS).astype(np.int64)
        header = super()._readings().split(b"\n", 1)[0].decode()
        unsent = "," * (header.count(",") - 3)
        rows = [
            f"{time},{power:.1f}{unsent},1.0,"
            for time, power in zip(times.tolist(), self._power_w().tolist(), strict=True)
        ]
        return "\n".join([header, *rows, ""]).encode()


def population_of(service: Service) -> Population:
    """Its parameter set."""
    mistakes = Mistakes()
    made = record(Population, tomllib.loads(service.population), "population.toml", "", mistakes)
    mistakes.raise_all("population.toml")
    return made


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else str(value)


def served_campaign(
    path: Path, services: Mapping[str, Service], *, repetitions: int = 4, baseline_blocks: int = 5, duration_s: int = 60
) -> Path:
    """A synthetic campaign whose scenarios are services under load."""
    loads = dict.fromkeys(services, Load(0.0, 5.0, marked=False))
    shape = Shape(
        name="served", loads=loads, gpu=False, repetitions=repetitions, baseline_blocks=baseline_blocks,
        duration_s=duration_s,
    )  # fmt: skip
    return make_campaign(path, shape, type("OfServices", (ServedRun,), {"services": services}))
