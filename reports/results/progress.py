"""How far searches have come, as study.json has it: the best so far after each round, when that was near enough to the
end, and what was spent until then.

Knows its keys. Computes nothing: `reports.study.progress` does.
"""

from dataclasses import dataclass

from reports.results.cell import Cell, Filter
from reports.results.relation import Better
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """One search: a strategy at one panel, or one repetition of it."""

    repetition: str | None
    """What tells it from the others; null where there is one search."""
    n_rounds: int
    """Rounds."""
    n_runs: int
    """Runs, failed ones too."""
    n_without: int
    """Runs of them without a value of the response: they are in no round's mean, and what they spent counts."""
    best: float | None
    """Best mean of a round; null where no run has a value."""
    best_round: float | None
    """The first round that has it."""
    converged_round: float | None
    """The first round whose best so far is within the tolerance of `best`."""
    runs_until: int
    """Runs up to that round."""
    spent_until: Number | None
    """What they spent, with u where the file names it; null where the file names no such response, or a run does not
    say what it spent."""
    spent: Number | None
    """The same of all rounds."""
    n_unknown: int
    """Runs that do not say what they spent, or in which round they were."""


@dataclass(frozen=True, slots=True)
class ProgressCurve(Cell):
    """One strategy at one panel: all its searches."""

    rounds: tuple[float, ...]
    """Rounds in which all of its searches have a best so far, as far as all of them go."""
    best: tuple[float, ...]
    """Best so far, mean over the searches."""
    low: tuple[float, ...]
    """Lower end of the mean's 95 % interval (Student's t over the searches, each round by itself); empty below three
    searches."""
    high: tuple[float, ...]
    """Upper end."""
    searches: tuple[SearchProgress, ...]
    """Its searches."""


@dataclass(frozen=True, slots=True)
class ProgressResult:
    """How good are searches after each round?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response that is searched for."""
    better: Better
    """What is better of it."""
    round: str
    """Name of the response that says which round a run is of."""
    strategy: str
    """Factor whose levels are the strategies."""
    panels: tuple[str, ...]
    """Factors whose combinations are searches of something else each."""
    repetitions: str | None
    """Header of the column that tells searches apart; null where there is one for each strategy and panel."""
    tolerance: float
    """In the response's unit."""
    spent: str | None
    """Name of the response that says what a run spent; null where the file names none."""
    filter: Filter
    """Which rows it uses."""
    curves: tuple[ProgressCurve, ...]
    """Every strategy at every panel, in declared order."""
