"""`searches` of results.json: every search of a campaign, its trials, and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A trial that was suggested."""

    trial: int
    """Its number in the search, from 1."""
    ordinal: int
    """The planned run that it is."""
    values: Mapping[str, str | int | float | bool]
    """Parameter -> what was suggested."""
    folder: str | None
    """The run that counts; null where the trial has not ended."""
    objective: float | None
    """What was registered; null where it gave no number."""
    reason: str | None
    """Why it gave none."""
    energy_wh: Number | None
    """Energy of that run, Wh; null where it is not known."""
    induced_energy_wh: Number | None
    """The same less the baseline, Wh."""
    duration_s: Number | None
    """Length of its rating interval, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAttempt:
    """An attempt at a trial that is not the one that counts: cut off, or thrown out and repeated. Its energy is the
    search's all the same."""

    trial: int
    """The trial that it was an attempt at."""
    folder: str
    """Its run."""
    reason: str | None
    """Why it does not count."""
    duration_s: Number | None
    """How long it was measured: its rating interval, or from its beginning to the last reading, s."""
    energy_wh: Number | None
    """Energy over that time, Wh; null where nothing of it was read."""
    induced_energy_wh: Number | None
    """The same less the baseline, Wh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSearch:
    """What the suggestions took on the workload generator. No meter stands there, so their energy is not measured and
    in no sum."""

    suggestions: int
    """How many were computed."""
    cpu_s: Number
    """CPU time of all of them, s."""
    duration_s: Number
    """Time that they took, s."""
    energy_wh: Number | None
    """Null: not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One search: one repetition of a scenario whose parameters are searched. Its energy is the sum over everything
    that was run for it; what all trials share (baseline, meter) counts once in U, and not once for each trial."""

    scenario: str
    """The scenario that searches."""
    search: int
    """Which repetition, from 1."""
    strategy: str
    """How it suggests."""
    objective: str
    """Key of summary.json."""
    direction: str
    """`maximise` or `minimise`."""
    rounds: int
    """Trials that are planned."""
    ended: int
    """Trials that have ended."""
    without_value: int
    """Of these, trials that gave no number."""
    best_trial: int | None
    """The first trial with the best objective; null where none gave a number."""
    best_objective: float | None
    """Its objective."""
    energy_wh: Number | None
    """Energy of all trials and cut attempts together, Wh; `n` of them."""
    induced_energy_wh: Number | None
    """The same less the baseline, Wh."""
    until_best_wh: Number | None
    """Induced energy up to the end of the best trial, cut attempts before it included, Wh."""
    cut_energy_wh: Number | None
    """Energy of the cut attempts alone, part of the sum, Wh; null where there are none."""
    cut_induced_energy_wh: Number | None
    """The same less the baseline, Wh."""
    unknown: tuple[str, ...]
    """Runs for it whose energy is not known: then the sums are too small."""
    host: HostSearch
    """What suggesting took."""
    trials: tuple[TrialResult, ...]
    """In their order, as far as they were suggested."""
    cut: tuple[CutAttempt, ...]
    """In the order in which they were begun."""
