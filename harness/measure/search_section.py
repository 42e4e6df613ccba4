"""A search as lab.toml declares it (`[scenarios.NAME.search]`), and what cannot be right in it.

Knows the table, the form of a space, and what of its scenario a search changes. Knows no strategy's rule, no plan and
no run. Each mistake is a sentence that begins with file and TOML path.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.measure.cells import ONE_LEVEL, is_level
from harness.record.documents import Json, matches
from harness.station.station import at_least
from meters.options import did_you_mean
from workloads.search.space import CANDIDATES, GRIDS, POINTS, XI, Bounds, Choices, Search, Space, Strategy, points_in

SUMMARY = "summary.json"
"""The artifact that the objective stands in."""
MOST_ROUNDS, MOST_POINTS = 10_000, 1_000_000
"""Of a search, of a grid: more are a slip of the pen."""
OF_BOUNDS, OF_CHOICES = ("low", "high", "scale"), ("choices",)
FORM = '{ low = 0.1, high = 1.0 }, { low = 1e-5, high = 1e-1, scale = "log" } or { choices = [16, 32] }'


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSection:
    """The scenario's parameters are searched: each repetition is one search of so many trials, each a run of its own
    (docs/searches.md)."""

    strategy: Strategy
    """How the next trial's parameters are found."""
    rounds: int = field(metadata=at_least(1) | {"maximum": MOST_ROUNDS})
    """Trials of one search."""
    objective: str
    """Key of the program's summary.json (with dots: of a table in it) whose number the search makes best."""
    direction: Literal["maximise", "minimise"] = "maximise"
    """Which way the objective is better."""
    space: dict[str, Any]
    """Parameter -> `{ low, high }`, with `scale = "log"` where equal factors are alike, or `{ choices = [...] }`."""
    points: int = field(default=POINTS, metadata=at_least(2))
    """Values of each continuous parameter in a grid."""
    candidates: int = field(default=CANDIDATES, metadata=at_least(1) | {"maximum": 1_000_000})
    """Random points of which `bayes-pi` takes the one that most probably improves."""
    xi: float = field(default=XI, metadata=at_least(0))
    """By how much an improvement has to exceed the best for `bayes-pi`, in standard deviations of the objective."""

    @property
    def declared(self) -> Search:
        """As the strategies take it; of a section without a mistake."""
        return Search(
            strategy=self.strategy, space=space_of(self.space), maximise=self.direction == "maximise",
            points=self.points, candidates=self.candidates, xi=self.xi,
        )  # fmt: skip


def rounds_of(section: SearchSection | None) -> int:
    """Runs of one repetition of a scenario: the trials of its search, or the one run."""
    return 1 if section is None else section.rounds


def space_of(written: Mapping[str, Any]) -> Space:
    """A space as it is written, without a mistake."""
    return {name: _dimension(one) for name, one in written.items()}


def _dimension(one: Json) -> Bounds | Choices:
    if "choices" in one:
        return Choices(tuple(one["choices"]))
    return Bounds(float(one["low"]), float(one["high"]), one.get("scale", "linear"))


def of_search(
    where: str,
    section: SearchSection,
    parameters: Json,
    factors: Sequence[str],
    artifacts: Sequence[str],
    *,
    is_served: bool,
) -> Iterator[str]:
    """What is wrong with a search; `where` is its table, `parameters` and `artifacts` are its scenario's, `factors` are
    what lab.toml and scenario.toml set; `is_served`: the scenario is a service."""
    if is_served:
        yield f"{where}: the scenario is a service (population), and a search needs a program; leave one of the two out"
    if SUMMARY not in artifacts:
        yield (
            f"{where}.objective: it is read from {SUMMARY}, which the scenario does not keep; write "
            f'artifacts = ["{SUMMARY}"] into the scenario'
        )
    if not section.objective or not all(section.objective.split(".")):
        yield f'{where}.objective: found {section.objective!r}, expected a key of {SUMMARY}, such as "val_accuracy"'
    if not section.space:
        yield f"{where}.space: found no parameter, expected at least one: NAME = {FORM}"
    wrong = []
    for name, one in section.space.items():
        place = f"{where}.space.{name}"
        if name not in parameters:
            wrong.append(f"{place}: the scenario has no parameter of this name; {did_you_mean(name, parameters)}")
        elif name in factors:
            wrong.append(f"{place}: it is a factor of the scenario too; leave it out in one of the two")
        else:
            wrong += _of_dimension(place, one, parameters[name])
    yield from wrong
    if not wrong and section.strategy in GRIDS:
        yield from _of_grid(where, section)


def _of_grid(where: str, section: SearchSection) -> Iterator[str]:
    """A grid has as many points as trials, and few enough to be listed."""
    known = points_in(space_of(section.space), section.points)
    if known > MOST_POINTS:
        yield f"{where}.points: a grid of {known} points, expected at most {MOST_POINTS}; take fewer points"
    elif section.rounds > known:
        yield f"{where}.rounds: found {section.rounds}, the grid has {known} points; lower it, or raise points"


def _of_dimension(place: str, one: object, default: object) -> Iterator[str]:
    """One parameter of a space; `default` is what the scenario has it set to."""
    if not isinstance(one, dict) or set(one) not in ({*OF_CHOICES}, {"low", "high"}, {*OF_BOUNDS}):
        yield f"{place}: found {one!r}, expected {FORM}"
    elif "choices" in one:
        yield from _of_choices(f"{place}.choices", one["choices"], default)
    elif not matches(default, float) or matches(default, int):
        yield (
            f"{place}: the parameter is {default!r}, and bounds are for a number with a fraction; write "
            "{ choices = [...] }, or give it as 1.0"
        )
    else:
        yield from _of_bounds(place, one)


def _of_bounds(place: str, one: Json) -> Iterator[str]:
    low, high, scale = one["low"], one["high"], one.get("scale", "linear")
    for key in ("low", "high"):
        if not matches(one[key], float):
            yield f"{place}.{key}: found {one[key]!r}, expected a number"
            return
    if scale not in ("linear", "log"):
        yield f'{place}.scale: found {scale!r}, expected "linear" or "log"'
    elif not low < high:
        yield f"{place}.high: found {high!r}, expected more than low ({low!r})"
    elif scale == "log" and low <= 0:
        yield f"{place}.low: found {low!r}, expected more than 0 on a log scale"


def _of_choices(place: str, levels: object, default: object) -> Iterator[str]:
    if not isinstance(levels, list) or len(levels) < 2:
        yield f"{place}: found {levels!r}, expected a list of two values or more"
        return
    expected: type = float if isinstance(default, float) else type(default)
    for index, level in enumerate(levels):
        if not is_level(level) or not matches(level, expected):
            yield f"{place}[{index}]: found {level!r}, expected {expected.__name__} like {default!r} ({ONE_LEVEL})"
        elif level in levels[:index]:
            yield f"{place}[{index}]: {level!r} stands there twice; name each value once"


def outside(space: Space, values: Mapping[str, Any]) -> Iterator[str]:
    """Why values are no point of a space."""
    if list(values) != list(space):
        yield f"it has {', '.join(values) or 'nothing'}, the space has {', '.join(space)}"
        return
    for name, one in space.items():
        value = values[name]
        if isinstance(one, Choices):
            if not any(type(value) is type(level) and value == level for level in one.levels):
                yield f"{name} is {value!r:.40}, none of its choices"
        elif not matches(value, float) or not one.low <= value <= one.high:
            yield f"{name} is {value!r:.40}, which is not from {one.low!r} to {one.high!r}"
