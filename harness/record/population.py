"""A workload parameter set (ISO/IEC 14756): the population file of a scenario -> one record, and what is wrong with it.

Knows user types, chains, task types, preparation times, timeliness functions, load shapes and phases, and the whole
file. Knows no clock, no draw and no service: `harness.terminal` does what it says, `reports` judge that by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any, Literal, TypeAlias

from harness.record.activity import Activity, of_activity
from harness.record.codec import Mistakes, of_schema, read_toml, record
from meters.options import did_you_mean

REMEDY = "a population is a TOML file; docs/population.md has one to begin with"
SUM_TOLERANCE = 1e-9
"""Relative frequencies are written as decimals: .1 + .2 + .7 is 1."""
MOST_USERS = 100_000
NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
"""Of user types, chains and task types: they stand in rows of a CSV file."""

Distribution: TypeAlias = Literal["constant", "exponential", "normal", "lognormal", "uniform"]
Shape: TypeAlias = Literal["constant", "poisson", "closed", "trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One step of a timeliness function: (g_c, r_c)."""

    within_s: float = field(metadata={"minimum": 0})
    """g_c: the time."""
    share: float = field(metadata={"minimum": 0, "maximum": 1})
    """r_c: this share of the tasks, or more, has to be done within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeliness:
    """A timeliness function."""

    limits: list[Limit]
    """Times and shares rise, the last share is 1."""

    @property
    def reference_s(self) -> float:
        """T_Ref = sum over c of g_c (r_c - r_(c-1)): the mean execution time that it allows."""
        shares = [0.0, *(limit.share for limit in self.limits)]
        return sum(limit.within_s * (limit.share - before) for limit, before in zip(self.limits, shares, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskType:
    """A task type: what is asked, how soon it has to be answered, whether the user waits."""

    activity: str
    """Its activity."""
    timeliness: str = ""
    """Its timeliness function; empty: none is asked, so it cannot be rated as timely."""
    wait: bool = True
    """WAIT: the preparation time of the task after it begins when it is complete; NO WAIT: when it was intended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task of a chain."""

    task: str
    """Its task type."""
    think: str
    """The preparation time in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain type: tasks in order."""

    tasks: list[Step]
    """Each with the preparation time in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A preparation time: distribution, mean h and standard deviation s."""

    distribution: Distribution
    """`normal` is cut off at 0, which is why its spread may be a third of its mean at most."""
    mean_s: float = field(metadata={"minimum": 0})
    """h."""
    spread_s: float = field(default=0.0, metadata={"minimum": 0})
    """s: 0 where it is constant, the mean where it is exponential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserType:
    """A user type: how many there are, and how often which chain is theirs."""

    users: int = field(metadata={"minimum": 1, "maximum": MOST_USERS})
    """N_user."""
    chains: dict[str, float]
    """Chain -> relative frequency q; their sum is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShape:
    """Requests without users: at a rate, so many at a time, or as they once came."""

    shape: Shape
    """`constant` and `poisson` are open (a rate, whatever the answers do), `closed` keeps so many under way, `trace`
    repeats recorded arrivals."""
    rate_per_s: float = field(default=0.0, metadata={"minimum": 0, "maximum": 1e6})
    """Of `constant` and `poisson`."""
    concurrency: int = field(default=0, metadata={"minimum": 0, "maximum": MOST_USERS})
    """Of `closed`."""
    trace: str = ""
    """Of `trace`: a CSV file beside this one whose column time_s has seconds from the begin of the rating interval."""
    task: str = ""
    """The task type of all requests; or `mix`."""
    mix: dict[str, float] = field(default_factory=dict)
    """Task type -> share; their sum is 1."""
    requests: int = field(default=0, metadata={"minimum": 0})
    """The rating interval ends when so many were intended in it; 0: after phases.rating_s."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Task type -> share, whichever way it is written."""
        return self.mix or {self.task: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """How long the phases of ISO/IEC 14756 last."""

    stabilization_s: float = field(metadata={"minimum": 0, "maximum": 864000})
    """The whole load, not rated."""
    rating_s: float = field(metadata={"minimum": 0.001, "maximum": 864000})
    """The rating interval; with load.requests its greatest length."""
    supplementary_limit_s: float = field(metadata={"minimum": 0, "maximum": 86400})
    """The load goes on until every task of the rating interval is complete, so long at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The whole file."""

    schema: int
    """1: the form of this file."""
    activities: dict[str, Activity]
    """What is asked of the service."""
    timeliness: dict[str, Timeliness] = field(default_factory=dict)
    """How soon it has to be answered."""
    task_types: dict[str, TaskType]
    """What is rated."""
    chains: dict[str, Chain] = field(default_factory=dict)
    """With `user_types`."""
    preparation: dict[str, Preparation] = field(default_factory=dict)
    """With `user_types`."""
    user_types: dict[str, UserType] = field(default_factory=dict)
    """Either these or `load`."""
    load: LoadShape | None = None
    """Either this or `user_types`."""
    phases: Phases
    """How long it takes."""
    connections: int = field(default=1024, metadata={"minimum": 1, "maximum": 60000})
    """So many are open at a time at most; a task that finds none waits for one, and is late by that."""

    @property
    def shape(self) -> Shape | Literal["users"]:
        """The load shape; `users` where there are any."""
        return "users" if self.load is None else self.load.shape

    def reference_s(self, task_type: str) -> float:
        """T_Ref of a task type; 0 where it has no timeliness function."""
        named = self.task_types[task_type].timeliness
        return self.timeliness[named].reference_s if named else 0.0


def read_population(path: Path) -> tuple[Population, bytes]:
    """A population file and its verbatim bytes.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    source, raw = read_toml(path, REMEDY)
    mistakes = Mistakes()
    written = record(Population, of_schema(path, raw, mistakes), str(path), "", mistakes)
    if not mistakes:
        mistakes.extend(of_population(str(path), written))
    mistakes.raise_all(path)
    return written, source


def of_population(file: str, written: Population) -> Iterator[str]:
    """What contradicts itself in a population: each a sentence that begins with file and TOML path."""
    for table in ("activities", "task_types", "chains", "user_types"):
        for name in getattr(written, table):
            if not name or not set(name) <= NAMES or len(name) > 60:
                yield f"{file}: {table}.{name}: found that name, expected up to 60 letters, digits, '-' and '_'"
    for table in ("activities", "task_types"):
        if not getattr(written, table):
            yield f"{file}: {table}: at least one is needed"
    for name, activity in written.activities.items():
        yield from of_activity(f"{file}: activities.{name}", activity)
    for name, timeliness in written.timeliness.items():
        yield from _of_timeliness(f"{file}: timeliness.{name}", timeliness)
    for name, task in written.task_types.items():
        yield from _of_name(f"{file}: task_types.{name}.activity", task.activity, written.activities, "activity")
        if task.timeliness:
            place = f"{file}: task_types.{name}.timeliness"
            yield from _of_name(place, task.timeliness, written.timeliness, "timeliness function")
    for name, preparation in written.preparation.items():
        yield from _of_preparation(f"{file}: preparation.{name}", preparation)
    yield from _of_users(file, written) if written.load is None else _of_load(file, written, written.load)


def _of_name(where: str, name: str, known: Mapping[str, Any], kind: str) -> Iterator[str]:
    if name not in known:
        yield f"{where}: no {kind} {name!r}; {did_you_mean(name, known)}"


def _of_timeliness(where: str, timeliness: Timeliness) -> Iterator[str]:
    limits = timeliness.limits
    if not limits or limits[-1].share != 1:
        yield f"{where}.limits: the last share is 1: within which time has every task to be done?"
    for index in range(1, len(limits)):
        before, now = limits[index - 1], limits[index]
        if now.within_s <= before.within_s or now.share <= before.share:
            yield f"{where}.limits[{index}]: within_s and share have to be larger than those before it"
    if limits and not limits[0].share:
        yield f"{where}.limits[0].share: found 0, expected a share above 0"


def _of_preparation(where: str, preparation: Preparation) -> Iterator[str]:
    mean_s, spread_s = preparation.mean_s, preparation.spread_s
    match preparation.distribution:
        case "constant" if spread_s:
            yield f"{where}.spread_s: found {spread_s:g}, expected 0: it is constant"
        case "exponential" if spread_s not in (0, mean_s):
            yield f"{where}.spread_s: found {spread_s:g}, expected {mean_s:g}: of exponential times it is the mean"
        case "exponential" | "lognormal" if not mean_s:
            yield f"{where}.mean_s: found 0, expected seconds above 0"
        case "normal" if spread_s > mean_s / 3:
            yield (
                f"{where}.spread_s: found {spread_s:g}, expected at most {mean_s / 3:g}, a third of the mean: what is "
                "cut off at 0 would move both; take lognormal"
            )
        case "uniform" if spread_s * sqrt(3) > mean_s:
            yield f"{where}.spread_s: found {spread_s:g}, expected at most {mean_s / sqrt(3):g}: no time is below 0"


def _of_users(file: str, written: Population) -> Iterator[str]:
    if not written.user_types:
        yield f"{file}: user_types: missing; a population has [user_types.NAME], or a [load]"
    for name, chain in written.chains.items():
        if not chain.tasks:
            yield f"{file}: chains.{name}.tasks: found none, expected at least one task"
        for index, step in enumerate(chain.tasks):
            where = f"{file}: chains.{name}.tasks[{index}]"
            yield from _of_name(f"{where}.task", step.task, written.task_types, "task type")
            yield from _of_name(f"{where}.think", step.think, written.preparation, "preparation time")
        if all(_takes_no_time(written, step) for step in chain.tasks):
            yield (
                f"{file}: chains.{name}.tasks: no task waits and every preparation time is 0: a user would submit "
                "without end; give one of them a mean_s, or wait = true"
            )
    for name, user_type in written.user_types.items():
        where = f"{file}: user_types.{name}.chains"
        for chain_name in user_type.chains:
            yield from _of_name(f"{where}.{chain_name}", chain_name, written.chains, "chain")
        yield from _of_shares(where, user_type.chains)
    for table in ("chains", "preparation"):
        for name in getattr(written, table):
            if name not in _used(written, table):
                yield f"{file}: {table}.{name}: nothing names it; remove it, or name it"


def _takes_no_time(written: Population, step: Step) -> bool:
    task, preparation = written.task_types.get(step.task), written.preparation.get(step.think)
    return task is not None and preparation is not None and not task.wait and not preparation.mean_s


def _used(written: Population, table: str) -> set[str]:
    if table == "chains":
        return {name for user_type in written.user_types.values() for name in user_type.chains}
    return {step.think for chain in written.chains.values() for step in chain.tasks}


def _of_shares(where: str, shares: Mapping[str, float]) -> Iterator[str]:
    """Relative frequencies: each above 0, together 1."""
    for name, share in shares.items():
        if not 0 < share <= 1:
            yield f"{where}.{name}: found {share:g}, expected a share above 0, at most 1"
    if abs(sum(shares.values()) - 1) > SUM_TOLERANCE:
        yield f"{where}: their sum is {sum(shares.values()):g}, expected 1"


def _of_load(file: str, written: Population, load: LoadShape) -> Iterator[str]:
    for table in ("user_types", "chains", "preparation"):
        if getattr(written, table):
            yield f"{file}: {table}: there is a [load] too; a population has users or a load shape, not both"
    needs = {"constant": "rate_per_s", "poisson": "rate_per_s", "closed": "concurrency", "trace": "trace"}[load.shape]
    for key in ("rate_per_s", "concurrency", "trace"):
        if key == needs and not getattr(load, key):
            yield f"{file}: load.{key}: missing; a load of shape {load.shape} needs it"
        elif key != needs and getattr(load, key):
            yield f"{file}: load.{key}: a load of shape {load.shape} has none; remove it"
    if load.trace and Path(load.trace).name != load.trace:
        yield f"{file}: load.trace: found {load.trace!r}, expected the name of a file beside this one"
    if bool(load.task) == bool(load.mix):
        yield f"{file}: load.task: needs either `task` or `mix`, not both"
        return
    for name in load.shares:
        place = f"{file}: load.mix.{name}" if load.mix else f"{file}: load.task"
        yield from _of_name(place, name, written.task_types, "task type")
    if load.mix:
        yield from _of_shares(f"{file}: load.mix", load.mix)
