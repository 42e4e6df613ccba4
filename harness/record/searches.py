"""Searches by a campaign's log: which planned runs are trials, what each was to be run with, what it gave.

Knows the entries `plan`, `suggestion` and `registered`. Knows no strategy and no file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.record.documents import Json, Start
from harness.record.entries import Entry, Plan, Registered, Suggestion, of


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A planned run that is a trial: the `trial`th of the `search`th search of its scenario, both from 1."""

    ordinal: int
    scenario: str
    search: int
    trial: int
    suggestion: Suggestion | None
    """What it is run with; None: not suggested yet."""
    registered: Registered | None
    """What it gave; None: it has not ended."""


def is_trial(run: Json) -> bool:
    """Whether a planned run is a trial of a search."""
    return isinstance(run.get("scenario"), str) and all(_is_count(run.get(key)) for key in COUNTS)


def trials_of(entries: Sequence[Entry]) -> list[Trial]:
    """Every trial, in the order of the plan. Of a log that says a thing twice, the first counts."""
    suggested: dict[int, Suggestion] = {}
    ended: dict[int, Registered] = {}
    for one in of(Suggestion, entries):
        suggested.setdefault(one.ordinal, one)
    for other in of(Registered, entries):
        ended.setdefault(other.ordinal, other)
    return [
        Trial(
            ordinal=run["ordinal"], scenario=run["scenario"], search=run["search"], trial=run["trial"],
            suggestion=suggested.get(run["ordinal"]), registered=ended.get(run["ordinal"]),
        )
        for run in _planned(entries)
    ]  # fmt: skip


def _planned(entries: Sequence[Entry]) -> Iterator[Json]:
    for plan in of(Plan, entries):
        yield from filter(is_trial, plan.runs)


COUNTS = ("ordinal", "search", "trial")


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def section_of(config: Any, table: str) -> Json:  # noqa: ANN401  a decoded document
    """The table `search` of a scenario's table in a configuration; empty where there is none."""
    for key in ("scenarios", table, "search"):
        config = config.get(key) if isinstance(config, dict) else None
    return config if isinstance(config, dict) else {}


def declared_for(start: Start) -> Json:
    """The search of a run's scenario, as its configuration declares it; empty where it has none."""
    return section_of(start.config, str(start.scenario_config.get("cell_of", start.scenario)))


def stated_parameters(start: Start) -> Json:
    """The parameters of a run's scenario without those that its search sets, in each trial otherwise."""
    parameters, space = start.scenario_config.get("parameters"), declared_for(start).get("space")
    if not isinstance(parameters, dict):
        return {}
    return {name: value for name, value in parameters.items() if not isinstance(space, dict) or name not in space}
